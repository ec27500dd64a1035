"""A case that lives in memory alone: the engine and the effects of real cases run, and nothing is written.

A step of a real case collects its rows and writes them at its end (app/cases/steps.py). Here the rows are read
and thrown away, so that no work item, notice or log row comes of it; the connection is only read through.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

import orjson
from psycopg import Connection

from app.cases.answers import check_answers
from app.cases.calendars import clock_policies
from app.cases.clocks import CaseClocks
from app.cases.commands.report import CASE_KEY, first_data
from app.cases.commands.requests import ask_answer, ask_extension, ask_hold, ask_return
from app.cases.context import StepContext
from app.cases.effects import services
from app.cases.steps import collect
from app.clock import require_aware
from app.engine import instance
from app.engine.definitions import bundle_hash, compile_bundle
from app.engine.instance import Step, WaitingTimer
from app.engine.moment import Moment, Service, ServiceCall
from app.engine.timers import is_parked
from app.errors import InvalidInput, StateChanged, Text
from app.modeling.bundles import diagrams_of, forms_of
from app.modeling.forms import read_form
from app.modeling.queries import Deployed
from app.run import Actor
from sla.calendar import WorkingCalendar
from sla.clock_events import ClockEvents
from sla.clocks import from_plain, limit_of

Move = Callable[[Moment, Mapping[str, Any]], Step]
Ask = Callable[[StepContext, Mapping[str, Any]], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class DryItem:
    """A work item that is open in the dry case."""

    token: int
    element: str
    name: str
    form_key: str
    role: str
    opened_at: datetime
    due_at: datetime
    defaults: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Passed:
    """An element that was passed, and when. kind: of the engine's node."""

    at: datetime
    element: str
    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class Deed:
    """What a service task did to the case, and what it would have sent out."""

    at: datetime
    element: str
    topic: str
    inputs: Mapping[str, Any]
    outcome: Mapping[str, Any]
    sent: tuple[tuple[str, Mapping[str, Any]], ...]


@dataclass(frozen=True, slots=True)
class World:
    """What a dry case looks up: reference tables through a connection, the calendar, who acts."""

    connection: Connection[Any]
    calendar: WorkingCalendar
    actor: Actor


@dataclass(slots=True)
class DryCase:
    """One case on one version; every move leaves it whole, or as it was when the move is refused."""

    version: Deployed
    world: World
    case: dict[str, Any]
    now: datetime
    clocks: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    requests: list[dict[str, Any]] = field(default_factory=list)
    items: dict[int, DryItem] = field(default_factory=dict)
    passed: list[Passed] = field(default_factory=list)
    deeds: list[Deed] = field(default_factory=list)
    moves: int = 0
    step: Step | None = None

    @property
    def ended(self) -> bool:
        """Tell whether the case has come to its end."""
        return self.step is not None and self.step.ended

    @property
    def timers(self) -> list[WaitingTimer]:
        """Return the timers that wait for their time, the next one first; none that hang on a paused clock."""
        waiting = () if self.step is None else self.step.timers
        running = [timer for timer in waiting if not is_parked(timer.due_at)]
        return sorted(running, key=lambda timer: (timer.due_at, timer.token))

    @property
    def messages(self) -> tuple[str, ...]:
        """Return the messages that the case would take now."""
        return () if self.step is None else self.step.messages

    def limits(self) -> dict[str, str]:
        """Return the limit of each clock that ran, by its name."""
        found: dict[str, str] = {}
        for name, row in self.clocks.items():
            events: ClockEvents = from_plain(row["events"])
            found[name] = str(limit_of(events))
        return found

    def start(self, duty: str, *, self_handled: bool) -> None:
        """Report the case."""
        data = first_data(self.case, duty, self_handled=self_handled)
        definition = self.version.definition
        self._move(lambda moment, _: instance.start(definition, CASE_KEY, data, moment))

    def complete(self, token: int, given: Mapping[str, Any]) -> None:
        """Complete an open item. Raises StateChanged when it is not open, InvalidInput naming faulty answers."""
        item = self.items.get(token)
        if item is None:
            raise StateChanged("这一步已经不在了。")
        answers = check_answers(self.version.form(item.form_key), given)
        definition, state = self.version.definition, self._state
        self._move(
            lambda moment, _: instance.complete(definition, state, token, answers, moment),
            answers=answers,
            completed=token,
        )

    def fire(self, tokens: Sequence[int]) -> None:
        """Fire timers that wait. Raises StateChanged when one of them does not."""
        if not {timer.token for timer in self.timers}.issuperset(tokens):
            raise StateChanged("这个计时器已经不在等候。")
        definition, state = self.version.definition, self._state
        self._move(lambda moment, _: instance.fire(definition, state, tokens, moment))

    def send(self, message: str, given: Mapping[str, Any]) -> None:
        """Send a message, as the person who asks would. Raises StateChanged when nothing waits for it."""
        if message not in self.messages:
            raise StateChanged("流程此刻不接受“%(name)s”。", name=message)
        definition, state = self.version.definition, self._state
        ask = ASKS.get(message)
        self._move(
            lambda moment, payload: instance.receive(definition, state, message, payload, moment),
            ask=None if ask is None else lambda context: ask(context, given),
        )

    @property
    def _state(self) -> bytes:
        if self.step is None:
            raise StateChanged("试运行还没有开始。")
        return self.step.state

    def _move(
        self,
        move: Move,
        *,
        answers: Mapping[str, Any] | None = None,
        ask: Callable[[StepContext], dict[str, Any]] | None = None,
        completed: int | None = None,
    ) -> None:
        context = self._context(answers or {})
        deeds: list[Deed] = []
        payload = {} if ask is None else ask(context)
        step = move(_watched(context, deeds), payload)
        collect(context, 0, step, completed=completed)
        self._keep(context, step)
        self.deeds += deeds

    def _context(self, answers: Mapping[str, Any]) -> StepContext:
        world = self.world
        context = StepContext(
            connection=world.connection,
            case=dict(self.case),
            clocks=CaseClocks(
                self.clocks.values(), world.calendar, clock_policies(), self.now, None
            ),
            requests=deepcopy(self.requests),
            now=self.now,
            actor=world.actor,
            version=self.moves,
            answers=answers,
        )
        # As CompleteWork does; who exactly it is makes no difference to the way the case takes.
        if answers.get("handler_id") is not None:
            context.case["handler_id"] = answers["handler_id"]
        return context

    def _keep(self, context: StepContext, step: Step) -> None:
        """Take over what a step left behind."""
        clocks = context.clocks
        for _, name, round_, _, events, *_ in clocks.rows(0, sorted(clocks.changed)):
            self.clocks[name] = {"name": name, "round": round_, "events": orjson.loads(events)}
        for token in step.items_closed:
            self.items.pop(token, None)
        for row in context.rows.open_items:
            item = _item(row)
            self.items[item.token] = item
        for due_at, _, token in context.rows.retime_items:
            if token in self.items:
                self.items[token] = replace(self.items[token], due_at=due_at)
        self.passed += [Passed(self.now, one.element, one.name, one.kind) for one in step.trail]
        self.case, self.requests, self.step = context.case, context.requests, step
        self.moves += 1


