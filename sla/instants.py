"""Whole microseconds since 1970 in UTC: the exact number in which this room counts."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from app.clock import require_aware

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()


def to_us(at: datetime) -> int:
    """Return the microseconds since 1970 of an aware moment; refuse a naive one."""
    if at.tzinfo is not UTC:
        at = require_aware(at)
    return span_us(at - _EPOCH)


def from_us(us: int) -> datetime:
    """Return the moment, aware in UTC."""
    return _EPOCH + timedelta(microseconds=us)


def span_us(span: timedelta) -> int:
    """Return a duration in microseconds, exactly."""
    return (span.days * 86_400 + span.seconds) * SECOND + span.microseconds


def span_of(us: int) -> timedelta:
    """Return the duration of so many microseconds."""
    return timedelta(microseconds=us)


def midnight_us(on: date) -> int:
    """Return a local midnight on the wall scale: microseconds as if the place had no offset from UTC."""
    return (on.toordinal() - _EPOCH_ORDINAL) * DAY


def date_of(wall_us: int) -> date:
    """Return the date a wall reading falls on."""
    return date.fromordinal(wall_us // DAY + _EPOCH_ORDINAL)
