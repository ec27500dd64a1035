"""The pages of versions and of moving cases between them."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text as sql

from app.accounts.commands import CreatePerson
from app.accounts.roles import ANALYST, AUDITOR
from app.cases.effects import topics
from app.modeling.commands import DeployBundle
from app.run import SYSTEM, run
from tests.edited_diagrams import with_a_look_before_closing, with_the_review_renamed
from tests.factories import Desk
from tests.web.conftest import SignIn


def person(desk: Desk, signed: SignIn, role: str) -> FlaskClient:
    """Sign in as somebody of the city with a role."""
    person_id = run(
        CreatePerson(1, role, role, roles=(role,), password="a long enough one"), actor=SYSTEM
    )
    with desk.database.sessions() as session:
        session.execute(sql("UPDATE people SET must_change_password = FALSE"))
        session.commit()
    return signed(replace(SYSTEM, person_id=person_id))


def deploy(files: dict[str, bytes], note: str) -> str:
    return str(run(DeployBundle("case", files, topics(), note), actor=SYSTEM))


def pressed(client: FlaskClient, address: str, page: str, **extra: str) -> str:
    """Press the button of the form with the hidden fields it has."""
    form = page[page.index('id="progress"') :]
    fields = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', form))
    fields.pop("csrf_token", None)
    return client.post(address, data={**fields, **extra}, headers={"HX-Request": "true"}).text


@pytest.fixture
def analyst(desk: Desk, signed: SignIn) -> FlaskClient:
    return person(desk, signed, ANALYST)


def test_the_versions_say_which_is_in_use_and_how_many_cases_live_on_each(desk, analyst):
    desk.reported_case()
    new = deploy(with_a_look_before_closing(), "加一道复核")
    page = analyst.get("/modeling/versions").text
    assert "加一道复核" in page
    assert f"/modeling/versions/{desk.city.definition_hash}/move/{new}" in page


def test_a_move_runs_in_batches_to_its_end_and_one_case_is_taken_back(desk, analyst, monkeypatch):
    monkeypatch.setattr("app.cases.pages.moving.BATCH", 2)
    cases = [desk.reported_case(), desk.dispatched_case(), desk.handed_in_case()]
    new = deploy(with_a_look_before_closing(), "加一道复核")
    address = f"/modeling/versions/{desk.city.definition_hash}/move/{new}"
    page = analyst.get(address).text
    assert "迁移 3 件" in page
    first = pressed(analyst, address, page)
    assert "已迁移 2 件" in first
    assert 'hx-trigger="load' in first
    last = pressed(analyst, address, first)
    assert "已迁移 3 件" in last
    assert "迁移已做完" in last
    assert "hx-trigger" not in last
    moves = desk.rows("SELECT id FROM case_moves")
    assert len(moves) == 1
    listed = f"/modeling/moves/{moves[0]['id']}"
    assert analyst.get(listed).text.count("/undo/") == 3
    done = analyst.post(f"{listed}/undo/{cases[0]}", follow_redirects=True).text
    assert "已撤回" in done
    assert done.count("/undo/") == 2


def test_a_move_pressed_again_goes_on_with_the_cases_that_are_left(desk, analyst, monkeypatch):
    monkeypatch.setattr("app.cases.pages.moving.BATCH", 1)
    desk.reported_case()
    desk.reported_case()
    new = deploy(with_a_look_before_closing(), "")
    address = f"/modeling/versions/{desk.city.definition_hash}/move/{new}"
    pressed(analyst, address, analyst.get(address).text)
    again = analyst.get(address).text
    assert "迁移 1 件" in again
    assert "已迁移 1 件" in pressed(analyst, address, again)
    assert "这个版本上已没有在办案件" in analyst.get(address).text


def test_a_missing_element_is_offered_its_namesake_and_moves_after_the_choice(desk, analyst):
    case_id = desk.handed_in_case()
    new = deploy(with_the_review_renamed(), "")
    address = f"/modeling/versions/{desk.city.definition_hash}/move/{new}"
    page = analyst.get(address).text
    assert "新版本没有这个环节" in page
    assert '<option value="T_feedback" selected>' in page
    assert "现在没有可以迁移的案件" in page
    chosen = analyst.get(f"{address}?map-T_review=T_feedback").text
    assert "已迁移 1 件" in pressed(analyst, address, chosen)
    assert desk.open_elements(case_id) == ["T_feedback"]


def test_a_batch_says_which_cases_stay_and_why(desk, analyst):
    number = desk.case(desk.handed_in_case())["number"]
    desk.reported_case()
    new = deploy(with_the_review_renamed(), "")
    address = f"/modeling/versions/{desk.city.definition_hash}/move/{new}"
    done = pressed(analyst, address, analyst.get(address).text)
    assert "已迁移 1 件，未能迁移 1 件" in done
    assert f"{number}</a> 这个案件不能这样迁移到新版本" in done


def test_without_a_script_the_next_batch_is_a_button_away(desk, analyst, monkeypatch):
    monkeypatch.setattr("app.cases.pages.moving.BATCH", 1)
    desk.reported_case()
    new = deploy(with_a_look_before_closing(), "")
    address = f"/modeling/versions/{desk.city.definition_hash}/move/{new}"
    page = analyst.post(address, data={"total": "1"}).text
    assert "<!doctype html>" in page
    assert "接着迁移下一批" in page


def test_an_undo_that_comes_too_late_says_so(desk, analyst):
    case_id = desk.reported_case()
    new = deploy(with_a_look_before_closing(), "")
    address = f"/modeling/versions/{desk.city.definition_hash}/move/{new}"
    pressed(analyst, address, analyst.get(address).text)
    desk.do(case_id, "T_accept", desk.city.intake, "accept")
    move_id = desk.rows("SELECT id FROM case_moves")[0]["id"]
    page = analyst.post(f"/modeling/moves/{move_id}/undo/{case_id}", follow_redirects=True).text
    assert "迁移之后案件已有办理，不能再撤回" in page


def test_the_auditor_reads_and_presses_nothing(desk, signed):
    desk.reported_case()
    new = deploy(with_a_look_before_closing(), "")
    auditor = person(desk, signed, AUDITOR)
    address = f"/modeling/versions/{desk.city.definition_hash}/move/{new}"
    page = auditor.get(address)
    assert page.status_code == 200
    assert 'id="progress"' not in page.text
    assert auditor.post(address).status_code == 403


def test_others_do_not_open_the_versions(desk, signed):
    assert signed(desk.city.dispatcher).get("/modeling/versions").status_code == 403


def test_the_case_tells_of_its_move(desk, analyst, signed):
    case_id = desk.reported_case()
    new = deploy(with_a_look_before_closing(), "")
    address = f"/modeling/versions/{desk.city.definition_hash}/move/{new}"
    pressed(analyst, address, analyst.get(address).text)
    number = desk.case(case_id)["number"]
    page = signed(desk.city.intake).get(f"/cases/{number}").text
    assert f"迁移到版本 {new[:8]}" in page


def test_what_was_done_on_the_former_version_keeps_its_name(desk, analyst, signed):
    case_id = desk.closing_case()
    new = deploy(with_the_review_renamed(), "")
    address = f"/modeling/versions/{desk.city.definition_hash}/move/{new}"
    pressed(analyst, address, analyst.get(address).text)
    number = desk.case(case_id)["number"]
    page = signed(desk.city.intake).get(f"/cases/{number}").text
    assert "办结“反馈”" in page
    assert "办结“”" not in page
