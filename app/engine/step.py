"""What a step leaves behind, read off an instance in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from SpiffWorkflow.bpmn.specs.event_definitions.message import MessageEventDefinition
from SpiffWorkflow.bpmn.specs.event_definitions.multiple import MultipleEventDefinition

from app.engine.expressions import evaluate, unwrap
from app.engine.moment import Moment
from app.engine.naming import at_element
from app.engine.specs import UserTask
from app.engine.timers import WaitingTimerDefinition, clock_of
from app.engine.workflow import WAITING, CaseWorkflow


class OpenItem(NamedTuple):
    """A user task that waits for a person. token: its number in the instance. due: ISO time, UTC."""

    token: int
    element: str
    name: str
    form_key: str | None
    groups: tuple[str, ...]
    due: str | None
    stage: str | None
    data: Mapping[str, Any]


class WaitingTimer(NamedTuple):
    """A timer that waits; due_at is NEVER while it hangs on a paused clock."""

    token: int
    element: str
    due_at: datetime


class Passage(NamedTuple):
    """A node the step went through."""

    element: str
    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class Step:
    """What a step left behind: the new state, what is open and what changed."""

    state: bytes
    items: tuple[OpenItem, ...]
    timers: tuple[WaitingTimer, ...]
    messages: tuple[str, ...]
    ended: bool
    trail: tuple[Passage, ...]
    items_opened: tuple[OpenItem, ...]
    items_closed: tuple[int, ...]
    items_retimed: tuple[tuple[int, str | None], ...]
    timers_set: tuple[WaitingTimer, ...]
    timers_dropped: tuple[int, ...]
    sent: tuple[tuple[str, Mapping[str, Any]], ...]


@dataclass(frozen=True, slots=True)
class Before:
    """What was open before the step."""

    items: Mapping[int, Any]
    timers: Mapping[int, datetime]


def open_items(workflow: CaseWorkflow) -> dict[int, Any]:
    """Return the user tasks that wait for a person, by token."""
    return {task.id: task for task in workflow.ready_tasks(workflow, manual=True)}


def timer_of(task: Any) -> WaitingTimerDefinition | None:
    """Return the timer a waiting event has, if it has one."""
    definition = task.task_spec.event_definition
    if isinstance(definition, WaitingTimerDefinition):
        return definition
    if isinstance(definition, MultipleEventDefinition):
        for part in definition.event_definitions:
            if isinstance(part, WaitingTimerDefinition):
                return part
    return None


def waiting_timers(workflow: CaseWorkflow) -> dict[int, tuple[Any, datetime]]:
    """Return the waiting timers and when they are due, by token."""
    found: dict[int, tuple[Any, datetime]] = {}
    for token, task in workflow.event_manager.tasks.items():
        if task._state != WAITING:
            continue
        definition = timer_of(task)
        due_at = None if definition is None else definition.waiting_until(task)
        if due_at is not None:
            found[token] = (task, due_at)
    return found


def awaited_messages(workflow: CaseWorkflow) -> tuple[str, ...]:
    """Return the names of the messages the instance would take now."""
    names: dict[str, None] = {}
    for task in workflow.event_manager.tasks.values():
        definition = task.task_spec.event_definition
        parts = (
            definition.event_definitions
            if isinstance(definition, MultipleEventDefinition)
            else [definition]
        )
        for part in parts:
            if isinstance(part, MessageEventDefinition) and task._state == WAITING:
                names[part.name] = None
    if not workflow.completed:
        for level in (workflow, *workflow.get_active_subprocesses()):
            for name in level.spec.start.trigger_specs:
                for begin in workflow.subprocess_specs[
                    level.spec.task_specs[name].spec
                ].bpmn_start_events:
                    if isinstance(begin.event_definition, MessageEventDefinition):
                        names[begin.event_definition.name] = None
    return tuple(names)


def _item(task: Any, due: str | None) -> OpenItem:
    spec = task.task_spec
    own = isinstance(spec, UserTask)
    groups = _groups(spec.groups, task) if own else ()
    return OpenItem(
        token=task.id,
        element=spec.bpmn_id,
        name=spec.bpmn_name or spec.bpmn_id,
        form_key=spec.form_key if own else None,
        groups=groups,
        due=due,
        stage=spec.stage if own else None,
        data=task.data,
    )


def _groups(text: str, task: Any) -> tuple[str, ...]:
    if text.startswith(("${", "#{")):
        with at_element(task):
            text = str(evaluate(text, task.data, task.workflow.top_workflow.moment.functions))
    return tuple(part.strip() for part in text.split(",") if part.strip())


def due_of(task: Any, moment: Moment) -> str | None:
    """Return when a user task is due, as its own due date says now; None when it has none."""
    text = getattr(task.task_spec, "due", None)
    if not text:
        return None
    with at_element(task):
        value = evaluate(unwrap(text), task.data, moment.functions)
    if isinstance(value, datetime):
        return value.isoformat()
    return None if value is None else str(value)


def report(workflow: CaseWorkflow, state: bytes, before: Before, moment: Moment) -> Step:
    """Tell what is open now and how it differs from before."""
    items, timers = open_items(workflow), waiting_timers(workflow)
    opened = {
        token: _item(task, due_of(task, moment))
        for token, task in items.items()
        if token not in before.items
    }
    retimed = (
        tuple(
            (token, due_of(task, moment))
            for token, task in items.items()
            if token not in opened and _hangs_on(task, moment.retime)
        )
        if moment.retime
        else ()
    )
    waiting = {
        token: WaitingTimer(token, timer_element(task), due_at)
        for token, (task, due_at) in timers.items()
    }
    return Step(
        state=state,
        items=tuple(opened.get(token) or _item(task, None) for token, task in items.items()),
        timers=tuple(waiting.values()),
        messages=awaited_messages(workflow),
        ended=workflow.completed,
        trail=tuple(
            Passage(t.task_spec.bpmn_id, t.task_spec.bpmn_name or "", _kind(t))
            for t in workflow.trail
        ),
        items_opened=tuple(opened.values()),
        items_closed=tuple(token for token in before.items if token not in items),
        items_retimed=retimed,
        timers_set=tuple(t for t in waiting.values() if before.timers.get(t.token) != t.due_at),
        timers_dropped=tuple(token for token in before.timers if token not in waiting),
        sent=tuple((e.event_definition.name, e.payload or {}) for e in workflow.bpmn_events),
    )


def _hangs_on(task: Any, clocks: set[str]) -> bool:
    text = getattr(task.task_spec, "due", None)
    return text is not None and clock_of(unwrap(text)) in clocks


def timer_element(task: Any) -> str:
    """Return the id of the event a waiting timer belongs to; for a gateway the event behind it."""
    definition = task.task_spec.event_definition
    if isinstance(definition, MultipleEventDefinition):
        for part, output in zip(definition.event_definitions, task.task_spec.outputs, strict=True):
            if isinstance(part, WaitingTimerDefinition):
                return str(output.bpmn_id)
    return str(task.task_spec.bpmn_id)


def _kind(task: Any) -> str:
    return type(task.task_spec).__name__
