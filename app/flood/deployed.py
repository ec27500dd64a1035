"""The figures of people, orders and pump trucks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from sqlalchemy.orm import Session

from app.flood.duty import MISSING, RosterLine, roster
from app.flood.figures import Figure, Span, rows_of, window

_ON_DUTY: Final = """
SELECT p.id AS person_id, p.name AS person, u.name AS unit, u.name_en AS unit_en, s.id AS site_id, s.name, s.name_en,
    o.on_at, o.in_place, o.distance_m
FROM duty_sign_ons o JOIN people p ON p.id = o.person_id JOIN units u ON u.id = p.unit_id
LEFT JOIN sites s ON s.id = o.site_id
WHERE o.on_at <= :as_of AND (o.off_at IS NULL OR o.off_at > :as_of)
ORDER BY u.path, p.name, p.id
"""
_DEPLOYED: Final = """
SELECT u.id AS unit_id, u.name AS unit, u.name_en AS unit_en, count(DISTINCT o.person_id) AS people,
    sum(extract(epoch FROM least(coalesce(o.off_at, :as_of), :as_of) - greatest(o.on_at, :from_at)) / 3600) AS hours
FROM duty_sign_ons o JOIN people p ON p.id = o.person_id JOIN units u ON u.id = p.unit_id
WHERE o.on_at <= :as_of AND (o.off_at IS NULL OR o.off_at > :from_at)
GROUP BY u.id ORDER BY u.path
"""
_ORDERS: Final = """
SELECT o.id AS order_id, o.text, coalesce(p.name, t.plate, u.name) AS given_to, s.name, s.name_en, o.issued_at,
    o.acknowledged_at, o.on_way_at, o.on_site_at, o.done_at, o.refused_at, o.cancelled_at,
    CASE WHEN o.done_at <= :written_at THEN 'done' WHEN o.refused_at <= :written_at THEN 'refused'
        WHEN o.cancelled_at <= :written_at THEN 'cancelled' WHEN o.on_site_at <= :written_at THEN 'on_site'
        WHEN o.on_way_at <= :written_at THEN 'on_way' WHEN o.acknowledged_at <= :written_at THEN 'acknowledged'
        ELSE 'issued' END AS state
FROM flood_orders o JOIN units u ON u.id = o.unit_id LEFT JOIN people p ON p.id = o.person_id
LEFT JOIN pump_trucks t ON t.id = o.truck_id LEFT JOIN sites s ON s.id = o.site_id
WHERE o.issued_at >= :from_at AND o.issued_at <= :as_of ORDER BY o.issued_at, o.id
"""
# A truck works from the change that says so until its next one.
_PUMPED: Final = """
WITH stretches AS (
    SELECT c.truck_id, c.state, c.at, lead(c.at) OVER (PARTITION BY c.truck_id ORDER BY c.at, c.id) AS until
    FROM pump_truck_changes c WHERE c.at <= :as_of
), worked AS (
    SELECT truck_id, sum(extract(epoch FROM least(coalesce(until, :as_of), :as_of) - greatest(at, :from_at))) / 3600
        AS hours
    FROM stretches WHERE state = 'working' AND coalesce(until, :as_of) > :from_at GROUP BY truck_id
)
SELECT t.id AS truck_id, t.plate, u.name AS unit, u.name_en AS unit_en, t.capacity_m3h, w.hours,
    w.hours * t.capacity_m3h AS m3
FROM worked w JOIN pump_trucks t ON t.id = w.truck_id JOIN units u ON u.id = t.unit_id ORDER BY w.hours DESC, t.plate
"""


def staff_due(session: Session, span: Span) -> Figure:
    """Return how many people the roster wants on duty in the hours that the forecast covers."""
    hours = span.policy.forecast_hours
    found = roster(session, span.as_of, span.policy.duty.grace, ahead=timedelta(hours=hours))
    people = {line.person_id for line in found}
    return Figure(len(people), {"as_of": span.as_of, "hours": hours}, [_due(x) for x in found])


def on_duty(session: Session, span: Span) -> Figure:
    """Return how many people are signed on."""
    parameters = {"as_of": span.as_of}
    found = rows_of(session, _ON_DUTY, parameters)
    return Figure(len(found), parameters, found)


def missing(session: Session, span: Span) -> Figure:
    """Return how many people should be on duty now and have not come."""
    grace = span.policy.duty.grace
    found = [x for x in roster(session, span.as_of, grace) if x.state == MISSING]
    people = {line.person_id for line in found}
    return Figure(
        len(people), {"as_of": span.as_of, "grace": grace}, [_due(line) for line in found]
    )


def people_deployed(session: Session, span: Span) -> Figure:
    """Return how many people were on duty during the event, by unit with their hours."""
    found = rows_of(session, _DEPLOYED, window(span))
    return Figure(sum(line["people"] for line in found), window(span), found)


def orders(session: Session, span: Span) -> Figure:
    """Return how many orders were issued during the event, each with its moments."""
    parameters = {**window(span), "written_at": span.written_at}
    found = rows_of(session, _ORDERS, parameters)
    return Figure(len(found), parameters, found)


def pump_hours(session: Session, span: Span) -> Figure:
    """Return how many hours pump trucks worked during the event, each with what it can have pumped."""
    found = rows_of(session, _PUMPED, window(span))
    return Figure(float(sum(line["hours"] for line in found)), window(span), found)


def _due(line: RosterLine) -> dict[str, Any]:
    return {
        "person_id": line.person_id,
        "person": line.name,
        "phone": line.phone,
        "unit": line.unit_name,
        "unit_en": line.unit_name_en,
        "site_id": line.site_id,
        "name": line.site_name,
        "name_en": line.site_name_en,
        "from_at": line.starts_at,
        "to_at": line.ends_at,
        "since": line.since,
    }
