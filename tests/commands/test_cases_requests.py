"""Extension, hold, return, rework, supervision: what they do to the case, its clock and its facts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.cases.commands import (
    RaiseSupervision,
    ReleaseHold,
    RequestExtension,
    RequestHold,
    RequestReturn,
)
from app.errors import Forbidden, InvalidInput, StateChanged
from app.run import run

# Dispatched at 09:00 with 4 working hours; 12:00-14:00 is not worked: due at 15:00, 07:00 in UTC.
DUE = datetime(2025, 11, 25, 7, 0, tzinfo=UTC)


def test_dispatch_starts_the_clock_and_sets_the_timers(desk):
    case_id = desk.dispatched_case()
    case = desk.case(case_id)
    assert (case["due_at"], case["unit_id"], case["dispatches"]) == (DUE, 11, 1)
    timers = desk.rows("SELECT element, due_at FROM timers ORDER BY due_at")
    assert [t["element"] for t in timers] == ["B_near_due", "B_due", "B_long_overdue"]
    assert timers[1]["due_at"] == DUE
    item = desk.rows("SELECT due_at FROM work_items WHERE element = 'T_assign'")[0]
    assert item["due_at"] == DUE
    assert desk.facts(case_id)[0]["due_at"] == DUE


def test_granted_extension_moves_due_time_timers_items_and_fact(desk):
    case_id = desk.dispatched_case()
    run(RequestExtension(case_id, "下雨"), actor=desk.city.manager1)
    desk.do(case_id, "T_approve_extension", desk.city.chief, "grant")
    # Once more 4 working hours: 15:00-18:00 and 08:00-09:00 of the next day.
    later = datetime(2025, 11, 26, 1, 0, tzinfo=UTC)
    case = desk.case(case_id)
    assert (case["due_at"], case["extensions"], case["stage"]) == (later, 1, "handling")
    due = desk.rows("SELECT due_at FROM timers WHERE element = 'B_due'")
    assert due == [{"due_at": later}]
    assert (
        desk.rows("SELECT due_at FROM work_items WHERE element = 'T_assign'")[0]["due_at"] == later
    )
    fact = desk.facts(case_id)[0]
    assert (fact["due_at"], fact["extensions"]) == (later, 1)


def test_extension_of_a_given_length(desk):
    case_id = desk.dispatched_case()
    run(RequestExtension(case_id, "下雨", "1 working_hour"), actor=desk.city.manager1)
    desk.do(case_id, "T_approve_extension", desk.city.chief, "grant")
    assert desk.case(case_id)["due_at"] == DUE + timedelta(hours=1)


def test_longer_extension_is_decided_by_another_role(desk):
    case_id = desk.dispatched_case()
    run(RequestExtension(case_id, "下雨", "5 working_day"), actor=desk.city.manager1)
    item = desk.rows("SELECT role FROM work_items WHERE element = 'T_approve_extension'")
    assert item == [{"role": "supervisor"}]


def test_extension_counts_as_asked_in_time_when_granted_late(desk, clock):
    case_id = desk.dispatched_case()
    run(RequestExtension(case_id, "下雨"), actor=desk.city.manager1)
    clock.move_to(DUE + timedelta(minutes=5))
    desk.do(case_id, "T_approve_extension", desk.city.chief, "grant")
    assert desk.case(case_id)["extensions"] == 1
    assert not desk.case(case_id)["overdue"]


def test_refused_extension_leaves_the_due_time(desk):
    case_id = desk.dispatched_case()
    run(RequestExtension(case_id, "下雨"), actor=desk.city.manager1)
    desk.do(case_id, "T_approve_extension", desk.city.chief, "refuse", opinion="理由不足")
    assert desk.case(case_id)["due_at"] == DUE
    request = desk.rows("SELECT decision, opinion, decided_by FROM case_requests")
    assert request == [{"decision": "refused", "opinion": "理由不足", "decided_by": 105}]


def test_second_pending_extension_is_refused(desk):
    case_id = desk.dispatched_case()
    run(RequestExtension(case_id, "下雨"), actor=desk.city.manager1)
    with pytest.raises(StateChanged):
        run(RequestExtension(case_id, "还在下"), actor=desk.city.manager1)


def test_late_request_for_extension_is_refused(desk, clock):
    case_id = desk.dispatched_case()
    clock.move_to(DUE + timedelta(minutes=1))
    with pytest.raises(InvalidInput):
        run(RequestExtension(case_id, "下雨"), actor=desk.city.manager1)


def test_third_extension_is_refused_by_policy(desk):
    case_id = desk.dispatched_case()
    for approver in (desk.city.chief, desk.city.supervisor):
        run(RequestExtension(case_id, "下雨"), actor=desk.city.manager1)
        desk.do(case_id, "T_approve_extension", approver, "grant")
    with pytest.raises(InvalidInput) as refused:
        run(RequestExtension(case_id, "下雨"), actor=desk.city.manager1)
    assert "最多 2 次" in str(refused.value)


def test_pending_extension_lapses_when_the_result_is_handed_in(desk):
    case_id = desk.dispatched_case()
    run(RequestExtension(case_id, "下雨"), actor=desk.city.manager1)
    desk.hand_in(case_id)
    assert desk.rows("SELECT decision FROM case_requests") == [{"decision": "lapsed"}]
    assert desk.open_elements(case_id) == ["T_review"]
    cancelled = desk.rows("SELECT element FROM work_items WHERE status = 'cancelled'")
    assert cancelled == [{"element": "T_approve_extension"}]


def test_other_unit_may_not_ask(desk):
    case_id = desk.dispatched_case()
    with pytest.raises(Forbidden):
        run(RequestExtension(case_id, "下雨"), actor=desk.city.manager2)


def test_extension_before_dispatch_is_forbidden(desk):
    case_id = desk.filed_case()
    with pytest.raises(Forbidden):
        run(RequestExtension(case_id, "下雨"), actor=desk.city.manager1)


def held_case(desk, clock):
    """Return a case on hold for three days, an hour after its dispatch."""
    case_id = desk.dispatched_case()
    clock.advance(timedelta(hours=1))
    command = RequestHold(case_id, clock.now() + timedelta(days=3), "等待设备")
    run(command, actor=desk.city.manager1)
    desk.do(case_id, "T_approve_hold", desk.city.chief, "grant")
    return case_id


def test_held_case_stands_still(desk, clock):
    case_id = held_case(desk, clock)
    case = desk.case(case_id)
    assert (case["on_hold"], case["stage"], case["due_at"]) == (True, "held", None)
    assert desk.open_elements(case_id) == []
    assert desk.facts(case_id)[0]["on_hold"]
    timers = desk.rows("SELECT element, due_at FROM timers")
    assert timers == [{"element": "C_hold_until", "due_at": clock.now() + timedelta(days=3)}]


def test_released_case_counts_on_with_what_was_left(desk, clock):
    case_id = held_case(desk, clock)
    clock.advance(timedelta(days=1))  # 10:00 on Wednesday, 3 of 4 hours left
    run(ReleaseHold(case_id), actor=desk.city.chief)
    case = desk.case(case_id)
    assert (case["on_hold"], case["stage"]) == (False, "handling")
    assert case["due_at"] == datetime(2025, 11, 26, 7, 0, tzinfo=UTC)  # 10-12, 14-15
    assert desk.open_elements(case_id) == ["T_assign"]


def test_refused_hold_goes_back_to_the_unit(desk, clock):
    case_id = desk.dispatched_case()
    run(RequestHold(case_id, DUE + timedelta(days=1), "等待设备"), actor=desk.city.manager1)
    desk.do(case_id, "T_approve_hold", desk.city.chief, "refuse", opinion="不必")
    assert desk.case(case_id)["due_at"] == DUE
    assert desk.open_elements(case_id) == ["T_assign"]


def test_hold_until_the_past_is_refused(desk, clock):
    case_id = desk.dispatched_case()
    with pytest.raises(InvalidInput) as refused:
        run(RequestHold(case_id, clock.now(), "等待设备"), actor=desk.city.manager1)
    assert "until" in refused.value.fields


def test_release_of_a_case_not_held_is_a_conflict(desk):
    case_id = desk.dispatched_case()
    with pytest.raises(StateChanged):
        run(ReleaseHold(case_id), actor=desk.city.chief)


def test_founded_return_is_dispatched_again_and_does_not_count(desk, clock):
    case_id = desk.dispatched_case()
    run(RequestReturn(case_id, "不属本单位"), actor=desk.city.manager1)
    assert desk.case(case_id)["due_at"] is None  # the clock stands still until the ruling
    clock.advance(timedelta(hours=1))
    desk.do(case_id, "T_rule_return", desk.city.chief, "founded", opinion="成立")
    assert desk.open_elements(case_id) == ["T_dispatch"]
    desk.do(case_id, "T_dispatch", desk.city.dispatcher, "dispatch", unit_id=12)
    first, second = desk.facts(case_id)
    assert (first["unit_id"], first["taken_back_at"]) == (11, clock.now())
    assert (second["unit_id"], second["taken_back_at"]) == (12, None)
    assert second["dispatch_no"] == 2
    # To another unit the clock starts anew: 10:00 plus 4 working hours.
    assert second["due_at"] == datetime(2025, 11, 25, 8, 0, tzinfo=UTC)


def test_unfounded_return_is_counted_and_the_clock_goes_on(desk, clock):
    case_id = desk.dispatched_case()
    run(RequestReturn(case_id, "不属本单位"), actor=desk.city.manager1)
    clock.advance(timedelta(hours=1))
    desk.do(case_id, "T_rule_return", desk.city.chief, "unfounded", opinion="属你单位")
    case = desk.case(case_id)
    assert (case["unfounded_returns"], case["returns"], case["unit_id"]) == (1, 1, 11)
    assert case["due_at"] == DUE + timedelta(hours=1)
    assert desk.facts(case_id)[0]["unfounded_returns"] == 1


def test_rework_counts_on_with_what_was_left(desk, clock):
    case_id = desk.dispatched_case()
    clock.advance(timedelta(hours=1))
    desk.hand_in(case_id)
    assert desk.facts(case_id)[0]["on_time"] is True
    clock.advance(timedelta(hours=1))  # 11:00, 3 hours left
    desk.do(case_id, "T_review", desk.city.dispatcher, "rework", opinion="没有清干净")
    case = desk.case(case_id)
    assert (case["reworks"], case["due_at"]) == (1, datetime(2025, 11, 25, 8, 0, tzinfo=UTC))
    fact = desk.facts(case_id)[0]
    assert (fact["handed_in_at"], fact["on_time"], fact["reworks"]) == (None, None, 1)


def test_rework_can_make_a_case_late(desk, clock):
    case_id = desk.handed_in_case()
    desk.do(case_id, "T_review", desk.city.dispatcher, "rework", opinion="没有清干净")
    clock.move_to(DUE + timedelta(minutes=1))
    desk.hand_in(case_id)
    fact = desk.facts(case_id)[0]
    assert (fact["on_time"], fact["overdue_flag"]) == (False, True)


def test_hand_in_at_the_very_due_time_is_on_time(desk, clock):
    case_id = desk.dispatched_case()
    clock.move_to(DUE)
    desk.hand_in(case_id)
    fact = desk.facts(case_id)[0]
    assert (fact["on_time"], fact["overdue_flag"]) == (True, False)


def test_failed_check_sends_the_case_back(desk):
    case_id = desk.handed_in_case()
    desk.do(case_id, "T_review", desk.city.dispatcher, "pass")
    desk.do(case_id, "T_check", desk.city.collector, "fail", opinion="还在")
    assert desk.case(case_id)["reworks"] == 1
    assert desk.open_elements(case_id) == ["T_assign"]


def test_media_supervision_counts_and_is_answered_by_the_unit(desk):
    case_id = desk.dispatched_case()
    run(RaiseSupervision(case_id, "media", "电视报道"), actor=desk.city.supervisor)
    case = desk.case(case_id)
    assert (case["supervisions"], case["media_supervisions"]) == (1, 1)
    assert desk.open_elements(case_id) == ["T_assign", "T_answer_supervision"]
    assert case["stage"] == "handling"
    desk.do(case_id, "T_answer_supervision", desk.city.manager1, "answered", opinion="正在办理")
    assert desk.rows("SELECT decision FROM case_requests") == [{"decision": "answered"}]
    assert desk.facts(case_id)[0]["media_supervisions"] == 1


def test_two_supervisions_are_answered_each_for_itself(desk):
    case_id = desk.dispatched_case()
    for reason in ("一", "二"):
        run(RaiseSupervision(case_id, "duty", reason), actor=desk.city.chief)
    items = desk.rows(
        "SELECT id, defaults FROM work_items WHERE element = 'T_answer_supervision' ORDER BY id"
    )
    assert [item["defaults"]["supervision_no"] for item in items] == [1, 2]


def test_handler_may_not_supervise(desk):
    case_id = desk.dispatched_case()
    with pytest.raises(Forbidden):
        run(RaiseSupervision(case_id, "duty", "慢"), actor=desk.city.handler1)


def test_closed_case_is_not_supervised(desk):
    case_id = desk.closed_case()
    with pytest.raises(StateChanged):
        run(RaiseSupervision(case_id, "duty", "慢"), actor=desk.city.chief)
