"""Definitions: bundles of diagrams and decisions, checked, versioned by content, compiled once a process."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from lxml import etree
from SpiffWorkflow.bpmn.parser.ValidationException import ValidationException

from app.engine.check import BundleFacts, DiagramCheck
from app.engine.decisions import DecisionTable, read_decision
from app.engine.documents import (
    BPMN,
    DMN_NAMESPACES,
    DocumentRefused,
    local_name,
    namespace,
    read_document,
)
from app.engine.parsing import build_specs
from app.engine.structure import call_circles
from app.engine.timers import WaitingTimerDefinition
from app.errors import DefinitionError, Fault

MAX_FILES = 60


@dataclass(frozen=True)
class NodeIndex:
    """The numbers by which a compact state names processes and nodes; fixed by the bundle's content."""

    processes: tuple[str, ...]
    process_index: Mapping[str, int]
    node_names: Mapping[str, tuple[str, ...]]
    node_index: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True)
class Definition:
    """A compiled bundle, shared by every instance that runs on it."""

    hash: str
    specs: Mapping[str, Any]
    nodes: NodeIndex
    decisions: Mapping[str, DecisionTable]
    files: Mapping[str, bytes]


def bundle_hash(files: Mapping[str, bytes]) -> str:
    """Return the SHA-256 of a bundle's paths and contents, in path order."""
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(len(path.encode()).to_bytes(4, "big") + path.encode())
        digest.update(len(files[path]).to_bytes(8, "big") + files[path])
    return digest.hexdigest()


@dataclass
class _Contents:
    diagrams: dict[str, etree._Element]
    decisions: dict[str, DecisionTable]
    decision_keys: set[str]
    faults: list[Fault]


def _read(files: Mapping[str, bytes]) -> _Contents:
    contents = _Contents({}, {}, set(), [])
    if len(files) > MAX_FILES:
        contents.faults.append(
            Fault(
                "",
                "",
                f"{len(files)} files in one bundle, {MAX_FILES} are allowed",
                "deploy in parts",
            )
        )
        return contents
    for path in sorted(files):
        try:
            root = read_document(path, files[path])
        except DocumentRefused as exc:
            contents.faults.append(exc.fault)
            continue
        _sort_in(contents, path, root)
    return contents


def _sort_in(contents: _Contents, path: str, root: etree._Element) -> None:
    if namespace(root) == BPMN and local_name(root) == "definitions":
        contents.diagrams[path] = root
    elif namespace(root) in DMN_NAMESPACES and local_name(root) == "definitions":
        keys = [n.get("id", "") for n in root if local_name(n) == "decision"]
        for key in keys:
            if key in contents.decision_keys:
                contents.faults.append(
                    Fault(path, key, f"the decision {key} stands twice", "give it its own id")
                )
        contents.decision_keys.update(keys)
        table = read_decision(path, root, contents.faults)
        if table is not None:
            contents.decisions[table.key] = table
    else:
        remedy = "save it as BPMN 2.0 or DMN 1.3 from a modeler"
        contents.faults.append(
            Fault(
                path,
                root.get("id") or local_name(root),
                f"<{local_name(root)}> is neither a diagram nor a decision",
                remedy,
            )
        )


def check_bundle(
    files: Mapping[str, bytes],
    *,
    form_keys: Collection[str] | None = None,
    topics: Collection[str] | None = None,
    roles: Collection[str] | None = None,
) -> list[Fault]:
    """Return every fault of a bundle; None for a collection leaves that check out."""
    contents = _read(files)
    processes = _process_ids(contents)
    facts = BundleFacts(processes, contents.decision_keys, form_keys, topics, roles)
    for path, root in contents.diagrams.items():
        contents.faults.extend(DiagramCheck(path, root, facts).run())
    contents.faults.extend(call_circles(contents.diagrams))
    if not contents.faults and contents.diagrams:
        _build(contents)
    return contents.faults


def _process_ids(contents: _Contents) -> set[str]:
    seen: set[str] = set()
    for path, root in contents.diagrams.items():
        for process in (n for n in root if local_name(n) == "process"):
            key = process.get("id", "")
            if key in seen:
                contents.faults.append(
                    Fault(path, key, f"the process {key} stands twice", "give it its own id")
                )
            seen.add(key)
    return seen


def _build(contents: _Contents) -> dict[str, Any]:
    """Build the specifications; what the stock parser refuses becomes a fault."""
    try:
        return build_specs(contents.diagrams, contents.decisions)
    except ValidationException as exc:
        fault = Fault(str(exc.file_name), str(exc.id), str(exc), "correct the element")
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as exc:
        fault = Fault(
            next(iter(contents.diagrams), ""),
            "",
            f"the diagram cannot be read: {exc}",
            "check its elements",
        )
    contents.faults.append(fault)
    return {}


_compiled: OrderedDict[str, Definition] = OrderedDict()
_lock = threading.Lock()
_KEPT = 64


def compile_bundle(files: Mapping[str, bytes]) -> Definition:
    """Compile a bundle, once a process; raise DefinitionError with every fault."""
    key = bundle_hash(files)
    with _lock:
        if key in _compiled:
            _compiled.move_to_end(key)
            return _compiled[key]
    faults = check_bundle(files)
    if faults:
        raise DefinitionError(faults)
    contents = _read(files)
    specs = _build(contents)
    if contents.faults:
        raise DefinitionError(contents.faults)
    definition = Definition(key, specs, _index(specs), contents.decisions, dict(files))
    with _lock:
        _compiled[key] = definition
        while len(_compiled) > _KEPT:
            _compiled.popitem(last=False)
    return definition


def _index(specs: Mapping[str, Any]) -> NodeIndex:
    processes = tuple(sorted(specs))
    names = {process: tuple(sorted(specs[process].task_specs)) for process in processes}
    return NodeIndex(
        processes=processes,
        process_index={name: number for number, name in enumerate(processes)},
        node_names=names,
        node_index={p: {name: number for number, name in enumerate(names[p])} for p in processes},
    )


def times_of(definition: Definition) -> dict[str, str]:
    """Return what each due date and timer of a bundle says, by element."""
    found: dict[str, str] = {}
    for spec in definition.specs.values():
        for node in spec.task_specs.values():
            due = getattr(node, "due", None)
            if due and node.bpmn_id:
                found[node.bpmn_id] = str(due)
            for element, event in _events_of(node):
                if element and isinstance(event, WaitingTimerDefinition):
                    found[element] = str(event.expression)
    return found


def _events_of(node: Any) -> list[tuple[str | None, Any]]:
    """Return what an element waits for; a gateway that waits for one of several events, the events behind it."""
    event = getattr(node, "event_definition", None)
    parts = getattr(event, "event_definitions", None)
    if not parts:
        return [(node.bpmn_id, event)]
    behind = (output.bpmn_id for output in node.outputs)
    return list(zip(behind, parts, strict=True))
