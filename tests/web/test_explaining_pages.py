"""The pages that explain figures: who sees what, that parts add up, and that bad addresses say so."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.accounts.commands import CreatePerson
from app.clock import FixedClock
from app.run import SYSTEM, run
from tests.ranking_facts import Facts, november, october, september, small_city
from tests.web.test_ranking_pages import PASSWORD, as_, cells, facts, figures

__all__ = ["facts"]

PAGES_OF_EAST = (
    "/ranking/2025-10/units/D1",
    "/ranking/2025-10/D1/cases/20251001000001",
    "/ranking/compare?unit=D1&month=2025-10&other=D1&other_month=2025-09",
    "/ranking/2025-10/breakdown?unit=D1",
    "/ranking/2025-10/map?unit=D1",
    "/ranking/2025-11/forecast?unit=D1",
    "/ranking/period?from=2025-10-01&to=2025-12-31&unit=D1",
    "/ranking/period/cases?from=2025-10-01&to=2025-10-31&unit=D1&by=class&key=E-01-02&code=due",
)


def words(page: str) -> str:
    """Return the text of a page without its marks."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


@pytest.mark.parametrize("path", PAGES_OF_EAST)
def test_unit_opens_its_own_pages_and_no_other_s(
    client: FlaskClient, facts: Facts, path: str
) -> None:
    assert as_(client, "east").get(path).status_code == 200
    client.post("/sign-out")
    assert as_(client, "west").get(path).status_code == 403


@pytest.mark.parametrize("path", PAGES_OF_EAST)
def test_english_reader_reads_english(client: FlaskClient, facts: Facts, path: str) -> None:
    client.set_cookie("language", "en")
    page = as_(client, "assessor").get(path).text
    body = page.partition("<main")[2].partition("</main>")[0]
    # The names of the made-up matter and of the grids are in Chinese alone.
    assert re.findall(r"[\u4e00-\u9fff]+", re.sub("路边垃圾|太原|中文", "", body)) == []


def test_unit_without_a_filter_sees_itself_alone(client: FlaskClient, facts: Facts) -> None:
    page = as_(client, "east").get("/ranking/2025-10/breakdown?by=unit").text
    assert "西区" not in page
    assert cells(page)[1][:2] == ["东区", "3"]
    assert "西区" not in client.get("/ranking/2025-11/forecast").text
    assert "西区" not in client.get("/ranking/compare").text


@pytest.mark.parametrize(
    "path", ["2025-10/breakdown", "2025-10/map", "2025-11/forecast", "compare"]
)
def test_who_belongs_to_no_ranked_unit_is_told_so(
    client: FlaskClient, facts: Facts, path: str
) -> None:
    page = as_(client, "dispatcher").get(f"/ranking/{path}").text
    assert "您所在的单位不参加排名" in page
    assert "东区" not in page


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/ranking/2025-13/breakdown", 404),
        ("/ranking/2025-10/breakdown?by=x", 404),
        ("/ranking/2025-10/breakdown?after=x", 404),
        ("/ranking/2025-10/breakdown?unit=NONE", 404),
        ("/ranking/2025-10/map?figure=x", 404),
        ("/ranking/2025-10/units/NONE", 404),
        ("/ranking/2025-10/units/C1", 404),
        ("/ranking/2026-05/units/D1", 404),
        ("/ranking/2025-10/D1/cases/1", 404),
        ("/ranking/2025-10/D2/cases/20251001000001", 404),
        ("/ranking/2025-10/D1/due?among=x", 404),
        ("/ranking/x/forecast", 404),
        ("/ranking/compare?unit=D1&month=x", 404),
        ("/ranking/compare?unit=NONE", 404),
        ("/ranking/period/cases?from=x&to=2025-10-31", 404),
        ("/ranking/period?from=2025-10-32&to=2025-10-31", 422),
        ("/ranking/period?from=2025-10-31&to=2025-10-01", 422),
        ("/ranking/period?from=2025-10-31", 422),
        ("/ranking/period?from=2003-10-01&to=2025-10-01", 422),
        ("/ranking/period?from=2025-10-01&to=2098-10-01", 422),
    ],
)
def test_address_that_means_nothing_says_so(
    client: FlaskClient, facts: Facts, path: str, status: int
) -> None:
    assert as_(client, "assessor").get(path).status_code == status


def test_wrong_date_and_missing_calendar_are_named(client: FlaskClient, facts: Facts) -> None:
    page = as_(client, "assessor").get("/ranking/period?from=2025-10-31&to=2025-10-01").text
    assert "结束日期不能早于开始日期" in page
    assert 'value="2025-10-31"' in page
    page = client.get("/ranking/period?from=2025-12-01&to=2098-10-01").text
    assert re.search(r"20\d\d 年的工作日历尚未载入", page)


