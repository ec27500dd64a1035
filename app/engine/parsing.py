"""Turn checked documents into specifications SpiffWorkflow can run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lxml import etree
from SpiffWorkflow.bpmn.parser.BpmnParser import BpmnParser
from SpiffWorkflow.bpmn.parser.event_parsers import (
    CANCEL_EVENT_XPATH,
    ERROR_EVENT_XPATH,
    ESCALATION_EVENT_XPATH,
    MESSAGE_EVENT_XPATH,
    SIGNAL_EVENT_XPATH,
    TERMINATION_EVENT_XPATH,
    BoundaryEventParser,
    EndEventParser,
)
from SpiffWorkflow.bpmn.parser.ProcessParser import ProcessParser
from SpiffWorkflow.bpmn.parser.task_parsers import ConditionalGatewayParser, GatewayParser
from SpiffWorkflow.bpmn.parser.TaskParser import TaskParser
from SpiffWorkflow.bpmn.parser.util import full_tag
from SpiffWorkflow.bpmn.specs import defaults
from SpiffWorkflow.bpmn.specs.data_spec import TaskDataReference
from SpiffWorkflow.bpmn.specs.event_definitions.multiple import MultipleEventDefinition
from SpiffWorkflow.bpmn.specs.event_definitions.timer import (
    CycleTimerEventDefinition,
    DurationTimerEventDefinition,
    TimeDateEventDefinition,
    TimerEventDefinition,
)

from app.engine.decisions import DecisionTable
from app.engine.documents import BPMN, CAMUNDA
from app.engine.expressions import unwrap
from app.engine.specs import (
    BoundaryEvent,
    BusinessRuleTask,
    InclusiveGateway,
    ParallelGateway,
    ProcessSpec,
    ServiceTask,
    UserTask,
)
from app.engine.timers import WaitingCycle, WaitingDate, WaitingDuration

_NS = {"bpmn": BPMN, "camunda": CAMUNDA}


def camunda(node: etree._Element, name: str) -> str | None:
    """Return a camunda attribute of a node."""
    value: str | None = node.get(f"{{{CAMUNDA}}}{name}")
    return value


def mapped(node: etree._Element, kind: str) -> dict[str, str]:
    """Return the inputParameter or outputParameter texts of a node by name."""
    found = node.xpath(
        f"./bpmn:extensionElements/camunda:inputOutput/camunda:{kind}", namespaces=_NS
    )
    return {n.get("name", ""): (n.text or "").strip() for n in found}


def properties(node: etree._Element) -> dict[str, str]:
    """Return the camunda:properties of a node."""
    found = node.xpath(
        "./bpmn:extensionElements/camunda:properties/camunda:property", namespaces=_NS
    )
    return {n.get("name", ""): n.get("value", "") for n in found}


class _OwnTaskParser(TaskParser):  # type: ignore[misc]  # because SpiffWorkflow has no types
    """Adds to the stock parser the loop attributes that Camunda's modeler writes."""

    def _add_multiinstance_task(self, loop: Any) -> None:
        collection = camunda(loop, "collection")
        if collection is not None and not loop.xpath("./bpmn:loopDataInputRef", namespaces=_NS):
            ref = etree.SubElement(loop, full_tag("loopDataInputRef"))
            ref.text = unwrap(collection)
        super()._add_multiinstance_task(loop)
        variable = camunda(loop, "elementVariable")
        if variable is not None and self.task.input_item is None:
            self.task.input_item = TaskDataReference(variable)


class UserTaskParser(_OwnTaskParser):
    """Reads camunda:formKey, candidateGroups, dueDate, properties and output parameters."""

    def create_task(self) -> Any:
        task = super().create_task()
        task.form_key = camunda(self.node, "formKey")
        task.groups = camunda(self.node, "candidateGroups") or ""
        task.due = camunda(self.node, "dueDate")
        task.stage = properties(self.node).get("stage")
        task.results = mapped(self.node, "outputParameter")
        return task


