"""The months before a notice's, for its trend and its movements."""

from __future__ import annotations

from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from app.assessment.ranking import Month
from app.assessment.scored import ScoredRanking, scored
from sla.indicators import CountingRules

MONTHS_BEFORE: Final = 5


def earlier_rankings(
    session: Session, month: Month, zone: ZoneInfo, policy: CountingRules | None = None
) -> list[ScoredRanking]:
    """Return the months before that ranked anybody, oldest first, each by the scheme then in force."""
    months = (month.plus(-back) for back in range(MONTHS_BEFORE, 0, -1))
    drawn = [scored(session, one.period(zone), policy=policy) for one in months]
    return [ranking for ranking in drawn if any(row.rank is not None for row in ranking.rows)]
