"""One case on its way through its history: the real clocks, effects, log and facts, and no engine.

What the engine would do between two decisions is looked up in turns.py; what the service tasks do is what they do in
every step. The rows that steps would write one after the other are brought together, to be copied once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, cast

import orjson
from psycopg import Connection

from app.assessment.facts import write_facts
from app.cases.clocks import CaseClocks, RunningClock, clock_row
from app.cases.commands.report import ReportCase, checked_report, first_data, log_report, placed
from app.cases.commands.requests import ask_answer, ask_extension, ask_hold, ask_return
from app.cases.context import StepContext
from app.cases.effects import services
from app.cases.reference import class_on
from app.engine.expressions import evaluate
from app.engine.moment import NEVER, ServiceCall
from app.places.locate import OUTSIDE
from app.run import SYSTEM, Actor
from app.simulation.histories.folding import FactVersions, requests_of
from app.simulation.histories.ground import Ground
from app.simulation.histories.turns import (
    ACCEPTING,
    FIRED,
    HOLDING,
    LAPSING,
    RELEASED,
    RETURNING,
    SELF_HANDLED,
    TURNS,
    VERIFYING,
    Deed,
    Turn,
)
from sla.clocks import read

# How long after its moment a worker gets to a timer.
_LOOKED_AT: Final = timedelta(milliseconds=250)

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that is done in a case: an element completed, something asked for, timers fired.

    what: an element; or extension, hold, return, supervision, release, timers.
    answers: to the form of the element, or the words of what is asked for.
    """

    at: datetime
    what: str
    by: Actor
    answers: Mapping[str, Any] = field(default_factory=dict)


class PastContext(StepContext):
    """A step that is long over: nobody is told of it, and what was asked for before is known."""

    __slots__ = ()

    def announce(self, topic: str, **payload: object) -> None:
        """Tell nobody."""

    def next_no(self, kind: str) -> int:
        """Return the number of the next request of a kind."""
        return 1 + sum(1 for row in self.rows.asks if row[1] == kind)