class ServiceTaskParser(_OwnTaskParser):
    """Reads camunda:topic, input and output parameters."""

    def create_task(self) -> Any:
        task = super().create_task()
        task.topic = camunda(self.node, "topic") or ""
        task.parameters = {
            name: (text.startswith(("${", "#{")), text)
            for name, text in mapped(self.node, "inputParameter").items()
        }
        task.results = mapped(self.node, "outputParameter")
        return task


class BusinessRuleParser(_OwnTaskParser):
    """Reads camunda:decisionRef."""

    def create_task(self) -> Any:
        task = super().create_task()
        task.decision = self.process_parser.parser.decisions[camunda(self.node, "decisionRef")]
        task.results = mapped(self.node, "outputParameter")
        return task


class SignalEndEventParser(EndEventParser):  # type: ignore[misc]  # because SpiffWorkflow has no types
    """The stock parser drops signal end events without a word."""

    def create_task(self) -> Any:
        definition = self.get_event_definition(
            [
                MESSAGE_EVENT_XPATH,
                SIGNAL_EVENT_XPATH,
                CANCEL_EVENT_XPATH,
                ERROR_EVENT_XPATH,
                ESCALATION_EVENT_XPATH,
                TERMINATION_EVENT_XPATH,
            ]
        )
        task = self._create_task(definition)
        task.connect(self.spec.end)
        return task


class OwnProcessParser(ProcessParser):  # type: ignore[misc]  # because SpiffWorkflow has no types
    """Makes our shareable process specifications."""

    def create_spec(self) -> ProcessSpec:
        return ProcessSpec(name=self.bpmn_id, description=self.get_name(), filename=self.filename)


class OwnParser(BpmnParser):  # type: ignore[misc]  # because SpiffWorkflow has no types
    """The stock parser with our node kinds; it never opens a file by itself."""

    PROCESS_PARSER_CLASS = OwnProcessParser
    OVERRIDE_PARSER_CLASSES = {
        full_tag("userTask"): (UserTaskParser, UserTask),
        full_tag("serviceTask"): (ServiceTaskParser, ServiceTask),
        full_tag("businessRuleTask"): (BusinessRuleParser, BusinessRuleTask),
        full_tag("endEvent"): (SignalEndEventParser, defaults.EndEvent),
        full_tag("boundaryEvent"): (BoundaryEventParser, BoundaryEvent),
        full_tag("parallelGateway"): (GatewayParser, ParallelGateway),
        full_tag("inclusiveGateway"): (ConditionalGatewayParser, InclusiveGateway),
    }

    def __init__(self, decisions: Mapping[str, DecisionTable]) -> None:
        super().__init__()
        self.decisions = decisions


_TIMERS = (
    (TimeDateEventDefinition, WaitingDate),
    (DurationTimerEventDefinition, WaitingDuration),
    (CycleTimerEventDefinition, WaitingCycle),
)


def own_timer(definition: Any) -> Any:
    """Return our timer for a stock one; other definitions as they are."""
    if isinstance(definition, MultipleEventDefinition):
        definition.event_definitions = [own_timer(d) for d in definition.event_definitions]
        return definition
    if not isinstance(definition, TimerEventDefinition):
        return definition
    for stock_kind, own_kind in _TIMERS:
        if isinstance(definition, stock_kind):
            return own_kind(
                definition.name, definition.expression, description=definition.description
            )
    return definition


def build_specs(
    documents: Mapping[str, etree._Element], decisions: Mapping[str, DecisionTable]
) -> dict[str, ProcessSpec]:
    """Parse every process of the documents and seal it for sharing; by process id, sub-processes too."""
    parser = OwnParser(decisions)
    for path, root in documents.items():
        parser.add_bpmn_xml(root, filename=path)
    specs: dict[str, ProcessSpec] = dict(parser.find_all_specs())
    for process_id in list(specs):
        specs.update(parser.get_subprocess_specs(process_id))
    for spec in specs.values():
        for task_spec in spec.task_specs.values():
            if hasattr(task_spec, "event_definition"):
                task_spec.event_definition = own_timer(task_spec.event_definition)
        spec.seal()
    return specs
