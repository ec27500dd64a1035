"""Our kinds of flow node: what stock SpiffWorkflow lacks or gets wrong."""

from __future__ import annotations

from typing import Any

from SpiffWorkflow.bpmn.specs import defaults
from SpiffWorkflow.bpmn.specs.bpmn_process_spec import BpmnProcessSpec
from SpiffWorkflow.bpmn.specs.control import _EndJoin
from SpiffWorkflow.bpmn.specs.event_definitions.item_aware_event import (
    EscalationEventDefinition,
    SignalEventDefinition,
)
from SpiffWorkflow.bpmn.specs.event_definitions.message import MessageEventDefinition
from SpiffWorkflow.bpmn.specs.mixins.multiinstance_task import LoopTask
from SpiffWorkflow.bpmn.specs.mixins.unstructured_join import UnstructuredJoin
from SpiffWorkflow.util.task import TaskState

from app.engine.decisions import DecisionTable
from app.engine.expressions import evaluate, is_variable_name, unwrap
from app.engine.moment import ServiceCall
from app.engine.naming import at_element
from app.errors import EngineError

_LIVE = TaskState.READY | TaskState.WAITING | TaskState.STARTED
REARMED = (MessageEventDefinition, SignalEventDefinition, EscalationEventDefinition)


class UserTask(defaults.UserTask):  # type: ignore[misc]  # because SpiffWorkflow has no types
    """A task for a person, with what the inbox needs to know of it."""

    form_key: str | None = None
    groups: str = ""
    due: str | None = None
    stage: str | None = None
    results: dict[str, str] = {}


class ServiceTask(defaults.ServiceTask):  # type: ignore[misc]  # because SpiffWorkflow has no types
    """A task that calls a registered function by its topic."""

    topic: str = ""
    parameters: dict[str, Any] = {}
    results: dict[str, str] = {}

    def _execute(self, my_task: Any) -> None:
        moment = my_task.workflow.top_workflow.moment
        service = moment.services.get(self.topic)
        if service is None:
            raise EngineError(
                "%(element)s：没有登记名为 %(topic)s 的服务。",
                element=self.bpmn_id,
                topic=self.topic,
            )
        with at_element(my_task):
            inputs = parameters_of(self.parameters, my_task.data, moment.functions)
            call = ServiceCall(self.topic, inputs, my_task.data, self.bpmn_id, my_task.id)
            keep_results(my_task.data, service(call) or {}, self.results, moment.functions)

    def _run_hook(self, my_task: Any) -> bool:
        self._execute(my_task)
        return True


class BusinessRuleTask(defaults.ServiceTask):  # type: ignore[misc]  # because SpiffWorkflow has no types
    """A task that asks a decision table."""

    decision: DecisionTable
    results: dict[str, str] = {}

    def _run_hook(self, my_task: Any) -> bool:
        moment = my_task.workflow.top_workflow.moment
        with at_element(my_task):
            outcome = self.decision.decide(my_task.data, moment.functions)
            keep_results(my_task.data, outcome, self.results, moment.functions)
        return True


def parameters_of(
    parameters: dict[str, Any], data: dict[str, Any], functions: Any
) -> dict[str, Any]:
    """Evaluate input parameters: `(is expression, text)` by name."""
    return {
        name: evaluate(text, data, functions) if is_expression else text
        for name, (is_expression, text) in parameters.items()
    }


def keep_results(
    data: dict[str, Any], outcome: Any, results: dict[str, str], functions: Any
) -> None:
    """Merge an outcome into the data: all of it, or what the output parameters name.

    A parameter that only names a value takes None where the value is missing, for a form may leave it out.
    """
    if not results:
        data.update(outcome)
        return
    scope = {**data, **outcome}
    for name, text in results.items():
        source = unwrap(text)
        data[name] = (
            scope.get(source) if is_variable_name(source) else evaluate(source, scope, functions)
        )


class BoundaryEvent(defaults.BoundaryEvent):  # type: ignore[misc]  # because SpiffWorkflow has no types
    """A boundary event; one that does not interrupt can happen again while its activity lives.

    The stock engine listens once. BPMN 2.0, 10.5.6: a non-interrupting boundary event stays armed.
    """

    rearmed = False

    def _run_hook(self, my_task: Any) -> Any:
        result = super()._run_hook(my_task)
        if self.rearmed:
            self._arm_again(my_task)
        return result

    def _arm_again(self, my_task: Any) -> None:
        split = my_task.parent
        main = [c for c in split.children if not isinstance(c.task_spec, BoundaryEvent)]
        if not main or main[0].has_state(TaskState.FINISHED_MASK):
            return
        again = split._add_child(self, TaskState.WAITING)
        again.triggered = True
        self._predict(again, mask=TaskState.NOT_FINISHED_MASK)
        self._update(again)


