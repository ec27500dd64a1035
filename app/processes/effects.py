"""What the topics of such processes do, and who may not do which of their items."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import orjson

from app.cases.calendars import working_calendar
from app.cases.effects import NOTICE, also_a_topic
from app.cases.log import plain
from app.cases.store import PUT_OUT
from app.catalogue.calendar_years import entered_years
from app.engine.moment import Moment, Service, ServiceCall
from app.processes.tables import Process, ProcessItem, ProcessLog
from app.run import Tx
from sla.limits import Limit, due_at

Outcome = Mapping[str, Any] | None
Guard = Callable[["ProcessContext", ProcessItem], None]


@dataclass(slots=True)
class ProcessContext:
    """One step of one process: who acts, when, and with which answers. item: the one that is completed."""

    tx: Tx
    process: Process
    now: datetime
    answers: Mapping[str, Any] = field(default_factory=dict)
    item: ProcessItem | None = None
    put_out: int = 0

    def log(self, kind: str, element: str | None = None, **data: object) -> None:
        """Add a line to the process's log."""
        actor = self.tx.actor
        line = ProcessLog(
            process_id=self.process.id,
            at=self.now,
            actor_id=actor.person_id,
            actor_label=actor.label,
            kind=kind,
            element=element,
            data=plain(data),
        )
        self.tx.session.add(line)

    def notify(self, template: str, role: str, unit_id: int | None, **payload: object) -> None:
        """Put a notice about the process into the outbox."""
        content = {
            "process": self.process.title,
            "at": self.now,
            "template": template,
            "role": role,
            "unit_id": unit_id,
            **payload,
        }
        self.put_out += 1
        key = f"process-{self.process.id}-{self.process.version}-{self.put_out}"
        text = orjson.dumps(plain(content)).decode()
        self.tx.connection.execute(PUT_OUT, (NOTICE, text, key, self.now, self.now))

    def moment(self) -> Moment:
        """Return the world as the engine sees it in this step."""
        services = {name: _bound(effect, self) for name, effect in _effects.items()}
        return Moment(self.now, self._functions(), services)

    def after(self, limit: str) -> datetime:
        """Return the moment a limit such as "5 working_day" from now."""
        settings, connection = self.tx.services.settings, self.tx.connection
        calendar = working_calendar(settings, lambda: entered_years(connection))
        return due_at(self.now, Limit.parse(limit), calendar)

    def _functions(self) -> dict[str, Any]:
        return {"after": self.after, "at": datetime.fromisoformat, "duration": str}


Effect = Callable[[ServiceCall, ProcessContext], Outcome]

_effects: Final[dict[str, Effect]] = {}
_guards: Final[dict[str, Guard]] = {}


def process_topic(name: str) -> Callable[[Effect], Effect]:
    """Register the decorated function as what a topic does."""
    also_a_topic(name)

    def register(effect: Effect) -> Effect:
        _effects[name] = effect
        return effect

    return register


def guards(process_id: str) -> Callable[[Guard], Guard]:
    """Register the decorated function: it raises Forbidden where an item is not the actor's to complete."""

    def register(guard: Guard) -> Guard:
        _guards[process_id] = guard
        return guard

    return register


def guard_item(context: ProcessContext, item: ProcessItem) -> None:
    """Ask the room that keeps a process whether the actor may complete an item of it."""
    guard = _guards.get(context.process.process_id)
    if guard is not None:
        guard(context, item)


def _bound(effect: Effect, context: ProcessContext) -> Service:
    return lambda call: effect(call, context)
