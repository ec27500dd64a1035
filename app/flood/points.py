"""Flood points: level, depth and trend now, what they probably suffer, who and what is there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.errors import NotFound
from app.flood.rain import DistrictForecast, forecasts_at
from sla.flood import FloodPolicy
from sla.flood_files import GAUGE, TRADE, shipped_flood_policy
from sla.sensing import Level

LONGEST_WORDS: Final = 60
# Below every depth that a device can measure.
_DRY: Final = -1e9
DEPTH: Final = 1
# How far back the trend looks.
TREND: Final = timedelta(minutes=15)

# That a device fell silent says nothing of water: such alerts give no level. w: the deepest of a point's devices. before: what it showed a while earlier, by the five-minute summaries.
_POINTS: Final = """
SELECT s.id, s.code, s.kind, s.name, s.name_en, s.district_code, t.name AS district, s.unit_id, u.name AS unit_name,
    u.name_en AS unit_name_en, s.lon, s.lat, s.data, coalesce(a.level, 0) AS level, w.depth, w.at, w.before
FROM sites s
LEFT JOIN units u ON u.id = s.unit_id
LEFT JOIN districts t ON t.code = s.district_code
LEFT JOIN LATERAL (
    SELECT max(al.level) AS level FROM alerts al JOIN devices d ON d.id = al.device_id
    JOIN sensor_rules ru ON ru.id = al.rule_id
    WHERE d.site_id = s.id AND al.closed_at IS NULL AND ru.kind <> 'silent'
) a ON true
LEFT JOIN LATERAL (
    SELECT l.value AS depth, l.at, (
        SELECT r.last FROM reading_summaries r
        WHERE r.device_id = l.device_id AND r.metric = 1 AND r.minutes = 5
            AND r.starts_at <= l.at - make_interval(secs => :trend_s)
            AND r.starts_at > l.at - make_interval(secs => 2 * :trend_s)
        ORDER BY r.starts_at DESC LIMIT 1) AS before
    FROM devices d JOIN latest_readings l ON l.device_id = d.id AND l.metric = 1
    WHERE d.site_id = s.id AND d.active AND l.at IS NOT NULL ORDER BY l.value DESC LIMIT 1
) w ON true
WHERE s.trade = 'flood' AND s.kind <> 'rain_gauge' AND s.active
    AND (:path = '' OR u.path LIKE :path || '%')
