"""Run instances: pure functions from a definition and a compact state to a step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from SpiffWorkflow.bpmn.specs.event_definitions.message import MessageEventDefinition
from SpiffWorkflow.bpmn.util.event import BpmnEvent

from app.clock import require_aware
from app.engine import state as states
from app.engine.definitions import Definition
from app.engine.hot import HOT
from app.engine.moment import NEVER, Moment
from app.engine.naming import failure
from app.engine.pruning import prune
from app.engine.specs import BoundaryEvent, UserTask, keep_results
from app.engine.step import (
    Before,
    OpenItem,
    Passage,
    Step,
    WaitingTimer,
    awaited_messages,
    open_items,
    report,
    timer_of,
    waiting_timers,
)
from app.engine.timers import FIRE, clock_of
from app.engine.workflow import READY, WAITING, CaseWorkflow, preorder
from app.errors import AppError, EngineError, StateChanged

__all__ = [
    "HOT",
    "OpenItem",
    "Passage",
    "Step",
    "WaitingTimer",
    "complete",
    "fire",
    "open_elements",
    "read",
    "receive",
    "retime",
    "start",
    "tokens_at",
]


_AT_REST = Moment(NEVER)


def start(definition: Definition, process_id: str, data: Mapping[str, Any], moment: Moment) -> Step:
    """Start a process with its first data; raise EngineError when the definition has no such process."""
    spec = definition.specs.get(process_id)
    if spec is None:
        raise EngineError("定义中没有流程 %(process)s。", process=process_id)
    with _inside(process_id):
        workflow = CaseWorkflow(spec, definition.specs, moment)
        workflow.task_tree.data = dict(data)
    return _run(definition, workflow, Before({}, {}), lambda: None)


def complete(
    definition: Definition, state: bytes, token: int, answers: Mapping[str, Any], moment: Moment
) -> Step:
    """Complete an open item; raise StateChanged when it is not open."""
    workflow = _load(definition, state, moment)
    before = _before(workflow)
    task = workflow.get_task_from_id(token)
    if task is None or task._state != READY or not task.task_spec.manual:
        raise StateChanged

    def act() -> None:
        _keep_answers(task, answers, moment)
        task.run()

    return _run(definition, workflow, before, act)


def receive(
    definition: Definition, state: bytes, message: str, payload: Mapping[str, Any], moment: Moment
) -> Step:
    """Deliver a message; raise StateChanged when nothing waits for it."""
    workflow = _load(definition, state, moment)
    before = _before(workflow)
    event = BpmnEvent(MessageEventDefinition(message), payload=dict(payload))
    if message not in awaited_messages(workflow):
        raise StateChanged("流程此刻不接受“%(name)s”。", name=message)
    return _run(
        definition, workflow, before, lambda: workflow.event_manager.catch(event, internal=False)
    )


def fire(definition: Definition, state: bytes, tokens: Sequence[int], moment: Moment) -> Step:
    """Fire exactly these timers; a token that no longer waits is passed over."""
    workflow = _load(definition, state, moment)
    before = _before(workflow)

    def act() -> None:
        for token in tokens:
            task = workflow.event_manager.tasks.get(token)
            if task is not None and task._state == WAITING and timer_of(task) is not None:
                task.internal_data[FIRE] = True
        workflow.refresh_timers()

    return _run(definition, workflow, before, act)


def retime(
    definition: Definition, state: bytes, due: Mapping[int, datetime], moment: Moment
) -> Step:
    """Set the due time of waiting timers by token."""
    workflow = _load(definition, state, moment)
    before = _before(workflow)

    def act() -> None:
        for token, due_at in due.items():
            task = workflow.event_manager.tasks.get(token)
            definition_ = None if task is None else timer_of(task)
            if definition_ is not None:
                definition_.set_due(task, require_aware(due_at))

    return _run(definition, workflow, before, act)


def read(definition: Definition, state: bytes, moment: Moment) -> Step:
    """Tell what is open in a state, without running anything; due times are in the tables, not here."""
    workflow = states.decode(state, definition, moment)
    return report(workflow, state, _before(workflow), moment)


def _before(workflow: CaseWorkflow) -> Before:
    workflow.begin_step()
    return Before(
        open_items(workflow), {token: due for token, (_, due) in waiting_timers(workflow).items()}
    )


def _load(definition: Definition, state: bytes, moment: Moment) -> CaseWorkflow:
    hot = HOT.take(state, definition.hash)
    if hot is not None:
        hot.moment = moment
        return hot
    return states.decode(state, definition, moment)


def _run(
    definition: Definition, workflow: CaseWorkflow, before: Before, act: Callable[[], Any]
) -> Step:
    moment = workflow.moment
    with _inside(workflow.spec.name):
        act()
        workflow.do_engine_steps()
        if moment.retime:
            _retime_clocks(workflow, moment)
        prune(workflow)
        state = states.encode(workflow, definition.nodes)
        step = report(workflow, state, before, moment)
    workflow.trail.clear()
    workflow.moment = _AT_REST  # what the step knew of the world must not live on with the instance
    HOT.put(state, definition.hash, workflow)
    return step


@contextmanager
def _inside(process: str) -> Iterator[None]:
    """Turn what SpiffWorkflow raises into EngineError; our own errors pass."""
    try:
        yield
    except AppError:
        raise
    except Exception as exc:
        inner = exc.__cause__ or getattr(exc, "exception", None)
        if isinstance(inner, AppError):
            raise inner from exc
        element = getattr(getattr(exc, "task_spec", None), "bpmn_id", None) or process
        raise failure(element, exc) from exc


def _keep_answers(task: Any, answers: Mapping[str, Any], moment: Moment) -> None:
    results = task.task_spec.results if isinstance(task.task_spec, UserTask) else {}
    if results:
        keep_results(task.data, answers, results, moment.functions)
    elif "outcome" in answers:
        task.data["outcome"] = answers["outcome"]


def _retime_clocks(workflow: CaseWorkflow, moment: Moment) -> None:
    """Work out again each waiting timer that hangs on a clock a service has changed."""
    for task in workflow.event_manager.tasks.values():
        definition = timer_of(task) if task._state == WAITING else None
        if definition is not None and clock_of(definition.expression) in moment.retime:
            definition.set_due(task, definition.due_at(task.data, moment))


def open_elements(definition: Definition, state: bytes, moment: Moment) -> list[str]:
    """Return the element of every live token, for showing where an instance stands."""
    workflow = states.decode(state, definition, moment)
    live = preorder(workflow.task_tree, enter=True, mask=READY | WAITING | 32)  # TaskState.STARTED
    return [t.task_spec.bpmn_id for t in live if t.task_spec.bpmn_id is not None]


def tokens_at(definition: Definition, state: bytes) -> list[str]:
    """Return the elements that hold a token: what is at work, called or waited at, and no event that only listens."""
    workflow = states.decode(state, definition, _AT_REST)
    live = preorder(workflow.task_tree, enter=True, mask=READY | WAITING | 32)  # TaskState.STARTED
    standing = [t.task_spec for t in live if not isinstance(t.task_spec, BoundaryEvent)]
    return list(dict.fromkeys(spec.bpmn_id for spec in standing if spec.bpmn_id is not None))
