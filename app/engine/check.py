"""Hold a diagram against what the engine runs: one fault for each thing that would fail or be dropped in silence."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from lxml import etree

from app.engine.documents import BPMN, CAMUNDA, local_name, namespace
from app.engine.expressions import (
    FUNCTIONS,
    ExpressionRefused,
    call_in,
    is_variable_name,
    parse,
    unwrap,
)
from app.engine.parsing import camunda, mapped
from app.engine.remedies import (
    CAMUNDA_ATTRIBUTES,
    CAMUNDA_ATTRIBUTES_FREE,
    CAMUNDA_ELEMENTS,
    CAMUNDA_REMEDIES,
    EVENT_DEFINITIONS,
    FLOW_NODES,
    FREE_ELEMENTS,
    REMEDIES,
)
from app.engine.structure import call_circles, element_of, shape_faults, size_faults
from app.engine.times import time_problem
from app.errors import Fault

_ID = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,99}")
# Names the stock engine gives to nodes of its own; a node called so would be lost without a word.
_RESERVED = re.compile(
    r"Start|End|Root|StartEvent(Split|Join)|.*\.(EndJoin|BoundaryEvent(Split|Join))"
)
_GROUP = re.compile(r"[a-z_]+(@unit)?")
MAX_INSTANCES = 200
MAX_ROUNDS = 1000


@dataclass
class BundleFacts:
    """What the files of a bundle offer to each other, and what the product offers to them."""

    processes: Collection[str]
    decisions: Collection[str]
    form_keys: Collection[str] | None
    topics: Collection[str] | None
    roles: Collection[str] | None


@dataclass
class DiagramCheck:
    """The check of one diagram."""

    path: str
    root: etree._Element
    facts: BundleFacts
    faults: list[Fault] = field(default_factory=list)

    def run(self) -> list[Fault]:
        """Return every fault of the diagram."""
        self.by_id: dict[str, etree._Element] = {}
        self.faults += size_faults(self.path, self.root)
        if self.faults:
            return self.faults
        self._index()
        processes = [n for n in self.root if local_name(n) == "process"]
        if not processes:
            self._add(self.root, "the file has no process", "draw a process with a start event")
        for process in processes:
            self._check_process(process)
        self.faults += shape_faults(self.path, self.root)
        self.faults += call_circles({self.path: self.root})
        return self.faults

    def _add(self, node: etree._Element, reason: str, remedy: str) -> None:
        self.faults.append(Fault(self.path, element_of(node), reason, remedy))

    def _index(self) -> None:
        for node in self.root.iter():
            if namespace(node) != BPMN:
                continue
            node_id = node.get("id")
            if node_id is None:
                if local_name(node) in FLOW_NODES or local_name(node) == "sequenceFlow":
                    self._add(node, f"a {local_name(node)} has no id", "give it an id")
                continue
            if not _ID.fullmatch(node_id):
                self._add(
                    node,
                    f"the id {node_id[:40]!r} has characters that are not allowed",
                    "use letters, digits, _",
                )
            if local_name(node) in FLOW_NODES and _RESERVED.fullmatch(node_id):
                self._add(node, f"the id {node_id} is taken", f"call it {node_id}_1")
            if node_id in self.by_id:
                self._add(node, f"the id {node_id} stands twice", "give each element its own id")
            self.by_id[node_id] = node

    def _check_process(self, process: etree._Element) -> None:
        if process.get("isExecutable", "true") != "true":
            self._add(
                process, "the process is not executable", 'set "Executable" in the properties'
            )
        self._check_level(process)
        for node in process.iter():
            if node is not process:
                self._check_element(node)

    def _check_level(self, level: etree._Element) -> None:
        starts = [n for n in level if local_name(n) == "startEvent"]
        if len(starts) != 1:
            reason = f"{len(starts)} start events, exactly one is wanted"
            self._add(
                level, reason, "keep one start event; other beginnings are event sub-processes"
            )
        if not any(local_name(n) == "endEvent" for n in level):
            self._add(level, "there is no end event", "lead every path to an end event")
        event_level = level.get("triggeredByEvent") == "true"
        for start in starts:
            definitions = list(_definitions(start))
            if not event_level and definitions:
                self._add(
                    start, "a start event here may not wait for an event", "use a plain start event"
                )
            if event_level:
                self._check_event_start(level, start, definitions)

    def _check_event_start(
        self, level: etree._Element, start: etree._Element, definitions: list[etree._Element]
    ) -> None:
        if start.get("isInterrupting", "true") == "true":
            self._add(
                start,
                "an interrupting event sub-process would run beside the main path instead of stopping it",
                "make the start event non-interrupting, or put an interrupting boundary event on a sub-process",
            )
        if [local_name(d) for d in definitions] != ["messageEventDefinition"]:
            self._add(
                start,
                "an event sub-process starts with a message here",
                "use a message start, or a boundary event on an embedded sub-process for timers and signals",
            )

    def _check_element(self, node: etree._Element) -> None:
        name = local_name(node)
        if namespace(node) == CAMUNDA:
            self._check_camunda_element(node)
            return
        if namespace(node) != BPMN:
            if not any(local_name(a) == "extensionElements" for a in node.iterancestors()):
                self._add(node, f"{name} is not an element of BPMN", "remove it")
            return
        self._check_camunda_attributes(node, name)
        if name in REMEDIES:
            self._add(node, f"{name} is not supported", REMEDIES[name])
        elif name in FLOW_NODES:
            self._check_flow_node(node, name)
        elif name == "sequenceFlow":
            self._check_flow(node)
        elif name not in FREE_ELEMENTS and name not in EVENT_DEFINITIONS:
            self._add(
                node, f"{name} is not supported", "remove it or use an element the palette offers"
            )

    def _check_camunda_attributes(self, node: etree._Element, name: str) -> None:
        read = CAMUNDA_ATTRIBUTES.get(name, frozenset()) | CAMUNDA_ATTRIBUTES_FREE
        for attribute in map(etree.QName, node.attrib):
            if attribute.namespace == CAMUNDA and attribute.localname not in read:
                reason = f"camunda:{attribute.localname} is not read on a {name}"
                self._add(node, reason, CAMUNDA_REMEDIES.get(attribute.localname, "remove it"))

    def _check_camunda_element(self, node: etree._Element) -> None:
        name = local_name(node)
        owners = (n for n in node.iterancestors() if namespace(n) == BPMN)
        owner = next((n for n in owners if local_name(n) != "extensionElements"), None)
        if owner is None or local_name(owner) not in CAMUNDA_ELEMENTS.get(name, ()):
            around = "nothing" if owner is None else local_name(owner)
            self._add(
                node,
                f"camunda:{name} is not read on a {around}",
                CAMUNDA_REMEDIES.get(name, "remove it"),
            )

    def _check_flow_node(self, node: etree._Element, name: str) -> None:
        if name.endswith("Gateway"):
            self._check_gateway(node, name)
        checker = getattr(self, f"_check_{_snake(name)}", None)
        if checker is not None:
            checker(node)
        self._check_loop(node)
        self._check_events(node, name)

    def _check_user_task(self, node: etree._Element) -> None:
        key = camunda(node, "formKey")
        if not key:
            self._add(
                node, "the user task has no form", "set camunda:formKey to the name of a form"
            )
        elif self.facts.form_keys is not None and key not in self.facts.form_keys:
            self._add(
                node, f"there is no form {key!r}", "make the form first, or choose one of forms/"
            )
        self._check_groups(node, camunda(node, "candidateGroups"))
        due = camunda(node, "dueDate")
        if due is not None:
            self._check_time(node, due, "timeDate")
        self._check_results(node)

    def _check_groups(self, node: etree._Element, groups: str | None) -> None:
        if not groups:
            self._add(
                node, "nobody may do this task", 'set camunda:candidateGroups, such as "dispatcher"'
            )
            return
        if groups.startswith(("${", "#{")):
            self._check_expression(node, groups)
            return
        for group in (g.strip() for g in groups.split(",")):
            role = group.removesuffix("@unit")
            if not _GROUP.fullmatch(group) or (
                self.facts.roles is not None and role not in self.facts.roles
            ):
                known = ", ".join(sorted(self.facts.roles or ()))
                self._add(
                    node,
                    f"there is no role {group!r}",
                    f"use one of {known}, with @unit for the case's unit",
                )

    def _check_service_task(self, node: etree._Element) -> None:
        topic = camunda(node, "topic")
        if camunda(node, "type") != "external" or not topic:
            self._add(
                node,
                "the service task names no service",
                'set camunda:type="external" and camunda:topic',
            )
        elif self.facts.topics is not None and topic not in self.facts.topics:
            self._add(
                node,
                f"there is no service {topic!r}",
                "use one of " + ", ".join(sorted(self.facts.topics)),
            )
        for name, text in mapped(node, "inputParameter").items():
            self._check_parameter_name(node, name)
            if text.startswith(("${", "#{")):
                self._check_expression(node, text)
            elif "${" in text or "#{" in text:
                reason = f"an expression inside a text, {text[:60]!r}, is not evaluated"
                self._add(node, reason, 'make the whole an expression: ${"text " + name}')
        self._check_results(node)

    def _check_results(self, node: etree._Element) -> None:
        for name, text in mapped(node, "outputParameter").items():
            self._check_parameter_name(node, name)
            if not self._check_expression(node, text):
                continue
            call = call_in(text)
            if call is not None and call[0] in FUNCTIONS:
                reason = f"the time {text.strip()[:60]!r} cannot be kept among the values of a case"
                self._add(node, reason, "write it where it is needed")

    def _check_parameter_name(self, node: etree._Element, name: str) -> None:
        if not is_variable_name(name):
            self._add(
                node, f"the parameter name {name!r} is not a name", "use letters, digits and _"
            )

    def _check_business_rule_task(self, node: etree._Element) -> None:
        key = camunda(node, "decisionRef")
        if key not in self.facts.decisions:
            self._add(
                node,
                f"there is no decision {key!r}",
                "deploy the DMN file with the diagram, or set decisionRef",
            )
        self._check_results(node)

    def _check_call_activity(self, node: etree._Element) -> None:
        called = node.get("calledElement")
        if called not in self.facts.processes:
            self._add(
                node, f"the called process {called!r} is not there", "deploy its file with this one"
            )

    def _check_sub_process(self, node: etree._Element) -> None:
        self._check_level(node)

    def _check_boundary_event(self, node: etree._Element) -> None:
        if not list(_definitions(node)):
            self._add(
                node,
                "the boundary event waits for nothing",
                "choose a timer, message, signal, error or escalation",
            )

    def _check_intermediate_catch_event(self, node: etree._Element) -> None:
        if not list(_definitions(node)):
            self._add(node, "the event waits for nothing", "choose a timer, a message or a signal")

    def _check_gateway(self, node: etree._Element, name: str) -> None:
        flows = [f for f in _siblings(node, "sequenceFlow") if f.get("sourceRef") == node.get("id")]
        default = node.get("default")
        if default is not None and default not in [f.get("id") for f in flows]:
            self._add(
                node,
                f"the default flow {default} does not leave this gateway",
                "choose one of its own flows",
            )
        if name == "eventBasedGateway":
            self._check_event_gateway(node, flows)
        if name in ("exclusiveGateway", "inclusiveGateway") and (
            len(flows) > 1 or any(_condition(f) is not None for f in flows)
        ):
            for flow in flows:
                if flow.get("id") != default and _condition(flow) is None:
                    self._add(
                        flow,
                        "the flow has no condition",
                        "write a condition, or make it the default flow",
                    )
            if default is None:
                self._add(
                    node, "no default flow: a case could stop here", "make one flow the default"
                )

    def _check_event_gateway(self, node: etree._Element, flows: list[etree._Element]) -> None:
        timers = 0
        kind = node.get("eventGatewayType", "Exclusive")
        if kind != "Exclusive" or node.get("instantiate", "false") != "false":
            self._add(
                node, f"the gateway is {kind} or a beginning", "use a plain event-based gateway"
            )
        for flow in flows:
            target = self.by_id.get(flow.get("targetRef", ""))
            if target is None or local_name(target) != "intermediateCatchEvent":
                self._add(
                    node,
                    "an event-based gateway leads to events only",
                    "put a catch event behind each flow",
                )
                continue
            others = [
                f for f in _siblings(node, "sequenceFlow") if f.get("targetRef") == target.get("id")
            ]
            if len(others) > 1:
                self._add(
                    target,
                    "another flow leads to an event behind a gateway; it would pass without waiting",
                    "draw a second event for the other flow",
                )
            timers += sum(local_name(d) == "timerEventDefinition" for d in _definitions(target))
        if timers > 1:
            self._add(
                node,
                "two timers behind one event-based gateway",
                "keep the earlier one; the other never fires",
            )

    def _check_flow(self, node: etree._Element) -> None:
        condition = _condition(node)
        if condition is None:
            return
        if condition.get("language") not in (None, "", "jingwei"):
            self._add(
                node,
                f"the language {condition.get('language')!r} is not run",
                "write a plain comparison",
            )
        source = self.by_id.get(node.get("sourceRef", ""))
        if source is not None and local_name(source) not in (
            "exclusiveGateway",
            "inclusiveGateway",
        ):
            self._add(
                node,
                "a condition outside a gateway is not looked at",
                "put an exclusive gateway before it",
            )
        self._check_expression(node, condition.text or "")

    def _check_loop(self, node: etree._Element) -> None:
        for loop in node:
            name = local_name(loop)
            if name == "standardLoopCharacteristics":
                self._check_standard_loop(node, loop)
            elif name == "multiInstanceLoopCharacteristics":
                self._check_multi_instance(node, loop)

    def _check_standard_loop(self, node: etree._Element, loop: etree._Element) -> None:
        condition, maximum = _child_text(loop, "loopCondition"), loop.get("loopMaximum")
        if condition is not None:
            self._check_expression(node, condition)
        elif maximum is None:
            self._add(node, "the loop has no end", "give a condition or a maximum")
        if maximum is not None and not _is_count(maximum, MAX_ROUNDS):
            reason = f"the loop's maximum {maximum[:40]!r} is not a number from 1 to {MAX_ROUNDS}"
            self._add(node, reason, "write such a number")

    def _check_multi_instance(self, node: etree._Element, loop: etree._Element) -> None:
        collection = camunda(loop, "collection")
        cardinality = _child_text(loop, "loopCardinality")
        reference = _child_text(loop, "loopDataInputRef")
        if cardinality is None and reference is None and collection is None:
            self._add(node, "the multi-instance has no collection", "give a collection or a number")
        if sum(given is not None for given in (cardinality, reference, collection)) > 1:
            reason = "the multi-instance has more than one of number, list and collection"
            self._add(node, reason, "keep one of them")
        if cardinality is not None:
            self._check_cardinality(node, cardinality)
        condition = _child_text(loop, "completionCondition")
        if condition is not None:
            self._check_expression(node, condition)
        for name in _loop_names(loop):
            if not is_variable_name(name):
                reason = f"{name!r}, which the multi-instance names, is not a name"
                self._add(node, reason, "use letters, digits and _")
        dialect = collection is not None or camunda(loop, "elementVariable") is not None
        if dialect and local_name(node) in ("subProcess", "callActivity"):
            self._add(
                node,
                f"camunda:collection and elementVariable are not read on a {local_name(node)}",
                "write loopDataInputRef and inputDataItem",
            )

    def _check_cardinality(self, node: etree._Element, text: str) -> None:
        if not self._check_expression(node, text):
            return
        body = parse(text).body
        if isinstance(body, ast.Constant) and not _is_count(str(body.value), MAX_INSTANCES):
            reason = f"the multi-instance's number {text[:40]!r} is not from 1 to {MAX_INSTANCES}"
            self._add(node, reason, "write such a number, or name a value that holds one")

    def _check_events(self, node: etree._Element, name: str) -> None:
        definitions = list(_definitions(node))
        if len(definitions) > 1:
            self._add(node, "the event has more than one trigger", "use one event for each trigger")
        for definition in definitions:
            kind = local_name(definition)
            allowed = EVENT_DEFINITIONS.get(kind)
            if allowed is None:
                continue  # reported as an element of its own
            if name not in allowed:
                self._add(
                    node,
                    f"a {name} with {kind} is not supported",
                    REMEDIES.get(kind, "use another event"),
                )
            elif kind == "timerEventDefinition":
                self._check_timer(node, definition, name)
            else:
                self._check_reference(node, definition, kind)

    def _check_reference(self, node: etree._Element, definition: etree._Element, kind: str) -> None:
        attribute = kind.replace("EventDefinition", "Ref")
        if kind == "terminateEventDefinition":
            return
        name = definition.get(attribute)
        target = self.by_id.get(name or "")
        if target is not None and local_name(target) != attribute.removesuffix("Ref"):
            target = None
        # An error or escalation event without a reference stands for any of them.
        anyone = kind in ("errorEventDefinition", "escalationEventDefinition") and name is None
        if target is None and not anyone:
            self._add(
                node,
                f"the event names no {attribute.removesuffix('Ref')}",
                f"choose or make one ({attribute})",
            )
        elif target is not None and not target.get("name"):
            self._add(target, "it has no name", "give it the name the product knows it by")

    def _check_timer(self, node: etree._Element, definition: etree._Element, name: str) -> None:
        times = [
            n for n in definition if local_name(n) in ("timeDate", "timeDuration", "timeCycle")
        ]
        if len(times) != 1 or not (times[0].text or "").strip():
            self._add(
                node, "the timer has no time", 'give a duration such as PT15M or due("handling")'
            )
            return
        kind = local_name(times[0])
        if kind == "timeCycle" and not (
            name == "boundaryEvent" and node.get("cancelActivity") == "false"
        ):
            self._add(
                node,
                "a repeating timer stands on a non-interrupting boundary only",
                "use a duration",
            )
            return
        self._check_time(node, times[0].text or "", kind)

    def _check_time(self, node: etree._Element, text: str, kind: str) -> None:
        problem = time_problem(text, kind)
        if problem is not None:
            self._add(node, *problem)

    def _check_expression(self, node: etree._Element, text: str) -> bool:
        try:
            parse(text)
        except ExpressionRefused as exc:
            self._add(node, f"{exc.reason} in {text.strip()[:60]!r}", exc.remedy)
            return False
        return True


def _definitions(node: etree._Element) -> Iterator[etree._Element]:
    return (n for n in node if local_name(n).endswith("EventDefinition"))


def _siblings(node: etree._Element, name: str) -> Iterator[etree._Element]:
    parent = node.getparent()
    return (n for n in (() if parent is None else parent) if local_name(n) == name)


def _condition(flow: etree._Element) -> etree._Element | None:
    return next((n for n in flow if local_name(n) == "conditionExpression"), None)


def _child_text(node: etree._Element, name: str) -> str | None:
    found = next((n for n in node if local_name(n) == name), None)
    return None if found is None else (found.text or "")


def _loop_names(loop: etree._Element) -> Iterator[str]:
    """Yield the names of values that a multi-instance reads or writes."""
    for kind in ("loopDataInputRef", "loopDataOutputRef"):
        text = _child_text(loop, kind)
        if text is not None:
            yield text
    for item in loop:
        if local_name(item) in ("inputDataItem", "outputDataItem"):
            yield item.get("id", "")
    for name in ("collection", "elementVariable"):
        text = camunda(loop, name)
        if text is not None:
            yield unwrap(text)


def _is_count(text: str, most: int) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= most


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()
