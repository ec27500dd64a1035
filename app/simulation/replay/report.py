"""What became of a history, read from the assessment's facts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy.orm import Session

from app.assessment.queries import department_report
from app.simulation.replay.history import Request
from app.simulation.replay.preparing import NO_DEPARTMENT

COLUMNS: Final = ("department", "n", "closed", "on_time", "late", "overdue_open")


def report_of(
    session: Session, requests: Sequence[Request], as_of: datetime
) -> list[dict[str, Any]]:
    """Return the figures of each department over these requests, those that have a promised time.

    Each number: requests; closed by then; closed in time; closed late; open though their time was up.
    """
    rows = department_report(session, as_of, [request.source_key for request in requests])
    return [
        {**row, "department": "" if row["department"] == NO_DEPARTMENT else row["department"]}
        for row in rows
    ]
