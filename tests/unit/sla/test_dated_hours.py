"""Working hours that change on a day: counted right across it, and clocks that began before keep their due time."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import InvalidInput
from sla import clocks
from sla.calendar import CalendarRules, DatedHours, Hours, Season, WorkingCalendar
from sla.explanation import explain
from sla.limits import Limit
from tests.unit.sla.moments import NEW_YORK, SHANGHAI, calendar, limit, shanghai

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
SUMMER = ("08:30-12:00", "15:00-18:30")


def hours(*written: str) -> tuple[Hours, ...]:
    return tuple(Hours.parse(one) for one in written)


def changed(
    on: date, *written: str, zone: object = SHANGHAI, known_from: datetime = LONG_AGO
) -> WorkingCalendar:
    """A calendar of 08:00-12:00 and 14:00-18:00 that works other hours from a day on."""
    edition = DatedHours(on, known_from, hours(*written))
    return WorkingCalendar(CalendarRules(zone=zone, editions=(edition,)))  # type: ignore[arg-type]


@st.composite
def spans(draw: st.DrawFn) -> tuple[str, ...]:
    """One or two stretches of a day, in order."""
    quarters = sorted(draw(st.sets(st.integers(0, 96), min_size=2, max_size=4)))
    quarters = quarters[: len(quarters) // 2 * 2]
    told = [f"{at // 4:02}:{at % 4 * 15:02}" for at in quarters]
    return tuple(f"{a}-{b}" for a, b in zip(told[::2], told[1::2], strict=True))


# Minutes of 2025, up to a week before its end.
moments = st.integers(4 * 1440, 358 * 1440).map(
    lambda minutes: datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)
in_spring = moments.filter(lambda moment: moment.month <= 6)


@given(st.dates(date(2025, 1, 2), date(2025, 12, 30)), spans(), moments, moments, st.booleans())
@settings(deadline=None, max_examples=200)
def test_time_across_the_change_is_the_sum_of_both_parts(
    on: date, written: tuple[str, ...], one: datetime, other: datetime, abroad: bool
) -> None:
    zone = NEW_YORK if abroad else SHANGHAI
    city = changed(on, *written, zone=zone)
    before, after = calendar(zone), calendar(zone, written)
    start, end = sorted([one, other])
    change = min(max(datetime.combine(on, time(), zone).astimezone(UTC), start), end)
    parts = before.working_seconds_between(start, change) + after.working_seconds_between(
        change, end
    )
    assert city.working_seconds_between(start, end) == pytest.approx(parts, abs=1e-6)


@given(st.dates(date(2025, 1, 2), date(2025, 10, 30)), spans(), in_spring, st.integers(1, 3000))
@settings(deadline=None, max_examples=200)
def test_due_time_across_the_change_has_just_so_much_before_it(
    on: date, written: tuple[str, ...], start: datetime, minutes: int
) -> None:
    city = changed(on, *written)
    amount = timedelta(minutes=minutes)
    due = city.add_working(start, amount)
    assert city.working_seconds_between(start, due) == amount.total_seconds()
    assert city.is_working_time(due - timedelta(microseconds=1))


def test_limit_runs_across_the_change() -> None:
    # Tuesday 30 September 2025, 16:00: two hours; 1 to 8 October are off; on the 9th the new hours hold:
    # 08:30-12:00 are three and a half, the last half hour runs from 15:00.
    city = changed(date(2025, 10, 1), *SUMMER)
    assert city.add_working(shanghai(9, 30, 16), 6 * HOUR) == shanghai(10, 9, 15, 30)
    assert city.subtract_working(shanghai(10, 9, 15, 30), 6 * HOUR) == shanghai(9, 30, 16)


def test_edition_goes_before_a_season_and_until_the_next() -> None:
    season = Season((6, 1), (9, 30), hours("07:00-11:00"))
    editions = (
        DatedHours(date(2025, 7, 1), LONG_AGO, hours("09:00-17:00")),
        DatedHours(date(2025, 8, 1), LONG_AGO, hours("10:00-16:00")),
    )
    rules = CalendarRules(seasons=(season,), editions=editions)
    told = [str(rules.hours_on(date(2025, month, 15))[0]) for month in (5, 6, 7, 9)]
    assert told == ["08:00-12:00", "07:00-11:00", "09:00-17:00", "10:00-16:00"]


def test_editions_out_of_order_or_overlapping_are_refused() -> None:
    one = DatedHours(date(2025, 7, 1), LONG_AGO, hours("09:00-17:00"))
    with pytest.raises(InvalidInput):
        CalendarRules(editions=(one, one))
    with pytest.raises(InvalidInput):
        CalendarRules(editions=(DatedHours(date(2025, 7, 1), LONG_AGO, hours("09:00-12:00", "11:00-13:00")),))  # fmt: skip


# Clocks

DECIDED = shanghai(10, 14, 12)
BEGUN = shanghai(10, 14, 10)
OLD, NEW = calendar(), changed(date(2025, 10, 15), *SUMMER, known_from=DECIDED)


def _life(start: datetime) -> list[clocks.ClockEvent]:
    """A clock of two working days that stood still for an hour and was extended across the change."""
    policy = clocks.load_clock_policies()["handling"]
    events = clocks.start(start, limit("2 工作日"))
    events = clocks.pause(events, shanghai(10, 15, 9), "held")
    events = clocks.resume(events, shanghai(10, 15, 10))
    return list(clocks.extend(events, shanghai(10, 15, 11), policy, NEW, Limit.parse("4 工作时")))


def test_clock_that_began_before_the_decision_keeps_its_due_time() -> None:
    events = _life(BEGUN)
    for now in (shanghai(10, 15, 16), shanghai(10, 20, 9)):
        assert clocks.read(events, NEW, now) == clocks.read(events, OLD, now)
    assert explain(events, NEW, "zh") == explain(events, OLD, "zh")
    carried = (clocks.carry(events, NEW),)
    assert clocks.read(carried, NEW, shanghai(10, 20, 9)) == clocks.read(
        events, OLD, shanghai(10, 20, 9)
    )


def test_clock_that_begins_later_or_begins_anew_counts_the_new_hours() -> None:
    # Wednesday the 15th at 09:00: 3 h to noon, 15:00-18:30, and 1.5 h of Thursday from 08:30.
    begun = clocks.start(shanghai(10, 15, 9), limit("1 工作日"))
    assert clocks.read(begun, NEW).due_at == shanghai(10, 16, 10)
    anew = clocks.restart(_life(BEGUN), shanghai(10, 15, 14), limit("4 工作时"), "redispatch")
    # 15:00-18:30, and half an hour of Thursday.
    assert clocks.read(anew, NEW).due_at == shanghai(10, 16, 9)
    assert explain(anew, NEW, "zh")[-1].at == shanghai(10, 16, 9)