def version_of(files: Mapping[str, bytes]) -> Deployed:
    """Return a bundle as if it were deployed. Raises DefinitionError."""
    forms = {key: read_form(schema) for key, schema in forms_of(files).items()}
    definition = compile_bundle(diagrams_of(files))
    return Deployed(bundle_hash(files), definition, dict(files), forms)


def _watched(context: StepContext, deeds: list[Deed]) -> Moment:
    """Return the world as the engine sees it, with an eye on what each service does."""
    watched = {name: _eyed(service, context, deeds) for name, service in services(context).items()}
    return Moment(context.now, context.clocks.functions(), watched, context.retime)


def _eyed(service: Service, context: StepContext, deeds: list[Deed]) -> Service:
    def run(call: ServiceCall) -> Mapping[str, Any] | None:
        before = len(context.rows.outbox)
        outcome = service(call)
        sent = tuple((row[0], orjson.loads(row[1])) for row in context.rows.outbox[before:])
        deed = Deed(context.now, call.element, call.topic, dict(call.inputs), outcome or {}, sent)
        deeds.append(deed)
        return outcome

    return run


def _item(row: tuple[Any, ...]) -> DryItem:
    """Read an item off the row that a real step would write (store.OPEN_ITEM)."""
    _, _, token, element, name, form_key, _, role, _, _, opened_at, due_at, _, defaults = row
    known = orjson.loads(defaults) if defaults else {}
    return DryItem(token, element, name, form_key, role, opened_at, due_at, known)


def _extension(context: StepContext, given: Mapping[str, Any]) -> dict[str, Any]:
    amount = given.get("amount")
    return ask_extension(context, given.get("reason", ""), str(amount) if amount else None)


def _hold(context: StepContext, given: Mapping[str, Any]) -> dict[str, Any]:
    until = _moment("until", given.get("until"))
    if until is None:
        raise InvalidInput({"until": "请填写挂账到什么时候"})
    return ask_hold(context, given.get("reason", ""), until)


def _return(context: StepContext, given: Mapping[str, Any]) -> dict[str, Any]:
    return ask_return(context, given.get("reason", ""))


def _supervision(context: StepContext, given: Mapping[str, Any]) -> dict[str, Any]:
    due_at = _moment("due_at", given.get("due_at"))
    return ask_answer(context, given.get("reason", ""), str(given.get("source")), due_at)


def _moment(field_name: str, text: object) -> datetime | None:
    if not text:
        return None
    try:
        return require_aware(datetime.fromisoformat(str(text)))
    except ValueError as exc:
        raise InvalidInput({field_name: Text("“%(value)s”不是可用的时间", value=text)}) from exc


# What the commands of people do before their message reaches the diagram; others carry nothing.
ASKS: Final[Mapping[str, Ask]] = {
    "extension_requested": _extension,
    "hold_requested": _hold,
    "return_requested": _return,
    "supervision_raised": _supervision,
}
