"""Clocks: each is a pure fold over its events; every action returns the longer list of events.

A clock refuses what does not fit its state (StateChanged) and a moment before its last event (InvalidInput).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from app.clock import require_aware
from app.errors import InvalidInput, StateChanged, Text
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
    from_plain,
    to_plain,
)
from sla.clock_fold import begun_at, carry, fold, would_be_due
from sla.clock_policies import (
    AfterRedispatch,
    AfterRework,
    AskBy,
    ClockPolicy,
    ExtensionRule,
    load_clock_policies,
)
from sla.instants import HOUR, from_us, span_of, span_us, to_us
from sla.limits import AnyLimit, Limit, LimitUnit, Until

__all__ = [
    "ClockReading",
    "ClockState",
    "begun_at",
    "cancel",
    "carry",
    "extend",
    "from_plain",
    "limit_of",
    "load_clock_policies",
    "needs_all",
    "pause",
    "paused_for",
    "pauses_for",
    "read",
    "redispatch",
    "restart",
    "resume",
    "rework",
    "start",
    "state_of",
    "stop",
    "to_plain",
]


@dataclass(frozen=True, slots=True)
class ClockReading:
    """What a clock shows at a moment.

    due_at: None while paused before the time was up, and when cancelled.
    on_time: None until stopped; then whether it stopped no later than due.
    overdue: the due time has passed, at the moment read or, for a stopped clock, when it stopped.
    remaining: counted as the last grant counts (`measure`); zero once overdue.
    overdue_by: plain time since the due time, for nights and weekends are late too; zero when not overdue.
    used: counted since the last start or restart, as the limit counts.
    grants: extensions since the last restart; `extensions` are all of them.
    """

    state: ClockState
    due_at: datetime | None
    on_time: bool | None
    overdue: bool
    remaining: timedelta
    overdue_by: timedelta
    used: timedelta
    measure: Measure
    stopped_at: datetime | None
    extensions: int
    grants: int

    @property
    def used_minutes(self) -> int:
        """Return what was used in whole minutes, halves rounded up."""
        return (self.used + timedelta(seconds=30)) // timedelta(minutes=1)


_ZERO: Final = timedelta(0)


def read(
    events: Sequence[ClockEvent], calendar: WorkingCalendar, now: datetime | None = None
) -> ClockReading:
    """Read a clock at a moment; without one, at its last event.

    A clock at rest shows what it showed when it came to rest, whatever the moment.
    """
    calendar = calendar.as_of(begun_at(events))
    state = fold(events, calendar)
    running = state.state is ClockState.RUNNING
    rest = to_us(events[-1].at) if running else state.changed
    at = max(rest, to_us(now)) if running and now is not None else rest
    due = would_be_due(state, calendar)
    measure = state.portions[-1].measure
    stopped = state.state is ClockState.STOPPED
    cancelled = state.state is ClockState.CANCELLED
    # A pause cannot undo that the time was up; a pause at that very moment comes too late as well.
    shown = running or stopped or (state.state is ClockState.PAUSED and due <= at)
    left = due > at and not cancelled
    overdue = at > due and not cancelled
    return ClockReading(
        state=state.state,
        due_at=from_us(due) if shown else None,
        on_time=at <= due if stopped else None,
        overdue=overdue,
        remaining=span_of(calendar.between(at, due, measure)) if left else _ZERO,
        overdue_by=span_of(at - due) if overdue else _ZERO,
        used=span_of(state.used_over(state.runs, at, calendar)),
        measure=measure,
        stopped_at=from_us(at) if stopped else None,
        extensions=state.extensions,
        grants=state.grants,
    )


def state_of(events: Sequence[ClockEvent]) -> ClockState:
    """Return where the clock stands, without any arithmetic."""
    for event in reversed(events):
        state = event.state if isinstance(event, Carried) else _STATES.get(event.kind)
        if state is not None:
            return state
    raise InvalidInput({"events": "时钟还没有开始"})


def paused_for(events: Sequence[ClockEvent]) -> str | None:
    """Return what a paused clock stands still for; an extension granted meanwhile changes nothing about it."""
    if state_of(events) is not ClockState.PAUSED:
        return None
    return next(event.reason for event in reversed(events) if isinstance(event, Paused | Carried))


def needs_all(events: Sequence[ClockEvent]) -> bool:
    """Tell whether an extension must be counted from all events, because the time was up in carried ones."""
    head = events[0]
    late = isinstance(head, Carried) and head.due_at is not None
    return late and not any(isinstance(event, Restarted) for event in events)


def limit_of(events: Sequence[ClockEvent]) -> AnyLimit:
    """Return the limit last started or restarted with, extensions not counted in."""
    for event in reversed(events):
        if isinstance(event, Started | Restarted | Carried):
            return event.limit
    raise InvalidInput({"events": "时钟还没有开始"})


def start(at: datetime, limit: AnyLimit) -> ClockEvents:
    """Start a clock; outside working time a working limit begins to count at the next working moment."""
    return (Started(require_aware(at), limit),)


def pause(events: Sequence[ClockEvent], at: datetime, reason: str) -> ClockEvents:
    """Let a running clock stand still."""
    _require(events, ClockState.RUNNING)
    return _with(events, Paused(require_aware(at), reason))


def resume(events: Sequence[ClockEvent], at: datetime) -> ClockEvents:
    """Let a paused clock count on with what was left."""
    _require(events, ClockState.PAUSED)
    return _with(events, Resumed(require_aware(at)))


def restart(
    events: Sequence[ClockEvent], at: datetime, limit: AnyLimit, reason: str
) -> ClockEvents:
    """Begin anew with a whole limit, whether the clock runs, stands still or has stopped."""
    _require(events, ClockState.RUNNING, ClockState.PAUSED, ClockState.STOPPED)
    return _with(events, Restarted(require_aware(at), limit, reason))


def stop(events: Sequence[ClockEvent], at: datetime) -> ClockEvents:
    """Stop a clock for good: what it measures was done."""
    _require(events, ClockState.RUNNING, ClockState.PAUSED)
    return _with(events, Stopped(require_aware(at)))


def cancel(events: Sequence[ClockEvent], at: datetime) -> ClockEvents:
    """End a clock without a result."""
    _require(events, ClockState.RUNNING, ClockState.PAUSED, ClockState.STOPPED)
    return _with(events, Cancelled(require_aware(at)))


def pauses_for(policy: ClockPolicy, happening: str) -> bool:
    """Tell whether the clock stands still for a happening such as held, returned or verification."""
    return happening in policy.pauses_for


def extend(
    events: Sequence[ClockEvent],
    at: datetime,
    policy: ClockPolicy,
    calendar: WorkingCalendar,
    by: AnyLimit | None = None,
    *,
    asked_at: datetime | None = None,
) -> ClockEvents:
    """Grant an extension: by the policy's length, or by what the approver gave.

    asked_at: when it was asked for, if that was earlier; then it was in time if it was in time at that moment.

    Raises InvalidInput when the policy allows none, no more, or none so late, and when it needs all events;
    StateChanged when the clock has ended.
    """
    _require(events, ClockState.RUNNING, ClockState.PAUSED)
    rule = policy.extension
    if rule is None:
        raise InvalidInput({"extension": "这项时限不允许延期"})
    shown = read(events, calendar, at)
    if shown.grants >= rule.max_grants:
        fault = Text(
            "已同意延期 %(given)s 次，最多 %(most)s 次", given=shown.grants, most=rule.max_grants
        )
        raise InvalidInput({"extension": fault})
    late = shown.overdue if asked_at is None else _was_overdue(events, asked_at, shown, calendar)
    if late and rule.ask is AskBy.BEFORE_DUE:
        raise InvalidInput({"extension": "已超过时限，须在到期前申请延期"})
    given = by or _length(rule, events)
    if isinstance(given, Until):
        _require_later(given, shown)
    longer = _with(events, Extended(require_aware(at), given))
    fold(longer, calendar)  # what cannot be counted is refused here, not when it is next read
    return longer


def _was_overdue(
    events: Sequence[ClockEvent],
    at: datetime,
    shown: ClockReading,
    calendar: WorkingCalendar,
) -> bool:
    """Tell whether the time was up at an earlier moment, by what had happened until then."""
    until_then = [event for event in events if event.at <= at]
    return read(until_then, calendar, at).overdue if until_then else shown.overdue


def rework(events: Sequence[ClockEvent], at: datetime, policy: ClockPolicy) -> ClockEvents:
    """Set a stopped clock going again as the policy says when a failed check sends the work back."""
    _require(events, ClockState.STOPPED)
    if policy.rework is AfterRework.KEEP:
        return tuple(events)
    if policy.rework is AfterRework.RESTART:
        return restart(events, at, _whole_limit(events, at), "rework")
    return _with(events, Resumed(require_aware(at)))


def redispatch(
    events: Sequence[ClockEvent],
    at: datetime,
    policy: ClockPolicy,
    *,
    same_unit: bool,
    limit: AnyLimit | None = None,
) -> ClockEvents:
    """Set a clock going as the policy says when the work is dispatched again; `limit` is for a restart."""
    _require(events, ClockState.RUNNING, ClockState.PAUSED, ClockState.STOPPED)
    rule = policy.redispatch_same if same_unit else policy.redispatch_other
    if rule is AfterRedispatch.RESTART:
        return restart(events, at, limit or _whole_limit(events, at), "redispatch")
    if state_of(events) is ClockState.RUNNING:
        return tuple(events)
    return _with(events, Resumed(require_aware(at)))


_STATES: Final = {
    Started.kind: ClockState.RUNNING,
    Resumed.kind: ClockState.RUNNING,
    Restarted.kind: ClockState.RUNNING,
    Paused.kind: ClockState.PAUSED,
    Stopped.kind: ClockState.STOPPED,
    Cancelled.kind: ClockState.CANCELLED,
}


def _whole_limit(events: Sequence[ClockEvent], at: datetime) -> AnyLimit:
    """Return the limit to give again; a promised moment is given again as the span it was away."""
    limit = limit_of(events)
    return Until(at + (limit.at - begun_at(events))) if isinstance(limit, Until) else limit


def _length(rule: ExtensionRule, events: Sequence[ClockEvent]) -> Limit:
    if rule.amount is not None:
        return rule.amount
    times = rule.times or Decimal(1)
    limit = limit_of(events)
    if isinstance(limit, Limit):
        return limit.times(times)
    hours = Decimal(span_us(limit.at - begun_at(events))) / HOUR
    return Limit(hours * times, LimitUnit.URGENT_HOUR)


def _require_later(given: Until, shown: ClockReading) -> None:
    if shown.due_at is None:
        raise InvalidInput({"extension": "计时暂停期间不能改定到期时间，请先恢复计时"})
    if given.at <= shown.due_at:
        raise InvalidInput({"extension": "新的到期时间须晚于现在的到期时间"})


_STATE_NAMES: Final = {
    ClockState.RUNNING: Text("计时中"),
    ClockState.PAUSED: Text("停表"),
    ClockState.STOPPED: Text("已停止"),
    ClockState.CANCELLED: Text("已取消"),
}


def _require(events: Sequence[ClockEvent], *wanted: ClockState) -> None:
    state = state_of(events)
    if state not in wanted:
        raise StateChanged(
            "计时现在的状态是“%(state)s”，须为“%(wanted)s”才能这样办，请刷新后再看。",
            state=_STATE_NAMES[state],
            wanted=tuple(_STATE_NAMES[one] for one in wanted),
        )


def _with(events: Sequence[ClockEvent], event: ClockEvent) -> ClockEvents:
    last = events[-1].at
    if event.at < last:
        fault = Text("%(at)s 早于上一事件 %(last)s", at=event.at.isoformat(), last=last.isoformat())
        raise InvalidInput({"at": fault})
    return (*events, event)
