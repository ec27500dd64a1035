"""The pages of schemes: the editor by plain forms, the preview, the scores and the points given by hand."""

from __future__ import annotations

import re
from html import unescape

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.accounts.commands import CreatePerson
from app.run import SYSTEM, run
from tests.ranking_facts import Facts, october, small_city

PASSWORD = "a long enough one"
PEOPLE = {
    "assessor": (41, "assessor"),
    "supervisor": (41, "supervisor"),
    "east": (111, "unit_manager"),
    "dispatcher": (41, "dispatcher"),
}


@pytest.fixture
def facts(session: Session) -> Facts:
    facts = small_city(session)
    session.commit()
    for login, (unit_id, role) in PEOPLE.items():
        run(CreatePerson(unit_id, login, login, roles=(role,), password=PASSWORD), actor=SYSTEM)
    session.execute(text("UPDATE people SET must_change_password = FALSE"))
    facts.closed(11, due=october(10), done=october(9), closed=october(11), reworks=1)
    facts.closed(11, due=october(10), done=october(12), closed=october(13))
    facts.closed(12, due=october(25), done=october(24), closed=october(25))
    session.commit()
    return facts


def as_(client: FlaskClient, login: str) -> FlaskClient:
    client.post("/sign-out")
    client.post("/sign-in", data={"login": login, "password": PASSWORD})
    return client


def start(client: FlaskClient, base: str = "shipped:jinhua") -> str:
    answer = as_(client, "assessor").post("/schemes", data={"base": base, "name": "本市方案"})
    assert answer.status_code == 302
    return str(answer.headers["Location"])


def fields(page: str) -> dict[str, str]:
    """Return what the editor's form would send."""
    form = page[page.index('id="scheme"') :]
    form = form[: form.index("</form>")]
    found = {}
    for tag in re.findall(r"<input[^>]*>", form):
        name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
        if name and ('type="checkbox"' not in tag or " checked" in tag):
            found[name[1]] = unescape(value[1]) if value else ""
    for name, content in re.findall(
        r'<textarea[^>]*name="([^"]*)"[^>]*>(.*?)</textarea>', form, re.DOTALL
    ):
        found[name] = unescape(content)
    for name, content in re.findall(
        r'<select[^>]*name="([^"]*)"[^>]*>(.*?)</select>', form, re.DOTALL
    ):
        options = re.findall(r'<option value="([^"]*)"( selected)?', content)
        chosen = [value for value, selected in options if selected]
        found[name] = chosen[0] if chosen else options[0][0]
    return found


def legends(page: str) -> list[str]:
    return re.findall(r"<legend>(.*?)</legend>", page)


def test_list_offers_the_shipped_shapes(client: FlaskClient, facts: Facts) -> None:
    page = as_(client, "assessor").get("/schemes").text
    for name in ("金华式", "扬州式（县区）", "区域评价指数式", "太原公告式"):
        assert name in page
    assert "还没有方案生效" in page
    assert as_(client, "dispatcher").get("/schemes").status_code == 403
    assert "起草方案" not in as_(client, "supervisor").get("/schemes").text


def test_draft_begins_from_a_shape_and_comes_back_unchanged(
    client: FlaskClient, facts: Facts
) -> None:
    where = start(client)
    page = client.get(where).text
    assert legends(page)[2:5] == [
        "第 3 行 · 紧急问题",
        "第 3.1 行 · 紧急结案率",
        "第 3.2 行 · 紧急按期结案率",
    ]
    before = facts.session.execute(text("SELECT data FROM assessment_schemes")).scalar_one()
    answer = client.post(where, data=fields(page) | {"action": "save"})
    assert (answer.status_code, answer.headers["Location"]) == (302, where)
    facts.session.expire_all()
    after = facts.session.execute(text("SELECT data FROM assessment_schemes")).scalar_one()
    assert after == before


@pytest.mark.parametrize("base", ["yangzhou", "area_index", "taiyuan"])
def test_other_shapes_pass_through_the_editor(client: FlaskClient, facts: Facts, base: str) -> None:
    where = start(client, f"shipped:{base}")
    before = facts.session.execute(text("SELECT data FROM assessment_schemes")).scalar_one()
    sent = fields(client.get(where).text)
    assert client.post(where, data=sent | {"action": "save"}).status_code == 302
    facts.session.expire_all()
    after = facts.session.execute(text("SELECT data FROM assessment_schemes")).scalar_one()
    assert after == before


def test_rows_are_added_moved_and_removed_without_saving(client: FlaskClient, facts: Facts) -> None:
    where = start(client)
    sent = fields(client.get(where).text)
    page = client.post(where, data=sent | {"action": "down-0"}).text
    assert legends(page)[:2] == ["第 1 行 · 结案率", "第 2 行 · 按期结案率"]
    assert re.search(r'<select id="row-1-kind"[^>]* autofocus', page)
    page = client.post(where, data=fields(page) | {"action": "add-8"}).text
    assert len(legends(page)) == 10
    page = client.post(where, data=fields(page) | {"action": "remove-0"}).text
    assert legends(page)[0] == "第 1 行 · 按期结案率"
    assert "结案率" in legends(client.get(where).text)[1]


