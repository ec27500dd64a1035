"""Timer events that wait for a row in the timers table instead of reading the wall clock.

The stock definitions compare with datetime.now() at each refresh. Ours work out their due time once, from the
moment given to the step, and fire only when the runtime says so (`FIRE` in the task's internal data).
"""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

from SpiffWorkflow.bpmn.specs.control import BoundaryEventJoin
from SpiffWorkflow.bpmn.specs.event_definitions.multiple import MultipleEventDefinition
from SpiffWorkflow.bpmn.specs.event_definitions.timer import (
    CycleTimerEventDefinition,
    TimerEventDefinition,
)
from SpiffWorkflow.util.task import TaskState

from app.engine.expressions import call_in, evaluate
from app.engine.moment import NEVER, Moment
from app.engine.naming import at_element

FIRE = "fire"
VALUE = "event_value"
CLOCK_FUNCTIONS = frozenset({"due", "before_due", "after_due"})


class TimerRefused(ValueError):
    """A timer that does not give a time."""


def is_iso_literal(text: str) -> bool:
    """Tell whether a timer text is an ISO 8601 duration, time or repeating interval, not an expression."""
    return (text[:1] in ("P", "R") and text[1:2] in set("T/0123456789-")) or text[:4].isdigit()


def clock_of(text: str) -> str | None:
    """Return the name of the clock a timer or due date hangs on, if any."""
    if is_iso_literal(text.strip()):
        return None
    call = call_in(text)
    if call is None or call[0] not in CLOCK_FUNCTIONS or not call[1]:
        return None
    name = call[1][0]
    return name if isinstance(name, str) else None


class WaitingTimerDefinition(TimerEventDefinition):  # type: ignore[misc]  # because SpiffWorkflow has no types
    """A timer whose due time is worked out once and whose firing is told from outside."""

    def has_fired(self, my_task: Any) -> bool:
        if my_task.internal_data.get(VALUE) is None:
            with at_element(my_task):
                due_at = self.due_at(my_task.data, my_task.workflow.top_workflow.moment)
            self.set_due(my_task, due_at)
        if my_task.internal_data.pop(FIRE, None):
            my_task.internal_data["event_fired"] = True
        return bool(my_task.internal_data.get("event_fired", False))

    def set_due(self, my_task: Any, due_at: datetime) -> None:
        my_task.internal_data[VALUE] = due_at.isoformat()

    def waiting_until(self, my_task: Any) -> datetime | None:
        value = my_task.internal_data.get(VALUE)
        return None if value is None else datetime.fromisoformat(value)

    def due_at(self, data: dict[str, Any], moment: Moment) -> datetime:
        """Return when this timer is due, aware UTC; raise TimerRefused when the text gives no time."""
        text = self.expression.strip()
        value: Any = text if is_iso_literal(text) else evaluate(text, data, moment.functions)
        if isinstance(value, datetime):
            if value.tzinfo is None:
                raise TimerRefused(f"the timer {text!r} gave a time without zone: {value}")
            return value.astimezone(UTC)
        if isinstance(value, timedelta):
            return moment.now + value
        if isinstance(value, str):
            return _from_iso(value, moment.now)
        raise TimerRefused(f"the timer {text!r} gave {value!r}, a time is wanted")


def _from_iso(text: str, now: datetime) -> datetime:
    try:
        parsed = TimerEventDefinition.parse_time_or_duration(text)
    except Exception as exc:  # because the stock parser raises bare Exception
        raise TimerRefused(f"{text!r} is neither a duration nor a time") from exc
    if isinstance(parsed, datetime):
        return parsed
    length: timedelta = TimerEventDefinition.get_timedelta_from_start(parsed, now)
    return now + length


class WaitingDate(WaitingTimerDefinition):
    """A point in time."""


class WaitingDuration(WaitingTimerDefinition):
    """A length of time from now."""


