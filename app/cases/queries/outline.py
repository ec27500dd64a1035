"""The diagram of a case in words: its steps from left to right, and what may happen beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from lxml import etree

from app.engine.documents import BPMN, CAMUNDA, local_name, read_document

_DC: Final = "http://www.omg.org/spec/DD/20100524/DC"
# Where a process waits for something else than a person.
_WAITS: Final = ("eventBasedGateway", "intermediateCatchEvent", "receiveTask")
_STEPS: Final = frozenset({"userTask", "callActivity", "receiveTask", "manualTask", "task"})


@dataclass(frozen=True, slots=True)
class OutlineStep:
    """One step: what a person does, or a process of its own with its steps.

    on: the event that leads to a step beside the main line, such as 退单申请.
    """

    element: str
    name: str
    role: str | None
    form_key: str | None
    steps: tuple[OutlineStep, ...] = ()
    beside: tuple[OutlineStep, ...] = ()
    on: str | None = None


@dataclass(frozen=True, slots=True)
class Outline:
    """The steps of a process, what may happen at any time, and the names of its elements.

    names: of every element by id. waits: of those where a process waits for a time or a message.
    """

    steps: tuple[OutlineStep, ...]
    anytime: tuple[OutlineStep, ...]
    names: Mapping[str, str]
    waits: Mapping[str, str]
    form_keys: Mapping[str, str]


@dataclass
class _Process:
    """What the outline needs of one process element."""

    nodes: dict[str, etree._Element] = field(default_factory=dict)
    targets: dict[str, list[str]] = field(default_factory=dict)


def outline_of(files: Mapping[str, bytes], process_id: str) -> Outline:
    """Return the outline of a process of a bundle; the bundle was checked when it was deployed."""
    return _outline(tuple(sorted(files.items())), process_id)


@lru_cache(maxsize=32)
def _outline(files: tuple[tuple[str, bytes], ...], process_id: str) -> Outline:
    roots = [read_document(path, content) for path, content in files if path.endswith(".bpmn")]
    drawing = _Drawing(roots)
    process = drawing.processes[process_id]
    return Outline(
        drawing.steps(process),
        drawing.anytime(process),
        drawing.names,
        drawing.waits,
        {
            node.get("id", ""): node.get(f"{{{CAMUNDA}}}formKey", "")
            for root in roots
            for node in root.iter(f"{{{BPMN}}}userTask")
        },
    )


class _Drawing:
    """The diagrams of a bundle, with where each shape stands."""

    def __init__(self, roots: list[etree._Element]) -> None:
        self.processes = {
            node.get("id", ""): node for root in roots for node in root.iter(f"{{{BPMN}}}process")
        }
        self.left = {element: x for root in roots for element, x in _places(root)}
        self.names = {
            node.get("id", ""): node.get("name", "")
            for root in roots
            for node in root.iter(f"{{{BPMN}}}*")
            if node.get("name")
        }
        waiting = {
            node.get("id", "")
            for root in roots
            for kind in _WAITS
            for node in root.iter(f"{{{BPMN}}}{kind}")
        }
        self.waits = {key: name for key, name in self.names.items() if key in waiting}

    def steps(self, process: etree._Element, depth: int = 0) -> tuple[OutlineStep, ...]:
        """Return the steps of the main line, as drawn from left to right."""
        flow = _read(process)
        starts = [key for key, node in flow.nodes.items() if local_name(node) == "startEvent"]
        main = _reached(flow, starts)
        beside: dict[str, list[OutlineStep]] = {}
        for key, node in flow.nodes.items():
            if local_name(node) == "boundaryEvent":
                side = _reached(flow, [key]) - main
                found = self._ordered(flow, side, depth, on=node.get("name"))
                beside.setdefault(node.get("attachedToRef", ""), []).extend(found)
        return tuple(self._ordered(flow, main, depth, beside=beside))

    def anytime(self, process: etree._Element) -> tuple[OutlineStep, ...]:
        """Return the steps of event sub-processes."""
        found: list[OutlineStep] = []
        for node in process.iter(f"{{{BPMN}}}subProcess"):
            if node.get("triggeredByEvent") == "true":
                flow = _read(node)
                found += self._ordered(flow, set(flow.nodes), 0, on=node.get("name"))
        return tuple(found)

    def _ordered(
        self,
        flow: _Process,
        wanted: set[str],
        depth: int,
        *,
        on: str | None = None,
        beside: Mapping[str, list[OutlineStep]] | None = None,
    ) -> list[OutlineStep]:
        keys = [key for key in wanted if local_name(flow.nodes[key]) in _STEPS]
        keys.sort(key=lambda key: (self.left.get(key, 0.0), key))
        return [
            self._step(flow.nodes[key], depth, on=on, beside=(beside or {}).get(key, []))
            for key in keys
        ]

    def _step(
        self, node: etree._Element, depth: int, *, on: str | None, beside: list[OutlineStep]
    ) -> OutlineStep:
        key = node.get("id", "")
        called = self.processes.get(node.get("calledElement", ""))
        return OutlineStep(
            key,
            node.get("name") or key,
            _role(node),
            node.get(f"{{{CAMUNDA}}}formKey"),
            # A bundle may call in a circle; two levels are all that a reader can use.
            self.steps(called, depth + 1) if called is not None and depth < 2 else (),
            tuple(beside),
            on,
        )


def _read(process: etree._Element) -> _Process:
    """Read the nodes and flows that lie directly in a process or sub-process."""
    flow = _Process()
    for node in process:
        key = node.get("id", "")
        if local_name(node) == "sequenceFlow":
            flow.targets.setdefault(node.get("sourceRef", ""), []).append(node.get("targetRef", ""))
        elif key:
            flow.nodes[key] = node
    return flow


def _reached(flow: _Process, starts: list[str]) -> set[str]:
    """Return what the flows lead to from some nodes, boundary events left out."""
    found: set[str] = set()
    waiting = list(starts)
    while waiting:
        key = waiting.pop()
        if key in flow.nodes and key not in found:
            found.add(key)
            waiting += flow.targets.get(key, [])
    return found


def _places(root: etree._Element) -> Iterator[tuple[str, float]]:
    """Yield how far left each shape is drawn."""
    for bounds in root.iter(f"{{{_DC}}}Bounds"):
        shape = bounds.getparent()
        if shape is not None and local_name(shape) == "BPMNShape":
            yield shape.get("bpmnElement", ""), float(bounds.get("x", "0"))


def _role(node: etree._Element) -> str | None:
    """Return the role of a user task; None where an expression chooses it."""
    groups = node.get(f"{{{CAMUNDA}}}candidateGroups") or ""
    return None if not groups or groups.startswith(("${", "#{")) else groups.partition("@")[0]
