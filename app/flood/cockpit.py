"""Everything that the wall screen shows, as of a moment: now, or any moment of an event that is over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.flood.duty import MISSING, roster
from app.flood.rain import HOUR, rain_by_gauge
from sla.flood_files import shipped_flood_policy

# A depth older than this is not shown as that of the moment.
FRESH: Final = timedelta(hours=1)
CURVE: Final = timedelta(hours=3)
CURVES: Final = 4
LISTED: Final = 6

# Levels and depths of the moment, by when they were measured: what came in late stands where it belongs. Of alerts
# their last level until then; of several gauges the deepest, with its own time.
_POINTS: Final = """
SELECT s.id, s.name, s.name_en, s.kind, s.lon, s.lat, s.district_code, coalesce(a.level, 0) AS level,
    w.depth, extract(epoch FROM w.at) AS measured_at
FROM sites s LEFT JOIN units u ON u.id = s.unit_id
LEFT JOIN (
    SELECT d.site_id, max(l.level) AS level FROM alerts al JOIN devices d ON d.id = al.device_id
    JOIN sensor_rules r ON r.id = al.rule_id AND r.kind <> 'silent'
    CROSS JOIN LATERAL (
        SELECT level FROM alert_levels WHERE alert_id = al.id AND at <= :at ORDER BY at DESC, id DESC LIMIT 1) l
    WHERE al.opened_at <= :at AND (al.closed_at IS NULL OR al.closed_at > :at)
    GROUP BY d.site_id
) a ON a.site_id = s.id
LEFT JOIN LATERAL (
    SELECT r.value AS depth, r.at FROM devices d CROSS JOIN LATERAL (
        SELECT value, at FROM readings WHERE device_id = d.id AND metric = 1 AND at <= :at AND at > :fresh
        ORDER BY at DESC LIMIT 1) r
    WHERE d.site_id = s.id AND d.active ORDER BY r.value DESC, r.at DESC LIMIT 1
) w ON true
WHERE s.trade = 'flood' AND s.kind NOT IN ('rain_gauge', 'pump_truck') AND s.active
    AND (:path = '' OR u.path LIKE :path || '%')
ORDER BY coalesce(a.level, 0) DESC, w.depth DESC NULLS LAST, s.id
"""
# The five minutes that hold the moment know by now what came after it: of these only the readings until then.
_CURVES: Final = """
SELECT site_id, extract(epoch FROM starts_at)::bigint, max(high) FROM (
    SELECT d.site_id, h.starts_at, h.high FROM reading_summaries h JOIN devices d ON d.id = h.device_id
    WHERE d.site_id = ANY(:sites) AND h.metric = 1 AND h.minutes = 5 AND h.starts_at > :since
        AND h.starts_at < date_bin('5 minutes', CAST(:at AS timestamptz), 'epoch')
    UNION ALL SELECT d.site_id, date_bin('5 minutes', r.at, 'epoch'), r.value
    FROM readings r JOIN devices d ON d.id = r.device_id
    WHERE d.site_id = ANY(:sites) AND r.metric = 1
        AND r.at >= date_bin('5 minutes', CAST(:at AS timestamptz), 'epoch') AND r.at <= :at
) known GROUP BY 1, 2 ORDER BY 1, 2
"""
_PEOPLE: Final = """
SELECT coalesce(w.lon, o.lon), coalesce(w.lat, o.lat), coalesce(w.in_place, o.in_place, false), o.person_id
FROM duty_sign_ons o JOIN people p ON p.id = o.person_id JOIN units u ON u.id = p.unit_id
LEFT JOIN LATERAL (
    SELECT lon, lat, in_place FROM duty_positions WHERE sign_on_id = o.id AND at <= :at
    ORDER BY at DESC, id DESC LIMIT 1) w ON true
WHERE o.on_at <= :at AND (o.off_at IS NULL OR o.off_at > :at) AND (:path = '' OR u.path LIKE :path || '%')
"""
# A truck's state is that of its last change until then; of one without any, what it stands in now.
_TRUCKS: Final = """
SELECT t.plate, coalesce(c.state, t.state), coalesce(c.lon, s.lon), coalesce(c.lat, s.lat)
FROM pump_trucks t JOIN units u ON u.id = t.unit_id
LEFT JOIN LATERAL (
    SELECT state, lon, lat, site_id FROM pump_truck_changes WHERE truck_id = t.id AND at <= :at
    ORDER BY at DESC, id DESC LIMIT 1) c ON true
