"""The ranking's pages: who sees what, and that each figure opens to its cases."""

from __future__ import annotations

import re
from io import BytesIO

import pytest
from flask.testing import FlaskClient
from openpyxl import load_workbook
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.accounts.commands import CreatePerson
from app.clock import FixedClock
from app.run import SYSTEM, run
from app.settings import Settings
from app.web.build import BUILT, FONTS
from tests.ranking_facts import Facts, november, october, september, small_city

PASSWORD = "a long enough one"
OFFICE = "application/vnd.openxmlformats-officedocument."
# What is sent -> what it says it is, and how it begins.
FILES = {
    "ranking.xlsx": (f"{OFFICE}spreadsheetml.sheet", b"PK"),
    "notice.pdf": ("application/pdf", b"%PDF"),
    "notice.docx": (f"{OFFICE}wordprocessingml.document", b"PK"),
    "notice.csv": ("text/csv; charset=utf-8", b"\xef\xbb\xbf"),
}
needs_fonts = pytest.mark.skipif(
    not all((BUILT / name).is_file() for name in FONTS.values()),
    reason="the pages' files are not built: python -m app.web.build",
)
PEOPLE = {
    "assessor": (41, "assessor"),
    "east": (111, "unit_manager"),
    "west": (12, "unit_handler"),
    "dispatcher": (41, "dispatcher"),
}


@pytest.fixture
def facts(session: Session) -> Facts:
    facts = small_city(session)
    session.commit()
    for login, (unit_id, role) in PEOPLE.items():
        run(CreatePerson(unit_id, login, login, roles=(role,), password=PASSWORD), actor=SYSTEM)
    session.execute(text("UPDATE people SET must_change_password = FALSE"))
    facts.closed(11, due=october(10), done=october(9), closed=october(11))
    facts.closed(111, due=october(10), done=october(12), closed=october(13), reworks=1)
    facts.dispatch(
        11,
        (september(20), {"due_at": september(25), "extensions": 1}),
        (october(7), {"unfounded_returns": 1}),
    )
    facts.open(11, due=october(25), on_hold=True)
    facts.open(12, due=october(25))
    session.commit()
    return facts


def as_(client: FlaskClient, login: str) -> FlaskClient:
    client.post("/sign-in", data={"login": login, "password": PASSWORD})
    return client


def cells(page: str) -> list[list[str]]:
    """Return the text of each row's cells."""
    rows = re.findall(r"<tr>(.*?)</tr>", page, re.DOTALL)
    return [
        [
            re.sub(r"<[^>]+>|\s+", "", cell)
            for cell in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row, re.DOTALL)
        ]
        for row in rows
    ]


def figures(page: str, unit: str) -> list[str]:
    return next(row for row in cells(page) if unit in row)


def test_front_door_leads_to_the_last_month_that_is_over(client: FlaskClient, facts: Facts) -> None:
    assert as_(client, "assessor").get("/ranking").headers["Location"] == "/ranking/2025-10"
    assert client.get("/ranking?month=2025-08").headers["Location"] == "/ranking/2025-08"


def test_stranger_is_led_to_the_door(client: FlaskClient, facts: Facts) -> None:
    answer = client.get("/ranking/2025-10")
    assert answer.status_code == 302
    assert "/sign-in" in answer.headers["Location"]


def test_month_shows_every_group_with_rates_and_ranks(client: FlaskClient, facts: Facts) -> None:
    page = as_(client, "assessor").get("/ranking/2025-10").text
    # D1: due 3 (one carried over), closed 2, on time 1; 1 of 3 extended, 1 of 2 reworked; one unfounded return.
    assert figures(page, "东区") == [
        "1—名次与上月相同", "东区", "3", "2", "1", "66.67%", "33.33%", "33.33%", "50.00%", "50.00%",
        "1", "1", "0", "0", "按期结案率：2025-090.00%，2025-1033.33%",
    ]  # fmt: skip
    assert figures(page, "西区")[:3] == ["2", "西区", "1"]
    assert figures(page, "南区")[0] == "—"
    assert figures(page, "供水集团")[5:7] == ["无数据", "无数据"]
    assert "区县" in page
    assert "社会责任单位" in page
    assert "按期结案数 ÷ 应结案数 × 100%" in page


