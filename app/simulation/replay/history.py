"""A history: requests as they were opened, promised and closed, whatever system they come from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Request:
    """One request. promised_at: None when no time was promised; closed_at: None while open."""

    file: str
    line: int
    source_key: str
    channel: str
    category: str
    department: str
    title: str
    description: str
    address: str
    lon: float | None
    lat: float | None
    opened_at: datetime
    promised_at: datetime | None
    closed_at: datetime | None

    @property
    def reported_at(self) -> datetime:
        """Return when the case begins: some are entered after the work was done."""
        return self.opened_at if self.closed_at is None else min(self.opened_at, self.closed_at)


@dataclass(frozen=True, slots=True)
class Problem:
    """A row that could not be read or played, and why."""

    file: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.reason}"


def moment_of(local: datetime, zone: ZoneInfo) -> datetime:
    """Return the moment of a local time; of one that comes twice in autumn, the first.

    Moments keep the order of the local times: one that summer time skipped is put into the last
    second before the skip, so that what is later on paper is later here.
    """
    if local.tzinfo is not None:
        return local.astimezone(UTC)
    at = local.replace(tzinfo=zone).astimezone(UTC)
    skipped = at.astimezone(zone).replace(tzinfo=None) - local
    if not skipped:
        return at
    skip_at = _offset_change(zone, at - skipped, at)
    into = (at - skip_at) / skipped
    return skip_at - timedelta(seconds=1) + timedelta(microseconds=1 + int(into * 999_998))


def _offset_change(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """Return the first second of the offset that the zone has at `after` but not at `before`."""
    offset = after.astimezone(zone).utcoffset()
    seconds = int((after - before).total_seconds())
    low, high = 0, seconds
    while high - low > 1:
        middle = (low + high) // 2
        at = before + timedelta(seconds=middle)
        low, high = (low, middle) if at.astimezone(zone).utcoffset() == offset else (middle, high)
    return before + timedelta(seconds=high)
