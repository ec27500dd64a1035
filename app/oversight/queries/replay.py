"""The log of a case in the order it was written, for walking through it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.cases.tables import CaseLog

LONGEST_REPLAY: Final = 500


def first_rows(session: Session, case_id: int) -> tuple[Sequence[CaseLog], bool]:
    """Return the rows of a log from its beginning, and whether there are more than LONGEST_REPLAY."""
    rows = session.scalars(
        select(CaseLog)
        .where(CaseLog.case_id == case_id, CaseLog.kind != "timer_fired")
        .order_by(CaseLog.seq)
        .limit(LONGEST_REPLAY + 1)
    ).all()
    return rows[:LONGEST_REPLAY], len(rows) > LONGEST_REPLAY
