"""An appeal from a unit's desk through two approvers to a changed edition, by people's own browsers."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from app.clock import FixedClock
from app.run import installed_runtime
from app.worker.assessing import AssessingLoop
from tests.browser.conftest import Readers
from tests.browser.people import Staff, add_assessor, named_in_latin
from tests.factories import Desk

SHANGHAI = ZoneInfo("Asia/Shanghai")
PDF = b"%PDF-1.4\n1 0 obj << /Type /Catalog >> endobj\ntrailer << /Root 1 0 R >>\n%%EOF\n"


@pytest.fixture(params=["zh", "en"])
def staff(request: pytest.FixtureRequest, readers: Readers, desk: Desk) -> Staff:
    add_assessor(desk)
    named = named_in_latin(desk) if request.param == "en" else desk
    return Staff(readers, named, request.param)


def late_case(desk: Desk, clock: FixedClock) -> str:
    case_id = desk.reported_case(title="Litter by the road")
    desk.do(case_id, "T_accept", desk.city.intake, "accept")
    filed = {"class_code": "E-01-02", "condition_seq": 1}
    desk.do(case_id, "T_file", desk.city.intake, "file", **filed)
    desk.do(case_id, "T_dispatch", desk.city.dispatcher, "dispatch", unit_id=11)
    clock.advance(timedelta(days=2))
    desk.do(case_id, "T_assign", desk.city.manager1, "direct", opinion="Cleared away")
    desk.do(case_id, "T_review", desk.city.dispatcher, "pass_by_photo")
    desk.do(case_id, "T_close", desk.city.chief, "close")
    return str(desk.case(case_id)["number"])


def decide(staff: Staff, login: str, outcome: str) -> None:
    """Go from the inbox's line to what waits, and decide."""
    page = staff.open(login, "/inbox")
    page.click("[hx-get='/appeals/waiting'] a")
    page.wait_for_url("**/appeals")
    staff.look(staff.at(login))
    page.click("#waiting ~ ul a")
    page.wait_for_selector("#decide form")
    page.check(f"input[name=outcome][value={outcome}]")
    page.fill("#opinion", "Checked on site")
    staff.look(staff.at(login))
    page.click("#decide button.primary")
    page.wait_for_selector(".flash.success")
    staff.look(staff.at(login))


def test_appeal_changes_the_published_month(
    staff: Staff, clock: FixedClock, tmp_path: Path
) -> None:
    desk, proof = staff.desk, tmp_path / "road-closed.pdf"
    proof.write_bytes(PDF)
    number = late_case(desk, clock)
    clock.move_to(datetime(2025, 12, 1, 9, tzinfo=SHANGHAI))

    page = staff.open("assessor", "/ranking/2025-11/run")
    staff.look(staff.at("assessor"))
    page.click("button[value=begin]")
    page.wait_for_selector(".edition")
    staff.look(staff.at("assessor"))
    for login in ("manager1", "manager2"):
        page = staff.open(login, "/ranking/2025-11/run")
        staff.look(staff.at(login))
        page.click(".edition form button.primary")
        page.wait_for_selector(".flash.success")
    decide(staff, "supervisor", "sign")

    page = staff.open("manager1", "/ranking/2025-11")
    assert page.inner_text("tbody tr:first-child td:nth-child(7)") == "0.00%"
    clock.advance(timedelta(hours=1))
    page = staff.open("manager1", f"/cases/{number}")
    page.click(f"a[href='/appeals/new/{number}']")
    page.wait_for_selector("#reason")
    page.click("form.narrow button.primary")
    page.wait_for_selector("#faults")
    staff.look(staff.at("manager1"))
    page.fill("#reason", "The road was closed that day")
    page.set_input_files("#evidence", str(proof))
    page.click("form.narrow button.primary")
    page.wait_for_selector(".flash.success")
    staff.look(staff.at("manager1"))

    decide(staff, "dispatcher", "uphold")
    decide(staff, "intake", "uphold")
    # The worker's turn.
    AssessingLoop(installed_runtime().database, clock).step()
    page = staff.at("intake").page
    assert "road-closed.pdf" in page.inner_text("#main")
    page = staff.open("manager1", "/ranking/2025-11")
    assert page.inner_text("tbody tr:first-child td:nth-child(7)") == "0.00%", "not published yet"

    page = staff.open("supervisor", "/ranking/2025-11/run")
    changed = page.locator(".edition").first.locator("details table tbody tr")
    assert changed.count() == 1
    staff.look(staff.at("supervisor"))
    decide(staff, "supervisor", "sign")
    page = staff.open("manager1", "/ranking/2025-11")
    assert page.inner_text("tbody tr:first-child td:nth-child(7)") == "100.00%"
    staff.look(staff.at("manager1"))
    page.click("tbody tr:first-child td:nth-child(7) a")
    page.wait_for_selector(f"a[href='/cases/{number}']")
    assert staff.untranslated == []
    # The browser says so of the form that was handed in without a reason.
    assert [one for one in staff.complaints() if "422" not in one] == []
