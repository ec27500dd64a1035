"""The clocks of one case within one step: what the diagram asks of them, and the rows they leave."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson

from app.engine.moment import NEVER
from app.errors import DefinitionError, Fault, InvalidInput, StateChanged, Text
from sla import clocks as arithmetic
from sla.calendar import WorkingCalendar
from sla.clock_events import Carried, ClockEvents
from sla.clock_policies import ClockPolicy
from sla.clocks import ClockReading, ClockState, from_plain, to_plain
from sla.limits import AnyLimit, Limit, due_at, moment_before

HANDLING: Final = "handling"
"""The clock that counts in the assessment: dispatch to a unit until the unit hands its result in."""

LONGEST: Final = 16
"""How many events a clock's row holds; beyond it they go to the archive, and one carries what they add up to (承前)."""

Archive = Callable[[str, int], Iterable[Mapping[str, Any]]]


@dataclass(slots=True)
class RunningClock:
    """One round of one clock, as its row holds it; archived: how many of its events the row no longer holds."""

    name: str
    round: int
    events: ClockEvents
    archived: int = 0

    @property
    def state(self) -> ClockState:
        """Return where the clock stands."""
        return arithmetic.state_of(self.events)


class CaseClocks:
    """The clocks of a case at one moment. Changing one records its name in `changed`."""

    def __init__(
        self,
        rows: Iterable[Mapping[str, Any]],
        calendar: WorkingCalendar,
        policies: Mapping[str, ClockPolicy],
        now: datetime,
        archive: Archive | None = None,
    ) -> None:
        """rows: name, round and events of sla_clocks, older rounds first.

        archive: gives the archived events of a round of a clock, for the few changes that need them.
        """
        self.calendar = calendar
        self.now = now
        self.changed: set[str] = set()
        self._policies = policies
        self._archive = archive
        self._stored: dict[str, Mapping[str, Any]] = {row["name"]: row for row in rows}
        self._clocks: dict[str, RunningClock] = {}
        self._readings: dict[str, ClockReading] = {}

    def go_on(self, now: datetime) -> None:
        """Go on to a later step of the same case: as if the rows of the step before had been loaded."""
        self.now = now
        self.changed = set()
        self._readings = {}

    def get(self, name: str) -> RunningClock | None:
        """Return the latest round of a clock; None when it never ran."""
        clock = self._clocks.get(name)
        if clock is None and name in self._stored:
            row = self._stored[name]
            clock = RunningClock(name, row["round"], from_plain(row["events"]))
            head = clock.events[0]
            clock.archived = head.number if isinstance(head, Carried) else 0
            self._clocks[name] = clock
        return clock

    def reading(self, name: str) -> ClockReading | None:
        """Read a clock now; None when it never ran."""
        if name not in self._readings:
            clock = self.get(name)
            if clock is None:
                return None
            self._readings[name] = arithmetic.read(clock.events, self.calendar, self.now)
        return self._readings[name]

    def policy(self, name: str) -> ClockPolicy:
        """Return a clock's policy. Raises DefinitionError for a name no policy has."""
        policy = self._policies.get(name)
        if policy is None:
            known = ", ".join(sorted(self._policies))
            raise DefinitionError(
                [
                    Fault(
                        "clocks.yml",
                        name,
                        "no clock of this name",
                        f"write it, or use one of {known}",
                    )
                ]
            )
        return policy

    def start(self, name: str, limit: AnyLimit | None = None) -> None:
        """Start a clock: a new round after a stop, what was left after a pause."""
        clock = self.get(name)
        if clock is not None and clock.state is ClockState.RUNNING:
            return
        if clock is not None and clock.state is ClockState.PAUSED:
            self.resume(name)
            return
        limit = limit or self.policy(name).limit
        if limit is None:
            raise InvalidInput({"limit": "案件还没有时限：请先立案"})
        self._clocks[name] = RunningClock(name, 1 if clock is None else clock.round + 1, ())
        self._keep(name, arithmetic.start(self.now, limit))

    def stop(self, name: str) -> None:
        """Stop a clock that runs or stands still."""
        clock = self.get(name)
        if clock is not None and clock.state in (ClockState.RUNNING, ClockState.PAUSED):
            self._keep(name, arithmetic.stop(clock.events, self._at(clock)))

    def cancel(self, name: str) -> None:
        """End a clock that ran before: nothing is measured from here on."""
        clock = self.get(name)
        if clock is not None and clock.state is not ClockState.CANCELLED:
            self._keep(name, arithmetic.cancel(clock.events, self._at(clock)))

    def cancel_all(self) -> None:
        """End every clock that still runs: the case is over."""
        for name in self._stored.keys() | self._clocks.keys():
            clock = self.get(name)
            if clock is not None and clock.state in (ClockState.RUNNING, ClockState.PAUSED):
                self._keep(name, arithmetic.cancel(clock.events, self._at(clock)))

    def pause_for(self, happening: str) -> None:
        """Let every running clock stand still whose policy pauses for the happening."""
        for name in self._stored.keys() | self._clocks.keys():
            clock = self.get(name)
            if (
                clock is not None
                and clock.state is ClockState.RUNNING
                and arithmetic.pauses_for(self.policy(name), happening)
            ):
                self._keep(name, arithmetic.pause(clock.events, self._at(clock), happening))

    def resume_after(self, happening: str) -> None:
        """Let every clock count on that stands still for the happening."""
        for name in self._stored.keys() | self._clocks.keys():
            clock = self.get(name)
            if clock is not None and arithmetic.paused_for(clock.events) == happening:
                self.resume(name)

    def resume(self, name: str) -> None:
        """Let a clock that stands still count on."""
        clock = self._existing(name)
        self._keep(name, arithmetic.resume(clock.events, self._at(clock)))

    def rework(self, name: str) -> None:
        """Set a stopped clock going as its policy says for rework."""
        clock = self._existing(name)
        if clock.state is ClockState.STOPPED:
            self._keep(name, arithmetic.rework(clock.events, self._at(clock), self.policy(name)))

    def dispatch(self, name: str, limit: AnyLimit, *, same_unit: bool) -> None:
        """Start a clock at the first dispatch; at a later one do what its policy says."""
        clock = self.get(name)
        if clock is None or clock.state is ClockState.CANCELLED:
            self.start(name, limit)
            return
        events = arithmetic.redispatch(
            clock.events, self._at(clock), self.policy(name), same_unit=same_unit, limit=limit
        )
        self._keep(name, events)

    def extend(self, name: str, by: AnyLimit | None, asked_at: datetime) -> None:
        """Grant an extension; that it was asked for in time counts, not when it was granted."""
        clock = self._extensible(name)
        events = arithmetic.extend(
            clock.events,
            max(asked_at, clock.events[-1].at),
            self.policy(name),
            self.calendar,
            by,
            asked_at=asked_at,
        )
        self._keep(name, events)

    def check_extension(self, name: str, by: AnyLimit | None) -> None:
        """Raise what granting this extension now would raise."""
        clock = self._extensible(name)
        arithmetic.extend(clock.events, self._at(clock), self.policy(name), self.calendar, by)

    def due(self, name: str) -> datetime:
        """Return when a running clock is due; NEVER for one that does not run."""
        clock = self.get(name)
        if clock is None or clock.state is not ClockState.RUNNING:
            return NEVER
        reading = self.reading(name)
        return NEVER if reading is None or reading.due_at is None else reading.due_at

    def functions(self) -> dict[str, Any]:
        """Return the functions that a diagram's times are written with."""
        return {
            "due": self.due,
            "before_due": self._before_due,
            "after_due": self._after_due,
            "after": lambda text: due_at(self.now, Limit.parse(text), self.calendar),
            "at": _moment_of,
            "duration": str,
        }

    def archive(self, case_id: int, names: Sequence[str]) -> list[tuple[Any, ...]]:
        """Leave these clocks no longer than LONGEST; return what goes out, as parameters of store.ARCHIVE_EVENTS."""
        rows = []
        for name in names:
            clock = self._existing(name)
            if len(clock.events) <= LONGEST:
                continue
            carried = isinstance(clock.events[0], Carried)
            leaving = clock.events[1 if carried else clock.archived :]
            written = orjson.dumps(to_plain(leaving)).decode()
            rows.append((case_id, name, clock.round, clock.archived, written))
            clock.events = (arithmetic.carry(clock.events, self.calendar),)
            clock.archived += len(leaving)
        return rows

    def rows(self, case_id: int, names: Sequence[str]) -> list[tuple[Any, ...]]:
        """Return the rows of these clocks, as parameters of store.KEEP_CLOCK."""
        return [self._row(case_id, name) for name in names]

    def _row(self, case_id: int, name: str) -> tuple[Any, ...]:
        clock, reading = self._existing(name), self.reading(name)
        assert reading is not None, "an existing clock can be read"
        return clock_row(case_id, clock, reading)

    def _before_due(self, name: str, text: str) -> datetime:
        due = self.due(name)
        return due if due == NEVER else moment_before(due, Limit.parse(text), self._held(name))

    def _after_due(self, name: str, text: str) -> datetime:
        due = self.due(name)
        return due if due == NEVER else due_at(due, Limit.parse(text), self._held(name))

    def _held(self, name: str) -> WorkingCalendar:
        """Return the calendar that a clock is counted by: the one known when it began."""
        return self.calendar.as_of(arithmetic.begun_at(self._existing(name).events))

    def _existing(self, name: str) -> RunningClock:
        clock = self.get(name)
        if clock is None:
            raise StateChanged("“%(name)s”还没有开始计时。", name=name)
        return clock

    def _extensible(self, name: str) -> RunningClock:
        """Return a clock with all the events that an extension must be counted from."""
        clock = self._existing(name)
        if self._archive is not None and arithmetic.needs_all(clock.events):
            before = from_plain(self._archive(name, clock.round))
            clock.events = (*before, *clock.events[1:])
        return clock

    def _at(self, clock: RunningClock) -> datetime:
        # The hosts' clocks differ a little: an event is never earlier than the one before it.
        return max(self.now, clock.events[-1].at)

    def _keep(self, name: str, events: ClockEvents) -> None:
        self._clocks[name].events = events
        self._readings.pop(name, None)
        self.changed.add(name)


def clock_row(case_id: int, clock: RunningClock, reading: ClockReading) -> tuple[Any, ...]:
    """Return the row of a round of a clock, as parameters of store.KEEP_CLOCK; the same at any moment."""
    return (
        case_id,
        clock.name,
        clock.round,
        clock.name,
        orjson.dumps(to_plain(clock.events)).decode(),
        reading.state.value,
        reading.due_at,
        reading.stopped_at,
        reading.on_time,
    )


def _moment_of(value: object) -> datetime:
    """Return the moment an ISO text names."""
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError as exc:
        raise InvalidInput({"at": Text("“%(value)s”不是时间", value=value)}) from exc
    if moment.tzinfo is None:
        raise InvalidInput({"at": Text("“%(value)s”没有时区", value=value)})
    return moment
