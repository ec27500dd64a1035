"""Hold a diagram against what the engine runs: one fault for each thing that would fail or be dropped in silence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from app.engine.activities import ActivityCheck
from app.engine.documents import BPMN, CAMUNDA, local_name, namespace
from app.engine.findings import BundleFacts, Findings
from app.engine.remedies import (
    ACTIVITIES,
    CAMUNDA_ATTRIBUTES,
    CAMUNDA_ATTRIBUTES_FREE,
    CAMUNDA_ELEMENTS,
    CAMUNDA_REMEDIES,
    EVENT_DEFINITIONS,
    FLOW_NODES,
    FREE_ELEMENTS,
    REMEDIES,
)
from app.engine.structure import shape_faults, size_faults
from app.errors import Fault

__all__ = ["BundleFacts", "DiagramCheck"]

_ID = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,99}")
# Names the stock engine gives to nodes of its own; a node called so would be lost without a word.
_RESERVED = re.compile(
    r"Start|End|Root|StartEvent(Split|Join)|.*\.(EndJoin|BoundaryEvent(Split|Join))"
)


@dataclass
class DiagramCheck:
    """The check of one diagram."""

    path: str
    root: etree._Element
    facts: BundleFacts

    def run(self) -> list[Fault]:
        """Return every fault of the diagram."""
        self.found = Findings(self.path, size_faults(self.path, self.root))
        if self.found.faults:
            return self.found.faults
        self.by_id: dict[str, etree._Element] = {}
        self._index()
        self.activities = ActivityCheck(self.facts, self.found)
        processes = [n for n in self.root if local_name(n) == "process"]
        if not processes:
            self.found.add(
                self.root, "the file has no process", "draw a process with a start event"
            )
        for process in processes:
            self._check_process(process)
        shape = shape_faults(self.path, self.root)
        return [*self.found.faults, *shape]

    def _index(self) -> None:
        for node in self.root.iter():
            if namespace(node) != BPMN:
                continue
            node_id = node.get("id")
            if node_id is None:
                if local_name(node) in FLOW_NODES or local_name(node) == "sequenceFlow":
                    self.found.add(node, f"a {local_name(node)} has no id", "give it an id")
                continue
            if not _ID.fullmatch(node_id):
                self.found.add(
                    node,
                    f"the id {node_id[:40]!r} has characters that are not allowed",
                    "use letters, digits, _",
                )
            if local_name(node) in FLOW_NODES and _RESERVED.fullmatch(node_id):
                self.found.add(node, f"the id {node_id} is taken", f"call it {node_id}_1")
            if node_id in self.by_id:
                self.found.add(
                    node, f"the id {node_id} stands twice", "give each element its own id"
                )
            self.by_id[node_id] = node

    def _check_process(self, process: etree._Element) -> None:
        if process.get("isExecutable", "true") != "true":
            self.found.add(
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
            self.found.add(
                level, reason, "keep one start event; other beginnings are event sub-processes"
            )
        if not any(local_name(n) == "endEvent" for n in level):
            self.found.add(level, "there is no end event", "lead every path to an end event")
        event_level = level.get("triggeredByEvent") == "true"
        for start in starts:
            definitions = list(_definitions(start))
            if not event_level and definitions:
                self.found.add(
                    start, "a start event here may not wait for an event", "use a plain start event"
                )
            if event_level:
                self._check_event_start(start, definitions)

    def _check_event_start(self, start: etree._Element, definitions: list[etree._Element]) -> None:
        if start.get("isInterrupting", "true") == "true":
            self.found.add(
                start,
                "an interrupting event sub-process would run beside the main path instead of stopping it",
                "make the start event non-interrupting, or put an interrupting boundary event on a sub-process",
            )
        if [local_name(d) for d in definitions] != ["messageEventDefinition"]:
            self.found.add(
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
                self.found.add(node, f"{name} is not an element of BPMN", "remove it")
            return
        self._check_camunda_attributes(node, name)
        if name in REMEDIES:
            self.found.add(node, f"{name} is not supported", REMEDIES[name])
        elif name in FLOW_NODES:
            self._check_flow_node(node, name)
        elif name == "sequenceFlow":
            self._check_flow(node)
        elif name not in FREE_ELEMENTS and name not in EVENT_DEFINITIONS:
            self.found.add(
                node, f"{name} is not supported", "remove it or use an element the palette offers"
            )

    def _check_camunda_attributes(self, node: etree._Element, name: str) -> None:
        read = CAMUNDA_ATTRIBUTES.get(name, frozenset()) | CAMUNDA_ATTRIBUTES_FREE
        for attribute in map(etree.QName, node.attrib):
            if attribute.namespace == CAMUNDA and attribute.localname not in read:
                reason = f"camunda:{attribute.localname} is not read on a {name}"
                self.found.add(node, reason, CAMUNDA_REMEDIES.get(attribute.localname, "remove it"))

    def _check_camunda_element(self, node: etree._Element) -> None:
        name = local_name(node)
        owners = (n for n in node.iterancestors() if namespace(n) == BPMN)
        owner = next((n for n in owners if local_name(n) != "extensionElements"), None)
        if owner is None or local_name(owner) not in CAMUNDA_ELEMENTS.get(name, ()):
            around = "nothing" if owner is None else local_name(owner)
            self.found.add(
                node,
                f"camunda:{name} is not read on a {around}",
                CAMUNDA_REMEDIES.get(name, "remove it"),
            )

    def _check_flow_node(self, node: etree._Element, name: str) -> None:
        if name.endswith("Gateway"):
            self._check_gateway(node, name)
        if name == "subProcess":
            self._check_level(node)
        if name in ACTIVITIES:
            self.activities.run(node, name)
        else:
            self._check_events(node, name)

    def _check_gateway(self, node: etree._Element, name: str) -> None:
        flows = [f for f in _siblings(node, "sequenceFlow") if f.get("sourceRef") == node.get("id")]
        default = node.get("default")
        if default is not None and default not in [f.get("id") for f in flows]:
            self.found.add(
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
                    self.found.add(
                        flow,
                        "the flow has no condition",
                        "write a condition, or make it the default flow",
                    )
            if default is None:
                self.found.add(
                    node, "no default flow: a case could stop here", "make one flow the default"
                )

    def _check_event_gateway(self, node: etree._Element, flows: list[etree._Element]) -> None:
        timers = 0
        kind = node.get("eventGatewayType", "Exclusive")
        if kind != "Exclusive" or node.get("instantiate", "false") != "false":
            self.found.add(
                node, f"the gateway is {kind} or a beginning", "use a plain event-based gateway"
            )
        for flow in flows:
            target = self.by_id.get(flow.get("targetRef", ""))
            if target is None or local_name(target) != "intermediateCatchEvent":
                self.found.add(
                    node,
                    "an event-based gateway leads to events only",
                    "put a catch event behind each flow",
                )
                continue
            others = [
                f for f in _siblings(node, "sequenceFlow") if f.get("targetRef") == target.get("id")
            ]
            if len(others) > 1:
                self.found.add(
                    target,
                    "another flow leads to an event behind a gateway; it would pass without waiting",
                    "draw a second event for the other flow",
                )
            timers += sum(local_name(d) == "timerEventDefinition" for d in _definitions(target))
        if timers > 1:
            self.found.add(
                node,
                "two timers behind one event-based gateway",
                "keep the earlier one; the other never fires",
            )

    def _check_flow(self, node: etree._Element) -> None:
        condition = _condition(node)
        if condition is None:
            return
        if condition.get("language") not in (None, "", "jingwei"):
            self.found.add(
                node,
                f"the language {condition.get('language')!r} is not run",
                "write a plain comparison",
            )
        source = self.by_id.get(node.get("sourceRef", ""))
        if source is not None and local_name(source) not in (
            "exclusiveGateway",
            "inclusiveGateway",
        ):
            self.found.add(
                node,
                "a condition outside a gateway is not looked at",
                "put an exclusive gateway before it",
            )
        self.found.expression(node, condition.text or "")

    def _check_events(self, node: etree._Element, name: str) -> None:
        definitions = list(_definitions(node))
        if not definitions and name in ("boundaryEvent", "intermediateCatchEvent"):
            self.found.add(
                node, "the event waits for nothing", "choose a timer, a message or a signal"
            )
        if len(definitions) > 1:
            self.found.add(
                node, "the event has more than one trigger", "use one event for each trigger"
            )
        for definition in definitions:
            kind = local_name(definition)
            allowed = EVENT_DEFINITIONS.get(kind)
            if allowed is None:
                continue  # reported as an element of its own
            if name not in allowed:
                self.found.add(
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
            self.found.add(
                node,
                f"the event names no {attribute.removesuffix('Ref')}",
                f"choose or make one ({attribute})",
            )
        elif target is not None and not target.get("name"):
            self.found.add(target, "it has no name", "give it the name the product knows it by")

    def _check_timer(self, node: etree._Element, definition: etree._Element, name: str) -> None:
        times = [
            n for n in definition if local_name(n) in ("timeDate", "timeDuration", "timeCycle")
        ]
        if len(times) != 1 or not (times[0].text or "").strip():
            self.found.add(
                node, "the timer has no time", 'give a duration such as PT15M or due("handling")'
            )
            return
        kind = local_name(times[0])
        if kind == "timeCycle" and not (
            name == "boundaryEvent" and node.get("cancelActivity") == "false"
        ):
            self.found.add(
                node,
                "a repeating timer stands on a non-interrupting boundary only",
                "use a duration",
            )
            return
        self.found.time(node, times[0].text or "", kind)


def _definitions(node: etree._Element) -> Iterator[etree._Element]:
    return (n for n in node if local_name(n).endswith("EventDefinition"))


def _siblings(node: etree._Element, name: str) -> Iterator[etree._Element]:
    parent = node.getparent()
    return (n for n in (() if parent is None else parent) if local_name(n) == name)


def _condition(flow: etree._Element) -> etree._Element | None:
    return next((n for n in flow if local_name(n) == "conditionExpression"), None)
