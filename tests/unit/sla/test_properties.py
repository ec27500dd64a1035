"""Properties of limits and clocks, held against the minute-by-minute oracle."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from chinese_calendar import is_workday
from hypothesis import given, settings
from hypothesis import strategies as st

from sla import clocks
from sla.calendar import Measure, WorkingCalendar
from sla.clock_events import (
    ClockEvent,
    ClockEvents,
    Extended,
    Paused,
    Restarted,
    Resumed,
    Started,
    Stopped,
)
from sla.explanation import explain
from sla.limits import Limit, LimitUnit, due_at, moment_before
from tests.unit.sla.moments import NEW_YORK, SHANGHAI, calendar
from tests.unit.sla.oracle import MINUTE, MinuteOracle, Step

DAYTIME = ((time(8), time(12)), (time(14), time(18)))
# Hours that begin and end inside the hours New York leaves out and repeats.
NIGHT = ((time(0, 30), time(1, 30)), (time(2, 15), time(5)))

CITIES: dict[str, tuple[WorkingCalendar, MinuteOracle]] = {
    "shanghai": (calendar(SHANGHAI), MinuteOracle(SHANGHAI, DAYTIME, is_workday)),
    "new_york": (calendar(NEW_YORK), MinuteOracle(NEW_YORK, DAYTIME, is_workday)),
    "new_york_nights": (
        calendar(NEW_YORK, ("00:30-01:30", "02:15-05:00"), every_day=True),
        MinuteOracle(NEW_YORK, NIGHT, lambda _: True),
    ),
}
MEASURES = {
    LimitUnit.URGENT_HOUR: "elapsed",
    LimitUnit.WORKING_HOUR: "working",
    LimitUnit.DAY: "wall",
}
assert all(unit.measure is Measure(measure) for unit, measure in MEASURES.items())

cities = st.sampled_from(sorted(CITIES))
# Around the long holidays, New Year and both changes of New York's clock, and anywhere.
around = st.sampled_from(
    [date(2025, 1, 26), date(2025, 3, 8), date(2025, 9, 26), date(2025, 11, 1), date(2025, 12, 30)]
)
anywhere = st.dates(date(2024, 1, 1), date(2026, 10, 1))


@st.composite
def minutes(draw: st.DrawFn) -> datetime:
    """A whole minute of 2024 to 2026, in UTC."""
    day = draw(st.one_of(around, anywhere))
    begin = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return begin + draw(st.integers(0, 3 * 24 * 60)) * MINUTE


def of_minutes(count: int, unit: LimitUnit) -> Limit:
    """A limit of so many minutes as its unit counts them."""
    per_unit = 24 * 60 if unit is LimitUnit.DAY else 60
    return Limit(Decimal(count) / per_unit, unit)


units = st.sampled_from(sorted(MEASURES))
some_minutes = st.integers(1, 40 * 60)


@given(cities, minutes(), units, some_minutes)
@settings(deadline=None, max_examples=200)
def test_due_time_is_the_oracles(city: str, start: datetime, unit: LimitUnit, count: int) -> None:
    exact, oracle = CITIES[city]
    unit = LimitUnit(unit)
    count = min(count, 24 * 60) if unit is LimitUnit.DAY else count
    assert due_at(start, of_minutes(count, unit), exact) == oracle.due(start, MEASURES[unit], count)


@given(cities, minutes(), st.integers(0, 4 * 24 * 60))
@settings(deadline=None, max_examples=200)
def test_working_time_between_is_the_oracles(city: str, start: datetime, count: int) -> None:
    exact, oracle = CITIES[city]
    end = start + count * MINUTE
    assert exact.working_seconds_between(start, end) == 60 * oracle.worked_minutes(start, end)


@given(
    cities,
    minutes(),
    st.integers(-5000, 5000),
    st.sampled_from(list(LimitUnit)),
    st.integers(1, 200),
)
@settings(deadline=None, max_examples=200)
def test_due_time_is_monotone_in_start(
    city: str, start: datetime, later: int, unit: LimitUnit, value: int
) -> None:
    exact, _ = CITIES[city]
    limit = Limit(Decimal(value) / 10, unit)
    other = start + timedelta(seconds=7 * later)
    first, second = sorted([start, other])
    assert due_at(first, limit, exact) <= due_at(second, limit, exact)


@given(cities, minutes(), st.sampled_from(list(LimitUnit)), st.integers(1, 200), st.integers(1, 50))
@settings(deadline=None, max_examples=200)
def test_due_time_is_monotone_in_amount_and_after_the_start(
    city: str, start: datetime, unit: LimitUnit, value: int, more: int
) -> None:
    exact, _ = CITIES[city]
    due = due_at(start, Limit(Decimal(value) / 10, unit), exact)
    assert start < due
    longer = due_at(start, Limit(Decimal(value + more) / 10, unit), exact)
    # An hour left out shows many wall times at once, so only there may two amounts meet.
    assert due <= longer if unit is LimitUnit.DAY else due < longer


@given(cities, minutes(), st.integers(1, 60_000_000))
@settings(deadline=None, max_examples=200)
def test_due_time_ends_a_worked_moment_and_uses_exactly_the_amount(
    city: str, start: datetime, tenths_of_a_second: int
) -> None:
    exact, _ = CITIES[city]
    amount = timedelta(milliseconds=100 * (tenths_of_a_second % 2_000_000 + 1))
    due = exact.add_working(start, amount)
    assert exact.is_working_time(due - timedelta(microseconds=1))
    assert exact.working_seconds_between(start, due) == amount.total_seconds()
    # From the latest start with that much left, and no later.
    latest = exact.subtract_working(due, amount)
    assert latest >= start
    assert exact.working_seconds_between(latest, due) == amount.total_seconds()
    assert exact.is_working_time(latest)


@given(cities, minutes(), units, some_minutes)
@settings(deadline=None, max_examples=200)
def test_limit_fits_between_the_moment_before_and_the_due_time(
    city: str, due: datetime, unit: LimitUnit, count: int
) -> None:
    exact, _ = CITIES[city]
    limit = of_minutes(count, LimitUnit(unit))
    before = moment_before(due, limit, exact)
    assert before < due
    if LimitUnit(unit) is not LimitUnit.DAY:
        assert due_at(before, limit, exact) <= due


Life = tuple[ClockEvents, list[Step]]


def event_of(happens: str, at: datetime, given: Limit) -> ClockEvent:
    events: dict[str, ClockEvent] = {
        "pause": Paused(at, "held"),
        "resume": Resumed(at),
        "stop": Stopped(at),
        "extend": Extended(at, given),
        "restart": Restarted(at, given, "redispatch"),
    }
    return events[happens]


@st.composite
def lives(draw: st.DrawFn) -> Life:
    """A random life of a clock, as events and as the oracle's steps."""
    at = draw(minutes())
    unit, count = LimitUnit(draw(units)), draw(st.integers(10, 1500))
    events: ClockEvents = (Started(at, of_minutes(count, unit)),)
    steps: list[Step] = [("start", at, (MEASURES[unit], count))]
    for _ in range(draw(st.integers(0, 6))):
        at += draw(st.integers(1, 700)) * MINUTE
        state = clocks.state_of(events)
        happens = draw(st.sampled_from(_POSSIBLE[state]))
        unit, count = LimitUnit(draw(units)), draw(st.integers(10, 1000))
        given = of_minutes(count, unit)
        event = event_of(happens, at, given)
        grants = (MEASURES[unit], count) if happens in ("extend", "restart") else None
        events, steps = (*events, event), [*steps, (happens, at, grants)]
    return events, steps


