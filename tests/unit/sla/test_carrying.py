"""Carried events (承前): one event that reads like all those it stands for."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import InvalidInput, StateChanged
from sla import clocks
from sla.calendar import WorkingCalendar
from sla.clock_events import (
    Cancelled,
    Carried,
    ClockEvent,
    ClockEvents,
    Extended,
    Paused,
    Restarted,
    Resumed,
    Started,
    Stopped,
)
from sla.clock_policies import AskBy, ExtensionRule
from sla.clocks import ClockState, carry, needs_all, read
from sla.explanation import explain
from sla.limits import AnyLimit, LimitUnit, Until
from tests.unit.sla.moments import calendar, limit, shanghai
from tests.unit.sla.oracle import MINUTE
from tests.unit.sla.test_properties import CITIES, cities, minutes, of_minutes

CITY = calendar()
HANDLING = clocks.load_clock_policies()["handling"]
LENIENT = replace(HANDLING, extension=ExtensionRule(max_grants=100, ask=AskBy.ANY_TIME))

POSSIBLE = {
    ClockState.RUNNING: ["pause", "stop", "stop", "extend", "restart", "cancel"],
    ClockState.PAUSED: ["resume", "resume", "stop", "extend", "restart", "cancel"],
    ClockState.STOPPED: ["resume", "resume", "resume", "restart", "cancel"],
    ClockState.CANCELLED: [],
}


@st.composite
def amounts(draw: st.DrawFn, at: datetime) -> AnyLimit:
    """Time of any measure, or a moment that may be past already."""
    if draw(st.integers(0, 4)) == 0:
        return Until(at + draw(st.integers(-60, 3000)) * MINUTE)
    unit = draw(st.sampled_from(list(LimitUnit)))
    return of_minutes(draw(st.integers(10, 1500)), unit)


def event_of(happens: str, at: datetime, given_: AnyLimit) -> ClockEvent:
    events: dict[str, ClockEvent] = {
        "pause": Paused(at, "held"),
        "resume": Resumed(at),
        "stop": Stopped(at),
        "extend": Extended(at, given_),
        "restart": Restarted(at, given_, "redispatch"),
        "cancel": Cancelled(at),
    }
    return events[happens]


@st.composite
def lives(draw: st.DrawFn) -> ClockEvents:
    """A random life of a clock; events of one moment are as good as any."""
    at = draw(minutes())
    events: ClockEvents = (Started(at, draw(amounts(at))),)
    for _ in range(draw(st.integers(0, 14))):
        possible = POSSIBLE[clocks.state_of(events)]
        if not possible:
            break
        at += draw(st.sampled_from([0, 1, 30, 200, 700])) * MINUTE
        events = (*events, event_of(draw(st.sampled_from(possible)), at, draw(amounts(at))))
    return events


def as_granted(life: ClockEvents, exact: WorkingCalendar) -> ClockEvents:
    """Return a life without the extensions to a moment that nobody is granted: one no later than what there was."""
    kept: ClockEvents = ()
    for event in life:
        if isinstance(event, Extended) and isinstance(event.by, Until):
            with suppress(InvalidInput):
                kept = clocks.extend(kept, event.at, LENIENT, exact, event.by)
        else:
            kept = (*kept, event)
    return kept


def cannot_be_counted(head: Carried, rest: ClockEvents) -> bool:
    """The time was up in the carried events, and what follows extends it."""
    begins = [n for n, event in enumerate(rest) if isinstance(event, Restarted)]
    counted = rest[: begins[0]] if begins else rest
    return head.due_at is not None and any(isinstance(event, Extended) for event in counted)


@given(lives(), cities, st.data())
@settings(deadline=None, max_examples=500)
def test_carried_events_read_like_those_they_stand_for(
    life: ClockEvents, city: str, data: st.DataObject
) -> None:
    exact, _ = CITIES[city]
    life = as_granted(life, exact)
    cut = data.draw(st.integers(1, len(life)))
    head, rest = carry(life[:cut], exact), life[cut:]
    if cannot_be_counted(head, rest):
        with pytest.raises(InvalidInput):
            read((head, *rest), exact)
        return
    short = (head, *rest)
    later = life[-1].at + data.draw(st.integers(-100, 5000)) * MINUTE
    for now in (None, later):
        assert read(short, exact, now) == read(life, exact, now)
    assert clocks.state_of(short) == clocks.state_of(life)
    assert clocks.limit_of(short) == clocks.limit_of(life)
    assert clocks.paused_for(short) == clocks.paused_for(life)
    assert head.number + len(rest) == len(life)


@given(lives(), cities, st.data())
@settings(deadline=None, max_examples=200)
def test_what_is_carried_can_be_carried_on(
    life: ClockEvents, city: str, data: st.DataObject
) -> None:
    exact, _ = CITIES[city]
    life = as_granted(life, exact)
    cut = data.draw(st.integers(1, len(life)))
    head, rest = carry(life[:cut], exact), life[cut:]
    if not cannot_be_counted(head, rest):
        assert carry((head, *rest), exact) == carry(life, exact)


def outcome(action: object) -> object:
    assert callable(action)
    try:
        return action()
    except (InvalidInput, StateChanged) as refused:
        return type(refused), str(refused)


@given(lives(), cities, st.data())
@settings(deadline=None, max_examples=300)
def test_actions_after_carried_events_do_what_they_do_after_all(
    life: ClockEvents, city: str, data: st.DataObject
) -> None:
    exact, _ = CITIES[city]
    short: ClockEvents = (carry(life, exact),)
    at = life[-1].at + data.draw(st.integers(0, 2000)) * MINUTE
    policy = data.draw(st.sampled_from([HANDLING, LENIENT]))
    for act in (
        lambda events: clocks.extend(events, at, policy, exact),
        lambda events: clocks.rework(events, at, policy),
        lambda events: clocks.redispatch(events, at, policy, same_unit=False),
        lambda events: clocks.redispatch(events, at, policy, same_unit=True),
        lambda events: clocks.stop(events, at),
    ):
        of_all = outcome(lambda act=act: read(act(life), exact))
        of_short = outcome(lambda act=act: read(act(short), exact))
        if of_short != of_all:
            # Only for an extension that must be counted over runs no longer told apart.
            assert needs_all(short)
            assert isinstance(act(life)[-1], Extended)


@given(lives(), cities)
@settings(deadline=None, max_examples=200)
def test_carried_events_survive_json(life: ClockEvents, city: str) -> None:
    exact, _ = CITIES[city]
    events = (carry(life, exact), life[-1])
    assert clocks.from_plain(clocks.to_plain(events)) == events


def reworked(times: int) -> ClockEvents:
    """Four working hours from Wednesday 09:00, sent back so often, each time after a minute's work."""
    events = clocks.start(shanghai(10, 15, 9), limit("4 working_hour"))
    for number in range(times):
        at = shanghai(10, 15, 9) + (2 * number + 1) * MINUTE
        events = clocks.rework(clocks.stop(events, at), at + MINUTE, HANDLING)
    return events


