"""What a move to another version finds: fine, to be mapped, impossible; and which elements there are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from app.engine.definitions import Definition
from app.engine.specs import ParallelGateway


class Verdict(StrEnum):
    """Whether an instance can move."""

    FINE = "fine"
    NEEDS_MAPPING = "needs_mapping"
    IMPOSSIBLE = "impossible"


class Obstacle(NamedTuple):
    """What stands in the way. process: where a counterpart would have to be, for one that can be mapped."""

    element: str
    name: str
    kind: str
    reason: str
    process: str = ""


@dataclass(frozen=True)
class MovePlan:
    """The verdict on an instance; standing: the elements where its tokens are."""

    verdict: Verdict
    obstacles: tuple[Obstacle, ...] = ()
    standing: tuple[str, ...] = ()


class Element(NamedTuple):
    """An element of a definition that a token can be mapped to."""

    process: str
    id: str
    name: str
    kind: str


def elements_of(definition: Definition) -> list[Element]:
    """Return the elements of a definition, process by process."""
    return [
        Element(process, spec.bpmn_id, spec.bpmn_name or spec.bpmn_id, kind_of(spec))
        for process in definition.nodes.processes
        for spec in definition.specs[process].task_specs.values()
        if spec.bpmn_id is not None and spec.name == spec.bpmn_id
    ]


def kind_of(spec: Any) -> str:
    """Return what a node is, with what its event waits for: only like can take the place of like."""
    definition = getattr(spec, "event_definition", None)
    kind = type(spec).__name__
    return kind if definition is None else f"{kind}:{type(definition).__name__}"


@dataclass
class Ways:
    """The ways through one process."""

    process: Any
    _reached: dict[tuple[str, str], frozenset[str]] = field(default_factory=dict)

    def unreachable(
        self, tokens: Iterable[str], arrived: Iterable[tuple[str, str]]
    ) -> frozenset[str]:
        """Return the parallel joins ahead of the tokens that wait for a branch none of them can come by.

        arrived: a join and the node that a token came to it from.
        """
        tokens, arrived = list(tokens), list(arrived)
        found = set()
        for name, spec in self.process.task_specs.items():
            if not isinstance(spec, ParallelGateway):
                continue
            ahead = frozenset().union(*(self._from(token, name) for token in tokens))
            came = {source for join, source in arrived if join == name}
            inputs = set(spec._inputs)
            if len(inputs) > 1 and (came or inputs & ahead) and inputs - ahead - came:
                found.add(name)
        return frozenset(found)

    def _from(self, start: str, without: str) -> frozenset[str]:
        """Return the nodes a token can come to without passing a join, its own included."""
        if start == without:
            return frozenset()
        if (start, without) not in self._reached:
            seen, stack = {start}, [start]
            while stack:
                for following in self.process.task_specs[stack.pop()]._outputs:
                    if following != without and following not in seen:
                        seen.add(following)
                        stack.append(following)
            self._reached[start, without] = frozenset(seen)
        return self._reached[start, without]
