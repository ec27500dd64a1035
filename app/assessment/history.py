"""How units stood in earlier months: from the edition that a month shows, or counted as of its end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.assessment.editions import ABANDONED, PUBLISHED, ranking_of_run, run_of
from app.assessment.ranking import RANKED_BY, Month, UnitRow, ranked_groups
from app.assessment.scored import ScoredRanking, scored
from app.assessment.tables import Run
from sla.figures import Value
from sla.indicators import Tally


@dataclass(frozen=True, slots=True)
class Standing:
    """How a unit stood: its on-time closing rate with the rank by it, and its score with the rank by that."""

    due: int
    rate: Value
    rank: int | None
    total: Decimal | None
    score_rank: int | None


@dataclass(frozen=True, slots=True)
class Shown:
    """The edition that a month shows, and the hash of what it says."""

    run_id: int
    result_hash: str


Standings = Mapping[int, Standing]
"""By the unit's id; a unit that was not ranked then is missing."""


def shown_in(session: Session, months: Sequence[date]) -> dict[date, Shown]:
    """Return which edition each month shows, as editions.shown_edition chooses it, without its counts."""
    query = (
        select(Run.month, Run.id, Run.result_hash)
        .where(Run.month.in_(months), Run.state != ABANDONED)
        # Of several the last published; the one being made only where none is.
        .order_by(Run.month, Run.state == PUBLISHED, Run.edition)
    )
    return {month: Shown(run_id, found) for month, run_id, found in session.execute(query)}


def standings_of(
    session: Session, month: Month, shown: Shown | None, zone: ZoneInfo
) -> dict[int, Standing]:
    """Return how the units stood in a month that is over. shown: its edition; None: counted as of its end."""
    return standings_in(ranking_shown(session, month, shown, zone))


def ranking_shown(
    session: Session, month: Month, shown: Shown | None, zone: ZoneInfo
) -> ScoredRanking:
    """Return the ranking of a month that is over. shown: its edition; None: counted as of its end."""
    if shown is None:
        return scored(session, month.period(zone))
    return ranking_of_run(run_of(session, shown.run_id), zone)


def standings_in(ranking: ScoredRanking) -> dict[int, Standing]:
    """Return how the units stand in a ranking."""
    by_rate = {row.unit.id: row.rank for row in _rows_by_rate(ranking)}
    return {
        row.unit.id: Standing(
            row.figures.tally.due,
            row.value(RANKED_BY),
            by_rate[row.unit.id],
            row.total,
            row.rank,
        )
        for row in ranking.rows
    }


def _rows_by_rate(ranking: ScoredRanking) -> list[UnitRow]:
    indicator = ranking.counted.indicators[RANKED_BY]

    def value(counts: Tally) -> Value:
        return indicator.value(counts)

    rows = (UnitRow(one.unit, one.tally) for one in ranking.counted.units)
    return [row for group in ranked_groups(rows, value) for row in group.rows]
