"""The stock engine at work, to pin what it does otherwise."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from tests.engine import walks
from tests.engine.diagrams import document, process


class Stock(walks.Stock):
    """A stock instance played by the names of its elements."""

    @classmethod
    def of(cls, *elements: str, roots: str = "", data: Mapping[str, Any] | None = None) -> Stock:
        """Start a process with these elements."""
        return cls.begin(document(roots, process(*elements)), copy.deepcopy(dict(data or {})))

    @property
    def open(self) -> list[str]:
        """Return the elements of the open items, sorted."""
        return sorted(task.task_spec.bpmn_id for task in self.items())

    def do(self, element: str, **answers: Any) -> Stock:
        """Complete the first open item of an element."""
        task = next(t for t in self.items() if t.task_spec.bpmn_id == element)
        task.data.update(answers)
        task.run()
        self.workflow.do_engine_steps()
        return self