def test_every_figure_but_nought_is_a_link(client: FlaskClient, facts: Facts) -> None:
    page = as_(client, "assessor").get("/ranking/2025-10").text
    for code in ("due", "closed", "on_time", "closing_rate", "rework_rate", "unfounded_returns"):
        assert f'href="/ranking/2025-10/D1/{code}"' in page
    assert "/ranking/2025-10/D1/media_supervisions" not in page
    assert "/ranking/2025-10/D3/due" not in page


def test_figure_opens_to_its_cases_with_why_each_counts(client: FlaskClient, facts: Facts) -> None:
    page = as_(client, "assessor").get("/ranking/2025-10/D1/due").text
    assert re.findall(r'data-reason="(\w+)"', page) == [
        "due_in_period",
        "due_in_period",
        "carried_over",
    ]
    assert re.findall(r'href="/cases/(\d+)"', page) == [
        "20251001000001", "20251001000002", "20251001000003",
    ]  # fmt: skip
    assert "另有 1 件不计入" in page
    assert (
        '<a class="button" href="/ranking/2025-10/D1/due?reason=due_in_period">本期到期 2</a>'
        in page
    )
    assert 'href="/ranking/2025-10/D1/left_out"' in page


def test_cases_of_one_reason(client: FlaskClient, facts: Facts) -> None:
    page = as_(client, "assessor").get("/ranking/2025-10/D1/due?reason=carried_over").text
    assert re.findall(r'data-reason="(\w+)"', page) == ["carried_over"]
    assert client.get("/ranking/2025-10/D1/due?reason=void").status_code == 404


def test_case_left_out_says_why(client: FlaskClient, facts: Facts) -> None:
    page = as_(client, "assessor").get("/ranking/2025-10/D1/left_out").text
    assert re.findall(r'data-reason="(\w+)"', page) == ["held"]
    assert "期末挂账" in page


def test_matter_put_right_on_the_spot_opens_too(client: FlaskClient, facts: Facts) -> None:
    facts.case(closed_as="self_handled", closed_at=october(3), district_code="140107")
    facts.session.commit()
    page = as_(client, "assessor").get("/ranking/2025-10/D2/self_handled").text
    assert re.findall(r'data-reason="(\w+)"', page) == ["self_handled"]


def test_rate_shows_its_arithmetic_and_the_cases_below_the_line(
    client: FlaskClient, facts: Facts
) -> None:
    page = as_(client, "assessor").get("/ranking/2025-10/D1/on_time_closing_rate").text
    said = re.sub(r"<[^>]+>|\s+", "", page)
    assert "按期结案率=按期结案数1÷应结案数3=33.33%" in said
    assert len(re.findall(r"data-reason", page)) == 3
    assert 'href="/ranking/2025-10/D1/on_time"' in page


def test_long_list_goes_on_after_its_last_line(
    client: FlaskClient, facts: Facts, settings: Settings
) -> None:
    for _ in range(settings.page_size):
        facts.open(12, due=october(25))
    facts.session.commit()
    first = as_(client, "assessor").get("/ranking/2025-10/D2/due").text
    numbers = re.findall(r'href="/cases/(\d+)"', first)
    following = re.search(r'href="([^"]+)" rel="next"', first)
    assert following is not None
    second = client.get(following[1].replace("&amp;", "&")).text
    more = re.findall(r'href="/cases/(\d+)"', second)
    assert (len(numbers), len(more)) == (settings.page_size, 1)
    assert len({*numbers, *more}) == settings.page_size + 1
    assert 'rel="next"' not in second


def test_running_month_carries_its_moment_into_every_link(
    client: FlaskClient, facts: Facts, clock: FixedClock
) -> None:
    page = as_(client, "assessor").get("/ranking/2025-11").text
    assert "本月未完" in page
    link = re.search(r'href="(/ranking/2025-11/D2/due[^"]*)"', page)
    assert link is not None
    assert "as_of=2025-11-25T01" in link[1]
    # A case that falls due after the page was drawn is not in the list it opens to.
    facts.dispatch(12, (november(20), {"due_at": november(25, 10)}))
    facts.session.commit()
    clock.move_to(november(25, 12))
    opened = client.get(link[1].replace("&amp;", "&")).text
    assert len(re.findall("data-reason", opened)) == 1
    assert len(re.findall("data-reason", client.get("/ranking/2025-11/D2/due").text)) == 2


