"""The events a clock is made of, and their plain form for a jsonb column."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final

from app.clock import require_aware
from app.errors import InvalidInput
from sla.limits import AnyLimit, parse_limit


@dataclass(frozen=True, slots=True)
class Started:
    """The clock began to count towards a limit."""

    kind: ClassVar[str] = "started"
    at: datetime
    limit: AnyLimit


@dataclass(frozen=True, slots=True)
class Paused:
    """The clock stands still; `reason` is a word of the clock's policy, such as held or returned."""

    kind: ClassVar[str] = "paused"
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Resumed:
    """The clock counts on with what was left, after a pause or, by rework, after a stop."""

    kind: ClassVar[str] = "resumed"
    at: datetime


@dataclass(frozen=True, slots=True)
class Extended:
    """More time was granted on top of the limit, or a new due moment."""

    kind: ClassVar[str] = "extended"
    at: datetime
    by: AnyLimit


@dataclass(frozen=True, slots=True)
class Restarted:
    """The clock began anew with a whole limit; what was used before no longer counts."""

    kind: ClassVar[str] = "restarted"
    at: datetime
    limit: AnyLimit
    reason: str


@dataclass(frozen=True, slots=True)
class Stopped:
    """What the clock measures was done."""

    kind: ClassVar[str] = "stopped"
    at: datetime


@dataclass(frozen=True, slots=True)
class Cancelled:
    """What the clock measured is no longer wanted; neither on time nor late."""

    kind: ClassVar[str] = "cancelled"
    at: datetime


ClockEvent = Started | Paused | Resumed | Extended | Restarted | Stopped | Cancelled
ClockEvents = tuple[ClockEvent, ...]
PlainEvent = Mapping[str, str]


def to_plain(events: Iterable[ClockEvent]) -> list[dict[str, str]]:
    """Return the events as a JSON array of flat objects.

    shape: {"kind": "started", "at": ISO 8601 in UTC, "limit": "4 working_hour"}; "by" of extended and "limit" of
    started and restarted are limits as `str` writes them; "reason" of paused and restarted is a word.
    """
    plain = []
    for event in events:
        row = {"kind": event.kind, "at": event.at.isoformat()}
        if isinstance(event, Started | Restarted):
            row["limit"] = str(event.limit)
        if isinstance(event, Extended):
            row["by"] = str(event.by)
        if isinstance(event, Paused | Restarted):
            row["reason"] = event.reason
        plain.append(row)
    return plain


def from_plain(rows: Iterable[PlainEvent]) -> ClockEvents:
    """Return the events of a stored array. Raises InvalidInput naming a row that cannot be one."""
    events: list[ClockEvent] = []
    for number, row in enumerate(rows):
        try:
            events.append(
                _READERS[row["kind"]](require_aware(datetime.fromisoformat(row["at"])), row)
            )
        except (KeyError, TypeError, ValueError) as exc:
            raise InvalidInput({f"events[{number}]": f"不是时钟事件：{row!r}"}) from exc
    return tuple(events)


_READERS: Final[Mapping[str, Callable[[datetime, PlainEvent], ClockEvent]]] = {
    Started.kind: lambda at, row: Started(at, parse_limit(row["limit"])),
    Paused.kind: lambda at, row: Paused(at, row["reason"]),
    Resumed.kind: lambda at, _: Resumed(at),
    Extended.kind: lambda at, row: Extended(at, parse_limit(row["by"])),
    Restarted.kind: lambda at, row: Restarted(at, parse_limit(row["limit"]), row["reason"]),
    Stopped.kind: lambda at, _: Stopped(at),
    Cancelled.kind: lambda at, _: Cancelled(at),
}
