"""The compact form of an instance: a pruned task tree as integers, each distinct data dict once.

Layout (msgpack): [format, process index, last id, changes, bodies, waiting ids], a body for the instance and each
running sub-process: [process index, owner id, workflow data, completed, rows, values], a row for each task in
tree order: [id, parent id, node index, state, triggered, change, data index, internal data or None].
"""

from __future__ import annotations

from typing import Any

import msgpack
from SpiffWorkflow.util.task import TaskState

from app.engine.moment import Moment
from app.engine.workflow import CaseSubWorkflow, CaseTask, CaseWorkflow, preorder
from app.errors import EngineError

FORMAT = 1
MAX_BYTES = 400_000
_STATES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
_STATE_INDEX = {state: index for index, state in enumerate(_STATES)}
_FORESEEN = TaskState.MAYBE | TaskState.LIKELY | TaskState.FUTURE


def encode(top: CaseWorkflow, nodes: Any) -> bytes:
    """Write an instance; nodes: the definition's index of processes and node names."""
    bodies = [_body(workflow, nodes) for workflow in (top, *_by_depth(top))]
    waiting = list(top.event_manager.tasks)
    packed: bytes = msgpack.packb(
        [FORMAT, nodes.process_index[top.spec.name], top.last_id, top.changes, bodies, waiting],
        use_bin_type=True,
    )
    if len(packed) > MAX_BYTES:
        raise EngineError(
            "实例状态有 %(size)s 字节，最多 %(limit)s：流程变量里只放编号和结果。",
            size=len(packed),
            limit=MAX_BYTES,
        )
    return packed


def _by_depth(top: CaseWorkflow) -> list[Any]:
    return sorted(top.subprocesses.values(), key=lambda s: s.depth)


def _body(workflow: Any, nodes: Any) -> list[Any]:
    index = nodes.node_index[workflow.spec.name]
    values: list[dict[str, Any]] = []
    rows = [
        [
            task.id,
            task._parent,
            index[task.task_spec.name],
            _STATE_INDEX[task._state] << 1 | task.triggered,
            task.last_state_change,
            _value_index(values, task.data),
            _plain(task.internal_data) if task.internal_data else None,
        ]
        for task in preorder(workflow.task_tree, enter=False)
    ]
    owner = None if workflow.top_workflow is workflow else workflow.parent_task_id
    return [
        nodes.process_index[workflow.spec.name],
        owner,
        workflow.data or None,
        workflow.completed,
        rows,
        values,
    ]


def _value_index(values: list[dict[str, Any]], data: dict[str, Any]) -> int:
    """Return where a data dict stands among the distinct ones, -1 for an empty one."""
    if not data:
        return -1
    for index, known in enumerate(values):
        if known is data or known == data:
            return index
    values.append(data)
    return len(values) - 1


def _plain(internal: dict[str, Any]) -> dict[str, Any] | None:
    return {key: value for key, value in internal.items() if key != "seen_events"} or None


def shape(state: bytes) -> tuple[Any, ...]:
    """Return where the tokens of an instance stand, whatever their numbers and data: equal shapes stand alike."""
    _, process, _, _, bodies, _ = msgpack.unpackb(state, strict_map_key=False)
    places: dict[int, int] = {}
    found: list[Any] = [process]
    for body_process, owner, _, completed, rows, _ in bodies:
        standing = []
        for task_id, parent_id, node, flags, *_ in rows:
            if _STATES[flags >> 1] & _FORESEEN:
                continue
            places[task_id] = len(places)
            standing.append((node, flags >> 1, places.get(parent_id)))
        found.append((body_process, places.get(owner), completed, tuple(standing)))
    return tuple(found)


def decode(state: bytes, definition: Any, moment: Moment) -> CaseWorkflow:
    """Read an instance back; raise EngineError for a state this program does not know."""
    try:
        return _restored(msgpack.unpackb(state, strict_map_key=False), definition, moment)
    except (
        ValueError,
        TypeError,
        LookupError,
        AttributeError,
        msgpack.exceptions.UnpackException,
    ) as exc:
        raise EngineError("实例状态无法读出。") from exc


def _restored(saved: Any, definition: Any, moment: Moment) -> CaseWorkflow:
    form, process, last_id, changes, bodies, waiting = saved
    if form != FORMAT:
        raise EngineError("实例状态的格式 %(form)s 不认识。", form=form)
    nodes = definition.nodes
    spec = definition.specs[nodes.processes[process]]
    top = CaseWorkflow(spec, definition.specs, moment, restoring=True)
    _fill(top, bodies[0], nodes)
    for body in bodies[1:]:
        owner = top.get_task_from_id(body[1])
        subprocess = CaseSubWorkflow(
            definition.specs[nodes.processes[body[0]]], owner.id, top, restoring=True
        )
        top.subprocesses[owner.id] = subprocess
        subprocess.completed_event.connect(owner.task_spec._on_subworkflow_completed, owner)
        _fill(subprocess, body, nodes)
    for task_id in waiting:
        top.event_manager.tasks[task_id] = top.get_task_from_id(task_id)
    top.last_id, top.changes = last_id, changes
    return top


def _fill(workflow: Any, body: list[Any], nodes: Any) -> None:
    process, _, data, completed, rows, values = body
    names = nodes.node_names[nodes.processes[process]]
    task_specs = workflow.spec.task_specs
    workflow.data = data or {}
    workflow.completed = completed
    used: set[int] = set()
    for task_id, parent_id, node, flags, change, value, internal in rows:
        task = CaseTask.restored(
            workflow, task_specs[names[node]], task_id, parent_id, _STATES[flags >> 1]
        )
        task.triggered = bool(flags & 1)
        task.last_state_change = change
        if value >= 0:
            task.data = copied(values[value]) if value in used else values[value]
            used.add(value)
        if internal:
            task.internal_data = internal
        if parent_id is None:
            workflow.task_tree = task
        else:
            workflow.tasks[parent_id]._children.append(task_id)


def copied(value: Any) -> Any:
    """Copy plain data: tasks must not share what one of them may change."""
    if isinstance(value, dict):
        return {key: copied(item) for key, item in value.items()}
    if isinstance(value, list):
        return [copied(item) for item in value]
    return value
