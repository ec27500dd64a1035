"""Where a period's figures may still go: from the cases that are open at a moment.

Two courses bound what can become of them. If nothing happens any more, what is open stays open, and what is due in
the period is not closed on time. The best that can happen to an open case is that it is handed in and closed at once:
whoever would be late now is late later, too. Of cases yet to come, and of due times yet to move, nothing is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sla.counting import Fact, Period, Tally, counts_as, in_population, tally
from sla.counting_rules import CountingRules


@dataclass(frozen=True, slots=True)
class Bounds:
    """The counts of a period if nothing happens any more, and in the best course."""

    low: Tally
    high: Tally


def best_course(fact: Fact, now: datetime) -> Fact:
    """Return a case as it would be if it were handed in and closed at once; one that is closed stays as it is."""
    if fact.closed_at is not None:
        return fact
    if fact.stopped_at is not None:
        return replace(fact, closed_at=now)
    on_time = None if fact.due_at is None else now <= fact.due_at
    return replace(fact, stopped_at=now, on_time=on_time, closed_at=now)


def bounds_of(facts: Iterable[Fact], period: Period, now: datetime, rules: CountingRules) -> Bounds:
    """Return what the counts of a period, to its very end, lie between. now: a moment in the period."""
    known = list(facts)
    best = (best_course(fact, now) for fact in known)
    return Bounds(tally(known, period, rules), tally(best, period, rules))


def left_open(
    best: Mapping[str, Tally], fact: Fact, period: Period, now: datetime, rules: CountingRules
) -> dict[str, Tally]:
    """Return the counts of the best course, by population, but for one case that nothing happens to any more."""
    there = Tally.of([counts_as(best_course(fact, now), period, rules)])
    missing = there - Tally.of([counts_as(fact, period, rules)])
    return {
        population: counts - missing if in_population(fact, population, rules) else counts
        for population, counts in best.items()
    }
