"""The events a clock is made of, and their plain form for a jsonb column."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar, Final

from app.clock import require_aware
from app.errors import InvalidInput, Text
from sla.calendar import Measure
from sla.instants import span_of, span_us
from sla.limits import AnyLimit, parse_limit


class ClockState(StrEnum):
    """Where a clock stands."""

    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"
    CANCELLED = "cancelled"


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


@dataclass(frozen=True, slots=True)
class Carried:
    """All events before it in one (承前): a clock that was sent back a thousand times reads as fast as a new one.

    at: moment of the last event it stands for; number: how many they are.
    limit, begun_at: of the last start or restart.
    changed_at: the last start, pause, resumption or end, from where counting goes on.
    reason: what a paused clock stands still for.
    used: counted in the runs that have ended, as the limit counts.
    owed: what those runs left, in order.
    due_at: only when they used everything up, so that nothing is left; an extension would have to be counted over
    runs that are no longer told apart, and is refused.
    """

    kind: ClassVar[str] = "carried"
    at: datetime
    number: int
    state: ClockState
    limit: AnyLimit
    begun_at: datetime
    changed_at: datetime
    reason: str | None
    used: timedelta
    owed: tuple[tuple[Measure, timedelta], ...]
    due_at: datetime | None
    extensions: int
    grants: int


ClockEvent = Started | Paused | Resumed | Extended | Restarted | Stopped | Cancelled | Carried
ClockEvents = tuple[ClockEvent, ...]
PlainEvent = Mapping[str, Any]


def to_plain(events: Iterable[ClockEvent]) -> list[dict[str, Any]]:
    """Return the events as a JSON array of objects.

    shape: {"kind": "started", "at": ISO 8601 in UTC, "limit": "4 working_hour"}; "by" of extended and "limit" of
    started and restarted are limits as `str` writes them; "reason" of paused and restarted is a word. carried has
    its own names; spans of time are microseconds, "owed" is [["working", 7200000000], ...].
    """
    plain = []
    for event in events:
        row: dict[str, Any] = {"kind": event.kind, "at": event.at.isoformat()}
        if isinstance(event, Started | Restarted | Carried):
            row["limit"] = str(event.limit)
        if isinstance(event, Extended):
            row["by"] = str(event.by)
        if isinstance(event, Paused | Restarted | Carried):
            row["reason"] = event.reason
        if isinstance(event, Carried):
            row |= _sums(event)
        plain.append(row)
    return plain


def _sums(event: Carried) -> dict[str, Any]:
    return {
        "number": event.number,
        "state": event.state.value,
        "begun_at": event.begun_at.isoformat(),
        "changed_at": event.changed_at.isoformat(),
        "used": span_us(event.used),
        "owed": [[measure.value, span_us(amount)] for measure, amount in event.owed],
        "due_at": None if event.due_at is None else event.due_at.isoformat(),
        "extensions": event.extensions,
        "grants": event.grants,
    }


def from_plain(rows: Iterable[PlainEvent]) -> ClockEvents:
    """Return the events of a stored array. Raises InvalidInput naming a row that cannot be one."""
    events: list[ClockEvent] = []
    for number, row in enumerate(rows):
        try:
            events.append(_READERS[row["kind"]](_moment(row["at"]), row))
        except (KeyError, TypeError, ValueError) as exc:
            fault = Text("不是计时的事件：%(row)s", row=row)
            raise InvalidInput({f"events[{number}]": fault}) from exc
    return tuple(events)


def _moment(written: str) -> datetime:
    return require_aware(datetime.fromisoformat(written))


def _carried(at: datetime, row: PlainEvent) -> Carried:
    return Carried(
        at=at,
        number=row["number"],
        state=ClockState(row["state"]),
        limit=parse_limit(row["limit"]),
        begun_at=_moment(row["begun_at"]),
        changed_at=_moment(row["changed_at"]),
        reason=row["reason"],
        used=span_of(row["used"]),
        owed=tuple((Measure(measure), span_of(amount)) for measure, amount in row["owed"]),
        due_at=None if row["due_at"] is None else _moment(row["due_at"]),
        extensions=row["extensions"],
        grants=row["grants"],
    )


_READERS: Final[Mapping[str, Callable[[datetime, PlainEvent], ClockEvent]]] = {
    Started.kind: lambda at, row: Started(at, parse_limit(row["limit"])),
    Paused.kind: lambda at, row: Paused(at, row["reason"]),
    Resumed.kind: lambda at, _: Resumed(at),
    Extended.kind: lambda at, row: Extended(at, parse_limit(row["by"])),
    Restarted.kind: lambda at, row: Restarted(at, parse_limit(row["limit"]), row["reason"]),
    Stopped.kind: lambda at, _: Stopped(at),
    Cancelled.kind: lambda at, _: Cancelled(at),
    Carried.kind: _carried,
}