class ConsumingJoin(UnstructuredJoin):  # type: ignore[misc]  # because SpiffWorkflow has no types
    """A join that forgets the tokens it has merged.

    The stock join leaves them in the tree, where the next round of a loop counts them again and fires early.
    """

    def _run_hook(self, my_task: Any) -> Any:
        result = super()._run_hook(my_task)
        workflow = my_task.workflow
        merged = [
            t
            for t in workflow.tasks.values()
            if t.task_spec is self and t.has_state(TaskState.CANCELLED)
        ]
        for task in merged:
            if not my_task.is_descendant_of(task):
                workflow._remove_task(task.id)
        return result


class ParallelGateway(ConsumingJoin, defaults.ParallelGateway):  # type: ignore[misc]  # because SpiffWorkflow has no types
    """A parallel gateway, right in loops too."""


class InclusiveGateway(ConsumingJoin, defaults.InclusiveGateway):  # type: ignore[misc]  # because SpiffWorkflow has no types
    """An inclusive gateway that waits for every token that can still reach it (BPMN 2.0, 13.4.3).

    The stock one looks back along one path only and fires early when a branch forks again.
    """

    def _check_threshold_unstructured(self, my_task: Any) -> bool:
        arrived: set[str] = set()
        tokens: set[str] = set()
        for task in my_task.workflow.tasks.values():
            if task.task_spec is self:
                if task._state != TaskState.COMPLETED and task.parent._state == TaskState.COMPLETED:
                    arrived.add(task.parent.task_spec.name)
            elif task._state & _LIVE:
                tokens.add(task.task_spec.name)
        missing = set(self._inputs) - arrived
        return not any(self._awaits(token, missing, arrived) for token in tokens)

    def _awaits(self, token: str, missing: set[str], arrived: set[str]) -> bool:
        reached = self._reachable(token)
        return not reached.isdisjoint(missing) and reached.isdisjoint(arrived)

    def _reachable(self, start: str) -> frozenset[str]:
        """Return the nodes a token can come to without passing this gateway, its own node included."""
        known: dict[str, frozenset[str]] = self.__dict__.setdefault("_reach", {})
        if start not in known:
            seen, stack = {start}, [start]
            while stack:
                for following in self._wf_spec.task_specs[stack.pop()]._outputs:
                    if following != self.name and following not in seen:
                        seen.add(following)
                        stack.append(following)
            known[start] = frozenset(seen)
        return known[start]


class EndJoin(_EndJoin):  # type: ignore[misc]  # because SpiffWorkflow has no types
    """The join that waits for everyone; it looks through the tasks and does not walk the tree."""

    def _check_threshold_unstructured(self, my_task: Any) -> bool:
        return not any(
            task._state & TaskState.NOT_FINISHED_MASK
            and task is not my_task
            and task.task_spec.name != "End"
            for task in my_task.workflow.tasks.values()
        )


class ProcessSpec(BpmnProcessSpec):  # type: ignore[misc]  # because SpiffWorkflow has no types
    """A process that may be shared by any number of instances.

    The stock engine connects nodes of the specification while an instance runs (event sub-processes, loops);
    `seal` does it once, so that nothing changes afterwards.
    """

    end: Any

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        last = self.task_specs["End"]
        del self.task_specs[self.end.name]
        last._inputs.clear()
        self.end = EndJoin(self, self.end.name)
        self.end.connect(last)

    def seal(self) -> None:
        for name in self.start.trigger_specs:
            spec = self.task_specs[name]
            if self.start.name not in spec._inputs:
                spec._inputs.append(self.start.name)
                spec.connect(self.end)
        for spec in list(self.task_specs.values()):
            if isinstance(spec, LoopTask):
                inner = self.task_specs[spec.task_spec]
                if not inner.completed_event.is_connected(spec.merge_child):
                    inner.completed_event.connect(spec.merge_child)
            if isinstance(spec, BoundaryEvent):
                spec.rearmed = not spec.cancel_activity and isinstance(
                    spec.event_definition, REARMED
                )
