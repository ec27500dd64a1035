"""Fold a clock's events into the time it owes and the runs in which it counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from app.errors import InvalidInput
from sla.calendar import Measure, WorkingCalendar
from sla.clock_events import (
    Cancelled,
    ClockEvent,
    Extended,
    Paused,
    Restarted,
    Resumed,
    Started,
    Stopped,
)
from sla.instants import to_us
from sla.limits import AnyLimit, Until


class ClockState(StrEnum):
    """Where a clock stands."""

    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"
    CANCELLED = "cancelled"


@dataclass(slots=True)
class Portion:
    """Time owed in one measure, in microseconds; portions are used up in order."""

    measure: Measure
    amount: int


@dataclass(slots=True)
class Run:
    """A half-open time in which the clock counts; `end` is None while nothing has ended it."""

    begin: int
    end: int | None


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a run that used up time of one portion."""

    measure: Measure
    begin: int
    end: int
    amount: int


@dataclass(slots=True)
class Fold:
    """What a clock's events add up to; used time counts from the last start or restart."""

    state: ClockState
    portions: list[Portion]
    runs: list[Run]
    changed: int  # moment of the last start, pause, resumption or end: counting goes on from here, or would
    extensions: int = 0  # over the clock's whole life
    grants: int = 0  # since the last restart: a new unit may ask anew
    cuts: list[int] = field(default_factory=list)  # moments of extensions, where an account is cut

    @property
    def measure(self) -> Measure:
        """The measure of the limit first given."""
        return self.portions[0].measure

    def ended_runs(self) -> list[Run]:
        """Return the runs that something has ended."""
        return self.runs if self.runs[-1].end is not None else self.runs[:-1]

    def end_run(self, at: int) -> None:
        """End the open run, if there is one."""
        if self.runs[-1].end is None:
            self.runs[-1].end = at


_ENDED: Final[Mapping[str, ClockState]] = {
    Paused.kind: ClockState.PAUSED,
    Stopped.kind: ClockState.STOPPED,
    Cancelled.kind: ClockState.CANCELLED,
}


def fold(events: Sequence[ClockEvent], calendar: WorkingCalendar) -> Fold:
    """Fold the events of one clock, or those since a restart. Raises InvalidInput when none starts it."""
    if not events or not isinstance(events[0], Started | Restarted):
        raise InvalidInput({"events": "时钟的第一个事件须为开始计时"})
    first = to_us(events[0].at)
    state = Fold(
        ClockState.RUNNING, [_portion(events[0].limit, first, calendar)], [Run(first, None)], first
    )
    for event in events[1:]:
        _apply(state, event, calendar)
    return state


def walk(
    state: Fold, runs: Sequence[Run], calendar: WorkingCalendar
) -> tuple[list[Piece], int | None]:
    """Use the portions up over the runs; return the pieces used and the moment nothing is left, if reached.

    The due time is the first moment at which the counted time equals what is owed: a pause that begins after it
    cannot undo that it had passed.
    """
    pieces: list[Piece] = []
    owed = iter(state.portions)
    portion = next(owed)
    measure, left = portion.measure, portion.amount
    for run in runs:
        at = run.begin
        while True:
            if run.end is not None:
                counted = calendar.between(at, run.end, measure)
                if counted < left:
                    pieces.append(Piece(measure, at, run.end, counted))
                    left -= counted
                    break
            until = calendar.advance(at, left, measure)
            pieces.append(Piece(measure, at, until, left))
            following = next(owed, None)
            if following is None:
                return pieces, until
            at, measure, left = until, following.measure, following.amount
    return pieces, None


def would_be_due(state: Fold, calendar: WorkingCalendar) -> int:
    """Return the moment nothing is left, counting on from where the clock stands."""
    _, due = walk(state, [*state.ended_runs(), Run(state.changed, None)], calendar)
    assert due is not None, "a run without end uses everything up"
    return due


def _portion(limit: AnyLimit, start: int, calendar: WorkingCalendar) -> Portion:
    if isinstance(limit, Until):
        # A promised moment is so much elapsed time from the start; a pause then moves it like any other due time.
        return Portion(Measure.ELAPSED, to_us(limit.at) - start)
    return Portion(limit.unit.measure, limit.microseconds(calendar))


def _apply(state: Fold, event: ClockEvent, calendar: WorkingCalendar) -> None:
    at = to_us(event.at)
    if isinstance(event, Extended):
        _extend(state, at, event.by, calendar)
        return
    if isinstance(event, Restarted):
        state.portions = [_portion(event.limit, at, calendar)]
        state.runs, state.cuts = [Run(at, None)], []
        state.state, state.grants = ClockState.RUNNING, 0
    elif isinstance(event, Resumed):
        state.runs.append(Run(at, None))
        state.state = ClockState.RUNNING
    elif isinstance(event, Started):
        raise InvalidInput({"events": "一个时钟只能开始一次"})
    else:
        state.end_run(at)
        state.state = _ENDED[event.kind]
    state.changed = at


def _extend(state: Fold, at: int, by: AnyLimit, calendar: WorkingCalendar) -> None:
    start = would_be_due(state, calendar) if isinstance(by, Until) else at
    more = _portion(by, start, calendar)
    if more.measure is state.portions[-1].measure:
        # One sum: a day and a day are two days of the wall clock, even if the first ended in an hour left out.
        state.portions[-1].amount += more.amount
    else:
        state.portions.append(more)
    state.extensions += 1
    state.grants += 1
    state.cuts.append(at)
