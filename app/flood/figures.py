"""The figures of reports: one function each, from the same span to a value and the lines behind it.

A report keeps what these return, with the parameters they were asked with, and is never counted again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.flood.points import likely_points
from app.flood.rain import HOUR, forecasts_at, rain_by_gauge
from sla.flood import FloodPolicy

Lines = list[dict[str, Any]]


@dataclass(frozen=True)
class Span:
    """What a report is about: an event, from its opening until the moment of the report.

    as_of: no later than the end of the rain. written_at: what became of it since, such as a case closed, counts.
    """

    event_id: int
    from_at: datetime
    as_of: datetime
    written_at: datetime
    policy: FloodPolicy = field(repr=False)


@dataclass(frozen=True)
class Figure:
    """One figure: its value, the parameters that it was counted with, and the lines that it opens to."""

    value: float | None
    parameters: Mapping[str, Any]
    lines: Lines

    def as_data(self, key: str) -> dict[str, Any]:
        """Return it as a report keeps it."""
        return {
            "key": key,
            "value": plain(self.value),
            "parameters": {name: plain(value) for name, value in self.parameters.items()},
            "lines": [{name: plain(value) for name, value in line.items()} for line in self.lines],
        }


Count = Callable[[Session, Span], Figure]

# Of a closed alert; one that ended with its rule or device did not return to normal.
_RETURNED: Final = "(a.ended_with IS NULL AND a.verdict IS DISTINCT FROM 'withdrawn')"

_OPEN_ALERTS: Final = """
SELECT a.id AS alert_id, s.id AS site_id, s.name, s.name_en, s.kind, r.name AS rule, a.opened_at, a.peak, a.top_level,
    coalesce((SELECT l.level FROM alert_levels l WHERE l.alert_id = a.id AND l.at <= :as_of
              ORDER BY l.at DESC, l.id DESC LIMIT 1), a.level) AS level, a.confirmed_at
FROM alerts a JOIN devices d ON d.id = a.device_id JOIN sites s ON s.id = d.site_id
JOIN sensor_rules r ON r.id = a.rule_id
WHERE s.trade = 'flood' AND r.kind <> 'silent' AND a.opened_at <= :as_of AND (a.closed_at IS NULL OR a.closed_at > :as_of)
ORDER BY level DESC, a.opened_at, a.id
"""
# The depth at the moment of the report, and the deepest since the event opened.
_WATER: Final = """
SELECT s.id AS site_id, s.code, s.name, s.name_en, s.kind, t.name AS district, w.depth, w.at, p.peak, p.peak_at
FROM sites s LEFT JOIN districts t ON t.code = s.district_code
JOIN LATERAL (
    SELECT r.value AS peak, r.at AS peak_at FROM readings r JOIN devices d ON d.id = r.device_id
    WHERE d.site_id = s.id AND r.metric = 1 AND r.at > :from_at AND r.at <= :as_of
    ORDER BY r.value DESC, r.at LIMIT 1
) p ON true
LEFT JOIN LATERAL (
    SELECT max(n.value) AS depth, max(n.at) AS at FROM devices d JOIN LATERAL (
        SELECT r.value, r.at FROM readings r WHERE r.device_id = d.id AND r.metric = 1 AND r.at <= :as_of
            AND r.at > :from_at ORDER BY r.at DESC LIMIT 1) n ON true
    WHERE d.site_id = s.id
) w ON true
WHERE s.trade = 'flood' AND s.kind <> 'rain_gauge' AND p.peak >= :wet_cm
ORDER BY {order}, s.code
"""
_BY_LEVEL: Final = f"""
SELECT a.top_level AS level, count(*) AS alerts, count(a.confirmed_at) AS confirmed,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM a.confirmed_at - a.recorded_at) / 60)
        AS confirmed_after_minutes,
    count(a.closed_at) FILTER (WHERE {_RETURNED}) AS closed,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM a.closed_at - a.opened_at) / 60)
        FILTER (WHERE {_RETURNED}) AS closed_after_minutes,
    count(a.closed_at) FILTER (WHERE NOT {_RETURNED}) AS withdrawn
FROM alerts a JOIN devices d ON d.id = a.device_id JOIN sites s ON s.id = d.site_id
JOIN sensor_rules r ON r.id = a.rule_id
WHERE s.trade = 'flood' AND r.kind <> 'silent' AND a.opened_at >= :from_at AND a.opened_at <= :as_of
GROUP BY a.top_level ORDER BY a.top_level DESC
"""  # noqa: S608 (a constant)
_CASES: Final = """
SELECT c.id AS case_id, c.number, c.title, min(s.name) AS name, min(s.name_en) AS name_en, c.reported_at,
    CASE WHEN c.closed_at <= :written_at THEN c.closed_at END AS closed_at, c.stage
