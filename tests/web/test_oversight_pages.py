"""The supervisor's room: what is late, disputed, asked for and held, and who sees it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from app.cases.calendars import working_calendar
from app.cases.commands import RaiseSupervision, RequestExtension, RequestHold, RequestReturn
from app.clock import FixedClock
from app.modeling.bundles import shipped_files
from app.oversight.queries.heat import heat_of, worked_time
from app.run import run
from app.settings import Settings
from tests.factories import Desk
from tests.web.conftest import SignIn

REASON = "情况属实，需要更多时间"


def page(signed: SignIn, actor: Any, address: str, status: int = 200) -> str:
    answer = signed(actor).get(address)
    assert answer.status_code == status, answer.text
    return answer.text


def number_of(desk: Desk, case_id: int) -> str:
    return str(desk.case(case_id)["number"])


def test_overdue_lists_a_late_case_with_working_time_and_why(
    desk: Desk, signed: SignIn, clock: FixedClock
) -> None:
    case_id = desk.dispatched_case()
    # Due after four working hours from 09:00: 13:00 is in the break, so 15:00; at 17:30 it is 2 h 30 late.
    due = desk.case(case_id)["due_at"]
    clock.move_to(due + timedelta(hours=2, minutes=30))
    shown = page(signed, desk.city.supervisor, "/oversight/overdue")
    assert number_of(desk, case_id) in shown
    assert "2 工作时 30 分" in shown
    assert "派遣后一直无人接手" in shown
    assert "东区平台" in shown


@pytest.mark.parametrize("by", ["unit", "class", "street", "grid", "person"])
def test_overdue_groups_lead_to_their_cases(
    desk: Desk, signed: SignIn, clock: FixedClock, by: str
) -> None:
    case_id = desk.assigned_case()
    clock.advance(timedelta(days=2))
    keys = {"unit": "11", "class": "E-01-02", "street": "140106001", "grid": "R1", "person": "112"}
    shown = page(signed, desk.city.supervisor, f"/oversight/overdue?by={by}")
    assert f"{by}={keys[by]}" in shown
    assert number_of(desk, case_id) in page(
        signed, desk.city.supervisor, f"/oversight/overdue?by={by}&{by}={keys[by]}"
    )
    assert number_of(desk, case_id) not in page(
        signed, desk.city.supervisor, f"/oversight/overdue?by={by}&{by}=9"
    )


def test_overdue_tells_of_waiting_extension(desk: Desk, signed: SignIn, clock: FixedClock) -> None:
    case_id = desk.assigned_case()
    run(RequestExtension(case_id, REASON), actor=desk.city.manager1)
    clock.advance(timedelta(days=2))
    shown = page(signed, desk.city.supervisor, "/oversight/overdue")
    assert "等待延期审批" in shown


def test_overdue_pages_by_the_keyset(
    desk: Desk, signed: SignIn, clock: FixedClock, settings: Settings
) -> None:
    made = {number_of(desk, desk.dispatched_case()) for _ in range(settings.page_size + 2)}
    clock.advance(timedelta(days=2))
    first = page(signed, desk.city.supervisor, "/oversight/overdue")
    onward = first.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0].replace("&amp;", "&")
    second = page(signed, desk.city.supervisor, onward)
    on_first = {number for number in made if number in first}
    on_second = {number for number in made if number in second}
    assert (len(on_first), len(on_second), on_first & on_second) == (settings.page_size, 2, set())


def test_unit_sees_its_own_late_cases_alone(desk: Desk, signed: SignIn, clock: FixedClock) -> None:
    number = number_of(desk, desk.dispatched_case())
    clock.advance(timedelta(days=2))
    assert number in page(signed, desk.city.manager1, "/oversight/overdue")
    assert number not in page(signed, desk.city.manager2, "/oversight/overdue")


@pytest.mark.parametrize("path", ["overdue", "disputed", "extensions", "held"])
def test_room_is_closed_to_a_collector(desk: Desk, signed: SignIn, path: str) -> None:
    page(signed, desk.city.collector, f"/oversight/{path}", 403)


def test_supervision_is_raised_from_the_row(desk: Desk, signed: SignIn, clock: FixedClock) -> None:
    case_id = desk.dispatched_case()
    clock.advance(timedelta(days=2))
    typed = {"source": "duty", "reason": "尽快处置", "due_at": "2025-11-28T18:00"}
    address = f"/oversight/supervise/{number_of(desk, case_id)}"
    typed["back"] = "/oversight/overdue?by=class"
    answer = signed(desk.city.supervisor).post(address, data=typed)
    assert (answer.status_code, answer.location) == (302, "/oversight/overdue?by=class")
    asked = desk.rows("SELECT * FROM case_requests WHERE case_id = :id", id=case_id)
    assert [(one["kind"], one["reason"]) for one in asked] == [("supervision", "尽快处置")]
    assert asked[0]["details"]["due_at"].startswith("2025-11-28T10:00")


def test_supervision_without_reason_is_asked_again(
    desk: Desk, signed: SignIn, clock: FixedClock
) -> None:
    number = number_of(desk, desk.dispatched_case())
    client = signed(desk.city.supervisor)
    answer = client.post(f"/oversight/supervise/{number}", data={"source": "duty", "reason": ""})
    assert answer.status_code == 422
    assert f'id="reason-{number}-fault"' in answer.text


def test_supervision_is_not_for_a_unit(desk: Desk, signed: SignIn) -> None:
    number = number_of(desk, desk.dispatched_case())
    answer = signed(desk.city.manager1).post(f"/oversight/supervise/{number}", data={})
    assert answer.status_code == 403


def test_return_waits_among_the_disputed(desk: Desk, signed: SignIn) -> None:
    case_id = desk.dispatched_case()
    run(RequestReturn(case_id, "不属本单位管辖"), actor=desk.city.manager1)
    shown = page(signed, desk.city.supervisor, "/oversight/disputed")
    assert number_of(desk, case_id) in shown
    assert "不属本单位管辖" in shown


def test_unanswered_supervision_past_its_day_is_marked(
    desk: Desk, signed: SignIn, clock: FixedClock
) -> None:
    case_id = desk.dispatched_case()
    due_at = clock.now() + timedelta(hours=1)
    run(RaiseSupervision(case_id, "leader", "尽快处置", due_at), actor=desk.city.supervisor)
    clock.advance(timedelta(hours=2))
    shown = page(signed, desk.city.supervisor, "/oversight/disputed?kind=supervision")
    assert number_of(desk, case_id) in shown
    assert '<span class="deadline overdue">' in shown


def test_case_reworked_three_times_is_disputed(desk: Desk, signed: SignIn) -> None:
    case_id = desk.handed_in_case()
    for _round in range(3):
        desk.do(case_id, "T_review", desk.city.dispatcher, "rework", opinion="不合格")
        desk.hand_in(case_id)
    shown = page(signed, desk.city.supervisor, "/oversight/disputed?kind=rework")
    assert number_of(desk, case_id) in shown
    assert "3 次" in shown


def test_extension_granted_shows_who_decided(desk: Desk, signed: SignIn) -> None:
    case_id = desk.assigned_case()
    run(RequestExtension(case_id, REASON), actor=desk.city.manager1)
    assert number_of(desk, case_id) in page(
        signed, desk.city.supervisor, "/oversight/extensions?ruling=waiting"
    )
    desk.do(case_id, "T_approve_extension", desk.city.chief, "grant", opinion="同意")
    shown = page(signed, desk.city.supervisor, "/oversight/extensions")
    assert number_of(desk, case_id) in shown
    assert "值班长甲" in shown
    assert REASON in shown


def test_case_on_hold_is_listed_with_its_reason(desk: Desk, signed: SignIn) -> None:
    case_id = desk.dispatched_case()
    until = datetime(2026, 3, 1, tzinfo=UTC)
    run(RequestHold(case_id, until, "冬季不能施工"), actor=desk.city.manager1)
    desk.do(case_id, "T_approve_hold", desk.city.chief, "grant", opinion="同意")
    shown = page(signed, desk.city.supervisor, "/oversight/held")
    assert number_of(desk, case_id) in shown
    assert "冬季不能施工" in shown
    assert "2026年3月1日" in shown


def test_replay_tells_every_step_with_its_element_and_diagram(
    desk: Desk, signed: SignIn, clock: FixedClock
) -> None:
    case_id = desk.assigned_case()
    # From 09:00 to 11:00 of a working day.
    clock.advance(timedelta(hours=2))
    desk.do(case_id, "T_handle", desk.city.handler1, "done", opinion="已清除")
    answer = signed(desk.city.supervisor).get(f"/oversight/replay/{number_of(desk, case_id)}")
    assert answer.status_code == 200
    assert 'data-element="T_accept" data-file="case.bpmn"' in answer.text
    assert 'data-element="T_handle" data-file="handling.bpmn"' in answer.text
    assert "距上一步 2 工作时" in answer.text
    assert "style-src 'self' 'unsafe-inline'" in answer.headers["Content-Security-Policy"]
    assert "script-src 'self';" in answer.headers["Content-Security-Policy"]


def test_request_is_replayed_where_its_message_comes_in(desk: Desk, signed: SignIn) -> None:
    case_id = desk.assigned_case()
    run(RequestExtension(case_id, REASON), actor=desk.city.manager1)
    run(RaiseSupervision(case_id, "duty", "尽快"), actor=desk.city.supervisor)
    shown = page(signed, desk.city.supervisor, f"/oversight/replay/{number_of(desk, case_id)}")
    assert 'data-element="B_extension" data-file="case.bpmn"' in shown
    assert 'data-element="E_supervision_raised" data-file="case.bpmn"' in shown


def test_replay_of_another_units_case_is_refused(desk: Desk, signed: SignIn) -> None:
    number = number_of(desk, desk.assigned_case())
    page(signed, desk.city.manager1, f"/oversight/replay/{number}")
    page(signed, desk.city.manager2, f"/oversight/replay/{number}", 403)


def test_diagram_of_a_version_is_served_as_it_was_deployed(desk: Desk, signed: SignIn) -> None:
    version = desk.city.definition_hash
    client = signed(desk.city.supervisor)
    answer = client.get(f"/oversight/diagrams/{version}/handling.bpmn")
    assert answer.data == shipped_files()["handling.bpmn"]
    assert client.get(f"/oversight/diagrams/{version}/handle.json").status_code == 404


def test_heat_counts_standing_passed_late_and_working_minutes(
    desk: Desk, session: Session, clock: FixedClock, settings: Settings
) -> None:
    waits = [1, 2, 3, 30]
    for hours in waits:
        # Each waits from 09:00 on; 30 hours later is 15:00 of the next day: 7 h + 1 h of 8 h days.
        clock.move_to(datetime(2025, 11, 25, 1, 0, tzinfo=UTC))
        case_id = desk.reported_case()
        clock.advance(timedelta(hours=hours))
        desk.do(case_id, "T_accept", desk.city.intake, "accept")
    start, end = datetime(2025, 10, 31, 16, tzinfo=UTC), datetime(2025, 11, 30, 16, tzinfo=UTC)
    calendar = working_calendar(settings)
    worked = worked_time(calendar, start, end)
    found = heat_of(session, worked, start, end, clock.now())
    accept, filing = found["T_accept"], found["T_file"]
    opened = datetime(2025, 11, 25, 1, 0, tzinfo=UTC)
    longest = calendar.working_seconds_between(opened, opened + timedelta(hours=30)) / 60
    assert (accept.passed, accept.standing, accept.late) == (4, 0, 4)
    assert (accept.median, accept.p90) == (120, longest)
    assert (filing.passed, filing.standing) == (0, 4)


def test_heat_page_shows_the_table_and_a_units_own_work(desk: Desk, signed: SignIn) -> None:
    desk.assigned_case()
    shown = page(signed, desk.city.supervisor, "/oversight/heat?month=2025-11")
    assert (
        'data-element="T_accept" data-file="case.bpmn" data-standing="0" data-passed="1"' in shown
    )
    own = page(signed, desk.city.manager1, "/oversight/heat")
    assert 'data-element="T_assign" data-file="handling.bpmn"' in own
    assert 'data-element="T_accept"' not in own
    page(signed, desk.city.manager1, "/oversight/heat?unit=12", 403)
    page(signed, desk.city.supervisor, "/oversight/heat?month=2025-13", 422)


def test_glance_counts_today_and_each_figure_opens_to_its_cases(
    desk: Desk, signed: SignIn, clock: FixedClock
) -> None:
    closed, opened = desk.closed_case(), desk.reported_case()
    shown = page(signed, desk.city.supervisor, "/oversight")
    assert re.findall(r"<strong>(\d+)</strong>", shown) == ["2", "1", "1", "0"]
    assert "100.00%" in shown
    lists = {
        flow: page(signed, desk.city.supervisor, f"/oversight/flow/{flow}")
        for flow in ("in", "out", "open")
    }
    found = {
        flow: [number_of(desk, case_id) in text for case_id in (closed, opened)]
        for flow, text in lists.items()
    }
    assert found == {"in": [True, True], "out": [True, False], "open": [False, True]}


def test_glance_names_the_worst_class_and_grid(
    desk: Desk, signed: SignIn, clock: FixedClock
) -> None:
    desk.dispatched_case()
    clock.advance(timedelta(days=2))
    shown = page(signed, desk.city.supervisor, "/oversight")
    assert "/oversight/overdue?by=class&amp;class=E-01-02" in shown
    assert "/oversight/overdue?by=grid&amp;grid=R1" in shown
    assert re.findall(r"<strong>(\d+)</strong>", shown) == ["0", "0", "1", "1"]


def test_glance_of_a_unit_is_its_own(desk: Desk, signed: SignIn) -> None:
    desk.dispatched_case()
    assert "<strong>1</strong>" in page(signed, desk.city.manager1, "/oversight")
    assert "<strong>1</strong>" not in page(signed, desk.city.manager2, "/oversight")


@pytest.mark.parametrize("address", ["flow/none", "flow/in?on=soon", "diagrams/none/case.bpmn"])
def test_what_is_not_there_is_not_found(desk: Desk, signed: SignIn, address: str) -> None:
    page(signed, desk.city.supervisor, f"/oversight/{address}", 404)
