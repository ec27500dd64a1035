"""Forget what an instance no longer needs, so that its state stays flat however often it loops.

Kept are: all unfinished tasks; the parent of each (events inherit data from it again at every refresh); the split of
each boundary or start event group that is not over, with its direct children; the tokens a join has collected but
not merged, with their parents. Every other finished task is taken out and its children move up to the nearest kept
ancestor, which keeps the order of the tree.
"""

from __future__ import annotations

from typing import Any

from SpiffWorkflow.bpmn.specs.control import BoundaryEventJoin, StartEventJoin, _EndJoin
from SpiffWorkflow.bpmn.specs.mixins.unstructured_join import UnstructuredJoin
from SpiffWorkflow.util.deep_merge import DeepMerge
from SpiffWorkflow.util.task import TaskState

from app.engine.specs import BoundaryEvent

FINISHED, CANCELLED, COMPLETED = TaskState.FINISHED_MASK, TaskState.CANCELLED, TaskState.COMPLETED


def prune(top: Any) -> None:
    """Prune an instance and all its running sub-processes; drop the finished ones."""
    if top.completed:
        _forget_all(top)
        return
    for task_id, subprocess in list(top.subprocesses.items()):
        owner = _owner(top, task_id)
        if subprocess.completed or owner is None or owner._state & FINISHED:
            del top.subprocesses[task_id]
    for workflow in (top, *top.subprocesses.values()):
        if not workflow.completed:
            _prune_tree(workflow)
    for task_id in list(top.subprocesses):
        if _owner(top, task_id) is None:
            del top.subprocesses[task_id]
    _drop_finished_waiters(top)


def _forget_all(top: Any) -> None:
    """Leave only the root of an instance that has ended."""
    root = top.task_tree
    root._children = []
    top.tasks = {root.id: root}
    top.subprocesses.clear()
    top.event_manager.tasks.clear()
    top.ready.clear()


def _owner(top: Any, task_id: int) -> Any:
    task = top.tasks.get(task_id)
    if task is not None:
        return task
    for subprocess in top.subprocesses.values():
        if task_id in subprocess.tasks:
            return subprocess.tasks[task_id]
    return None


def _drop_finished_waiters(top: Any) -> None:
    """Stop listening for tasks that are gone."""
    living = [top, *top.subprocesses.values()]
    for task_id, task in list(top.event_manager.tasks.items()):
        if (
            task._state & FINISHED
            or task.workflow not in living
            or task_id not in task.workflow.tasks
        ):
            del top.event_manager.tasks[task_id]


def _prune_tree(workflow: Any) -> None:
    tasks = workflow.tasks
    keep = {workflow.task_tree.id}
    pending: list[Any] = []
    for task in tasks.values():
        if not task._state & FINISHED:
            keep.add(task.id)
            if task._parent is not None:
                keep.add(task._parent)
            if isinstance(task.task_spec, BoundaryEventJoin | StartEventJoin):
                _keep_split(task, keep)
        elif task._state == CANCELLED and isinstance(task.task_spec, UnstructuredJoin):
            pending.append(task)
    _keep_pending(pending, keep)
    if len(keep) < len(tasks):
        _collapse(workflow, keep)


def _keep_split(join: Any, keep: set[int]) -> None:
    split = join.find_ancestor(join.task_spec.split_task)
    if split is None or (split.id in keep and all(c in keep for c in split._children)):
        return
    keep.add(split.id)
    for child in split.children:
        spent = child._state & FINISHED and isinstance(child.task_spec, BoundaryEvent)
        if not (spent and not child.task_spec.cancel_activity):
            keep.add(child.id)


def _keep_pending(pending: list[Any], keep: set[int]) -> None:
    """Keep tokens a join has collected; those of the end join become one, for it merges them in order anyway."""
    ended: list[Any] = []
    for task in sorted(pending, key=lambda t: t.last_state_change):
        if isinstance(task.task_spec, _EndJoin):
            ended.append(task)
        else:
            keep.update((task.id, task._parent))
    if not ended:
        return
    last = ended[-1]
    if len(ended) > 1:
        merged: dict[str, Any] = {}
        for task in ended:
            DeepMerge.merge(merged, task.parent.data)
        last.parent.data = merged
    keep.update((last.id, last._parent))


def _collapse(workflow: Any, keep: set[int]) -> None:
    tasks = workflow.tasks
    root = workflow.task_tree
    rebuilt: dict[int, list[int]] = {}

    def kept_children(task_id: int) -> list[int]:
        found: list[int] = []
        stack = list(reversed(tasks[task_id]._children))
        while stack:
            child = stack.pop()
            if child in keep:
                found.append(child)
            else:
                stack.extend(reversed(tasks[child]._children))
        return found

    order = [root.id]
    for task_id in order:
        rebuilt[task_id] = kept_children(task_id)
        order.extend(rebuilt[task_id])
    for task_id in [i for i in tasks if i not in rebuilt]:
        del tasks[task_id]
    for task_id, children in rebuilt.items():
        tasks[task_id]._children = children
        for child in children:
            tasks[child]._parent = task_id
