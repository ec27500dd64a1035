"""Each desk's main job from signing in to done, by the people's own browsers and through pages alone."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from app.clock import FixedClock
from tests.browser.conftest import Readers
from tests.browser.people import Staff, add_analysts_and_administrator, named_in_latin
from tests.factories import Desk

# One pixel.
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)


@pytest.fixture(params=["zh", "en"])
def staff(request: pytest.FixtureRequest, readers: Readers, desk: Desk) -> Staff:
    add_analysts_and_administrator(desk)
    named = named_in_latin(desk) if request.param == "en" else desk
    return Staff(readers, named, request.param)


@pytest.fixture
def photo(tmp_path: Path) -> str:
    path = tmp_path / "after.png"
    path.write_bytes(PNG)
    return str(path)


def report(staff: Staff) -> str:
    """Let the collector report litter in the one grid of the city; return the case's number."""
    page = staff.open("collector", "/cases/new")
    page.fill("#title", "Litter by the road")
    page.fill("#lon", "112.55")
    page.fill("#lat", "37.87")
    page.click("form.report button.primary")
    page.wait_for_selector(".case-number a")
    staff.look(staff.at("collector"))
    return page.inner_text(".case-number a").strip()


def test_case_goes_from_report_to_closing_by_hand_of_everyone(staff: Staff, photo: str) -> None:
    desk = staff.desk
    number = report(staff)
    case_id = desk.rows("SELECT id FROM cases WHERE number = :it", it=number)[0]["id"]
    staff.do("intake", number, "accept")
    staff.do("intake", number, "file", class_code="E-01-02", condition_seq="1")
    assert desk.case(case_id)["stage"] == "dispatching"
    staff.do("dispatcher", number, "dispatch", unit_id="11")
    staff.do("manager1", number, "assign", handler_id="112")
    staff.do("handler1", number, "done", opinion="Cleared away", photos=photo)
    staff.do("manager1", number, "hand_in")
    staff.do("dispatcher", number, "pass")
    staff.do("collector", number, "pass")
    staff.do("chief", number, "close")
    assert desk.case(case_id)["closed_as"] == "closed"
    page = staff.open("chief", f"/cases/{number}")
    assert page.locator("ul.photos img").count() == 1
    assert page.locator("#open a.button").count() == 0
    assert staff.untranslated == []
    assert staff.complaints() == []


def test_supervisor_sees_the_answer_to_a_supervision_of_an_overdue_case(
    staff: Staff, clock: FixedClock
) -> None:
    desk = staff.desk
    case_id = desk.reported_case(title="Litter by the road")
    desk.do(case_id, "T_accept", desk.city.intake, "accept")
    filed = {"class_code": "E-01-02", "condition_seq": 1}
    desk.do(case_id, "T_file", desk.city.intake, "file", **filed)
    desk.do(case_id, "T_dispatch", desk.city.dispatcher, "dispatch", unit_id=11)
    number = desk.case(case_id)["number"]
    clock.advance(timedelta(days=2))
    page = staff.open("supervisor", "/oversight/overdue")
    row = page.locator("tbody tr", has_text=number)
    row.locator(f"a[href='/cases/{number}']").click()
    page.wait_for_url(f"**/cases/{number}")
    staff.look(staff.at("supervisor"))
    page.go_back()
    row.locator("summary").click()
    page.fill(f"#reason-{number}", "Two days over")
    page.fill(f"#due_at-{number}", "2025-11-28T17:00")
    row.locator("form button.primary").click()
    page.wait_for_selector(".flash.success")
    staff.look(staff.at("supervisor"))
    asked = desk.rows("SELECT details FROM case_requests WHERE case_id = :it", it=case_id)
    # 17:00 in Shanghai.
    assert asked[0]["details"]["due_at"].startswith("2025-11-28T09:00")
    beside = staff.open("manager1", "/inbox?tab=group")
    answering = desk.item(case_id, "T_answer_supervision")
    beside.click(f"tr[data-item='{answering}'] a[data-key=e]")
    beside.wait_for_selector(f"#pane [data-opened='{answering}'] #answers")
    assert "Two days over" in beside.inner_text("#answers")
    staff.hand_in("manager1", "answered", opinion="A crew is on its way")
    page = staff.open("supervisor", f"/cases/{number}")
    assert "A crew is on its way" in page.inner_text("#requests")
    assert staff.untranslated == []
    assert staff.complaints() == []


def test_draft_of_one_analyst_is_deployed_by_the_other(staff: Staff) -> None:
    desk = staff.desk
    page = staff.open("analyst", "/modeling")
    page.fill("#title", "A kinder name")
    page.click("main form.bar button.primary")
    page.wait_for_url("**/modeling/drafts/*")
    draft = page.url
    page.click("a[href$='/check.bpmn']")
    page.wait_for_selector("#save-state[data-state=saved]")
    page.click("#outline [data-element=T_check]")
    if not page.locator("#bio-properties-panel-name").is_visible():
        page.locator("#properties .bio-properties-panel-group-header").first.click()
    page.fill("#bio-properties-panel-name", "Look at the place")
    page.locator("#bio-properties-panel-name").blur()
    page.wait_for_selector("#save-state:not([data-state=saved])")
    page.wait_for_selector("#save-state[data-state=saved]")
    page.goto(draft)
    staff.look(staff.at("analyst"))
    page.fill("#note", "People know what to do")
    page.click("form[action$='/propose'] button")
    page.wait_for_selector("form[action$='/withdraw']")
    staff.look(staff.at("analyst"))
    assert page.locator("form[action$='/approve']").count() == 0
    page = staff.open("analyst2", draft.removeprefix(staff.at("analyst").address))
    page.click("form[action$='/approve'] button")
    page.wait_for_selector(".flash.success")
    staff.look(staff.at("analyst2"))
    active = desk.rows("SELECT hash, note FROM definition_versions WHERE active")
    assert [(one["note"], one["hash"] != desk.city.definition_hash) for one in active] == [
        ("People know what to do", True)
    ]
    assert staff.untranslated == []
    assert staff.complaints() == []


def test_new_person_of_a_new_unit_signs_in_and_chooses_a_password(staff: Staff) -> None:
    desk = staff.desk
    page = staff.open("admin", "/admin/units/new")
    page.fill("#code", "D3")
    page.fill("#name", "South")
    page.fill("#name_en", "South")
    page.select_option("#parent_id", "1")
    page.click("main form button.primary")
    page.wait_for_selector(".flash.success")
    staff.look(staff.at("admin"))
    unit_id = desk.rows("SELECT id FROM units WHERE code = 'D3'")[0]["id"]
    page = staff.open("admin", "/admin/people/new")
    page.fill("#login", "south")
    page.fill("#name", "Southerner")
    page.select_option("#unit_id", str(unit_id))
    page.check("input[name=roles][value=unit_manager]")
    page.fill("#password", "first password")
    page.click("main form.narrow button.primary")
    page.wait_for_selector(".flash.success")
    staff.look(staff.at("admin"))
    page = staff.sign_in("south", "first password").page
    page.goto(staff.at("south").address + "/inbox")
    assert "/password" in page.url
    page.fill("#present", "first password")
    page.fill("#password", "a password of my own")
    page.fill("#repeated", "a password of my own")
    page.click("main form button.primary")
    page.wait_for_url("**/inbox")
    again = staff.sign_in("south", "a password of my own")
    again.page.wait_for_url("**/inbox")
    assert staff.untranslated == []
    assert staff.complaints() == []
