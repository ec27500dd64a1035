"""SpiffWorkflow's workflow with small integer ids, no wall clock, no log records and cheap tree walks.

Behaviour is the stock engine's except where `specs.py` says otherwise; the random walks hold the two together.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from typing import Any

from SpiffWorkflow.bpmn.script_engine.python_engine import PythonScriptEngine
from SpiffWorkflow.bpmn.script_engine.python_environment import BasePythonScriptEngineEnvironment
from SpiffWorkflow.bpmn.specs.mixins.events.event_types import CatchingEvent
from SpiffWorkflow.bpmn.util.event import EventManager
from SpiffWorkflow.bpmn.util.subworkflow import BpmnSubWorkflow
from SpiffWorkflow.bpmn.workflow import BpmnWorkflow
from SpiffWorkflow.task import Task
from SpiffWorkflow.util.deep_merge import DeepMerge
from SpiffWorkflow.util.task import TaskState

from app.engine.expressions import ExpressionRefused, evaluate, parse
from app.engine.moment import Moment
from app.engine.naming import at_element
from app.engine.timers import needs_refresh
from app.errors import EngineError

READY, WAITING = TaskState.READY, TaskState.WAITING
FINISHED, NOT_FINISHED = TaskState.FINISHED_MASK, TaskState.NOT_FINISHED_MASK
MAX_AUTOMATIC_STEPS = 2000
MAX_NEW_TASKS = 10_000


class NoScripts(BasePythonScriptEngineEnvironment):  # type: ignore[misc]  # because SpiffWorkflow has no types
    """An environment that runs nothing: scripts are refused at deploy, and here once more."""

    def evaluate(self, expression: str, context: Any, external_context: Any = None) -> Any:
        return evaluate(expression, {**context, **(external_context or {})}, {})

    def execute(self, script: str, context: Any, external_context: Any = None) -> Any:
        raise EngineError("脚本任务不予执行。")

    def call_service(self, context: Any, **kwargs: Any) -> Any:
        raise EngineError("服务只能经由登记的名称调用。")


class ExpressionEngine(PythonScriptEngine):  # type: ignore[misc]  # because SpiffWorkflow has no types
    """Evaluates only what the allow-list lets through."""

    def __init__(self) -> None:
        super().__init__(NoScripts())

    def validate(self, expression: str) -> None:
        try:
            parse(expression)
        except ExpressionRefused as exc:
            raise SyntaxError(exc.reason) from exc

    def evaluate(self, task: Any, expression: str, external_context: Any = None) -> Any:
        with at_element(task):
            return evaluate(expression, task.data, task.workflow.top_workflow.moment.functions)


ENGINE = ExpressionEngine()


class CaseTask(Task):  # type: ignore[misc]  # because SpiffWorkflow has no types
    """A task with an integer id that is unique in its instance; `last_state_change` counts, it is no time."""

    def __init__(
        self, workflow: Any, task_spec: Any, parent: Any = None, state: int = TaskState.MAYBE
    ) -> None:
        top = workflow.top_workflow
        top.spend_task(task_spec)
        top.last_id += 1
        self._place(workflow, task_spec, top.last_id, None if parent is None else parent.id, state)
        if parent is not None:
            parent._children.append(self.id)

    def _place(
        self, workflow: Any, task_spec: Any, task_id: int, parent_id: int | None, state: int
    ) -> None:
        self.id = task_id
        workflow.tasks[task_id] = self
        self.workflow = workflow
        self._parent = parent_id
        self._children: list[int] = []
        self._state = state
        self.triggered = False
        self.task_spec = task_spec
        self.thread_id = 0
        self.data: dict[str, Any] = {}
        self.internal_data: dict[str, Any] = {}
        top = workflow.top_workflow
        self.last_state_change = top.tick()
        if state == READY:
            top.ready[task_id] = self

    @classmethod
    def restored(
        cls, workflow: Any, task_spec: Any, task_id: int, parent_id: int | None, state: int
    ) -> CaseTask:
        """Put a task back as it was saved."""
        task = cls.__new__(cls)
        task._place(workflow, task_spec, task_id, parent_id, state)
        return task

    def _add_child(self, task_spec: Any, state: int = TaskState.MAYBE) -> CaseTask:
        task = CaseTask(self.workflow, task_spec, self, state)
        if state == READY:
            task._ready()
        return task

    def _set_state(self, value: int) -> None:
        if value == self._state:
            return
        top = self.workflow.top_workflow
        self.last_state_change = top.tick()
        self._state = value
        if value == READY:
            top.ready[self.id] = self

    @property
    def parent(self) -> Any:
        return self.workflow.tasks.get(self._parent)

    @property
    def children(self) -> list[Any]:
        tasks = self.workflow.tasks
        return [tasks[child] for child in self._children]

    def _inherit_data(self) -> None:
        inherited = self.parent.data
        if not self.data:
            self.data = {
                k: copy(v) if isinstance(v, dict | list) else v for k, v in inherited.items()
            }
        elif self.data != inherited:
            DeepMerge.merge(self.data, inherited)

    def collect_log_extras(self, dct: Any = None) -> dict[str, Any]:
        return {}


def preorder(
    task: Any, enter: bool, mask: int = TaskState.ANY_MASK, unfinished_only: bool = False
) -> Iterator[Any]:
    """Yield tasks parents first, children in order; enter: into sub-processes too, before the children.

    unfinished_only: do not go below predicted tasks nor into sub-processes of finished tasks.
    """
    stack = [task]
    while stack:
        current = stack.pop()
        if current._state & mask:
            yield current
        tasks = current.workflow.tasks
        stack.extend(tasks[child] for child in reversed(current._children))
        if enter:
            sub = current.workflow.top_workflow.subprocesses.get(current.id)
            if sub is not None and not (unfinished_only and current._state >= FINISHED):
                stack.append(sub.task_tree)


def _in_tree_order(tasks: list[Any]) -> list[Any]:
    """Sort tasks as the tree has them; most often there is one and nothing to sort."""
    return tasks if len(tasks) < 2 else sorted(tasks, key=_way)


def _way(task: Any) -> tuple[int, ...]:
    """Return the way from the root to a task; a sub-process comes before the children of its owner."""
    way: list[int] = []
    while True:
        parent = task.parent
        if parent is not None:
            way.append(parent._children.index(task.id))
            task = parent
        elif task.workflow.top_workflow is task.workflow:
            return tuple(reversed(way))
        else:
            way.append(-1)
            task = task.workflow.top_workflow.get_task_from_id(task.workflow.parent_task_id)


def _is_below(subprocess: Any, workflow: Any) -> bool:
    current = subprocess
    while current is not None and current is not workflow:
        current = current.parent_workflow
    return current is workflow


class _Quiet:
    """What the top-level and the nested workflow share."""

    tasks: dict[int, Any]
    task_tree: Any
    top_workflow: Any

    def update_waiting_tasks(self) -> None:
        """Look again at the joins that wait; an event changes only when it is caught, fired or spent."""
        joins = [
            t
            for t in self.tasks.values()
            if t._state == WAITING
            and (not isinstance(t.task_spec, CatchingEvent) or needs_refresh(t))
        ]
        for task in _in_tree_order(joins):
            if task._state == WAITING:
                task.task_spec._update(task)

    def collect_log_extras(self, dct: Any = None) -> dict[str, Any]:
        return {}

    def _task_completed_notify(self, task: Any) -> None:
        if task.task_spec.bpmn_id is not None:
            self.top_workflow.trail.append(task)
        super()._task_completed_notify(task)  # type: ignore[misc]  # because the stock class follows in the MRO

    def _begin(self, spec: Any) -> None:
        self.task_tree = CaseTask(self, spec.start, state=TaskState.FUTURE)
        spec.start._predict(self.task_tree, mask=NOT_FINISHED)
        self.task_tree._ready()


class CaseSubWorkflow(_Quiet, BpmnSubWorkflow):  # type: ignore[misc]  # because SpiffWorkflow has no types
    """A sub-process or called process of an instance."""

    def __init__(
        self, spec: Any, parent_task_id: int, top_workflow: Any, restoring: bool = False
    ) -> None:
        super().__init__(spec, parent_task_id, top_workflow, deserializing=True)
        if not restoring:
            self._begin(spec)


class CaseEvents(EventManager):  # type: ignore[misc]  # because SpiffWorkflow has no types
    """Starts event sub-processes on every level without touching the shared specification."""

    def update_collaboration(self, event: Any) -> None:
        top = self.workflow
        for workflow in [top, *top.get_active_subprocesses()]:
            if workflow.completed:
                continue
            for name in workflow.spec.start.trigger_specs:
                for start in top.subprocess_specs[
                    workflow.spec.task_specs[name].spec
                ].bpmn_start_events:
                    if start.event_definition == event.event_definition:
                        self._start(workflow, name)

    def _start(self, workflow: Any, name: str) -> None:
        child = workflow.task_tree._add_child(workflow.spec.task_specs[name], TaskState.FUTURE)
        child.triggered = True
        child.task_spec._update(child)


class CaseWorkflow(_Quiet, BpmnWorkflow):  # type: ignore[misc]  # because SpiffWorkflow has no types
    """A running instance in memory."""

    moment: Moment

    def __init__(self, spec: Any, specs: Any, moment: Moment, restoring: bool = False) -> None:
        self.moment = moment
        self.last_id = 0
        self.changes = 0
        self.ready: dict[int, CaseTask] = {}
        self.trail: list[Any] = []
        self.begin_step()
        super().__init__(spec, specs, script_engine=ENGINE, deserializing=True)
        self.event_manager = CaseEvents(self)
        if not restoring:
            self._begin(spec)

    def begin_step(self) -> None:
        """Forget the step before: its trail, what it sent, what it spent."""
        self.trail.clear()
        self.bpmn_events: list[Any] = []
        self.automatic_steps = 0
        self.new_tasks = 0

    def spend_task(self, task_spec: Any) -> None:
        """Count a new task; raise EngineError when a step makes more than any diagram needs."""
        self.new_tasks += 1
        if self.new_tasks > MAX_NEW_TASKS:
            element = task_spec.bpmn_id or task_spec.name
            raise EngineError("流程在 %(element)s 处一步生成的任务过多。", element=element)

    def tick(self) -> int:
        """Return the next count of state changes; it orders changes as the stock engine's clock does."""
        self.changes += 1
        return self.changes

    def create_subprocess(self, my_task: Any, spec_name: str) -> CaseSubWorkflow:
        subprocess = CaseSubWorkflow(self.subprocess_specs[spec_name], my_task.id, self)
        self.subprocesses[my_task.id] = subprocess
        return subprocess

    def ready_tasks(self, workflow: Any, manual: bool) -> list[Any]:
        """Return READY tasks below a workflow, those for people or those for the engine, in tree order."""
        found = []
        for task_id, task in list(self.ready.items()):
            if task._state != READY or task.workflow.tasks.get(task_id) is not task:
                del self.ready[task_id]
            elif task.task_spec.manual is manual and self._is_within(task.workflow, workflow):
                found.append(task)
        return _in_tree_order(found)

    def _is_within(self, level: Any, workflow: Any) -> bool:
        """Tell whether a level that still runs is the workflow or stands below it."""
        if level is not self and (level.completed or level.parent_task_id not in self.subprocesses):
            return False
        return workflow is self or level is workflow or _is_below(level, workflow)

    def do_engine_steps(
        self, will_complete_task: Any = None, did_complete_task: Any = None
    ) -> None:
        while self._engine_round():
            pass
        self.refresh_timers()

    def _engine_round(self) -> int:
        if not self.ready_tasks(self, manual=False):
            return 0
        active = self.get_active_subprocesses()
        count = 0
        for subprocess in sorted(active, key=lambda s: s.depth, reverse=True):
            while ran := self._run_ready(subprocess):
                count += ran
            parent = self.get_task_from_id(subprocess.parent_task_id)
            if parent is not None:
                parent.task_spec._update(parent)
        count += self._run_ready(self)
        return count + (len(self.get_active_subprocesses()) > len(active))

    def _run_ready(self, workflow: Any) -> int:
        count = 0
        for task in self.ready_tasks(workflow, manual=False):
            if task._state == READY and task.id in task.workflow.tasks:
                self._spend_step(task)
                task.run()
                count += 1
        return count

    def _spend_step(self, task: Any) -> None:
        self.automatic_steps += 1
        if self.automatic_steps > MAX_AUTOMATIC_STEPS:
            raise EngineError(
                "流程在 %(element)s 处空转不停：循环里没有等待人或时间的环节。",
                element=task.task_spec.bpmn_id or task.task_spec.name,
            )

    def refresh_timers(self) -> None:
        """Let timers that were told to fire do so, and new ones work out their due time."""
        for task in list(self.event_manager.tasks.values()):
            if needs_refresh(task):
                task.task_spec._update(task)

    def get_task_from_id(self, task_id: int) -> Any:
        task = self.tasks.get(task_id)
        if task is None:
            for subprocess in self.subprocesses.values():
                task = subprocess.tasks.get(task_id)
                if task is not None:
                    return task
        return task
