"""What is found wrong with a diagram, and what its files and the product offer to each other."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from lxml import etree

from app.engine.expressions import ExpressionRefused, parse
from app.engine.times import time_problem
from app.errors import Fault


@dataclass
class BundleFacts:
    """What the files of a bundle offer to each other, and what the product offers to them."""

    processes: Collection[str]
    decisions: Collection[str]
    form_keys: Collection[str] | None
    topics: Collection[str] | None
    roles: Collection[str] | None


@dataclass
class Findings:
    """The faults of one file."""

    path: str
    faults: list[Fault] = field(default_factory=list)

    def add(self, node: etree._Element, reason: str, remedy: str) -> None:
        """Note a fault of an element."""
        self.faults.append(Fault(self.path, element_of(node), reason, remedy))

    def expression(self, node: etree._Element, text: str) -> bool:
        """Note what is wrong with an expression; tell whether it may be run."""
        try:
            parse(text)
        except ExpressionRefused as exc:
            self.add(node, f"{exc.reason} in {text.strip()[:60]!r}", exc.remedy)
            return False
        return True

    def time(self, node: etree._Element, text: str, kind: str) -> None:
        """Note what is wrong with a text that should give a time; kind as for time_problem."""
        problem = time_problem(text, kind)
        if problem is not None:
            self.add(node, *problem)


def element_of(node: etree._Element) -> str:
    """Return the id of an element, or of the nearest one around it that has one."""
    ids = (n.get("id") for n in (node, *node.iterancestors()))
    return str(next(filter(None, ids), ""))