def test_month_to_come_says_so(client: FlaskClient, facts: Facts) -> None:
    answer = as_(client, "assessor").get("/ranking/2026-02")
    assert answer.status_code == 200
    assert "还没有开始" in answer.text
    for name in FILES:
        assert client.get(f"/ranking/2026-02/{name}").status_code == 404


def test_unit_sees_its_own_line_with_its_rank_among_all(client: FlaskClient, facts: Facts) -> None:
    page = as_(client, "east").get("/ranking/2025-10").text
    assert figures(page, "东区")[0].startswith("1")
    assert "西区" not in page
    assert "合计" not in page
    assert not any(name in page for name in FILES)
    assert client.get("/ranking/2025-10/D1/due").status_code == 200
    assert client.get("/ranking/2025-10/D2/due").status_code == 403
    for name in FILES:
        assert client.get(f"/ranking/2025-10/{name}").status_code == 403


def test_who_belongs_to_no_ranked_unit_is_told_so(client: FlaskClient, facts: Facts) -> None:
    page = as_(client, "dispatcher").get("/ranking/2025-10").text
    assert "您所在的单位不参加排名" in page
    assert "东区" not in page


def test_city_without_ranked_units_says_what_fills_the_page(
    client: FlaskClient, facts: Facts
) -> None:
    facts.session.execute(text("UPDATE units SET rank_group = NULL"))
    facts.session.commit()
    assert "还没有参加排名的单位" in as_(client, "assessor").get("/ranking/2025-10").text


@needs_fonts
@pytest.mark.parametrize("name", FILES)
def test_notice_is_sent_in_every_format(client: FlaskClient, facts: Facts, name: str) -> None:
    assert name in as_(client, "assessor").get("/ranking/2025-10").text
    answer = client.get(f"/ranking/2025-10/{name}")
    assert answer.status_code == 200
    file_name = name.replace(".", "-2025-10.")
    assert f'filename="{file_name}"' in answer.headers["Content-Disposition"]
    kind, begins = FILES[name]
    assert answer.content_type == kind
    assert answer.data.startswith(begins)


def test_workbook_has_links_to_the_cases(client: FlaskClient, facts: Facts) -> None:
    answer = as_(client, "assessor").get("/ranking/2025-10/ranking.xlsx")
    book = load_workbook(BytesIO(answer.data))
    links = [str(cell.value) for cell in book["东区"]["A"] if "/cases/" in str(cell.value)]
    assert links
    assert all(link.startswith('=HYPERLINK("http://localhost/cases/2025') for link in links)


def test_english_reader_reads_english(client: FlaskClient, facts: Facts) -> None:
    client.set_cookie("language", "en")
    page = as_(client, "assessor").get("/ranking/2025-10").text
    assert "On-time closing rate" in page
    assert "Ranking for October 2025" in page
    assert figures(page, "East")[2] == "3"
    assert "No data" in page
    opened = client.get("/ranking/2025-10/D1/due").text
    assert "carried over, still open" in opened
    body = opened.partition('<div class="ranking">')[2].partition("</main>")[0]
    assert re.findall(r"[\u4e00-\u9fff]+", body.replace("路边垃圾", "")) == []


@pytest.mark.parametrize(
    "path",
    [
        "/ranking/2025-13",
        "/ranking/x",
        "/ranking/2025-10/NONE/due",
        "/ranking/2025-10/C1/due",
        "/ranking/2025-10/D1/nothing",
        "/ranking/2025-10/D1/due?after=x",
        "/ranking/2025-10/D1/due?reason=x",
        "/ranking/2025-10?as_of=x",
        "/ranking/2025-10?as_of=2025-10-31T10:00",
        "/ranking/2025-10?as_of=2025-09-01T00:00%2B08:00",
        "/ranking?month=x",
    ],
)
def test_address_that_means_nothing_is_not_found(
    client: FlaskClient, facts: Facts, path: str
) -> None:
    assert as_(client, "assessor").get(path).status_code == 404


def test_title_from_outside_is_escaped(client: FlaskClient, facts: Facts) -> None:
    case_id = facts.case(title="<script>alert(1)</script>")
    facts.dispatch(12, (october(8), {"due_at": october(10)}), case_id=case_id)
    facts.session.commit()
    page = as_(client, "assessor").get("/ranking/2025-10/D2/due").text
    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page
