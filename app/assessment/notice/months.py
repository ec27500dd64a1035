"""The months before a notice's, for its trend and its movements."""

from __future__ import annotations

from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from app.assessment.history import ranking_shown, shown_in
from app.assessment.ranking import Month
from app.assessment.scored import ScoredRanking

MONTHS_BEFORE: Final = 5


def earlier_rankings(session: Session, month: Month, zone: ZoneInfo) -> list[ScoredRanking]:
    """Return the months before that ranked anybody, oldest first: the edition that each shows, else as of its end."""
    months = [month.plus(-back) for back in range(MONTHS_BEFORE, 0, -1)]
    shown = shown_in(session, [one.first_on for one in months])
    drawn = [ranking_shown(session, one, shown.get(one.first_on), zone) for one in months]
    return [ranking for ranking in drawn if any(row.rank is not None for row in ranking.rows)]
