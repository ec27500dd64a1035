"""Move an instance from one version of its definition to another.

Tokens are matched by the ids of their elements. What an instance only foresees is foreseen anew along the ways of the
new version; what has happened stays. A boundary event that the new version adds to a live activity is armed, one that
it takes away is gone; a timer that reads as before keeps its due time, one that reads differently is timed anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from SpiffWorkflow.bpmn.specs.control import BoundaryEventJoin, BoundaryEventSplit
from SpiffWorkflow.bpmn.specs.mixins.events.event_types import CatchingEvent
from SpiffWorkflow.bpmn.specs.mixins.subworkflow_task import SubWorkflowTask
from SpiffWorkflow.bpmn.specs.mixins.unstructured_join import UnstructuredJoin
from SpiffWorkflow.util.task import TaskState

from app.engine import state as states
from app.engine.definitions import Definition
from app.engine.moment import NEVER, Moment
from app.engine.move_plans import MovePlan, Obstacle, Verdict, Ways, kind_of
from app.engine.specs import BoundaryEvent, EndJoin
from app.engine.step import Before, Step, due_of, open_items, report, timer_of, waiting_timers
from app.engine.timers import VALUE
from app.engine.workflow import NOT_FINISHED, CaseSubWorkflow, CaseTask, CaseWorkflow, preorder
from app.errors import StateChanged, Text

_FORESEEN = TaskState.MAYBE | TaskState.LIKELY | TaskState.FUTURE
_FINISHED = TaskState.FINISHED_MASK
_AT_REST = Moment(NEVER)


def plan_move(
    state: bytes, old: Definition, new: Definition, mapping: Mapping[str, str]
) -> MovePlan:
    """Tell whether an instance can move, and where it stands. mapping: new element id by old one."""
    return _Plan(states.decode(state, old, _AT_REST), new, mapping).made()


def moved(
    state: bytes, old: Definition, new: Definition, mapping: Mapping[str, str], moment: Moment
) -> Step:
    """Return the instance on the new version, and how what is open differs. Raises StateChanged when it cannot move."""
    before = states.decode(state, old, moment)
    plan = _Plan(before, new, mapping)
    if plan.made().verdict is not Verdict.FINE:
        raise StateChanged("这个案件不能这样迁移到新版本。")
    return _Move(before, new, plan, moment).step()


@dataclass
class _Plan:
    """Find for each token of an instance the node of the new version that it would stand at."""

    before: CaseWorkflow
    new: Definition
    mapping: Mapping[str, str]
    # The process of each level, and the node of each token that stays, by the number of the task.
    levels: list[tuple[Any, Any]] = field(default_factory=list)
    nodes: dict[int, Any] = field(default_factory=dict)
    missing: list[Obstacle] = field(default_factory=list)
    hindered: list[Obstacle] = field(default_factory=list)
    standing: list[str] = field(default_factory=list)

    def made(self) -> MovePlan:
        before = self.before
        if before.completed:
            return MovePlan(Verdict.IMPOSSIBLE, (Obstacle("", "", "", Text("案件已经结束")),))
        process = self.new.specs.get(before.spec.name)
        if process is None:
            reason = Text("新版本没有这个流程")
            return MovePlan(Verdict.IMPOSSIBLE, (Obstacle(before.spec.name, "", "", reason),))
        self._look_at(before, process)
        for sub in sorted(before.subprocesses.values(), key=lambda s: s.depth):
            owner = self.nodes.get(sub.parent_task_id)
            called = None if owner is None else self.new.specs.get(owner.spec)
            if called is not None:
                self._look_at(sub, called)
            else:
                # Whoever has no place for the activity still has to place what waits inside it.
                self._inside_nothing(sub)
        standing = tuple(self.standing)
        if self.hindered:
            return MovePlan(Verdict.IMPOSSIBLE, tuple(self.hindered), standing)
        if self.missing:
            return MovePlan(Verdict.NEEDS_MAPPING, tuple(self.missing), standing)
        return MovePlan(Verdict.FINE, (), standing)

    def name_in(self, level: Any, spec: Any, process: Any) -> str:
        """Return the name that a node of the old version has in the new one, whether or not it is there."""
        if spec is level.spec.end:
            return str(process.end.name)
        if spec.bpmn_id is not None and spec.name == spec.bpmn_id:
            return self.mapping.get(spec.name, spec.name)
        for mark in (".", " ["):
            host, found, kind = spec.name.rpartition(mark)
            if found and host in self.mapping:
                return f"{self.mapping[host]}{mark}{kind}"
        return str(spec.name)

    def _look_at(self, level: Any, process: Any) -> None:
        self.levels.append((level, process))
        for task in preorder(level.task_tree, enter=False):
            if not task._state & _FORESEEN:
                self._place(level, task, process)
        self._check_joins(level, process)

    def _place(self, level: Any, task: Any, process: Any) -> None:
        spec = task.task_spec
        found = process.task_specs.get(self.name_in(level, spec, process))
        if task._state & _FINISHED:
            if found is not None and type(found) is type(spec):
                self.nodes[task.id] = found
            elif task._state == TaskState.CANCELLED and isinstance(spec, UnstructuredJoin):
                self.hindered.append(
                    _obstacle(spec, Text("已有分支在此汇合，新版本没有这个汇合点"))
                )
            return
        alike = found is not None and kind_of(found) == kind_of(spec)
        if isinstance(spec, BoundaryEvent):
            if alike and _host_split(found, process) == self._split_name(level, task, process):
                self.nodes[task.id] = found
            return
        if isinstance(spec, BoundaryEventJoin):
            if alike:
                self.nodes[task.id] = found
            return
        self._note_standing(spec)
        if alike:
            self.nodes[task.id] = found
        elif any(kind_of(n) == kind_of(spec) and n.bpmn_id for n in process.task_specs.values()):
            self.missing.append(_obstacle(spec, Text("新版本没有这个环节"), process.name))
        else:
            self.hindered.append(_obstacle(spec, Text("新版本没有同类的环节")))

    def _split_name(self, level: Any, event: Any, process: Any) -> str | None:
        split = event.parent
        if split is None or not isinstance(split.task_spec, BoundaryEventSplit):
            return None
        return self.name_in(level, split.task_spec, process)

    def _note_standing(self, spec: Any) -> None:
        # An activity that others run inside of is where they are, not where the case stands.
        if spec.bpmn_id is not None and not isinstance(spec, SubWorkflowTask):
            self.standing.append(spec.bpmn_id)

    def _inside_nothing(self, sub: Any) -> None:
        for task in preorder(sub.task_tree, enter=False):
            spec = task.task_spec
            if task._state & (_FORESEEN | _FINISHED) or isinstance(spec, BoundaryEvent):
                continue
            self._note_standing(spec)

    def _check_joins(self, level: Any, process: Any) -> None:
        """Note each join that would wait for a branch nobody will come by."""
        tokens: list[tuple[Any, Any]] = []
        arrived: list[tuple[Any, Any]] = []
        for task in preorder(level.task_tree, enter=False):
            node = self.nodes.get(task.id)
            if node is None:
                continue
            if isinstance(task.task_spec, UnstructuredJoin) and not isinstance(node, EndJoin):
                came, source = task.parent.task_spec, self.nodes.get(task.parent.id)
                arrived.append((task, source))
                if came.name in task.task_spec._inputs and (
                    source is None or source.name not in node._inputs
                ):
                    reason = Text("已到达的分支在新版本中不再通向此处")
                    self.hindered.append(_obstacle(task.task_spec, reason))
            if not task._state & (_FORESEEN | _FINISHED):
                tokens.append((task.task_spec, node))
        before = Ways(level.spec).unreachable(
            [spec.name for spec, _ in tokens],
            [(t.task_spec.name, t.parent.task_spec.name) for t, _ in arrived],
        )
        after = Ways(process).unreachable(
            [node.name for _, node in tokens],
            [(self.nodes[t.id].name, n.name) for t, n in arrived if n is not None],
        )
        known = {self.mapping.get(name, name) for name in before}
        for name in after:
            if name not in known:
                reason = Text("新版本的这个汇合点会等待案件走不到的分支")
                self.hindered.append(_obstacle(process.task_specs[name], reason))


@dataclass
class _Move:
    """Rebuild an instance on the nodes that a plan found."""

    before: CaseWorkflow
    new: Definition
    plan: _Plan
    moment: Moment

    def step(self) -> Step:
        old = self.before
        seen = Before(
            open_items(old), {token: due for token, (_, due) in waiting_timers(old).items()}
        )
        process = self.plan.levels[0][1]
        top = self.top = CaseWorkflow(process, self.new.specs, self.moment, restoring=True)
        for level, its_process in self.plan.levels:
            self._fill(level, self._level_of(level, its_process))
        top.last_id, top.changes = old.last_id, old.changes
        for token in old.event_manager.tasks:
            task = top.get_task_from_id(token)
            if task is not None:
                top.event_manager.tasks[token] = task
        for level in (top, *top.subprocesses.values()):
            self._join_events(level)
            for task in list(level.tasks.values()):
                if task._state & NOT_FINISHED and not task._state & _FORESEEN:
                    task.task_spec._predict(task, mask=NOT_FINISHED)
        for level, _ in self.plan.levels:
            self._arm(level)
        top.do_engine_steps()
        state = states.encode(top, self.new.nodes)
        step = report(top, state, seen, self.moment)
        return replace(step, items_retimed=self._retimed())

    def _level_of(self, level: Any, process: Any) -> Any:
        if level is self.before:
            return self.top
        owner = self.top.get_task_from_id(level.parent_task_id)
        sub = CaseSubWorkflow(process, owner.id, self.top, restoring=True)
        self.top.subprocesses[owner.id] = sub
        sub.completed_event.connect(owner.task_spec._on_subworkflow_completed, owner)
        return sub

    def _fill(self, old: Any, level: Any) -> None:
        level.data, level.completed = old.data, old.completed
        for task in preorder(old.task_tree, enter=False):
            if task._state & _FORESEEN:
                continue
            node = self.plan.nodes.get(task.id)
            if node is None:
                if not task._state & _FINISHED:
                    continue
                node = self._stand_in(task, level)
            kept = CaseTask.restored(level, node, task.id, task._parent, task._state)
            kept.triggered, kept.last_state_change = task.triggered, task.last_state_change
            kept.data, kept.internal_data = task.data, dict(task.internal_data)
            if task._parent is None:
                level.task_tree = kept
            else:
                level.tasks[task._parent]._children.append(task.id)
            if isinstance(task.task_spec, CatchingEvent) and not _timed_alike(task.task_spec, node):
                kept.internal_data.pop(VALUE, None)

    def _stand_in(self, task: Any, level: Any) -> Any:
        """Return a node for a finished task that is only kept for its data and for the tree's sake."""
        for child in task.children:
            node = self.plan.nodes.get(child.id)
            if node is not None and node._inputs:
                return level.spec.task_specs[node._inputs[0]]
        return level.spec.start

    def _join_events(self, level: Any) -> None:
        """Put a split over each live activity that has boundary events in the new version alone."""
        for task in list(level.tasks.values()):
            if task._state & (_FINISHED | _FORESEEN) or isinstance(task.task_spec, BoundaryEvent):
                continue
            split = level.spec.task_specs.get(f"{task.task_spec.name}.BoundaryEventSplit")
            parent = task.parent
            if split is None or parent is None or parent.task_spec is split:
                continue
            between = CaseTask(level, split, parent, TaskState.COMPLETED)
            between.data = states.copied(parent.data)
            parent._children.remove(between.id)
            parent._children[parent._children.index(task.id)] = between.id
            between._children, task._parent = [task.id], between.id

    def _arm(self, old: Any) -> None:
        """Arm the boundary events of live activities that the old version did not have."""
        level = self.top if old is self.before else self.top.subprocesses[old.parent_task_id]
        known = {
            self.plan.name_in(old, spec, level.spec): kind_of(spec)
            for spec in old.spec.task_specs.values()
            if isinstance(spec, BoundaryEvent)
        }
        attached = {
            self.plan.name_in(old, event, level.spec): self.plan.name_in(old, spec, level.spec)
            for spec in old.spec.task_specs.values()
            if isinstance(spec, BoundaryEventSplit)
            for event in spec.outputs
        }
        for task in list(level.tasks.values()):
            if task._state & (_FINISHED | _FORESEEN) or isinstance(task.task_spec, BoundaryEvent):
                continue
            split = task.parent
            if split is None or split.task_spec.name != f"{task.task_spec.name}.BoundaryEventSplit":
                continue
            for event in split.task_spec.outputs:
                same = known.get(event.name) == kind_of(event)
                if isinstance(event, BoundaryEvent) and not (
                    same and attached.get(event.name) == split.task_spec.name
                ):
                    armed = split._add_child(event, TaskState.WAITING)
                    armed.triggered = True
                    event._predict(armed, mask=NOT_FINISHED)
                    event._update(armed)

    def _retimed(self) -> tuple[tuple[int, str | None], ...]:
        """Return the due times of open items whose own due date reads differently now."""
        was = open_items(self.before)
        return tuple(
            (token, due_of(task, self.moment))
            for token, task in open_items(self.top).items()
            if token in was
            and getattr(task.task_spec, "due", None) != getattr(was[token].task_spec, "due", None)
        )


def _obstacle(spec: Any, reason: str, process: str = "") -> Obstacle:
    return Obstacle(spec.bpmn_id or spec.name, spec.bpmn_name or "", kind_of(spec), reason, process)


def _host_split(event: Any, process: Any) -> str | None:
    for name in event._inputs:
        if isinstance(process.task_specs[name], BoundaryEventSplit):
            return str(name)
    return None


def _timed_alike(old: Any, new: Any) -> bool:
    return _timer_text(old) == _timer_text(new)


def _timer_text(spec: Any) -> tuple[str, str] | None:
    if not isinstance(spec, CatchingEvent):
        return None
    definition = timer_of(_Holding(spec))
    return None if definition is None else (type(definition).__name__, definition.expression)


@dataclass(frozen=True)
class _Holding:
    """A node in the place of a task of it."""

    task_spec: Any


__all__ = ["MovePlan", "Obstacle", "Verdict", "moved", "plan_move"]
