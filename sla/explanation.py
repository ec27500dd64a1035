"""Let a clock explain its due time line by line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from app.errors import InvalidInput
from sla.calendar import Measure, WorkingCalendar
from sla.clock_events import (
    Cancelled,
    Carried,
    ClockEvent,
    ClockEvents,
    ClockState,
    Extended,
    Paused,
    Restarted,
    Resumed,
    Started,
    Stopped,
)
from sla.clock_fold import Fold, Piece, Run, carry, fold, walk
from sla.clocks import needs_all, read, state_of
from sla.instants import from_us, span_of, to_us
from sla.limits import AnyLimit, Until
from sla.wording import Wording, late_words, left_words
from sla.worked_days import WorkedTime


@dataclass(frozen=True, slots=True)
class ExplanationLine:
    """One line of a clock's account; `running_total` is what has been counted once the line is done."""

    at: datetime
    text: str
    amount: timedelta | None
    running_total: timedelta


@dataclass(frozen=True, slots=True)
class _Entry:
    """A line before its total is known; `rank` orders lines of one moment: event, count, due."""

    at: int
    rank: int
    text: str
    amount: int | None = None


def explain(
    events: Sequence[ClockEvent], calendar: WorkingCalendar, locale: str
) -> list[ExplanationLine]:
    """Account for a clock from its start to its due time; a restart begins a new account below the old.

    A clock stopped early is counted on to its due time, so that the reader can check it.
    Raises InvalidInput for events of which some are carried: each has its line.
    """
    if any(isinstance(event, Carried) for event in events):
        raise InvalidInput({"events": "逐项说明须有全部事件，不能从承前起"})
    year = calendar.local.date_at(to_us(events[0].at)).year
    begins = [index for index, event in enumerate(events) if isinstance(event, Started | Restarted)]
    lines: list[ExplanationLine] = []
    for begin, end in pairwise([*begins, len(events)]):
        ended_at = to_us(events[end].at) if end < len(events) else None
        held = calendar.as_of(events[begin].at)
        account = _Account(held, Wording(locale, held), year)
        lines += _totalled(account.entries(events[begin:end], ended_at))
    return lines


def _totalled(entries: Iterable[_Entry]) -> list[ExplanationLine]:
    lines, total = [], 0
    for entry in sorted(entries, key=lambda entry: (entry.at, entry.rank)):
        total += entry.amount or 0
        amount = None if entry.amount is None else span_of(entry.amount)
        lines.append(ExplanationLine(from_us(entry.at), entry.text, amount, span_of(total)))
    return lines


