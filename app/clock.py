"""The clock: the only place that asks the machine for the time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tell the present moment."""

    def now(self) -> datetime:
        """Return the present moment, aware, in UTC."""
        ...


def require_aware(moment: datetime) -> datetime:
    """Return the moment in UTC; refuse one without a time zone."""
    if moment.tzinfo is None or moment.utcoffset() is None:
        raise ValueError(f"naive datetime {moment.isoformat()}: a time zone is wanted")
    try:
        return moment.astimezone(UTC)
    except OverflowError as exc:
        raise ValueError(f"{moment.isoformat()} has no moment in UTC") from exc


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Return the present moment, aware, in UTC."""
        return datetime.now(UTC)


class FixedClock:
    """A clock that stands still until it is moved: for tests, simulation and replay."""

    def __init__(self, at: datetime) -> None:
        self._at = require_aware(at)

    def now(self) -> datetime:
        """Return the moment the clock was last set to."""
        return self._at

    def move_to(self, at: datetime) -> None:
        """Set the clock to a moment, earlier or later."""
        self._at = require_aware(at)

    def advance(self, by: timedelta) -> None:
        """Move the clock forward by a duration of real time."""
        self._at += by