def test_carried_event_is_no_longer_after_a_thousand_reworks() -> None:
    first, last = (str(clocks.to_plain([carry(reworked(n), CITY)])) for n in (1, 1000))
    # A few numbers have more digits, and one moment is known.
    assert len(last) - len(first) < 40


def late() -> ClockEvents:
    """Due at 15:00, stopped at 16:00, sent back at 17:00."""
    events = clocks.start(shanghai(10, 15, 9), limit("4 working_hour"))
    return clocks.rework(clocks.stop(events, shanghai(10, 15, 16)), shanghai(10, 15, 17), HANDLING)


def test_extension_after_the_time_was_up_needs_all_events() -> None:
    short = (carry(late(), CITY),)
    assert needs_all(short)
    assert not needs_all(late())
    with pytest.raises(InvalidInput):
        clocks.extend(short, shanghai(10, 15, 17), LENIENT, CITY)
    # An hour of the four was worked before the rework, one after it, two are left for the next day.
    whole = clocks.extend(late(), shanghai(10, 15, 17), LENIENT, CITY)
    assert read(whole, CITY).due_at == shanghai(10, 16, 10)


def test_restart_forgets_that_carried_time_was_up() -> None:
    events = (carry(late(), CITY),)
    events = clocks.restart(events, shanghai(10, 16, 8), limit("2 working_hour"), "redispatch")
    assert not needs_all(events)
    extended = clocks.extend(events, shanghai(10, 16, 9), HANDLING, CITY)
    assert read(extended, CITY).due_at == shanghai(10, 16, 12)


def test_paused_clock_knows_what_for_after_an_extension() -> None:
    events = clocks.pause(reworked(1), shanghai(10, 15, 10), "returned")
    events = clocks.extend(events, shanghai(10, 15, 11), HANDLING, CITY)
    assert clocks.paused_for(events) == "returned"
    assert clocks.paused_for((carry(events, CITY),)) == "returned"
    assert clocks.paused_for(clocks.resume(events, shanghai(10, 15, 12))) is None


def test_only_the_first_event_may_be_carried() -> None:
    head = carry(reworked(1), CITY)
    with pytest.raises(InvalidInput):
        read((head, head), CITY)


def test_carried_events_cannot_be_explained() -> None:
    with pytest.raises(InvalidInput):
        explain((carry(reworked(1), CITY),), CITY, "zh")


@pytest.mark.parametrize("key", ["number", "state", "owed", "begun_at"])
def test_carried_row_with_a_part_missing_is_refused(key: str) -> None:
    row = clocks.to_plain([carry(reworked(1), CITY)])[0]
    del row[key]
    with pytest.raises(InvalidInput):
        clocks.from_plain([row])
