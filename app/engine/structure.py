"""Hold the shape of a diagram: what stands where, which way leads where, what calls what.

SpiffWorkflow looks for elements at any depth and by the ending of their names, follows a flow across the border of a
sub-process, and forgets what no way leads to. What it would read differently than it is drawn is a fault here.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from lxml import etree

from app.engine.documents import BPMN, DIAGRAM, local_name, namespace
from app.engine.findings import element_of
from app.engine.remedies import ACTIVITIES, BOOLEANS, FLOW_NODES, PLACES, TOP_ELEMENTS
from app.errors import Fault

# The stock parser recurses from node to node.
MAX_NODES = 300
MAX_FLOWS = 1000

# Those too that are refused: what leads to and from them is not their neighbours' fault.
_NODE = re.compile(r"(Event|Task|task|Gateway|Process|Activity|transaction)$")


def shape_faults(path: str, root: etree._Element) -> list[Fault]:
    """Return the faults in the shape of a diagram."""
    found: list[Fault] = []
    for top in root:
        found += _top_faults(path, top)
        if namespace(top) == DIAGRAM:
            found += _drawing_faults(path, top)
            continue
        for node in top.iter():
            found += _place_faults(path, node)
            if _is(node, "process") or _is(node, "subProcess"):
                found += _Level(path, node).run()
    return found


def size_faults(path: str, root: etree._Element) -> list[Fault]:
    """Return a fault for each process that is too large to be read at all."""
    found: list[Fault] = []
    for process in (n for n in root if _is(n, "process")):
        names = Counter(local_name(n) for n in process.iter())
        nodes = sum(names[kind] for kind in FLOW_NODES)
        if nodes > MAX_NODES or names["sequenceFlow"] > MAX_FLOWS:
            reason = f"the process has {nodes} nodes and {names['sequenceFlow']} flows"
            remedy = f"split it by call activities: at most {MAX_NODES} nodes and {MAX_FLOWS} flows"
            found.append(Fault(path, element_of(process), reason, remedy))
    return found


def call_circles(diagrams: Mapping[str, etree._Element]) -> list[Fault]:
    """Return a fault for each call activity by which a process comes to call itself."""
    calls = [
        (path, process.get("id", ""), call)
        for path, root in diagrams.items()
        for process in root
        if _is(process, "process")
        for call in process.iter(f"{{{BPMN}}}callActivity")
    ]
    leads: dict[str, set[str]] = {}
    for _, caller, call in calls:
        leads.setdefault(caller, set()).add(call.get("calledElement", ""))
    return [
        Fault(
            path,
            element_of(call),
            f"the process {caller} would call itself without end",
            "loop back inside one process instead",
        )
        for path, caller, call in calls
        if caller in _reached(leads, call.get("calledElement", ""))
    ]


def _is(node: etree._Element, name: str) -> bool:
    return namespace(node) == BPMN and local_name(node) == name


def _reached(leads: Mapping[str, set[str]], start: str) -> set[str]:
    seen, stack = {start}, [start]
    while stack:
        for following in leads.get(stack.pop(), ()):
            if following not in seen:
                seen.add(following)
                stack.append(following)
    return seen


def _top_faults(path: str, top: etree._Element) -> Iterator[Fault]:
    name = local_name(top)
    if namespace(top) != DIAGRAM and (namespace(top) != BPMN or name not in TOP_ELEMENTS):
        yield Fault(path, element_of(top), f"{name} is not supported at the top", "remove it")
    pools = [n for n in top if _is(n, "participant") and n.get("processRef")]
    for pool in pools[1:]:
        yield Fault(
            path,
            element_of(pool),
            "a second pool: the processes of two pools do not run together",
            "keep one pool with a process in each file, and call the other by a call activity",
        )


def _drawing_faults(path: str, drawing: etree._Element) -> Iterator[Fault]:
    for bounds in drawing.iter():
        if local_name(bounds) != "Bounds":
            continue
        for axis in ("x", "y"):
            try:
                at = float(bounds.get(axis, "0"))
            except ValueError:
                at = math.nan
            if not math.isfinite(at):
                reason = f"the {axis} of its shape, {bounds.get(axis)!r}, is not a number"
                yield Fault(path, element_of(bounds), reason, "draw the shape again")


def _place_faults(path: str, node: etree._Element) -> Iterator[Fault]:
    name, parent = local_name(node), node.getparent()
    if namespace(node) != BPMN:
        if node.get("id"):
            reason = f"{name} is not an element of BPMN and has the id {node.get('id')!r}"
            yield Fault(path, element_of(node), reason, "remove the id or the element")
        return
    around = local_name(parent)
    if namespace(parent) != BPMN or around == "extensionElements":
        yield Fault(path, element_of(node), f"{name} is hidden in an extension", "remove it")
    elif name in PLACES and around not in PLACES[name]:
        yield Fault(path, element_of(node), f"{name} may not stand in {around}", "remove it")
    for attribute in BOOLEANS:
        if node.get(attribute) not in (None, "true", "false"):
            reason = f"{attribute} is {node.get(attribute)!r}"
            yield Fault(path, element_of(node), reason, "write true or false")


@dataclass
class _Level:
    """One process or sub-process: its nodes and the flows between them."""

    path: str
    level: etree._Element
    faults: list[Fault] = field(default_factory=list)

    def run(self) -> list[Fault]:
        self.nodes = {
            n.get("id"): n
            for n in self.level
            if namespace(n) == BPMN and _NODE.search(local_name(n))
        }
        self.flows = [n for n in self.level if _is(n, "sequenceFlow")]
        for flow in self.flows:
            self._check_flow(flow)
        leaving = Counter(f.get("sourceRef") for f in self.flows)
        for name, node in self.nodes.items():
            self._check_ways(node, leaving[name])
            if local_name(node) == "boundaryEvent":
                self._check_host(node)
        self._check_reached()
        return self.faults

    def _add(self, node: etree._Element, reason: str, remedy: str) -> None:
        self.faults.append(Fault(self.path, element_of(node), reason, remedy))

    def _check_flow(self, flow: etree._Element) -> None:
        source, target = (self.nodes.get(flow.get(end)) for end in ("sourceRef", "targetRef"))
        if source is None or target is None:
            self._add(
                flow,
                "the flow does not join two nodes of its own process or sub-process",
                "draw it again between two nodes on one level; leave a sub-process by its end events",
            )
            return
        if local_name(target) in {"startEvent", "boundaryEvent"}:
            self._add(flow, f"a flow leads into the {local_name(target)}", "lead it to a task")
        if local_name(source) == "endEvent":
            self._add(flow, "a flow leaves an end event", "end there, or use a throw event")
        if any(n.get("triggeredByEvent") == "true" for n in (source, target)):
            self._add(flow, "an event sub-process has no sequence flows", "remove the flow")

    def _check_ways(self, node: etree._Element, leaving: int) -> None:
        name = local_name(node)
        if leaving == 0 and name != "endEvent" and node.get("triggeredByEvent") != "true":
            self._add(node, "the path stops here", "lead it to an end event")
        if leaving > 1 and not name.endswith("Gateway") and name not in {"startEvent", "endEvent"}:
            self._add(
                node,
                f"{leaving} flows leave it",
                "put a gateway behind it: exclusive for one of the ways, parallel for all",
            )

    def _check_host(self, event: etree._Element) -> None:
        host = self.nodes.get(event.get("attachedToRef"))
        if host is None or local_name(host) not in ACTIVITIES:
            self._add(
                event,
                "the boundary event hangs on no task or sub-process of its level",
                "attach it to a task or sub-process",
            )
            return
        for kind in ("error", "escalation"):
            if event.find(f"{{{BPMN}}}{kind}EventDefinition") is None:
                continue
            if local_name(host) not in {"subProcess", "callActivity"}:
                self._add(
                    event,
                    f"nothing throws an {kind} in a {local_name(host)}",
                    "attach it to a sub-process or call activity whose end event throws it",
                )
            if kind == "error" and event.get("cancelActivity") == "false":
                self._add(event, "an error always interrupts", "make the event interrupting")

    def _check_reached(self) -> None:
        leads: dict[str, set[str]] = {}
        for flow in self.flows:
            leads.setdefault(flow.get("sourceRef", ""), set()).add(flow.get("targetRef", ""))
        for name, node in self.nodes.items():
            if local_name(node) == "boundaryEvent":
                leads.setdefault(node.get("attachedToRef", ""), set()).add(name)
        begun = {
            name
            for name, node in self.nodes.items()
            if local_name(node) == "startEvent" or node.get("triggeredByEvent") == "true"
        }
        seen = set().union(*(_reached(leads, name) for name in begun)) if begun else set()
        for name, node in self.nodes.items():
            if begun and name not in seen:
                self._add(
                    node, "no way leads here from the start", "draw a flow to it, or remove it"
                )