LEFT JOIN sites s ON s.id = c.site_id
WHERE :path = '' OR u.path LIKE :path || '%'
ORDER BY t.plate
"""
# To be confirmed is what the watch has before it, as the list of alerts says: blue is watched only, orange is answered
# without anybody.
_ALERTS: Final = """
SELECT a.id, s.name, s.name_en, a.opened_at, EXISTS (
        SELECT FROM process_items i WHERE i.process_id = a.process_id AND i.element = 'T_confirm_alert'
            AND i.created_at <= :at AND (i.finished_at IS NULL OR i.finished_at > :at)) AS waits,
    coalesce((SELECT level FROM alert_levels WHERE alert_id = a.id AND at <= :at
        ORDER BY at DESC, id DESC LIMIT 1), a.top_level) AS level
FROM alerts a JOIN devices d ON d.id = a.device_id JOIN sites s ON s.id = d.site_id
JOIN sensor_rules r ON r.id = a.rule_id AND r.kind <> 'silent' LEFT JOIN units u ON u.id = s.unit_id
WHERE s.trade = 'flood' AND a.opened_at <= :at AND (a.closed_at IS NULL OR a.closed_at > :at)
    AND (:path = '' OR u.path LIKE :path || '%')
ORDER BY level DESC, a.opened_at DESC, a.id DESC
"""
_CASES: Final = """
SELECT count(DISTINCT c.id) FROM cases c JOIN alerts a ON a.case_id = c.id JOIN devices d ON d.id = a.device_id
JOIN sites s ON s.id = d.site_id LEFT JOIN units u ON u.id = s.unit_id
WHERE s.trade = 'flood' AND c.reported_at <= :at AND (c.closed_at IS NULL OR c.closed_at > :at)
    AND (:path = '' OR u.path LIKE :path || '%')
"""
_ORDERS: Final = """
SELECT o.id, o.text, coalesce(p.name, t.plate, u.name), o.issued_at,
    CASE WHEN o.on_site_at <= :at THEN 'on_site' WHEN o.on_way_at <= :at THEN 'on_way'
        WHEN o.acknowledged_at <= :at THEN 'acknowledged' ELSE 'issued' END
FROM flood_orders o JOIN units u ON u.id = o.unit_id LEFT JOIN people p ON p.id = o.person_id
LEFT JOIN pump_trucks t ON t.id = o.truck_id
WHERE o.issued_at <= :at AND (o.done_at IS NULL OR o.done_at > :at)
    AND (o.refused_at IS NULL OR o.refused_at > :at) AND (o.cancelled_at IS NULL OR o.cancelled_at > :at)
    AND (:path = '' OR u.path LIKE :path || '%')
ORDER BY o.issued_at DESC, o.id DESC
"""
_EVENT: Final = """
SELECT e.id, e.opened_at, e.closed_at, coalesce((
    SELECT level FROM rain_event_levels WHERE event_id = e.id AND at <= :at ORDER BY at DESC, id DESC LIMIT 1), e.level)
