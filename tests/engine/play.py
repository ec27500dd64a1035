"""Play an instance by the names of its elements, for tests that read like the story they check."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from app.engine import instance
from app.engine.definitions import Definition, compile_bundle
from app.engine.instance import HOT, Step
from app.engine.moment import Moment, ServiceCall
from tests.engine.diagrams import document, process

NOW = datetime(2025, 3, 3, 8, 0, tzinfo=UTC)


def compiled(*elements: str, roots: str = "", **tables: bytes) -> Definition:
    """Return the definition of one process `main` with these elements; tables: DMN files by name."""
    files = {"main.bpmn": document(roots, process(*elements))}
    return compile_bundle(files | {f"{name}.dmn": table for name, table in tables.items()})


def together(*processes: str, roots: str = "") -> Definition:
    """Return the definition of several processes in one file."""
    return compile_bundle({"main.bpmn": document(roots, *processes)})


def put(call: ServiceCall) -> dict[str, Any]:
    """Write the inputs into the data: the service `put`."""
    return dict(call.inputs)


class Play:
    """An instance on its way; read back from its bytes at every step unless it is hot."""

    def __init__(
        self,
        definition: Definition,
        data: Mapping[str, Any] | None = None,
        *,
        services: Mapping[str, Callable[[ServiceCall], Any]] | None = None,
        functions: Mapping[str, Callable[..., Any]] | None = None,
        hot: bool = False,
    ) -> None:
        self.definition = definition
        self.services = {"put": put, **(services or {})}
        self.functions = functions or {}
        self.hot = hot
        self.step: Step = instance.start(definition, "main", data or {}, self.moment())

    def moment(self, retime: set[str] | None = None) -> Moment:
        """Return the world as the next step sees it."""
        if not self.hot:
            HOT._entries.clear()
        return Moment(NOW, self.functions, self.services, retime if retime is not None else set())

    @property
    def open(self) -> list[str]:
        """Return the elements of the open items, sorted."""
        return sorted(item.element for item in self.step.items)

    @property
    def timers(self) -> dict[str, datetime]:
        """Return when each waiting timer is due."""
        return {timer.element: timer.due_at for timer in self.step.timers}

    def data(self, element: str) -> Mapping[str, Any]:
        """Return the data of an open item."""
        return self._item(element).data

    def complete(self, element: str, **answers: Any) -> Play:
        """Complete the first open item of an element."""
        token = self._item(element).token
        self.step = instance.complete(
            self.definition, self.step.state, token, answers, self.moment()
        )
        return self

    def receive(self, message: str, **payload: Any) -> Play:
        """Deliver a message."""
        self.step = instance.receive(
            self.definition, self.step.state, message, payload, self.moment()
        )
        return self

    def fire(self, *elements: str) -> Play:
        """Fire the timers of these elements."""
        tokens = [timer.token for timer in self.step.timers if timer.element in elements]
        assert len(tokens) == len(elements), f"no timer waits for one of {elements}"
        self.step = instance.fire(self.definition, self.step.state, tokens, self.moment())
        return self

    def _item(self, element: str) -> instance.OpenItem:
        return next(item for item in self.step.items if item.element == element)
