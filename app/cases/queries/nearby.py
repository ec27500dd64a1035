"""Cases near another in space and time: the same thing reported twice looks like this."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import cos, radians
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.cases.queries.visibility import Sight
from app.cases.tables import Case

WITHIN_M: Final = 200
WITHIN_DAYS: Final = 7
MOST: Final = 5
_METRES_PER_DEGREE: Final = 111_320
# A flat map serves for two hundred metres: the error is of centimetres.
_NEARBY: Final = """
SELECT n.*, p.sha256 FROM (
    SELECT c.id, c.number, c.title, c.class_code, c.stage, c.reported_at,
           sqrt(power((c.lat - :lat) * :per_lat, 2) + power((c.lon - :lon) * :per_lon, 2)) AS metres
    FROM cases c
    WHERE c.lat BETWEEN :lat - :within / :per_lat AND :lat + :within / :per_lat
      AND c.lon BETWEEN :lon - :within / :per_lon AND :lon + :within / :per_lon
      AND c.reported_at BETWEEN :earliest AND :latest AND c.id <> :case AND {sight} {open}
) AS n LEFT JOIN LATERAL (
    SELECT sha256 FROM photos WHERE case_id = n.id AND media_type <> 'image/heic'
    ORDER BY added_at, id LIMIT 1) AS p ON TRUE
WHERE n.metres <= :within
ORDER BY (n.class_code = CAST(:class AS text)) IS TRUE DESC, n.metres, n.id LIMIT :most
"""


@dataclass(frozen=True, slots=True)
class NearbyCase:
    """One case near another. metres: between the two. sha256: of its first photo, if a browser can show it."""

    id: int
    number: str
    title: str
    class_code: str | None
    stage: str
    reported_at: datetime
    metres: float
    sha256: str | None


@dataclass(frozen=True, slots=True)
class Spot:
    """Where, when and of what class something is. but: the case that it is itself, which is left out."""

    lon: float
    lat: float
    class_code: str | None
    at: datetime
    but: int = 0


def nearby_cases(session: Session, case: Case, sight: Sight) -> Sequence[NearbyCase]:
    """Return what lies near a case and what its reader may see: its own class first, then the nearest."""
    if case.lon is None or case.lat is None:
        return ()
    spot = Spot(case.lon, case.lat, case.class_code, case.reported_at, but=case.id)
    return cases_near(session, spot, sight)


def cases_near(
    session: Session, spot: Spot, sight: Sight, *, open_only: bool = False
) -> Sequence[NearbyCase]:
    """Return what lies near a spot and what its reader may see: its own class first, then the nearest."""
    span = timedelta(days=WITHIN_DAYS)
    values = {
        **sight.values,
        "lat": spot.lat,
        "lon": spot.lon,
        "per_lat": float(_METRES_PER_DEGREE),
        # At a pole a degree of longitude is nothing; no city lies there.
        "per_lon": max(1.0, _METRES_PER_DEGREE * cos(radians(spot.lat))),
        "within": float(WITHIN_M),
        "earliest": spot.at - span,
        "latest": spot.at + span,
        "case": spot.but,
        "class": spot.class_code,
        "most": MOST,
    }
    still_open = "AND c.closed_at IS NULL" if open_only else ""
    statement = _NEARBY.format(sight=sight.condition, open=still_open)
    rows = session.execute(text(statement), values)
    return [NearbyCase(**row) for row in rows.mappings()]