class WaitingCycle(WaitingTimerDefinition, CycleTimerEventDefinition):  # type: ignore[misc]  # because SpiffWorkflow has no types
    """A repeating timer; only on non-interrupting boundaries. A cycle by class, for nodes ask for that."""

    def has_fired(self, my_task: Any) -> bool:
        return bool(my_task.internal_data.get("event_fired", False))

    def waiting_until(self, my_task: Any) -> datetime | None:
        value = my_task.internal_data.get(VALUE)
        if not isinstance(value, dict) or value["cycles"] == 0:
            return None
        return datetime.fromisoformat(value["next"])

    def update_task(self, my_task: Any) -> None:
        """Add the outgoing path once for each firing; the task itself ends when all cycles are spent."""
        with at_element(my_task):
            value = my_task.internal_data.get(VALUE) or self._first(my_task)
        fired = False
        if value["cycles"] == 0:
            my_task.internal_data["event_fired"] = True
        elif my_task.internal_data.pop(FIRE, None):
            following = datetime.fromisoformat(value["next"]) + timedelta(seconds=value["duration"])
            value = {**value, "next": following.isoformat(), "cycles": value["cycles"] - 1}
            fired = True
        my_task.internal_data[VALUE] = value
        if fired:
            _begin_path(my_task)

    def set_due(self, my_task: Any, due_at: datetime) -> None:
        value = my_task.internal_data[VALUE]
        my_task.internal_data[VALUE] = {**value, "next": due_at.isoformat()}

    def _first(self, my_task: Any) -> dict[str, Any]:
        moment: Moment = my_task.workflow.top_workflow.moment
        text = self.expression.strip()
        if not is_iso_literal(text):
            text = evaluate(text, my_task.data, moment.functions)
        cycles, start, duration = repeating(text, moment.now)
        return {"cycles": cycles, "next": start.isoformat(), "duration": duration.total_seconds()}


def _begin_path(my_task: Any) -> None:
    """Send a token of its own down the path of a repeating timer.

    The stock engine hangs it under the timer, where it is cancelled with the activity; BPMN 2.0, 10.5.6, lets
    what a non-interrupting event began go on. So it stands under the root, behind a finished copy of the event.
    """
    carrier = my_task.workflow.task_tree._add_child(my_task.task_spec, TaskState.FUTURE)
    carrier.triggered = True
    carrier.data = deepcopy(my_task.data)
    carrier._set_state(TaskState.COMPLETED)
    for output in my_task.task_spec.outputs:
        if not isinstance(output, BoundaryEventJoin):
            child = carrier._add_child(output, TaskState.FUTURE)
            child.task_spec._predict(child, mask=TaskState.NOT_FINISHED_MASK)
            child.task_spec._update(child)


def needs_refresh(task: Any) -> bool:
    """Tell whether a waiting event has a timer that is new, was told to fire, or has spent its cycles."""
    definition = task.task_spec.event_definition
    if not isinstance(definition, TimerEventDefinition | MultipleEventDefinition):
        return False
    value = task.internal_data.get(VALUE)
    return (
        value is None
        or FIRE in task.internal_data
        or (isinstance(value, dict) and value["cycles"] == 0)
    )


def repeating(text: str, now: datetime) -> tuple[int, datetime, timedelta]:
    """Read R[n]/duration or R[n]/start/duration; return (cycles, first, length)."""
    parts = text.strip().upper().lstrip("R").split("/")
    try:
        cycles = int(parts[0]) if parts[0] else -1
        if len(parts) == 2:
            length = _from_iso(parts[1], now) - now
            return cycles, now + length, length
        start = TimerEventDefinition.get_datetime(parts[1])
        return cycles, start, _from_iso(parts[2], start) - start
    except (ValueError, IndexError, TimerRefused) as exc:
        raise TimerRefused(f"{text!r} is not a repeating interval such as R3/PT1H") from exc


def is_parked(due_at: datetime) -> bool:
    """Tell whether a timer hangs on a paused clock."""
    return due_at >= NEVER