FROM rain_events e WHERE e.opened_at <= :at AND (e.closed_at IS NULL OR e.closed_at > :at)
ORDER BY e.id DESC LIMIT 1
"""


@dataclass(frozen=True)
class Asked:
    """What a state is asked for. path: of the unit that the reader is bound to, empty for the whole city."""

    at: datetime
    path: str = ""

    def parameters(self) -> dict[str, Any]:
        """Return what every query is bound with."""
        return {"at": self.at, "path": self.path, "fresh": self.at - FRESH}


def state_at(session: Session, asked: Asked) -> dict[str, Any]:
    """Return what the screen shows, ready to be sent: numbers, lists and places."""
    points, is_wet = _rows(session, _POINTS, asked), shipped_flood_policy().is_wet
    levels = [0] * 5
    for row in points:
        levels[row[7]] += 1
    people, trucks = _rows(session, _PEOPLE, asked), _rows(session, _TRUCKS, asked)
    alerts, orders = _rows(session, _ALERTS, asked), _rows(session, _ORDERS, asked)
    return {
        "at": asked.at.timestamp(),
        "event": _event(session, asked),
        "levels": levels,
        "wet": sum(1 for row in points if is_wet(row[8])),
        "points": [
            [row[0], round(row[4], 5), round(row[5], 5), row[7], _tenth(row[8]), row[1], row[2]]
            for row in points
        ],
        "curves": _curves(session, asked, points),
        "rain": _rain(session, asked),
        "people": {
            "on": len(people),
            "in_place": sum(1 for row in people if row[2]),
            "due": _due(session, asked, people),
            "places": [[round(row[0], 5), round(row[1], 5)] for row in people],
        },
        "trucks": {
            "states": _counted(row[1] for row in trucks),
            "places": [
                [round(row[2], 5), round(row[3], 5), row[1], row[0]]
                for row in trucks
                if row[2] is not None and row[1] in ("on_way", "working")
            ],
        },
        "alerts": {
            "open": len(alerts),
            "unconfirmed": sum(1 for row in alerts if row[4]),
            "lines": [
                [row[0], row[1], row[2], row[5], row[3].timestamp(), not row[4]]
                for row in alerts[:LISTED]
            ],
        },
        "cases": session.scalar(text(_CASES), asked.parameters()) or 0,
        "orders": {
            "open": len(orders),
            "lines": [
                [row[0], row[1][:60], row[2], row[4], row[3].timestamp()] for row in orders[:LISTED]
            ],
        },
    }


def _due(session: Session, asked: Asked, people: Sequence[Any]) -> int:
    """Return how many are on duty, early ones too, or missing: what the page of duty counts as both together."""
    grace = shipped_flood_policy().duty.grace
    lines = roster(session, asked.at, grace, path=asked.path)
    missing = {line.person_id for line in lines if line.state == MISSING}
    return len(missing | {row[3] for row in people})


def _rows(session: Session, statement: str, asked: Asked) -> Sequence[Any]:
    return session.execute(text(statement), asked.parameters()).all()


def _event(session: Session, asked: Asked) -> dict[str, Any] | None:
    row = session.execute(text(_EVENT), asked.parameters()).first()
    if row is None:
        return None
    return {"id": row[0], "opened_at": row[1].timestamp(), "level": row[3]}


def _curves(session: Session, asked: Asked, points: Sequence[Any]) -> list[dict[str, Any]]:
    """Return the depths of the worst points over the last hours by five minutes, and last the depth of the moment."""
    worst = [row for row in points if shipped_flood_policy().is_wet(row[8])][:CURVES]
    if not worst:
        return []
    parameters = {"sites": [row[0] for row in worst], "since": asked.at - CURVE, "at": asked.at}
    found: dict[int, list[list[float]]] = {}
    for site, at, depth in session.execute(text(_CURVES), parameters):
        found.setdefault(site, []).append([at, _tenth(depth) or 0])
    for row in worst:
        line, last = found.setdefault(row[0], []), int(row[9])
        # The deepest gauge may be the one that was heard of least lately.
        if not line or line[-1][0] < last:
            line.append([last, _tenth(row[8]) or 0])
    return [
        {
            "id": row[0],
            "name": row[1],
            "name_en": row[2],
            "level": row[7],
            "line": found[row[0]],
        }
        for row in worst
    ]


def _rain(session: Session, asked: Asked) -> dict[str, Any]:
    gauges = [
        one for one in rain_by_gauge(session, asked.at - HOUR, asked.at) if one.mm is not None
    ]
    values = [one.mm for one in gauges if one.mm is not None]
    return {
        "most": _tenth(max(values, default=None)),
        "mean": _tenth(sum(values) / len(values)) if values else None,
        "gauges": len(values),
    }


def _counted(states: Any) -> dict[str, int]:
    found: dict[str, int] = {}
    for state in states:
        found[state] = found.get(state, 0) + 1
    return found


def _tenth(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
