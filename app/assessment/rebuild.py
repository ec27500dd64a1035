"""Rebuild the facts of a case from its log, and say where the stored rows differ.

The log says what happened; what it leaves to policy (does the clock stand still while a case is on hold, does it go
on after rework) is taken from the policy of today.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import zip_longest
from typing import Any, Final

from app.assessment.facts import FACT_COLUMNS, URGENT_UNITS
from app.cases.commands.rulings import LATE
from sla.clock_policies import AfterRework, ClockPolicy, Happening

COMPARED: Final = FACT_COLUMNS
_OF_CASE: Final = ("channel", "district_code", "grid_code", "responsibility_code")

Values = dict[str, Any]
Row = Mapping[Any, Any]


@dataclass(frozen=True, slots=True)
class Version:
    """What counted of a dispatch from a moment on."""

    dispatch_no: int
    valid_from: datetime
    values: Values


@dataclass(frozen=True, slots=True)
class Difference:
    """Where a stored fact and the log do not say the same."""

    dispatch_no: int
    at: datetime
    column: str
    stored: object
    rebuilt: object

    def __str__(self) -> str:
        return (
            f"dispatch {self.dispatch_no} from {self.at.isoformat()}: {self.column} is"
            f" {_said(self.stored)}, the log says {_said(self.rebuilt)}"
        )


@dataclass(slots=True)
class _Course:
    """A case on its way through the log: its present dispatch and what stays from one to the next."""

    policy: ClockPolicy
    values: Values
    dispatch_no: int = 0
    former_unit_id: int | None = None
    has_clock: bool = False
    has_limit: bool = False
    with_unit: bool = False
    clock_at: datetime | None = None
    versions: list[Version] = field(default_factory=list)

    def due(self, due_at: datetime | None, at: datetime) -> None:
        """Take what the handling clock shows after a change; the case is overdue when its time has passed."""
        self.values["due_at"] = due_at
        self.values["overdue_flag"] = due_at is not None and at > due_at
        self.clock_at = at if self.clock_at is None else max(self.clock_at, at)

    def keep(self, at: datetime) -> None:
        """Keep what counts now as a version.

        A second change at the same moment, or at one before it on a host whose clock is behind, is part of the first.
        """
        last = self.versions[-1] if self.versions else None
        if last is not None and last.dispatch_no == self.dispatch_no and at <= last.valid_from:
            at = self.versions.pop().valid_from
        self.versions.append(Version(self.dispatch_no, at, dict(self.values)))


def rebuilt_facts(case: Row, log: Iterable[Row], policy: ClockPolicy) -> list[Version]:
    """Return the versions that the log tells of, dispatch by dispatch.

    case: its columns that no step changes. log: rows with at, kind and data, in order.
    """
    values = dict.fromkeys(FACT_COLUMNS) | {name: case[name] for name in _OF_CASE}
    course = _Course(policy, values | {"exempt": False})
    for row in log:
        happen = _HAPPENINGS.get(row["kind"])
        if happen is None:
            continue
        happen(course, row["at"], row["data"])
        if course.with_unit:
            course.keep(row["at"])
        if row["kind"] == "return_founded":
            course.with_unit, course.former_unit_id = False, course.values["unit_id"]
    return course.versions


def compared(stored: Sequence[Row], rebuilt: Sequence[Version]) -> Iterator[Difference]:
    """Yield where stored rows and rebuilt versions differ; rows that change nothing are passed over."""
    left = changes_of(
        Version(row["dispatch_no"], row["valid_from"], {name: row[name] for name in COMPARED})
        for row in stored
    )
    right = changes_of(rebuilt)
    for key in sorted(left.keys() | right.keys()):
        ours, theirs = left.get(key), right.get(key)
        if ours is None or theirs is None:
            said = [None if one is None else "there" for one in (ours, theirs)]
            yield Difference(*key, "the row", *said)
            continue
        for name in COMPARED:
            if ours[name] != theirs[name]:
                yield Difference(*key, name, ours[name], theirs[name])
    yield from _gaps(stored)


def _gaps(stored: Sequence[Row]) -> Iterator[Difference]:
    """Yield where a stored row does not end at the moment the next one begins."""
    for row, following in zip_longest(stored, stored[1:]):
        goes_on = following is not None and following["dispatch_no"] == row["dispatch_no"]
        wanted = following["valid_from"] if goes_on and following is not None else None
        if row["valid_to"] != wanted:
            key = (row["dispatch_no"], row["valid_from"])
            yield Difference(*key, "valid_to", row["valid_to"], wanted)


def changes_of(versions: Iterable[Version]) -> dict[tuple[int, datetime], Values]:
    """Return versions by dispatch and moment without those that only repeat the one before."""
    changes: dict[tuple[int, datetime], Values] = {}
    number, last = 0, None
    for version in versions:
        values = {name: version.values[name] for name in COMPARED}
        if (version.dispatch_no, values) != (number, last):
            changes[version.dispatch_no, version.valid_from] = values
        number, last = version.dispatch_no, values
    return changes


def _filed(course: _Course, at: datetime, data: Row) -> None:
    course.values["class_code"] = data["class_code"]
    course.has_limit = data["limit"] is not None
    # "2 urgent_hour"; a promised moment ("until ...") has no unit.
    course.values["urgent"] = (data["limit"] or "").rpartition(" ")[2] in URGENT_UNITS


def _dispatched(course: _Course, at: datetime, data: Row) -> None:
    values = course.values
    if data["unit_id"] != course.former_unit_id or course.dispatch_no == 0:
        values |= dict.fromkeys(
            ("extensions", "reworks", "unfounded_returns", "media_supervisions", "supervisions"), 0
        )
        values |= {"exempt": False, "withdrawn": None, "withdrawn_of": None}
    values |= {"unit_id": data["unit_id"], "dispatched_at": at, "taken_back_at": None}
    values |= {"handed_in_at": None, "on_time": None, "on_hold": False, "void": False}
    values["worked_minutes"] = None
    course.dispatch_no, course.with_unit = data["dispatch_no"], True
    course.has_clock = course.has_clock or course.has_limit
    course.due(_moment(data["due_at"]), at)


def _return_requested(course: _Course, at: datetime, data: Row) -> None:
    course.due(_moment(data["case_due_at"]), at)


def _return_founded(course: _Course, at: datetime, data: Row) -> None:
    course.values["taken_back_at"] = at


def _return_unfounded(course: _Course, at: datetime, data: Row) -> None:
    course.values["unfounded_returns"] += 1
    course.due(_moment(data["due_at"]), at)


def _handed_in(course: _Course, at: datetime, data: Row) -> None:
    values = course.values
    if course.has_clock and values["handed_in_at"] is None:
        course.due(values["due_at"], at)
        values["handed_in_at"], values["on_time"] = course.clock_at, data["on_time"]
        values["worked_minutes"] = data.get("worked_minutes")


def _rework(course: _Course, at: datetime, data: Row) -> None:
    values = course.values
    values["reworks"] += 1
    if course.policy.rework is not AfterRework.KEEP:
        values["handed_in_at"] = values["on_time"] = values["worked_minutes"] = None
        course.due(_moment(data["due_at"]), at)


def _reassigned(course: _Course, at: datetime, data: Row) -> None:
    """Count the dispatch for the unit that the restructuring gave it to; its time goes on."""
    course.values["unit_id"] = data["unit_id"]


def _extended(course: _Course, at: datetime, data: Row) -> None:
    course.values["extensions"] += 1
    course.due(_moment(data["due_at"]), at)


def _held(course: _Course, at: datetime, data: Row) -> None:
    course.values["on_hold"] = True
    due_at = course.values["due_at"]
    # A clock that stands still after its time was up goes on showing it.
    stands_still = Happening.HELD in course.policy.pauses_for and due_at is not None and due_at > at
    course.due(None if stands_still else due_at, at)


def _released(course: _Course, at: datetime, data: Row) -> None:
    course.values["on_hold"] = False
    course.due(_moment(data["due_at"]), at)


def _overdue(course: _Course, at: datetime, data: Row) -> None:
    course.values["overdue_flag"] = True


def _supervised(course: _Course, at: datetime, data: Row) -> None:
    if course.dispatch_no > 0:
        # Before facts told of every supervision, the log did not number those of a unit.
        course.values["supervisions"] = data.get("of_unit", course.values["supervisions"])
        course.values["media_supervisions"] += data["source"] == "media"


def _ended(course: _Course, at: datetime, data: Row) -> None:
    values = course.values
    values |= {"closed_at": at, "closed_as": data["how"], "void": data["how"] == "void"}
    values["on_hold"] = False
    if values["handed_in_at"] is None:
        course.due(values["due_at"], at)


def _ruled(course: _Course, at: datetime, data: Row) -> None:
    """Take back what was ruled on, of the dispatch it is about: mostly the present one."""
    number = data["dispatch_no"]
    if number == course.dispatch_no and data["unit_id"] == course.values["unit_id"]:
        _withdraw(course.values, data)
        return
    past = [one for one in course.versions if one.dispatch_no == number]
    if past:
        last = max(past, key=lambda one: one.valid_from)
        values = dict(last.values)
        _withdraw(values, data)
        if last.valid_from >= at:
            course.versions.remove(last)
        course.versions.append(Version(number, max(at, last.valid_from), values))
        course.versions.sort(key=lambda one: (one.dispatch_no, one.valid_from))


def _withdraw(values: Values, data: Row) -> None:
    values["exempt"] = values["exempt"] or data["ground"] == LATE
    values |= {"withdrawn": data["ground"], "withdrawn_of": _moment(data["of"])}


_HAPPENINGS: Final[Mapping[str, Callable[[_Course, datetime, Row], None]]] = {
    "filed": _filed,
    "dispatched": _dispatched,
    "return_requested": _return_requested,
    "return_founded": _return_founded,
    "return_unfounded": _return_unfounded,
    "handed_in": _handed_in,
    "rework": _rework,
    "reassigned": _reassigned,
    "extension_granted": _extended,
    "hold_granted": _held,
    "hold_released": _released,
    "overdue": _overdue,
    "supervision_requested": _supervised,
    "ended": _ended,
    "ruled": _ruled,
}


KINDS: Final = tuple(_HAPPENINGS)
"""The kinds of log rows that facts are rebuilt from; the others tell of nothing that counts."""


def _moment(written: str | None) -> datetime | None:
    return None if written is None else datetime.fromisoformat(written)


def _said(value: object) -> str:
    if value is None:
        return "missing"
    return value.isoformat() if isinstance(value, datetime) else str(value)