class Course:
    """A case from its report on, and all the rows that its steps so far leave."""

    def __init__(self, ground: Ground, case_id: int, number: str) -> None:
        self._ground = ground
        self._id, self._number = case_id, number
        self._data: dict[str, Any] = {}
        self._waiting: tuple[str, ...] = ()
        self._due: dict[str, datetime] = {}
        self._clocks: dict[tuple[str, int], RunningClock] = {}
        self._facts = FactVersions()

    @property
    def case(self) -> Mapping[str, Any]:
        """Return the case's row as it is now."""
        return self._context.case

    @property
    def duty(self) -> str:
        """Return the duty of the class that the case is filed under."""
        return str(self._data["duty"])

    def report(self, report: ReportCase, at: datetime, by: Actor) -> None:
        """Open the case."""
        ground = self._ground
        case = checked_report(report, at)
        duty = ""
        if report.class_code:
            found = class_on(self._connection, report.class_code, at.astimezone(ground.zone).date())
            case["class_code"], case["kind"], duty = found.code, found.kind, found.duty
        place = OUTSIDE
        if report.lon is not None and report.lat is not None:
            place = ground.locate(report.lon, report.lat)
        case |= placed(place, report)
        case |= {"reported_by": by.person_id, "id": self._id, "number": self._number}
        clocks = CaseClocks((), ground.calendar, ground.policies, at, self._archived)
        self._context = PastContext(self._connection, case, clocks, [], at, by)
        self._services = services(self._context)
        self._data = first_data(case, duty, self_handled=report.self_handled)
        before = dict(case)
        log_report(self._context)
        if report.self_handled:
            self._take(SELF_HANDLED)
        else:
            self._take(VERIFYING if self._data["needs_verification"] else ACCEPTING)
        self._finish(before)

    def play(self, happening: Happening) -> None:
        """Let something happen, with everything that its step does."""
        context, before = self._context, dict(self._context.case)
        context.now, context.actor, context.answers = happening.at, happening.by, happening.answers
        context.clocks.go_on(happening.at)
        self._happen(happening.what, happening.answers)
        self._finish(before)

    def next_timers(self) -> Happening | None:
        """Return the firing of the timers that are due next."""
        due_at = min((self._due_at(element) for element in self._waiting), default=NEVER)
        if due_at == NEVER:
            return None
        return Happening(max(due_at, self._context.now) + _LOOKED_AT, "timers", SYSTEM)

    def rows(self) -> dict[str, list[Row]]:
        """Return the rows of the other tables by table, in the order of writing.COLUMNS."""
        rows = self._context.rows
        return {
            "case_log": rows.log,
            "sla_clocks": [
                clock_row(self._id, clock, read(clock.events, self._ground.calendar))
                for clock in self._clocks.values()
            ],
            "sla_clock_events": [
                (*row[:3], row[3] + n, event)
                for row in rows.archived_events
                for n, event in enumerate(_written_events(row), start=1)
            ],
            "case_requests": requests_of(rows),
            "facts": self._facts.rows(),
        }

    @property
    def _connection(self) -> Connection[Any]:
        return cast("Connection[Any]", self._ground.connection)

    def _happen(self, what: str, said: Mapping[str, Any]) -> None:
        context = self._context
        match what:
            case "extension":
                ask_extension(context, said["reason"], said["amount"])
            case "hold":
                self._data |= ask_hold(context, said["reason"], said["until"])
                self._take(HOLDING)
            case "return":
                ask_return(context, said["reason"])
                self._take(RETURNING)
            case "supervision":
                self._data |= ask_answer(context, said["reason"], said["source"], None)
            case "release":
                self._take(RELEASED)
            case "timers":
                self._fire()
            case element:
                self._complete(element, said)

    def _complete(self, element: str, answers: Mapping[str, Any]) -> None:
        context = self._context
        if answers.get("handler_id") is not None:
            context.case["handler_id"] = answers["handler_id"]
        context.log("completed", element, **answers)
        self._take(TURNS[element, answers["outcome"]])

    def _take(self, turn: Turn) -> None:
        for deed in turn.deeds:
            if deed is not LAPSING or self._asks_for_more_time():
                self._do(deed)
        if turn.over and self._asks_for_more_time():
            self._do(LAPSING)
        if turn.stage is not None:
            self._context.case["stage"] = turn.stage
        if turn.waiting is not None:
            self._waiting, self._due = turn.waiting, {}

    def _do(self, deed: Deed) -> None:
        inputs = deed.inputs
        if deed.takes:
            inputs = {name: self._context.answers.get(name) for name in deed.takes}
        call = ServiceCall(deed.topic, inputs, self._data, deed.element, 0)
        self._data |= self._services[deed.topic](call) or {}

    def _asks_for_more_time(self) -> bool:
        return any(request["kind"] == "extension" for request in self._context.requests)

    def _fire(self) -> None:
        context = self._context
        due = {element: self._due_at(element) for element in self._waiting}
        fired = sorted((at, element) for element, at in due.items() if at <= context.now)
        for at, element in fired:
            lateness_ms = (context.now - at) // timedelta(milliseconds=1)
            context.log("timer_fired", element, due_at=at, lateness_ms=lateness_ms)
        gone = {element for _, element in fired}
        self._waiting = tuple(element for element in self._waiting if element not in gone)
        for _, element in fired:
            self._take(FIRED[element])

    def _due_at(self, element: str) -> datetime:
        if element not in self._due:
            functions = self._context.clocks.functions()
            self._due[element] = evaluate(self._ground.times[element], self._data, functions)
        return self._due[element]

    def _finish(self, before: Mapping[str, Any]) -> None:
        """Do what app.cases.steps.finish does, and keep the rows instead of writing them."""
        context, clocks = self._context, self._context.clocks
        changed = sorted(clocks.changed)
        if changed:
            context.rows.archived_events += clocks.archive(self._id, changed)
            for name in changed:
                clock = clocks.get(name)
                assert clock is not None, "what changed is there"
                self._clocks[name, clock.round] = clock
            self._due = {}
        write_facts(before, context)
        self._facts.take(context.rows)

    def _archived(self, name: str, round_: int) -> list[Any]:
        archived = self._context.rows.archived_events
        rows = [row for row in archived if row[1:3] == (name, round_)]
        return [event for row in rows for event in orjson.loads(row[4])]


def _written_events(row: Row) -> list[str]:
    return [orjson.dumps(event).decode() for event in orjson.loads(row[4])]