"""
_ALERTS_OF_LATE: Final = """
SELECT d.site_id, count(*) FROM alerts a JOIN devices d ON d.id = a.device_id
JOIN sensor_rules ru ON ru.id = a.rule_id
WHERE ru.kind <> 'silent' AND d.site_id IS NOT NULL AND a.opened_at > :since AND a.opened_at <= :at GROUP BY d.site_id
"""


@dataclass(frozen=True, slots=True)
class Point:
    """A flood point now. before: its depth a quarter of an hour earlier."""

    id: int
    code: str
    kind: str
    name: str
    name_en: str
    district_code: str | None
    district: str | None
    unit_id: int | None
    unit_name: str | None
    unit_name_en: str | None
    lon: float
    lat: float
    data: dict[str, Any]
    level: int
    depth: float | None
    at: datetime | None
    before: float | None

    @property
    def trend(self) -> float | None:
        """Return how many cm it has risen, or fallen, within a quarter of an hour."""
        if self.depth is None or self.before is None:
            return None
        return self.depth - self.before

    @property
    def factor(self) -> float:
        """Return what forecast rain is multiplied by here."""
        given = self.data.get("rain_factor", 1)
        return float(given) if isinstance(given, int | float) else 1.0


@dataclass(frozen=True)
class Wanted:
    """Which points are wanted. path: of the unit that the reader is bound to."""

    words: str = ""
    kind: str = ""
    district: str = ""
    level: int | None = None
    wet: bool = False
    path: str = ""


@dataclass(frozen=True, slots=True)
class Likely:
    """A point that will probably flood: to which level, by how much forecast rain."""

    point: Point
    level: Level
    hour_mm: float
    three_hours_mm: float
    alerts: int


def points(session: Session, wanted: Wanted | None = None) -> Sequence[Point]:
    """Return the points that are wanted, the gravest and deepest first."""
    wanted = wanted or Wanted()
    conditions = [_POINTS]
    parameters: dict[str, Any] = {"path": wanted.path, "trend_s": TREND.total_seconds()}
    if wanted.words:
        parameters["like"] = f"%{_escaped(wanted.words[:LONGEST_WORDS])}%"
        conditions.append("AND (s.code ILIKE :like OR s.name ILIKE :like OR s.name_en ILIKE :like)")
    if wanted.kind:
        conditions.append("AND s.kind = :kind")
        parameters["kind"] = wanted.kind
    if wanted.district:
        conditions.append("AND s.district_code = :district")
        parameters["district"] = wanted.district
    if wanted.level is not None:
        conditions.append("AND coalesce(a.level, 0) >= :level")
        parameters["level"] = wanted.level
    if wanted.wet:
        conditions.append("AND w.depth >= :wet_cm")
        parameters["wet_cm"] = shipped_flood_policy().wet_cm
    conditions.append("ORDER BY coalesce(a.level, 0) DESC, w.depth DESC NULLS LAST, s.code")
    rows = session.execute(text(" ".join(conditions)), parameters)
    return [Point(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class PointPlace:
    """Where a page of the list of points begins: after this one."""

    level: int
    depth: float
    code: str

    @classmethod
    def of(cls, point: Point) -> PointPlace:
        """Return the place of a point; one without a depth stands after the dry ones."""
        return cls(point.level, _DRY if point.depth is None else point.depth, point.code)

    def __str__(self) -> str:
        return f"{self.level}_{self.depth!r}_{self.code}"

    @classmethod
    def read(cls, text: str) -> PointPlace | None:
        """Read a place as an address holds it; None for none. Raises NotFound for what is no place."""
        if not text:
            return None
        level, _, rest = text.partition("_")
        depth, _, code = rest.partition("_")
        try:
            return cls(int(level), float(depth), code)
        except ValueError as exc:
            raise NotFound("网址中的翻页位置无效，请从第一页看起。") from exc

    def is_before(self, point: Point) -> bool:
        """Tell whether a point comes after this place."""
        other = PointPlace.of(point)
        return (-self.level, -self.depth, self.code) < (-other.level, -other.depth, other.code)


def point_of(session: Session, site_id: int) -> Point | None:
    """Return one point."""
    statement = f"{_POINTS} AND s.id = :id"
    parameters = {"path": "", "trend_s": TREND.total_seconds(), "id": site_id}
    row = session.execute(text(statement), parameters).first()
    return None if row is None else Point(*row)


def likely_points(session: Session, at: datetime, policy: FloodPolicy) -> Sequence[Likely]:
    """Return the points that the forecast, as known at a moment, will probably flood, the gravest first."""
    by_district: dict[str, list[DistrictForecast]] = {}
    for one in forecasts_at(session, at, policy.forecast_hours):
        by_district.setdefault(one.district_code, []).append(one)
    if not by_district:
        return []
    since = at - timedelta(days=policy.history.days)
    counted = session.execute(text(_ALERTS_OF_LATE), {"since": since, "at": at})
    alerts = {row[0]: row[1] for row in counted}
    found = []
    for point in points(session):
        forecasts = by_district.get(point.district_code or "", ())
        hour = max((one.wettest(1) for one in forecasts), default=0.0)
        three = max((one.wettest(3) for one in forecasts), default=0.0)
        n = alerts.get(point.id, 0)
        level = policy.likely(point.kind, hour, three, factor=point.factor, alerts=n)
        if level:
            found.append(Likely(point, level, hour, three, n))
    return sorted(found, key=lambda one: (-one.level, one.point.code))


def is_point(kind: str, trade: str) -> bool:
    """Tell whether a site is a flood point."""
    return trade == TRADE and kind != GAUGE


def _escaped(words: str) -> str:
    return words.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
