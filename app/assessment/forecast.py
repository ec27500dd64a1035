"""The running month's end as the open cases let one see it: what is the least and the best, and what decides."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Final

from sqlalchemy.orm import Session

from app.accounts.tables import Unit
from app.assessment.queries import (
    AHEAD,
    Alike,
    Basis,
    CountedCase,
    alike_facts,
    counted_cases,
    units_counted_for,
)
from app.assessment.ranking import RANKED_BY
from app.assessment.scored import (
    SchemeInForce,
    ScoredUnit,
    counted_alike,
    figures_of,
    scored_by,
)
from sla.figures import Value
from sla.forecast import best_course, left_open
from sla.indicators import CountingRules, Period, every_indicator
from sla.scoring import score

OPENNESS: Final = "openness"


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a unit's figures at the end of the period lie between. undecided: cases that may still be closed on time."""

    due: int
    on_time: int
    undecided: int
    low_rate: Value
    high_rate: Value
    low_total: Decimal | None
    high_total: Decimal | None


@dataclass(frozen=True, slots=True)
class Deciding:
    """An open case that may still be closed on time, and what is lost if it is not; None: not counted in that."""

    case: CountedCase
    rate_points: Decimal | None
    score_points: Decimal | None


@dataclass(frozen=True)
class Forecast:
    """A running period as of a moment, to its very end. unit: of one unit alone; None: of all."""

    session: Session
    period: Period
    now: datetime
    rules: CountingRules
    scheme: SchemeInForce
    unit: Unit | None = None

    @property
    def basis(self) -> Basis:
        """Return the basis: what is known now, in the whole of the period."""
        return Basis(self.period, self.now, self.rules)

    def outlooks(self) -> dict[int, Outlook]:
        """Return the outlook of every ranked unit by its id."""
        alike = self._alike()
        low, high = self._scored(alike), self._scored(self._best(alike))
        return {
            unit_id: _outlook(low[unit_id], high[unit_id]) for unit_id in low.keys() & high.keys()
        }

    def deciding(self, unit: Unit, most: int) -> tuple[list[Deciding], int]:
        """Return the cases of a unit that are due soonest and not yet overdue, and how many there are of them."""
        alike = self._alike()
        row = self._scored(self._best(alike))[unit.id]
        ahead = [one for one in alike if one.part == AHEAD and one.membership(self.basis).due]
        unit_ids = units_counted_for(self.session, unit, self.rules)
        cases = sorted(
            counted_cases(self.session, self.basis, unit_ids, ahead, by=OPENNESS),
            key=lambda case: (case.fact.due_at, case.number),
        )
        return [self._deciding(row, case) for case in cases[:most]], len(cases)

    def _deciding(self, best: ScoredUnit, case: CountedCase) -> Deciding:
        tallies = left_open(best.figures.tallies, case.fact, self.period, self.now, self.rules)
        figures = figures_of(tallies, every_indicator(self.rules)) | dict(best.figures.entered)
        without = score(self.scheme.scheme, figures)
        rate = _less(best.value(RANKED_BY), figures[RANKED_BY])
        has_score = self.scheme.scheme.has_score
        return Deciding(case, rate, _less(best.total, without.total) if has_score else None)

    def _alike(self) -> list[Alike]:
        unit_ids = None
        if self.unit is not None:
            unit_ids = units_counted_for(self.session, self.unit, self.rules)
        return alike_facts(self.session, self.basis, unit_ids, OPENNESS)

    def _best(self, alike: Iterable[Alike]) -> list[Alike]:
        return [replace(one, fact=best_course(one.fact, self.now)) for one in alike]

    def _scored(self, alike: Sequence[Alike]) -> dict[int, ScoredUnit]:
        figures = counted_alike(self.session, self.period, self.basis, alike, self.now)
        return {row.unit.id: row for row in scored_by(figures, self.scheme).rows}


def _outlook(low: ScoredUnit, high: ScoredUnit) -> Outlook:
    sure, best = low.figures.tally, high.figures.tally
    return Outlook(
        sure.due,
        sure.on_time,
        best.on_time - sure.on_time,
        low.value(RANKED_BY),
        high.value(RANKED_BY),
        low.total,
        high.total,
    )


def _less(before: Value, after: Value) -> Decimal | None:
    if before is None or after is None:
        return None
    return Decimal(before) - Decimal(after)
