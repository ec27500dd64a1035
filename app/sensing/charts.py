"""What a device measured over a time, in as many points as a chart has room for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.db.session import connection_of
from app.sensing.rules import Rule, rule_with_id, rules_of
from app.sensing.storing import Known
from sla.looking import Look
from sla.sensing import Line

POINTS: Final = 800
# Widths of a point in minutes -> the summaries it is made of.
_WIDTHS: Final = {5: 5, 10: 5, 15: 5, 30: 5, 60: 60, 120: 60, 180: 60, 360: 60, 1440: 1440}
# A gap is where so many points in a row are missing, or more.
_MISSING: Final = 2

# Days begin at the city's midnight, which is no multiple of anything where clocks are changed.
_SUMMARIES: Final = """
SELECT CASE WHEN :width < 1440 THEN date_bin(make_interval(mins => :width), starts_at, :origin) ELSE starts_at END AS at,
    min(low), sum(total) / sum(n), max(high), (array_agg(last ORDER BY last_at DESC))[1]
FROM reading_summaries
WHERE device_id = :device AND metric = :metric AND minutes = :minutes AND starts_at >= :first AND starts_at < :until
GROUP BY 1 ORDER BY 1
"""
_READINGS: Final = """
SELECT at, value, value, value, value FROM readings
WHERE device_id = :device AND metric = :metric AND at >= :first AND at < :until ORDER BY at
"""
# Whole hours and what lies between: near enough to choose by.
_COUNT: Final = """
SELECT coalesce(sum(n), 0) FROM reading_summaries
WHERE device_id = :device AND metric = :metric AND minutes = 60 AND starts_at >= :first AND starts_at < :until
"""
_ALERTS: Final = """
SELECT a.id, a.opened_at, a.closed_at, a.level, a.top_level, a.peak, a.peak_at, r.name, r.name_en, r.metric
FROM alerts a JOIN sensor_rules r ON r.id = a.rule_id
WHERE a.device_id = :device AND a.opened_at < :until AND (a.closed_at IS NULL OR a.closed_at >= :first)
ORDER BY a.opened_at DESC, a.id DESC LIMIT :most
"""
MOST_ALERTS: Final = 200
# Longer times are drawn of summaries, however few readings they hold.
_READINGS_AT_MOST: Final = timedelta(days=8)
_ORIGIN: Final = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Point:
    """What was measured from a moment on. None where nothing was: a gap begins."""

    at: datetime
    low: float | None
    average: float | None
    high: float | None
    last: float | None


@dataclass(frozen=True)
class Series:
    """Points in order of time. minutes: how much time each stands for; 0 where each is a reading."""

    minutes: int
    points: Sequence[Point]


@dataclass(frozen=True)
class AlertSpan:
    """An alert as a chart and its list show it."""

    id: int
    opened_at: datetime
    closed_at: datetime | None
    level: int
    top_level: int
    peak: float
    peak_at: datetime
    name: str
    name_en: str
    metric: int | None


def series(
    session: Session,
    device_id: int,
    metric: int,
    first: datetime,
    until: datetime,
    *,
    silent_after: timedelta = timedelta(hours=1),
    points: int = POINTS,
) -> Series:
    """Return what was measured in [first, until): readings where there is room for each, else summaries.

    silent_after: how long the device may be silent before that is a gap.
    """
    asked: dict[str, Any] = {"device": device_id, "metric": metric, "first": first, "until": until}
    if until - first <= _READINGS_AT_MOST and _count(session, asked) <= 2 * points:
        found = _points(session, _READINGS, asked)
        return Series(0, list(_with_gaps(found, silent_after)))
    width = _width(until - first, points)
    # The summary that the first moment lies in belongs to what is asked.
    before = first - timedelta(minutes=_WIDTHS[width]) + timedelta(microseconds=1)
    asked |= {"width": width, "minutes": _WIDTHS[width], "first": before, "origin": _ORIGIN}
    patience = max(silent_after, timedelta(minutes=width * _MISSING))
    return Series(width, list(_with_gaps(_points(session, _SUMMARIES, asked), patience)))


def alerts_in(
    session: Session, device_id: int, first: datetime, until: datetime
) -> list[AlertSpan]:
    """Return a device's alerts that lasted into [first, until), the newest first."""
    asked = {"device": device_id, "first": first, "until": until, "most": MOST_ALERTS}
    return [AlertSpan(*row) for row in session.execute(text(_ALERTS), asked)]


def lines_of(
    session: Session, device: Known, metric: int, at: datetime, zone: ZoneInfo
) -> list[Line]:
    """Return the lines that a device's values are held against now; none where several rules have some."""
    rules = rules_of(connection_of(session), (metric,), zone, at)
    found = [_lines(rule, device) for rule in rules if rule.holds_for(device) and rule.holds_at(at)]
    drawn = [lines for lines in found if lines]
    return drawn[0] if len(drawn) == 1 else []


def lines_of_rule(session: Session, rule_id: int, device: Known, zone: ZoneInfo) -> list[Line]:
    """Return the lines that one rule holds a device's values against, whether it is in force or not."""
    rule = rule_with_id(connection_of(session), rule_id, zone)
    return [] if rule is None else _lines(rule, device)


def _lines(rule: Rule, device: Known) -> list[Line]:
    threshold = rule.threshold_for(device)
    # What looks at a change or a difference has no line among the values.
    if threshold is None or rule.shape.looking.look is not Look.THRESHOLD:
        return []
    # Lines of rules for low values are kept with their sign turned.
    sign = -1 if threshold.low_is_bad else 1
    return [Line(one.level, sign * one.rise, sign * one.fall) for one in threshold.lines]


def _width(span: timedelta, points: int) -> int:
    """Return how many minutes a point stands for, so that there are about so many."""
    wanted = span / timedelta(minutes=1) / points
    return next((width for width in _WIDTHS if width >= wanted), 1440)


def _count(session: Session, asked: dict[str, Any]) -> int:
    hour = asked["first"].replace(minute=0, second=0, microsecond=0)
    return int(session.scalar(text(_COUNT), {**asked, "first": hour}) or 0)


def _points(session: Session, statement: str, asked: dict[str, Any]) -> Iterator[Point]:
    return (Point(*row) for row in session.execute(text(statement), asked))


def _with_gaps(points: Iterator[Point], patience: timedelta) -> Iterator[Point]:
    """Yield the points, and one without values after each that nothing followed for longer than that."""
    before: Point | None = None
    for point in points:
        if before is not None and point.at - before.at > patience:
            yield Point(before.at + patience / 2, None, None, None, None)
        yield point
        before = point
