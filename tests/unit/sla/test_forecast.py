"""Forecasts: whatever becomes of the cases that are open, the figures end between the bounds."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sla.counting_rules import ClosedBy, Count, CountingRules, ExemptAs, OnTimeBy
from sla.figures import ALL
from sla.forecast import best_course, bounds_of, left_open
from sla.indicators import Fact, Period, every_indicator, rate, tally

START = datetime(2025, 11, 1, tzinfo=UTC)
END = datetime(2025, 12, 1, tzinfo=UTC)
PERIOD = Period(START, END)
NOW = START + timedelta(days=19)
USUAL = CountingRules()

days = st.integers(-240, 30 * 24).map(lambda hours: START + timedelta(hours=hours))
rules = st.builds(
    CountingRules,
    on_time_by=st.sampled_from(OnTimeBy),
    carried_over=st.sampled_from(Count),
    exempt=st.sampled_from(ExemptAs),
    closed_by=st.sampled_from(ClosedBy),
)


@st.composite
def cases(draw: st.DrawFn) -> Fact:
    """A case as it is known now: closed, handed in, or still to be done."""
    due = draw(st.one_of(st.none(), days))
    handed = draw(st.one_of(st.none(), days.filter(lambda at: at <= NOW)))
    closed = draw(st.booleans()) if handed is not None else False
    return Fact(
        1,
        1,
        due_at=due,
        stopped_at=handed,
        on_time=None if handed is None or due is None else handed <= due,
        closed_at=min(handed + timedelta(hours=5), NOW) if handed and closed else None,
        exempt=draw(st.booleans()),
        held_at_end=draw(st.booleans()),
        void=draw(st.booleans()),
    )


@st.composite
def courses(draw: st.DrawFn) -> tuple[Fact, Fact]:
    """A case as it is known now, and as it is when the period is over."""
    fact = draw(cases())
    later = st.integers(0, 11 * 24).map(lambda hours: NOW + timedelta(hours=hours))
    if fact.closed_at is not None or not draw(st.booleans()):
        return fact, fact
    handed = fact.stopped_at or draw(later)
    kept = None if fact.due_at is None else handed <= fact.due_at
    done = replace(fact, stopped_at=handed, on_time=kept)
    if draw(st.booleans()):
        done = replace(done, closed_at=max(handed, draw(later)))
    return fact, done


@given(st.lists(courses(), max_size=12), rules)
def test_whatever_happens_the_rate_ends_between_the_bounds(
    lived: list[tuple[Fact, Fact]], chosen: CountingRules
) -> None:
    bounds = bounds_of([before for before, _ in lived], PERIOD, NOW, chosen)
    actual = tally([after for _, after in lived], PERIOD, chosen)
    assert bounds.low.due == actual.due == bounds.high.due
    for name in ("on_time", "closed"):
        assert getattr(bounds.low, name) <= getattr(actual, name) <= getattr(bounds.high, name)
    figure = every_indicator(chosen)["on_time_closing_rate"]
    low, value, high = (figure.value(one) for one in (bounds.low, actual, bounds.high))
    assert (low is None) == (value is None) == (high is None)
    if low is not None and value is not None and high is not None:
        assert low <= value <= high


@given(st.lists(cases(), min_size=1, max_size=8), rules)
def test_both_bounds_can_happen(known: list[Fact], chosen: CountingRules) -> None:
    bounds = bounds_of(known, PERIOD, NOW, chosen)
    assert tally(known, PERIOD, chosen) == bounds.low
    assert tally([best_course(one, NOW) for one in known], PERIOD, chosen) == bounds.high


@given(st.lists(cases(), min_size=1, max_size=8), rules)
def test_one_left_open_is_the_best_of_the_others(known: list[Fact], chosen: CountingRules) -> None:
    best = {ALL: bounds_of(known, PERIOD, NOW, chosen).high}
    others = [best_course(one, NOW) for one in known[1:]]
    expected = tally([known[0], *others], PERIOD, chosen)
    assert left_open(best, known[0], PERIOD, NOW, chosen)[ALL] == expected


@pytest.mark.parametrize(
    ("fact", "reaches"),
    [
        (Fact(1, 1, due_at=NOW + timedelta(hours=1)), True),
        (Fact(1, 1, due_at=NOW), True),
        (Fact(1, 1, due_at=NOW - timedelta(hours=1)), False),
        # Handed in on time and not yet closed: the checkers' time is not the unit's.
        (Fact(1, 1, due_at=NOW - timedelta(1), stopped_at=NOW - timedelta(2), on_time=True), True),
        (
            Fact(1, 1, due_at=NOW - timedelta(2), stopped_at=NOW - timedelta(1), on_time=False),
            False,
        ),
        (Fact(1, 1, due_at=NOW - timedelta(2), exempt=True), True),
    ],
)
def test_best_course_is_on_time_only_where_it_still_can_be(fact: Fact, *, reaches: bool) -> None:
    bounds = bounds_of([fact], PERIOD, NOW, USUAL)
    assert (bounds.low.due, bounds.low.on_time, bounds.high.on_time) == (1, 0, int(reaches))


def test_case_of_another_population_is_worth_nothing_there() -> None:
    fact = Fact(1, 1, due_at=NOW + timedelta(hours=1))
    high = bounds_of([fact], PERIOD, NOW, USUAL).high
    left = left_open({ALL: high, "urgent": high}, fact, PERIOD, NOW, USUAL)
    assert (left[ALL].on_time, left["urgent"].on_time) == (0, 1)
    assert rate(left[ALL].on_time, left[ALL].due) == Decimal("0.00")