FROM cases c JOIN alerts a ON a.case_id = c.id JOIN devices d ON d.id = a.device_id JOIN sites s ON s.id = d.site_id
WHERE s.trade = 'flood' AND c.reported_at >= :from_at AND c.reported_at <= :as_of
GROUP BY c.id ORDER BY c.reported_at, c.id
"""
_COURSE: Final = f"""
SELECT at, what, name, level FROM (
    SELECT l.at, 'rain_level' AS what, '' AS name, l.level::int AS level FROM rain_event_levels l
        WHERE l.event_id = :event
    UNION ALL SELECT e.response_at, 'response', '', e.response::int FROM rain_events e
        WHERE e.id = :event AND e.response_at IS NOT NULL
    UNION ALL SELECT e.closed_at, 'rain_over', '', NULL FROM rain_events e
        WHERE e.id = :event AND e.closed_at IS NOT NULL
    UNION ALL SELECT r.as_of, 'report_' || r.kind, '', NULL FROM rain_reports r WHERE r.event_id = :event
    UNION ALL SELECT a.opened_at, 'alert_opened', s.name, a.top_level::int FROM alerts a
        JOIN devices d ON d.id = a.device_id JOIN sites s ON s.id = d.site_id
        JOIN sensor_rules ru ON ru.id = a.rule_id
        WHERE s.trade = 'flood' AND ru.kind <> 'silent' AND a.opened_at >= :from_at AND a.opened_at <= :as_of
    UNION ALL SELECT a.closed_at, CASE WHEN {_RETURNED} THEN 'alert_closed' ELSE 'alert_withdrawn' END, s.name, NULL
        FROM alerts a
        JOIN devices d ON d.id = a.device_id JOIN sites s ON s.id = d.site_id
        JOIN sensor_rules ru ON ru.id = a.rule_id
        WHERE s.trade = 'flood' AND ru.kind <> 'silent' AND a.opened_at >= :from_at AND a.closed_at <= :as_of
    UNION ALL SELECT o.issued_at, 'order_issued', o.text, NULL FROM flood_orders o
        WHERE o.issued_at >= :from_at AND o.issued_at <= :as_of
    UNION ALL SELECT o.done_at, 'order_done', o.text, NULL FROM flood_orders o
        WHERE o.issued_at >= :from_at AND o.done_at <= :as_of
    UNION ALL SELECT c.at, 'roll_call', c.present || '/' || (c.present + c.missing), NULL FROM roll_calls c
        WHERE c.at >= :from_at AND c.at <= :as_of
    UNION ALL SELECT c.sent_at, 'device_command', d.name, NULL FROM flood_commands c
        JOIN devices d ON d.id = c.device_id WHERE c.sent_at >= :from_at AND c.sent_at <= :as_of
) course ORDER BY at, what, name
"""  # noqa: S608 (a constant)


def forecast_rain(session: Session, span: Span) -> Figure:
    """Return the most mm that any district is to get, with each district's total, wettest hour and three hours."""
    hours = span.policy.forecast_hours
    found = forecasts_at(session, span.as_of, hours)
    lines = [
        {
            "district": one.district or one.district_code,
            "source": one.source,
            "issued_at": one.issued_at,
            "mm": one.total,
            "hour_mm": one.wettest(1),
            "three_hours_mm": one.wettest(3),
        }
        for one in found
    ]
    most = max((one.total for one in found), default=None)
    return Figure(most, {"as_of": span.as_of, "hours": hours}, lines)


def likely_to_flood(session: Session, span: Span) -> Figure:
    """Return how many points the forecast will probably flood, each with the level."""
    found = likely_points(session, span.as_of, span.policy)
    lines = [
        {
            "site_id": one.point.id,
            "name": one.point.name,
            "name_en": one.point.name_en,
            "kind": one.point.kind,
            "district": one.point.district,
            "level": int(one.level),
            "hour_mm": one.hour_mm,
            "three_hours_mm": one.three_hours_mm,
            "alerts": one.alerts,
        }
        for one in found
    ]
    return Figure(len(lines), {"as_of": span.as_of, "hours": span.policy.forecast_hours}, lines)


