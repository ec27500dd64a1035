"""What rained and what will: sums over gauges and forecasts, with every window given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from sla.flood import RainIn, wettest

HOUR: Final = timedelta(hours=1)

# Of a gauge that sends intervals, their sum; of one that sends only its total, how much that grew: where it begins
# anew, all of what it shows. The hour before the window gives the first total to compare with.
_BY_GAUGE: Final = """
WITH gauges AS (
    SELECT d.id, s.id AS site_id, s.code, s.name, s.name_en, s.district_code
    FROM devices d JOIN sites s ON s.id = d.site_id
    WHERE s.trade = 'flood' AND s.kind = 'rain_gauge' AND s.active AND d.active
), intervals AS (
    SELECT r.device_id, sum(r.value) AS mm, max(r.at) AS last_at FROM readings r JOIN gauges g ON g.id = r.device_id
    WHERE r.metric = 3 AND r.at > :from_at AND r.at <= :to_at GROUP BY r.device_id
), steps AS (
    SELECT r.device_id, r.at, r.value, lag(r.value) OVER (PARTITION BY r.device_id ORDER BY r.at) AS before
    FROM readings r JOIN gauges g ON g.id = r.device_id
    WHERE r.metric = 4 AND r.at > CAST(:from_at AS timestamptz) - interval '1 hour' AND r.at <= :to_at
), totals AS (
    SELECT device_id, sum(CASE WHEN value >= before THEN value - before ELSE value END) AS mm, max(at) AS last_at
    FROM steps WHERE before IS NOT NULL AND at > :from_at GROUP BY device_id
)
SELECT g.site_id, g.code, g.name, g.name_en, g.district_code,
    max(coalesce(i.mm, t.mm)) AS mm, max(coalesce(i.last_at, t.last_at)) AS last_at
FROM gauges g LEFT JOIN intervals i ON i.device_id = g.id LEFT JOIN totals t ON t.device_id = g.id
GROUP BY g.site_id, g.code, g.name, g.name_en, g.district_code ORDER BY g.code
"""
# The newest forecast of each district and source that still says something about the window.
_FORECASTS: Final = """
SELECT DISTINCT ON (f.district_code, f.source) f.district_code, f.source, f.issued_at, f.valid_from, f.hours_mm,
    d.name AS district
FROM rain_forecasts f LEFT JOIN districts d ON d.code = f.district_code
WHERE f.issued_at <= :at AND f.valid_to > :at
ORDER BY f.district_code, f.source, f.issued_at DESC, f.valid_from DESC
"""


@dataclass(frozen=True, slots=True)
class GaugeRain:
    """What a gauge measured in a window; mm is None where it sent nothing."""

    site_id: int
    code: str
    name: str
    name_en: str
    district_code: str | None
    mm: float | None
    last_at: datetime | None


@dataclass(frozen=True, slots=True)
class DistrictForecast:
    """The rain that a source forecasts for a district, by the hour from `begins_at` on."""

    district_code: str
    district: str | None
    source: str
    issued_at: datetime
    begins_at: datetime
    hours_mm: tuple[float, ...]

    @property
    def total(self) -> float:
        """Return the mm of all the hours."""
        return sum(self.hours_mm)

    def wettest(self, hours: int) -> float:
        """Return the most mm in so many hours on end."""
        return wettest(self.hours_mm, hours)


def rain_by_gauge(session: Session, from_at: datetime, to_at: datetime) -> Sequence[GaugeRain]:
    """Return what each gauge measured after one moment and until another."""
    rows = session.execute(text(_BY_GAUGE), {"from_at": from_at, "to_at": to_at})
    return [GaugeRain(*row) for row in rows]


def forecasts_at(session: Session, at: datetime, hours: int) -> Sequence[DistrictForecast]:
    """Return the newest forecasts as they were known at a moment, cut to the hours ahead of it."""
    found = []
    for row in session.execute(text(_FORECASTS), {"at": at}):
        # An hour that has begun still counts whole: the rain of it may be yet to come.
        passed = max(0, (at - row.valid_from) // HOUR)
        left = tuple(row.hours_mm[passed : passed + hours])
        begins_at = row.valid_from + passed * HOUR
        until = at + hours * HOUR
        kept = left[: max(0, -((begins_at - until) // HOUR))]
        found.append(
            DistrictForecast(
                row.district_code, row.district, row.source, row.issued_at, begins_at, kept
            )
        )
    return found


def measured_at(session: Session, at: datetime) -> RainIn:
    """Return how much any gauge measured in the hours before a moment."""
    kept: dict[int, float] = {}

    def most(hours: int) -> float:
        if hours not in kept:
            lines = rain_by_gauge(session, at - hours * HOUR, at)
            kept[hours] = max((line.mm or 0 for line in lines), default=0.0)
        return kept[hours]

    return most


def forecast_for(forecasts: Sequence[DistrictForecast]) -> RainIn:
    """Return how much any district is to get in its wettest hours."""
    return lambda hours: max((one.wettest(hours) for one in forecasts), default=0.0)