def test_unit_page_shows_figures_score_history_and_open_cases(
    client: FlaskClient, facts: Facts
) -> None:
    page = as_(client, "assessor").get("/ranking/2025-10/units/D1").text
    assert 'href="/ranking/2025-10/D1/on_time_closing_rate"' in page
    assert ["按期结案率", "33.33%", "无数据", "无数据", "无数据", "无数据"] in cells(page)
    assert figures(page, "2025年9月")[:4] == ["2025年9月", "1", "0.00%", "1"]
    assert "没有针对本月的申诉" in page
    # The case carried over is late and open; the one on hold is not.
    assert re.findall(r'/ranking/2025-10/D1/cases/(\d+)"', page) == ["20251001000003"]


def test_figure_of_a_population_opens_to_its_cases_alone(client: FlaskClient, facts: Facts) -> None:
    facts.closed(12, due=october(10), done=october(9), closed=october(11), urgent=True)
    facts.session.commit()
    page = as_(client, "assessor").get("/ranking/2025-10/units/D2").text
    assert 'href="/ranking/2025-10/D2/due?among=urgent"' in page
    opened = client.get("/ranking/2025-10/D2/closing_rate?among=urgent").text
    assert len(re.findall("data-reason", opened)) == 1
    assert "紧急案卷" in opened
    assert "= 100.00%" in words(opened)


def test_case_says_why_it_counts_sentence_by_sentence(client: FlaskClient, facts: Facts) -> None:
    page = words(as_(client, "assessor").get("/ranking/2025-10/D1/cases/20251001000002").text)
    assert "本期到期的案卷计入应结案数" in page
    assert "due_in_period: count" in page
    assert "10月12日 09:00 交回处置结果，晚于 10月10日 09:00 到期，计为超期。" in page
    assert "返工 1 次，计入返工案卷数。 已结案，计入返工后结案数，不计入一次完成数。" in page
    assert "超期结案数 +1" in page
    assert "按期结案数 +1" not in page
    assert "只计入分母“应结案数”" in page


def test_case_carried_over_says_its_extension_and_its_return(
    client: FlaskClient, facts: Facts
) -> None:
    page = words(as_(client, "assessor").get("/ranking/2025-10/D1/cases/20251001000003").text)
    assert "carried_over: count" in page
    assert "还没有结案，计入超期未结" in page
    assert "准予延期 1 次" in page
    assert "本期有 1 次退单被裁定不成立，计推诿 1 次。" in page
    assert "unfounded_returns: per_case" in page


def test_case_left_out_names_the_rule(client: FlaskClient, facts: Facts) -> None:
    page = words(as_(client, "assessor").get("/ranking/2025-10/D1/cases/20251001000004").text)
    assert "期末挂账" in page
    assert "held_at_end: leave_out" in page


def test_two_units_are_held_against_each_other(client: FlaskClient, facts: Facts) -> None:
    path = "/ranking/compare?unit=D1&month=2025-10&other=D2&other_month=2025-10"
    page = as_(client, "assessor").get(path).text
    # D1: three due, D2: one; 33.33% against 0.00%.
    assert figures(page, "应结案数") == ["应结案数", "3", "1", "−2"]
    assert figures(page, "按期结案率") == ["按期结案率", "33.33%", "0.00%", "−33.33"]


def test_line_that_makes_the_most_difference_is_named(client: FlaskClient, facts: Facts) -> None:
    facts.session.execute(text(SCORED_SCHEME))
    facts.session.commit()
    path = "/ranking/compare?unit=D1&month=2025-10&other=D1&other_month=2025-09"
    page = words(as_(client, "assessor").get(path).text)
    # 60 x (33.33% - 0%) = 20.00 and 40 x (66.67% - 0%) = 26.67 for closing.
    assert "差别最大的一行是“结案”：2025年10月比2025年9月多 26.67 分。" in page


SCORED_SCHEME = """
INSERT INTO assessment_schemes (name, edition, data, state, valid_from, note, version, created_by,
  created_at, changed_by, changed_at, adopted_by, adopted_at)
SELECT '试行', 1, '{"name": "试行", "total": 100, "lines": [
  {"kind": "weighted", "code": "on_time", "name": "按期", "indicator": "on_time_closing_rate", "points": 60},
  {"kind": "weighted", "code": "closing", "name": "结案", "indicator": "closing_rate", "points": 40}]}',
  'in_force', '2025-01-01', '', 1, a.id, '2025-01-01', a.id, '2025-01-01', b.id, '2025-01-01'
FROM people a, people b WHERE a.login = 'assessor' AND b.login = 'dispatcher'
"""


@pytest.mark.parametrize(
    "by", ["class", "major", "responsibility", "grid", "channel", "person", "unit", "group"]
)
def test_parts_add_up_to_the_ranking(client: FlaskClient, facts: Facts, by: str) -> None:
    facts.dispatch(12, (october(1), {"due_at": october(2), "class_code": "C-09-01"}))
    facts.dispatch(21, (october(1), {"due_at": october(2), "channel": "hotline"}))
    facts.session.commit()
    page = as_(client, "assessor").get(f"/ranking/2025-10/breakdown?by={by}").text
    *parts, total = cells(page)[1:]
    assert sum(int(row[1]) for row in parts) == int(total[1])
    ranked = as_(client, "assessor").get("/ranking/2025-10").text
    sums = [int(row[2]) for row in cells(ranked) if row[1] == "合计"]
    assert int(total[1]) == sum(sums) == 6


