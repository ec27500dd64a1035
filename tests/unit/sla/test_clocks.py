"""Clocks: what each action does, what it refuses, and what a clock shows."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from app.errors import InvalidInput, StateChanged
from sla import clocks
from sla.clock_events import ClockEvents
from sla.clock_policies import AfterRedispatch, AfterRework, AskBy, ExtensionRule
from sla.clocks import ClockState, read
from sla.limits import Until
from tests.unit.sla.moments import NEW_YORK, calendar, limit, new_york, shanghai

CITY = calendar()
HANDLING = clocks.load_clock_policies()["handling"]
HOUR = timedelta(hours=1)
ZERO = timedelta(0)


def running() -> ClockEvents:
    """Four working hours from Wednesday 15 October 09:00: due at 15:00."""
    return clocks.start(shanghai(10, 15, 9), limit("4 working_hour"))


def held() -> ClockEvents:
    """Paused at 11:00 with two hours left."""
    return clocks.pause(running(), shanghai(10, 15, 11), "held")


def stopped() -> ClockEvents:
    """Stopped at 11:00 with two hours left."""
    return clocks.stop(running(), shanghai(10, 15, 11))


def test_running_clock_shows_its_due_time_and_what_is_left() -> None:
    shown = read(running(), CITY, shanghai(10, 15, 14, 15))
    assert (shown.state, shown.due_at) == (ClockState.RUNNING, shanghai(10, 15, 15))
    assert (shown.used, shown.remaining) == (3.25 * HOUR, 0.75 * HOUR)
    assert (shown.overdue, shown.on_time, shown.stopped_at) == (False, None, None)


def test_clock_is_not_overdue_at_its_due_time_but_after_it() -> None:
    assert not read(running(), CITY, shanghai(10, 15, 15)).overdue
    shown = read(running(), CITY, shanghai(10, 15, 17))
    assert (shown.overdue, shown.overdue_by, shown.remaining) == (True, 2 * HOUR, ZERO)


def test_paused_clock_has_no_due_time_and_keeps_what_is_left() -> None:
    shown = read(held(), CITY, shanghai(10, 20, 9))
    assert (shown.state, shown.due_at) == (ClockState.PAUSED, None)
    assert (shown.used, shown.remaining) == (2 * HOUR, 2 * HOUR)


def test_resumed_clock_counts_on() -> None:
    # Two hours left from Friday 17:00: one that day, one on Monday.
    events = clocks.resume(held(), shanghai(10, 17, 17))
    assert read(events, CITY).due_at == shanghai(10, 20, 9)


def test_pause_after_the_due_time_does_not_undo_it() -> None:
    events = clocks.pause(running(), shanghai(10, 15, 16), "held")
    shown = read(events, CITY)
    assert (shown.due_at, shown.overdue, shown.remaining) == (shanghai(10, 15, 15), True, ZERO)
    resumed = clocks.resume(events, shanghai(10, 17, 9))
    assert read(resumed, CITY).due_at == shanghai(10, 15, 15)


def test_pause_over_the_weekend_after_a_due_time_on_friday_is_late() -> None:
    # Due on Friday 18:00; no working time passes until the pause on Saturday, yet the time was up.
    events = clocks.start(shanghai(10, 17, 14), limit("4 working_hour"))
    events = clocks.pause(events, shanghai(10, 18, 10), "held")
    assert read(events, CITY).due_at == shanghai(10, 17, 18)
    assert read(clocks.stop(events, shanghai(10, 18, 11)), CITY).on_time is False


@pytest.mark.parametrize(
    ("hour", "minute", "on_time"), [(14, 59, True), (15, 0, True), (15, 1, False)]
)
def test_stopping_is_on_time_up_to_the_due_time(hour: int, minute: int, on_time: bool) -> None:
    shown = read(clocks.stop(running(), shanghai(10, 15, hour, minute)), CITY)
    assert (shown.on_time, shown.due_at) == (on_time, shanghai(10, 15, 15))
    assert shown.stopped_at == shanghai(10, 15, hour, minute)


def test_clock_stopped_while_paused_is_due_as_if_it_had_counted_on() -> None:
    # Two hours left at Thursday 09:00.
    shown = read(clocks.stop(held(), shanghai(10, 16, 9)), CITY)
    assert (shown.on_time, shown.due_at, shown.used) == (True, shanghai(10, 16, 11), 2 * HOUR)


def test_stopped_clock_does_not_move_with_now() -> None:
    assert read(stopped(), CITY, shanghai(10, 30, 9)) == read(stopped(), CITY)


def test_cancelled_clock_is_neither_on_time_nor_late() -> None:
    shown = read(clocks.cancel(running(), shanghai(10, 15, 17)), CITY)
    assert (shown.state, shown.due_at, shown.on_time, shown.overdue) == (
        ClockState.CANCELLED,
        None,
        None,
        False,
    )


def test_extension_adds_the_limit_to_the_present_due_time() -> None:
    # Due 15:00 plus 4 h: 3 h to 18:00, 1 h the next day.
    events = clocks.extend(running(), shanghai(10, 15, 10), HANDLING, CITY)
    shown = read(events, CITY)
    assert (shown.due_at, shown.extensions) == (shanghai(10, 16, 9), 1)


def test_extension_of_another_unit_counts_after_the_limit() -> None:
    # Due 15:00, then one day without a break.
    events = clocks.extend(
        running(), shanghai(10, 15, 10), HANDLING, CITY, by=limit("1 urgent_day")
    )
    assert read(events, CITY).due_at == shanghai(10, 16, 15)


def test_extension_to_a_given_moment() -> None:
    until = Until(shanghai(10, 19, 12))
    events = clocks.extend(running(), shanghai(10, 15, 10), HANDLING, CITY, by=until)
    assert read(events, CITY).due_at == until.at
    # 15:00 to Sunday 12:00 is left after the pause from 10:00 to 11:00 costs one working hour.
    paused = clocks.resume(clocks.pause(events, shanghai(10, 15, 10), "held"), shanghai(10, 15, 11))
    assert read(paused, CITY).due_at == shanghai(10, 19, 13)


def test_extension_to_a_moment_no_later_is_refused() -> None:
    for by in (Until(shanghai(10, 15, 15)), Until(shanghai(10, 15, 10))):
        with pytest.raises(InvalidInput):
            clocks.extend(running(), shanghai(10, 15, 10), HANDLING, CITY, by=by)
    with pytest.raises(InvalidInput):
        clocks.extend(held(), shanghai(10, 15, 12), HANDLING, CITY, by=Until(shanghai(10, 30, 9)))


def test_paused_clock_may_be_extended() -> None:
    events = clocks.extend(held(), shanghai(10, 16, 9), HANDLING, CITY)
    assert read(events, CITY).remaining == 6 * HOUR


def test_third_extension_is_refused() -> None:
    events = running()
    for _ in range(2):
        events = clocks.extend(events, shanghai(10, 15, 10), HANDLING, CITY)
    with pytest.raises(InvalidInput, match="2"):
        clocks.extend(events, shanghai(10, 15, 10), HANDLING, CITY)


def test_late_extension_is_refused_unless_the_policy_takes_it() -> None:
    late = shanghai(10, 15, 15) + timedelta(microseconds=1)
    with pytest.raises(InvalidInput):
        clocks.extend(running(), late, HANDLING, CITY)
    lenient = replace(HANDLING, extension=ExtensionRule(ask=AskBy.ANY_TIME))
    events = clocks.extend(running(), late, lenient, CITY)
    assert read(events, CITY).due_at == shanghai(10, 16, 9)


def test_clock_without_an_extension_rule_is_not_extended() -> None:
    accept = clocks.load_clock_policies()["accept"]
    with pytest.raises(InvalidInput, match="不允许延期"):
        clocks.extend(running(), shanghai(10, 15, 10), accept, CITY)


def test_extension_by_half_the_limit_and_by_a_fixed_amount() -> None:
    half = replace(HANDLING, extension=ExtensionRule(times=Decimal("0.5")))
    assert read(
        clocks.extend(running(), shanghai(10, 15, 10), half, CITY), CITY
    ).due_at == shanghai(10, 15, 17)
    fixed = replace(HANDLING, extension=ExtensionRule(times=None, amount=limit("1 working_hour")))
    assert read(
        clocks.extend(running(), shanghai(10, 15, 10), fixed, CITY), CITY
    ).due_at == shanghai(10, 15, 16)


def test_extension_of_a_promise_gives_its_span_again() -> None:
    promise = clocks.start(shanghai(10, 15, 9), Until(shanghai(10, 17, 9)))
    events = clocks.extend(promise, shanghai(10, 16, 9), HANDLING, CITY)
    assert read(events, CITY).due_at == shanghai(10, 19, 9)


def test_extension_by_a_day_keeps_the_wall_time_the_limit_had() -> None:
    city = calendar(NEW_YORK)
    # 02:30 is left out on 9 March, so the first day ends at 03:00; two days end at 02:30 all the same.
    events = clocks.start(new_york(3, 8, 2, 30), limit("1 day"))
    assert read(events, city).due_at == new_york(3, 9, 3)
    events = clocks.extend(events, new_york(3, 8, 12), HANDLING, city)
    assert read(events, city).due_at == new_york(3, 10, 2, 30)


def test_promise_moves_by_the_time_of_a_pause() -> None:
    events = clocks.start(shanghai(10, 15, 9), Until(shanghai(10, 17, 9)))
    events = clocks.resume(clocks.pause(events, shanghai(10, 15, 10), "held"), shanghai(10, 15, 13))
    assert read(events, CITY).due_at == shanghai(10, 17, 12)


def test_promise_already_past_is_overdue_at_once() -> None:
    events = clocks.start(shanghai(10, 15, 9), Until(shanghai(10, 14, 9)))
    shown = read(clocks.stop(events, shanghai(10, 15, 9)), CITY)
    assert (shown.due_at, shown.on_time) == (shanghai(10, 14, 9), False)


def test_rework_resumes_what_was_left_and_can_make_it_late() -> None:
    # Two hours left from Thursday 17:00: due on Friday 09:00.
    events = clocks.rework(stopped(), shanghai(10, 16, 17), HANDLING)
    assert read(events, CITY).due_at == shanghai(10, 17, 9)
    assert read(clocks.stop(events, shanghai(10, 17, 9)), CITY).on_time is True
    assert read(clocks.stop(events, shanghai(10, 17, 10)), CITY).on_time is False


def test_rework_of_a_late_result_stays_late() -> None:
    late = clocks.stop(running(), shanghai(10, 15, 16))
    events = clocks.rework(late, shanghai(10, 16, 9), HANDLING)
    assert read(events, CITY).due_at == shanghai(10, 15, 15)
    assert read(clocks.stop(events, shanghai(10, 16, 9)), CITY).on_time is False


def test_rework_may_begin_anew_or_leave_the_first_result() -> None:
    anew = clocks.rework(
        stopped(), shanghai(10, 16, 8), replace(HANDLING, rework=AfterRework.RESTART)
    )
    assert read(anew, CITY).due_at == shanghai(10, 16, 12)
    kept = clocks.rework(stopped(), shanghai(10, 16, 8), replace(HANDLING, rework=AfterRework.KEEP))
    assert kept == stopped()


def test_redispatch_to_the_same_unit_resumes_and_to_another_restarts() -> None:
    returned = clocks.pause(running(), shanghai(10, 15, 11), "returned")
    same = clocks.redispatch(returned, shanghai(10, 16, 8), HANDLING, same_unit=True)
    assert read(same, CITY).due_at == shanghai(10, 16, 10)
    other = clocks.redispatch(returned, shanghai(10, 16, 8), HANDLING, same_unit=False)
    assert read(other, CITY).due_at == shanghai(10, 16, 12)
    given = clocks.redispatch(
        returned, shanghai(10, 16, 8), HANDLING, same_unit=False, limit=limit("1 working_day")
    )
    assert read(given, CITY).due_at == shanghai(10, 16, 18)


def test_redispatch_of_a_running_clock_that_keeps_counting_changes_nothing() -> None:
    events = clocks.redispatch(running(), shanghai(10, 15, 10), HANDLING, same_unit=True)
    assert events == running()


def test_redispatch_of_a_promise_gives_its_whole_span() -> None:
    promise = clocks.start(shanghai(10, 15, 9), Until(shanghai(10, 17, 9)))
    policy = replace(HANDLING, redispatch_other=AfterRedispatch.RESTART)
    events = clocks.redispatch(promise, shanghai(10, 16, 9), policy, same_unit=False)
    assert read(events, CITY).due_at == shanghai(10, 18, 9)


def test_restart_forgets_what_was_used_but_not_that_it_was_extended() -> None:
    events = clocks.extend(running(), shanghai(10, 15, 10), HANDLING, CITY)
    events = clocks.restart(events, shanghai(10, 16, 8), limit("2 working_hour"), "redispatch")
    shown = read(events, CITY)
    assert (shown.due_at, shown.used, shown.extensions, shown.grants) == (
        shanghai(10, 16, 10),
        ZERO,
        1,
        0,
    )


def test_policy_says_what_a_clock_stands_still_for() -> None:
    assert clocks.pauses_for(HANDLING, "held")
    assert not clocks.pauses_for(HANDLING, "verification")


@pytest.mark.parametrize(
    "action",
    [
        lambda: clocks.resume(running(), shanghai(10, 15, 12)),
        lambda: clocks.pause(held(), shanghai(10, 15, 12), "held"),
        lambda: clocks.stop(stopped(), shanghai(10, 15, 12)),
        lambda: clocks.resume(stopped(), shanghai(10, 15, 12)),
        lambda: clocks.extend(stopped(), shanghai(10, 15, 12), HANDLING, CITY),
        lambda: clocks.rework(running(), shanghai(10, 15, 12), HANDLING),
        lambda: clocks.restart(
            clocks.cancel(running(), shanghai(10, 15, 12)),
            shanghai(10, 15, 13),
            limit("1 day"),
            "x",
        ),
    ],
)
def test_action_that_does_not_fit_the_state_is_refused(action) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(StateChanged):
        action()


def test_moment_before_the_last_event_is_refused() -> None:
    with pytest.raises(InvalidInput) as caught:
        clocks.pause(running(), shanghai(10, 15, 8), "held")
    assert "at" in caught.value.fields


def test_events_that_do_not_begin_with_a_start_are_refused() -> None:
    with pytest.raises(InvalidInput):
        read((), CITY)
    with pytest.raises(InvalidInput):
        read(held()[1:], CITY)
    with pytest.raises(InvalidInput):
        read(running() + running(), CITY)


def test_events_survive_json() -> None:
    events = clocks.extend(held(), shanghai(10, 16, 9), HANDLING, CITY, by=limit("10 minutes"))
    events = clocks.stop(clocks.resume(events, shanghai(10, 17, 9)), shanghai(10, 17, 10))
    events = clocks.restart(events, shanghai(10, 18, 9), Until(shanghai(10, 30, 9)), "rework")
    events = clocks.cancel(events, shanghai(10, 18, 10))
    assert clocks.from_plain(clocks.to_plain(events)) == events


@pytest.mark.parametrize(
    "row",
    [
        {"kind": "begun", "at": "2025-10-15T01:00:00+00:00"},
        {"kind": "stopped", "at": "2025-10-15T01:00:00"},
        {"kind": "stopped"},
        {"kind": "paused", "at": "2025-10-15T01:00:00+00:00"},
    ],
)
def test_row_that_is_no_event_is_refused_by_its_number(row: dict[str, str]) -> None:
    good = clocks.to_plain(running())
    with pytest.raises(InvalidInput) as caught:
        clocks.from_plain([*good, row])
    assert list(caught.value.fields) == ["events[1]"]
