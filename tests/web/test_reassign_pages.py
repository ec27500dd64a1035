"""The page of bulk reassignment: what it shows before, what it does, and who may open it."""

from __future__ import annotations

from app.accounts.roles import ADMINISTRATOR
from tests.factories import Desk
from tests.web.conftest import SignIn

ASKED = {"from": "11", "to": "12"}


def test_preview_lists_the_cases_and_who_loses_a_claim_and_changes_nothing(
    desk: Desk, signed: SignIn
) -> None:
    case = desk.case(desk.assigned_case())
    shown = signed(desk.city.supervisor).get("/oversight/reassign?from=11&to=12").text
    assert case["number"] in shown
    assert "东区处置员" in shown
    assert "1 项已认领的工作放回新单位待领" in shown
    assert desk.case(case["id"])["unit_id"] == 11


def test_reassigning_leads_to_the_list_and_the_log_tells_it(desk: Desk, signed: SignIn) -> None:
    case = desk.case(desk.dispatched_case())
    client = signed(desk.city.supervisor)
    told = client.post("/oversight/reassign", data={**ASKED, "reason": "机构合并", "total": "1"})
    assert told.status_code == 200
    assert "改派已做完" in told.text
    (kept,) = desk.rows("SELECT id FROM reassignments")
    assert case["number"] in client.get(f"/oversight/reassignments/{kept['id']}").text
    page = client.get(f"/cases/{case['number']}").text
    assert "由东区平台改派西区平台" in page
    assert "机构合并" in page
    assert "机构合并" in client.get("/oversight/reassign").text


def test_batch_asked_for_by_the_page_is_its_progress_alone(desk: Desk, signed: SignIn) -> None:
    desk.dispatched_case()
    data = {**ASKED, "reason": "机构合并"}
    told = signed(desk.city.supervisor).post(
        "/oversight/reassign", data=data, headers={"HX-Request": "true"}
    )
    assert "<html" not in told.text
    assert "已改派 1 件" in told.text


def test_without_a_reason_the_page_says_so_and_keeps_what_was_chosen(
    desk: Desk, signed: SignIn
) -> None:
    case_id = desk.dispatched_case()
    told = signed(desk.city.supervisor).post("/oversight/reassign", data={**ASKED, "reason": ""})
    assert told.status_code == 422
    assert 'id="reason-fault"' in told.text
    assert '<option value="12" selected>' in told.text
    assert desk.case(case_id)["unit_id"] == 11


def test_administrator_sees_this_page_alone_of_the_room(desk: Desk, signed: SignIn) -> None:
    with desk.database.sessions() as session:
        session.connection().exec_driver_sql(
            f"INSERT INTO person_roles VALUES (103, '{ADMINISTRATOR}')"
        )
        session.commit()
    shown = signed(desk.city.intake2).get("/oversight/reassign")
    assert shown.status_code == 200
    assert "没有单位有在办案卷" in shown.text
    assert "/oversight/heat" not in shown.text


def test_others_may_not_open_it(desk: Desk, signed: SignIn) -> None:
    assert signed(desk.city.chief).get("/oversight/reassign").status_code == 403
    assert signed(desk.city.manager1).post("/oversight/reassign", data=ASKED).status_code == 403