def test_part_opens_to_its_cases(client: FlaskClient, facts: Facts) -> None:
    facts.dispatch(21, (october(1), {"due_at": october(2), "channel": "hotline"}))
    facts.session.commit()
    page = as_(client, "assessor").get("/ranking/2025-10/breakdown?by=channel").text
    link = next(one for one in re.findall(r'href="([^"]+)"', page) if "key=hotline" in one)
    opened = client.get(link.replace("&amp;", "&")).text
    assert re.findall(r'href="/cases/(\d+)"', opened) == ["20251001000006"]


def test_long_breakdown_is_paged_and_sums_the_whole(client: FlaskClient, facts: Facts) -> None:
    for number in range(60):
        facts.dispatch(
            12, (october(1), {"due_at": october(2), "grid_code": f"1401070010010{number:02}"})
        )
    facts.session.commit()
    first = as_(client, "assessor").get("/ranking/2025-10/breakdown?by=grid").text
    following = re.search(r'href="([^"]+)" rel="next"', first)
    assert following is not None
    second = client.get(following[1].replace("&amp;", "&")).text
    rows = [cells(page)[1:-1] for page in (first, second)]
    assert [len(one) for one in rows] == [50, 11]
    assert cells(first)[-1][1] == cells(second)[-1][1] == "64"


def test_period_of_two_months_counts_what_was_due_in_both(
    client: FlaskClient, facts: Facts
) -> None:
    facts.closed(12, due=november(3), done=november(2), closed=november(4))
    facts.session.commit()
    path = "/ranking/period?from=2025-10-01&to=2025-11-30&by=unit"
    page = as_(client, "assessor").get(path).text
    assert figures(page, "西区")[1:4] == ["2", "1", "1"]
    assert "统计期未完" in page
    assert "还没有开始" in client.get("/ranking/period?from=2025-12-01&to=2025-12-31").text


def test_map_tells_the_same_as_its_table(client: FlaskClient, facts: Facts) -> None:
    facts.session.execute(text(GRIDS))
    facts.closed(12, due=october(10), done=october(9), closed=october(11), responsibility_code="R7")
    facts.session.commit()
    page = as_(client, "assessor").get("/ranking/2025-10/map").text
    drawn = re.search(r'data-areas="([^"]+)"', page)
    assert drawn is not None
    assert "七号网格 100.00%" in drawn[1].encode().decode("unicode_escape")
    assert figures(page, "七号网格R7")[1:] == ["100.00%", "1"]
    assert figures(client.get("/ranking/2025-10/map?figure=due").text, "七号网格R7")[1] == "1"


GRIDS = """
INSERT INTO districts (code, name, outline) VALUES ('140107', '西区',
  '{"type":"Polygon","coordinates":[[[112.5,37.8],[112.6,37.8],[112.6,37.9],[112.5,37.9],[112.5,37.8]]]}');
INSERT INTO responsibility_grids (code, district_code, name, outline) SELECT 'R7', code, '七号网格', outline
  FROM districts
"""


def test_forecast_says_the_least_and_the_best(
    client: FlaskClient, facts: Facts, clock: FixedClock
) -> None:
    clock.move_to(november(20))
    facts.closed(12, due=november(3), done=november(2), closed=november(4))
    facts.open(12, due=november(10))
    facts.dispatch(12, (november(19), {"due_at": november(25)}))
    facts.session.commit()
    page = words(as_(client, "west").get("/ranking/2025-11/forecast").text)
    # Due: three of November and the one carried over from October; one on time, one still to be won.
    assert "如果不再有变化，本月底按期结案率为 25.00%。" in page
    assert "如果未到期的都按期结案，本月底按期结案率为 50.00%。" in page
    assert "25.00 个百分点" in page
    assert "20251001000008" in page
    assert "20251001000007" not in page


def test_month_that_is_over_has_no_forecast(client: FlaskClient, facts: Facts) -> None:
    page = as_(client, "assessor").get("/ranking/2025-10/forecast").text
    assert "这个月已经过完" in page
    assert "还没有开始" in client.get("/ranking/2026-01/forecast").text


def test_move_against_the_month_before_is_shown(session: Session, client: FlaskClient) -> None:
    facts = small_city(session)
    for unit, september_done in ((11, september(20)), (12, september(22))):
        facts.closed(unit, due=september(21), done=september_done, closed=september(23))
    for unit, october_done in ((11, october(12)), (12, october(9))):
        facts.closed(unit, due=october(10), done=october_done, closed=october(13))
    session.commit()
    run(CreatePerson(41, "assessor", "x", roles=("assessor",), password=PASSWORD), actor=SYSTEM)
    session.execute(text("UPDATE people SET must_change_password = FALSE"))
    session.commit()
    page = as_(client, "assessor").get("/ranking/2025-10").text
    assert figures(page, "西区")[0] == "1▲1比上月上升1名"
    assert figures(page, "东区")[0] == "2▼1比上月下降1名"
