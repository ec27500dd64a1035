"""The open cases as points on the map of the city, each with its traffic light."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.cases.queries.visibility import Sight

MOST_POINTS: Final = 5000
"""More points than this are a blot; those that matter most are drawn."""

_POINTS: Final = """
SELECT c.number, c.title, c.lon, c.lat,
       CASE WHEN c.result_at IS NULL AND c.due_at < :now THEN 'overdue'
            WHEN c.on_hold THEN 'paused'
            WHEN c.result_at IS NULL AND c.near_due THEN 'near' ELSE 'normal' END AS light
FROM cases c
WHERE c.closed_at IS NULL AND c.lon IS NOT NULL AND c.lat IS NOT NULL AND {seen}
ORDER BY c.result_at IS NULL AND c.due_at < :now DESC NULLS LAST, c.near_due DESC, c.id DESC
LIMIT :most
"""


def points_of(session: Session, sight: Sight, now: datetime) -> Sequence[dict[str, Any]]:
    """Return open cases that have a place: overdue ones first, then those nearly due, at most MOST_POINTS."""
    bound = {"now": now, "most": MOST_POINTS, **sight.values}
    rows = session.execute(text(_POINTS.format(seen=sight.condition)), bound)
    return [dict(row) for row in rows.mappings()]
