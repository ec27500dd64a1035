"""Fold a clock's events into the time it owes and the runs in which it counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from app.errors import InvalidInput
from sla.calendar import Measure, WorkingCalendar
from sla.clock_events import (
    Cancelled,
    Carried,
    ClockEvent,
    ClockState,
    Extended,
    Paused,
    Restarted,
    Resumed,
    Started,
    Stopped,
)
from sla.instants import from_us, span_of, span_us, to_us
from sla.limits import AnyLimit, Until


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
    limit: AnyLimit  # last started or restarted with
    begun: int
    portions: list[Portion]  # owed over `runs`: what `used` took is no longer in them
    runs: list[Run]
    changed: int  # moment of the last start, pause, resumption or end: counting goes on from here, or would
    reason: str | None = None  # what a paused clock stands still for
    extensions: int = 0  # over the clock's whole life
    grants: int = 0  # since the last restart: a new unit may ask anew
    cuts: list[int] = field(default_factory=list)  # moments of extensions, where an account is cut
    used: int = 0  # in carried runs, before `runs`
    due: int | None = None  # when carried runs used everything up

    @property
    def measure(self) -> Measure:
        """The measure of the limit first given."""
        return Measure.ELAPSED if isinstance(self.limit, Until) else self.limit.unit.measure

    def ended_runs(self) -> list[Run]:
        """Return the runs that something has ended."""
        return self.runs[:-1] if self._is_open() else self.runs

    def end_run(self, at: int) -> None:
        """End the open run, if there is one."""
        if self._is_open():
            self.runs[-1].end = at

    def used_over(self, runs: Sequence[Run], at: int, calendar: WorkingCalendar) -> int:
        """Return what was counted before the runs and over them; an open one counts until `at`."""
        return self.used + sum(
            calendar.between(run.begin, at if run.end is None else run.end, self.measure)
            for run in runs
        )

    def _is_open(self) -> bool:
        return bool(self.runs) and self.runs[-1].end is None


_ENDED: Final[Mapping[str, ClockState]] = {
    Paused.kind: ClockState.PAUSED,
    Stopped.kind: ClockState.STOPPED,
    Cancelled.kind: ClockState.CANCELLED,
}


def fold(events: Sequence[ClockEvent], calendar: WorkingCalendar) -> Fold:
    """Fold the events of one clock, or those since a restart. Raises InvalidInput when none starts it.

    Hours decided since the clock began do not count: they would move a due time that people were told.
    """
    calendar = calendar.as_of(begun_at(events))
    head = events[0] if events else None
    if isinstance(head, Carried):
        state = _carried_on(head)
    elif isinstance(head, Started | Restarted):
        first = to_us(head.at)
        portion = _portion(head.limit, first, calendar)
        state = Fold(ClockState.RUNNING, head.limit, first, [portion], [Run(first, None)], first)
    else:
        raise InvalidInput({"events": "时钟的第一个事件须为开始计时"})
    for event in events[1:]:
        _apply(state, event, calendar)
    return state


def begun_at(events: Sequence[ClockEvent]) -> datetime:
    """Return the moment of the last start or restart."""
    for event in reversed(events):
        if isinstance(event, Started | Restarted):
            return event.at
        if isinstance(event, Carried):
            return event.begun_at
    raise InvalidInput({"events": "时钟的第一个事件须为开始计时"})


def carry(events: Sequence[ClockEvent], calendar: WorkingCalendar) -> Carried:
    """Put events, which may begin with a Carried, into one that reads the same, whatever follows."""
    calendar = calendar.as_of(begun_at(events))
    state = fold(events, calendar)
    owed, due = [replace(portion) for portion in state.portions], state.due
    ended = state.ended_runs()
    if due is None:
        _, due = use_up(owed, ended, calendar)
    head = events[0]
    before = head.number - 1 if isinstance(head, Carried) else 0
    return Carried(
        at=events[-1].at,
        number=before + len(events),
        state=state.state,
        limit=state.limit,
        begun_at=from_us(state.begun),
        changed_at=from_us(state.changed),
        reason=state.reason,
        used=span_of(state.used_over(ended, state.changed, calendar)),
        owed=tuple((portion.measure, span_of(portion.amount)) for portion in owed),
        due_at=None if due is None else from_us(due),
        extensions=state.extensions,
        grants=state.grants,
    )


def walk(
    state: Fold, runs: Sequence[Run], calendar: WorkingCalendar
) -> tuple[list[Piece], int | None]:
    """Use the portions up over the runs; return the pieces used and the moment nothing is left, if reached.

    The due time is the first moment at which the counted time equals what is owed: a pause that begins after it
    cannot undo that it had passed.
    """
    return use_up([replace(portion) for portion in state.portions], runs, calendar)


def use_up(
    owed: list[Portion], runs: Sequence[Run], calendar: WorkingCalendar
) -> tuple[list[Piece], int | None]:
    """Do what `walk` does, and leave in `owed` what is left; its last portion stays, if only for its measure."""
    pieces: list[Piece] = []
    for run in runs:
        at = run.begin
        while True:
            portion = owed[0]
            if run.end is not None:
                counted = calendar.between(at, run.end, portion.measure)
                if counted < portion.amount:
                    pieces.append(Piece(portion.measure, at, run.end, counted))
                    portion.amount -= counted
                    break
            until = calendar.advance(at, portion.amount, portion.measure)
            pieces.append(Piece(portion.measure, at, until, portion.amount))
            if len(owed) == 1:
                return pieces, until
            del owed[0]
            at = until
    return pieces, None


def would_be_due(state: Fold, calendar: WorkingCalendar) -> int:
    """Return the moment nothing is left, counting on from where the clock stands."""
    if state.due is not None:
        return state.due
    _, due = walk(state, [*state.ended_runs(), Run(state.changed, None)], calendar)
    assert due is not None, "a run without end uses everything up"
    return due


def _carried_on(head: Carried) -> Fold:
    changed = to_us(head.changed_at)
    return Fold(
        state=head.state,
        limit=head.limit,
        begun=to_us(head.begun_at),
        portions=[Portion(measure, span_us(amount)) for measure, amount in head.owed],
        runs=[Run(changed, None)] if head.state is ClockState.RUNNING else [],
        changed=changed,
        reason=head.reason,
        extensions=head.extensions,
        grants=head.grants,
        used=span_us(head.used),
        due=None if head.due_at is None else to_us(head.due_at),
    )


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
        state.limit, state.begun = event.limit, at
        state.portions = [_portion(event.limit, at, calendar)]
        state.runs, state.cuts = [Run(at, None)], []
        state.state, state.grants = ClockState.RUNNING, 0
        state.used, state.due = 0, None
    elif isinstance(event, Resumed):
        state.runs.append(Run(at, None))
        state.state = ClockState.RUNNING
    elif isinstance(event, Started | Carried):
        raise InvalidInput({"events": "一个时钟只能开始一次"})
    else:
        state.end_run(at)
        state.state = _ENDED[event.kind]
    state.reason = event.reason if isinstance(event, Paused) else None
    state.changed = at


def _extend(state: Fold, at: int, by: AnyLimit, calendar: WorkingCalendar) -> None:
    if state.due is not None:
        raise InvalidInput({"events": "时限已在承前的事件中用完：延期须从全部事件算起"})
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