_POSSIBLE = {
    clocks.ClockState.RUNNING: ["pause", "stop", "extend", "restart"],
    clocks.ClockState.PAUSED: ["resume", "stop", "extend", "restart"],
    clocks.ClockState.STOPPED: ["resume", "restart"],  # by rework
}


@given(lives(), cities)
@settings(deadline=None, max_examples=200)
def test_clock_is_due_when_the_oracle_says(life: Life, city: str) -> None:
    exact, oracle = CITIES[city]
    events, steps = life
    due = oracle.due_of_clock(steps)
    shown = clocks.read(events, exact)
    last = events[-1].at
    paused_in_time = shown.state is clocks.ClockState.PAUSED and due > last
    assert shown.due_at == (None if paused_in_time else due)
    assert shown.overdue == (due < last)
    if shown.state is clocks.ClockState.STOPPED:
        assert shown.on_time == (last <= due)


@given(lives(), cities, st.sampled_from(["zh", "en"]))
@settings(deadline=None, max_examples=200)
def test_explanation_adds_up_to_what_was_owed(life: Life, city: str, locale: str) -> None:
    exact, _ = CITIES[city]
    events, _ = life
    begin = max(n for n, event in enumerate(events) if isinstance(event, Started | Restarted))
    account = explain(events, exact, locale)[-len(explain(events[begin:], exact, locale)) :]
    counted = sum((line.amount for line in account if line.amount), timedelta())
    assert account[-1].running_total == counted
    shown = clocks.read(events, exact)
    granted = limits_since_start(events[begin:])
    if shown.due_at is not None:
        assert max(line.at for line in account if line.amount is None) >= shown.due_at
        owed = sum(limit.microseconds(exact) for limit in granted)
        assert counted == timedelta(microseconds=owed)
    elif len({limit.unit.measure for limit in granted}) == 1:
        # Time of several measures has no sum of one measure to compare with.
        assert counted == shown.used


def limits_since_start(events: ClockEvents) -> list[Limit]:
    given = [event.limit for event in events if isinstance(event, Started | Restarted)]
    given += [event.by for event in events if isinstance(event, Extended)]
    return [limit for limit in given if isinstance(limit, Limit)]


@given(lives())
@settings(deadline=None, max_examples=200)
def test_life_survives_json(life: Life) -> None:
    events, _ = life
    assert clocks.from_plain(clocks.to_plain(events)) == events