def measured_rain(session: Session, span: Span) -> Figure:
    """Return the most mm that any gauge measured since the event opened, and each gauge's total and last hours."""
    hour, three = (
        {one.site_id: one.mm for one in rain_by_gauge(session, span.as_of - n * HOUR, span.as_of)}
        for n in (1, 3)
    )
    found = rain_by_gauge(session, span.from_at, span.as_of)
    lines = [
        {
            "site_id": one.site_id,
            "name": one.name,
            "name_en": one.name_en,
            "district_code": one.district_code,
            "mm": one.mm,
            "hour_mm": hour[one.site_id],
            "three_hours_mm": three[one.site_id],
            "at": one.last_at,
        }
        for one in found
    ]
    most = max((one.mm for one in found if one.mm is not None), default=None)
    lines.sort(key=lambda line: -(line["mm"] if isinstance(line["mm"], float) else -1.0))
    return Figure(most, {"from_at": span.from_at, "as_of": span.as_of}, lines)


def rain_by_district(session: Session, span: Span) -> Figure:
    """Return the mean mm of the district with the most, and for each its gauges' mean and highest."""
    grouped: dict[str, list[float]] = {}
    for one in rain_by_gauge(session, span.from_at, span.as_of):
        if one.mm is not None and one.district_code is not None:
            grouped.setdefault(one.district_code, []).append(one.mm)
    known = session.execute(text("SELECT code, name FROM districts"))
    names = {row[0]: row[1] for row in known}
    lines: Lines = [
        {
            "district": names.get(code, code),
            "gauges": len(mm),
            "mean_mm": sum(mm) / len(mm),
            "mm": max(mm),
        }
        for code, mm in grouped.items()
    ]
    lines.sort(key=lambda line: (-line["mean_mm"], line["district"]))
    most = lines[0]["mean_mm"] if lines else None
    return Figure(most, {"from_at": span.from_at, "as_of": span.as_of}, lines)


def points_with_water(session: Session, span: Span) -> Figure:
    """Return how many points have water now, with depth now and peak; those that are dry again stand last."""
    parameters = {**window(span), "wet_cm": span.policy.wet_cm}
    found = rows_of(session, _WATER.format(order="w.depth DESC NULLS LAST"), parameters)
    wet = sum(1 for line in found if span.policy.is_wet(line["depth"]))
    return Figure(wet, parameters, found)


def peaks(session: Session, span: Span) -> Figure:
    """Return the deepest water of the event in cm, and each point's peak."""
    parameters = {**window(span), "wet_cm": span.policy.wet_cm}
    found = rows_of(session, _WATER.format(order="p.peak DESC"), parameters)
    return Figure(found[0]["peak"] if found else None, parameters, found)


def open_alerts(session: Session, span: Span) -> Figure:
    """Return how many flood alerts are open."""
    parameters = {"as_of": span.as_of}
    found = rows_of(session, _OPEN_ALERTS, parameters)
    return Figure(len(found), parameters, found)


def alerts_by_level(session: Session, span: Span) -> Figure:
    """Return how many alerts there were; by the highest level of each, how fast they were confirmed and cleared."""
    found = rows_of(session, _BY_LEVEL, window(span))
    return Figure(sum(line["alerts"] for line in found), window(span), found)


def cases_raised(session: Session, span: Span) -> Figure:
    """Return how many cases the event's alerts raised, open and closed."""
    parameters = {**window(span), "written_at": span.written_at}
    found = rows_of(session, _CASES, parameters)
    return Figure(len(found), parameters, found)


def cases_closed(session: Session, span: Span) -> Figure:
    """Return how many of the cases that the event's alerts raised are closed."""
    parameters = {**window(span), "written_at": span.written_at}
    found = [line for line in rows_of(session, _CASES, parameters) if line["closed_at"]]
    return Figure(len(found), parameters, found)


def course(session: Session, span: Span) -> Figure:
    """Return how many things happened, in order: levels, alerts, orders, reports, roll calls, commands."""
    parameters = {**window(span), "event": span.event_id}
    found = rows_of(session, _COURSE, parameters)
    return Figure(len(found), parameters, found)


def review(session: Session, span: Span) -> Figure:
    """Return what the commander wrote in the review."""
    parameters = {"event": span.event_id}
    row = session.execute(text("SELECT review FROM rain_events WHERE id = :event"), parameters)
    found = row.scalar()
    return Figure(None, parameters, [found] if found else [])


def plain(value: Any) -> Any:
    """Return a value as JSON holds it."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Decimal | float):
        return round(float(value), 3)
    return value


def rows_of(session: Session, statement: str, parameters: Mapping[str, Any]) -> Lines:
    """Return what a statement finds."""
    return [dict(row._mapping) for row in session.execute(text(statement), dict(parameters))]  # noqa: SLF001 because a row offers its names so


def window(span: Span) -> dict[str, Any]:
    """Return the parameters of a figure over the whole span."""
    return {"from_at": span.from_at, "as_of": span.as_of}