def test_change_of_the_way_of_counting_shows_its_fields_and_keeps_the_place(
    client: FlaskClient, facts: Facts
) -> None:
    where = start(client)
    sent = fields(client.get(where).text) | {"row-1-kind": "bands", "action": "refresh-1"}
    page = client.post(where, data=sent).text
    assert 'textarea id="row-1-bands"' in page
    assert 'id="row-1-target"' not in page
    assert fields(page)["row-1-target"] == "90"
    assert re.search(r'<select id="row-1-kind"[^>]* autofocus', page)


def test_fault_stands_at_its_field_and_what_was_typed_stays(
    client: FlaskClient, facts: Facts
) -> None:
    where = start(client)
    sent = fields(client.get(where).text)
    wrong = {"action": "save", "row-0-points": "60", "row-3-each": "0", "row-6-indicator": ""}
    answer = client.post(where, data=sent | wrong)
    assert answer.status_code == 422
    assert 'href="#row-3-each">第 3.1 行：须大于 0，现为 0' in answer.text
    assert 'href="#row-6-indicator">第 4.1 行：请选择指标' in answer.text
    assert re.search(r'id="row-3-each"[^>]*value="0"[^>]*aria-invalid="true"', answer.text)
    answer = client.post(where, data=sent | {"action": "save", "row-0-points": "60"})
    assert "与总分 85 不符" in answer.text
    assert 'value="60"' in answer.text


def test_row_without_its_group_and_bands_that_do_not_join_are_refused(
    client: FlaskClient, facts: Facts
) -> None:
    where = start(client, "shipped:area_index")
    sent = fields(client.get(where).text) | {"action": "save"}
    answer = client.post(where, data=sent | {"row-0-inner": "1"})
    assert 'href="#row-0-inner"' in answer.text
    answer = client.post(where, data=sent | {"row-1-bands": "0 3 90\n4 - 0"})
    assert "第 2 行：第 2 档从 4 起，前面空了一段" in answer.text
    answer = client.post(where, data=sent | {"row-1-bands": "0 3"})
    assert "应写作“0 3 90”" in answer.text


def test_stale_form_does_not_write_over_another_s_work(client: FlaskClient, facts: Facts) -> None:
    where = start(client)
    sent = fields(client.get(where).text) | {"action": "save"}
    assert client.post(where, data=sent).status_code == 302
    assert client.post(where, data=sent).status_code == 409


def test_preview_shows_who_moves_and_opens_to_the_arithmetic(
    client: FlaskClient, facts: Facts
) -> None:
    where = start(client)
    page = client.get(f"{where}/preview").text
    assert "2025年10月" in page
    assert "按期结案率 20.00" in page
    assert "50.00%，比 70% 低 20 个百分点，扣 20 × 1 = 20 分：50 − 20 = 30.00 分" in page
    assert client.get(f"{where}/preview?month=2025-08").status_code == 200
    assert as_(client, "east").get(f"{where}/preview").status_code == 403


def test_second_person_adopts_and_the_month_is_scored(client: FlaskClient, facts: Facts) -> None:
    where = start(client)
    assert "请另一位考核员或督察员在这里审定" in client.get(where).text
    page = as_(client, "supervisor").get(where).text
    seen = re.search(r'name="seen" value="(\d+)"', page)
    assert seen is not None
    wrong = {"valid_from": "soon", "seen": seen[1]}
    assert client.post(f"{where}/adopt", data=wrong).status_code == 422
    answer = client.post(f"{where}/adopt", data={"valid_from": "2025-10", "seen": seen[1]})
    assert answer.status_code == 302
    page = client.get("/ranking/2025-10/scores").text
    assert "方案：本市方案，按“总分”排名" in page
    # East: 50 - 20, 20, 10, 5 - 0.2.
    assert "64.80" in page
    assert "85.00" in page
    assert "不得分" not in client.get(where).text


def test_unit_sees_its_own_scores_only(client: FlaskClient, facts: Facts) -> None:
    page = as_(client, "east").get("/ranking/2025-10/scores").text
    assert "东区" in page
    assert "西区" not in page
    assert "考核方案" not in page


def test_points_are_given_on_a_page(client: FlaskClient, facts: Facts) -> None:
    where = start(client, "shipped:yangzhou")
    as_(client, "supervisor").post(f"{where}/adopt", data={"valid_from": "2025-10", "seen": "1"})
    page = as_(client, "assessor").get("/ranking/2025-10/marks").text
    assert 'name="12.campaigns"' in page
    answer = client.post("/ranking/2025-10/marks", data={"12.campaigns": "12", "12.events": "x"})
    assert answer.status_code == 422
    answer = client.post("/ranking/2025-10/marks", data={"12.campaigns": "12", "12.events": "1"})
    assert 'href="#12.campaigns"' in answer.text
    assert client.post("/ranking/2025-10/marks", data={"12.campaigns": "8.5"}).status_code == 302
    assert "录入 8.50 分，满分 10 分" in client.get("/ranking/2025-10/scores").text
    assert client.get("/ranking/2025-08/marks").status_code == 200


@pytest.mark.parametrize("base", ["", "shipped:none", "scheme:x", "scheme:999999999999999999999"])
def test_draft_from_nowhere_is_refused(client: FlaskClient, facts: Facts, base: str) -> None:
    answer = as_(client, "assessor").post("/schemes", data={"base": base, "name": "x"})
    assert answer.status_code == 422
    assert client.get("/schemes/999").status_code == 404