class _Account:
    """Write the account of one clock."""

    def __init__(self, calendar: WorkingCalendar, wording: Wording, year: int) -> None:
        self._calendar = calendar
        self._wording = wording
        self._year = year
        self._worked = WorkedTime(calendar, wording, year)

    def entries(self, events: Sequence[ClockEvent], ended_at: int | None) -> list[_Entry]:
        """Account for the events since one start; ended_at: the restart that put an end to them, if any."""
        state = fold(events, self._calendar)
        if ended_at is not None:
            state.end_run(ended_at)
        entries = self._event_entries(events)
        runs = _cut(state.runs, state.cuts)
        pieces, due = walk(state, runs, self._calendar)
        for piece in pieces:
            entries += self._count(piece, going_on=False)
        if due is None and ended_at is None and state.state is ClockState.STOPPED:
            pieces_on, due = walk(state, [*runs, Run(state.changed, None)], self._calendar)
            for piece in pieces_on[len(pieces) :]:
                entries += self._count(piece, going_on=True)
        if due is not None:
            entries.append(_Entry(due, 2, self._due_text(due, state)))
        return entries

    def _event_entries(self, events: Sequence[ClockEvent]) -> list[_Entry]:
        """Say each event; those before it are carried, or a long account would be counted anew for each line."""
        entries: list[_Entry] = []
        past: ClockEvents = ()
        for number, event in enumerate(events):
            if isinstance(event, Extended) and needs_all(past):
                past = tuple(events[:number])
            told = (*past, event)
            entries.append(_Entry(to_us(event.at), 0, self._event_text(told)))
            past = (carry(told, self._calendar),)
        return entries

    def _event_text(self, events: Sequence[ClockEvent]) -> str:
        event = events[-1]
        at = self._wording.moment(to_us(event.at), self._year)
        match event:
            case Started():
                text = self._with_limit("started", event.limit, at=at)
            case Restarted():
                reason = self._reason(event.reason)
                text = self._with_limit("restarted", event.limit, at=at, reason=reason)
            case Extended():
                text = self._with_limit("extended", event.by, at=at)
            case Paused():
                reason = self._reason(event.reason)
                text = self._wording.say(
                    "paused_for", at=at, reason=reason, left=self._left(events)
                )
            case Resumed():
                reworked = state_of(events[:-1]) is ClockState.STOPPED
                key = "reworked" if reworked else "resumed"
                text = self._wording.say(key, at=at, left=self._left(events))
            case Stopped():
                text = self._wording.say("stopped", at=at, amount=self._used(events))
            case Cancelled():
                text = self._wording.say("stopped_cancelled", at=at)
        return text

    def _with_limit(self, key: str, limit: AnyLimit, **values: str) -> str:
        if isinstance(limit, Until):
            until = self._wording.moment(to_us(limit.at), self._year)
            return self._wording.say(f"{key}_until", until=until, **values)
        return self._wording.say(key, limit=limit.text(self._wording.locale), **values)

    def _left(self, events: Sequence[ClockEvent]) -> str:
        shown = read(events, self._calendar)
        if shown.overdue:
            return late_words(self._wording, shown.overdue_by)
        return left_words(self._wording, shown.remaining, shown.measure)

    def _used(self, events: Sequence[ClockEvent]) -> str:
        measure = fold(events, self._calendar).measure
        return self._wording.amount(read(events, self._calendar).used, measure, days=False)

    def _reason(self, reason: str) -> str:
        key = f"reason_{reason}"
        return self._wording.say(key) if self._wording.knows(key) else reason

    def _due_text(self, due: int, state: Fold) -> str:
        at = self._wording.moment(due, self._year)
        if state.state is not ClockState.STOPPED:
            return self._wording.say("due", at=at)
        if state.changed <= due:
            return self._wording.say("due_kept", at=at)
        late = late_words(self._wording, span_of(state.changed - due))
        return self._wording.say("due_missed", at=at, late=late)

    def _count(self, piece: Piece, *, going_on: bool) -> list[_Entry]:
        if piece.amount <= 0:
            return []
        if piece.measure is Measure.WORKING:
            counted = self._worked.lines(piece.begin, piece.end)
        else:
            counted = [(piece.begin, self._unbroken_text(piece), piece.amount)]
        return [
            _Entry(at, 1, self._wording.say("going_on", line=text) if going_on else text, amount)
            for at, text, amount in counted
        ]

    def _unbroken_text(self, piece: Piece) -> str:
        span = self._wording.span(piece.begin, piece.end, self._year)
        amount = self._wording.amount(
            span_of(piece.amount), piece.measure, days=piece.measure is Measure.WALL
        )
        key = "counted_without_break" if piece.measure is Measure.ELAPSED else "counted"
        return self._wording.say(key, span=span, amount=amount)


def _cut(runs: Sequence[Run], cuts: Sequence[int]) -> list[Run]:
    """Cut runs where an extension was granted, so that its line stands between what came before and after."""
    parts: list[Run] = []
    for run in runs:
        begin = run.begin
        for cut in cuts:
            if begin < cut and (run.end is None or cut < run.end):
                parts.append(Run(begin, cut))
                begin = cut
        parts.append(Run(begin, run.end))
    return parts
