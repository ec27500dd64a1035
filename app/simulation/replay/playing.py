"""Play a history: every request through the diagram by the real commands, at its own times."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from psycopg import Connection
from psycopg.rows import tuple_row

from app.cases.commands import CompleteWork, ReportCase
from app.cases.commands.report import report_case
from app.cases.commands.work import complete_work
from app.clock import FixedClock
from app.db.session import Database
from app.errors import AppError, DatabaseLost
from app.run import SYSTEM_ROLE, Actor, Tx, handles
from app.simulation.replay.history import Problem, Request
from app.simulation.replay.preparing import Cast
from app.simulation.virtual import Agenda, CaseNow, VirtualTime, look

_KNOWN: Final = "SELECT source_key, id, closed_as FROM cases WHERE source_key = ANY(%s)"
_KNOWN_AT_ONCE: Final = 10_000
_OPEN_ITEMS: Final = (
    "SELECT id, element FROM work_items WHERE case_id = %s AND status = 'open' ORDER BY id"
)

Answers = Callable[[Request, Cast], dict[str, Any]]

# What is done when a request is opened, and what when it is closed, by the element that waits for it.
OPENING: Final[Mapping[str, Answers]] = {
    "T_verify": lambda request, cast: {"outcome": "exists"},
    "T_accept": lambda request, cast: {"outcome": "accept"},
    "T_file": lambda request, cast: {
        "outcome": "file",
        "class_code": cast.classes[request.category],
        "limit": "none"
        if request.promised_at is None
        else f"until {request.promised_at.isoformat()}",
    },
    "T_dispatch": lambda request, cast: {
        "outcome": "dispatch",
        "unit_id": cast.units[request.department],
    },
    "T_assign": lambda request, cast: {
        "outcome": "assign",
        "handler_id": cast.handlers[request.department],
    },
}
CLOSING: Final[Mapping[str, Answers]] = {
    **OPENING,
    "T_handle": lambda request, cast: {"outcome": "done", "opinion": "closed"},
    "T_confirm": lambda request, cast: {"outcome": "hand_in"},
    "T_review": lambda request, cast: {"outcome": "pass_by_photo"},
    "T_close": lambda request, cast: {"outcome": "close"},
}


@dataclass(frozen=True)
class PlayEvent:
    """What is done to a case at one moment of its history, wholly or not at all.

    case: its id, or its report. answers: of the people, by the element that waits for them.
    """

    case: int | ReportCase
    answers: Mapping[str, Mapping[str, Any]]


@handles(PlayEvent)
def play_event(command: PlayEvent, tx: Tx) -> CaseNow:
    """Complete what waits as long as there is an answer for it, and return the case as it stands then."""
    case = command.case
    case_id = case if isinstance(case, int) else report_case(case, tx).case_id
    while (waiting := _waiting(tx.connection, case_id, command.answers)) is not None:
        item_id, element = waiting
        complete_work(CompleteWork(item_id, command.answers[element]), tx)
    return look(tx.connection, case_id)


def _waiting(
    connection: Connection[Any], case_id: int, answers: Mapping[str, Any]
) -> tuple[int, str] | None:
    """Return an open work item that there is an answer for, and its element."""
    with connection.cursor(row_factory=tuple_row, binary=True) as cursor:
        items = cursor.execute(_OPEN_ITEMS, (case_id,), prepare=True).fetchall()
    return next(((item_id, element) for item_id, element in items if element in answers), None)


@dataclass
class _Role:
    """One request on the stage: its case, and whether something went wrong with it."""

    request: Request
    case_id: int | None = None
    timer_at: datetime | None = None
    has_failed: bool = False


@dataclass(frozen=True, slots=True)
class _Happening:
    """A request opens or closes. answers: None when a timer of its case is due."""

    role: _Role
    answers: Mapping[str, Answers] | None
    instance_id: int = 0
    is_last: bool = False


@dataclass
class Played:
    """How a history went."""

    played: int = 0
    already: int = 0
    later: int = 0
    timers: int = 0
    problems: list[Problem] = field(default_factory=list)

    def add(self, other: Played) -> None:
        """Add how another share of the history went."""
        self.played += other.played
        self.already += other.already
        self.later += other.later
        self.timers += other.timers
        self.problems += other.problems


def play(
    database: Database,
    requests: Sequence[Request],
    cast: Cast,
    as_of: datetime,
    *,
    history: str,
    tick: Callable[[int], object] = lambda n: None,
) -> Played:
    """Play the requests and their timers in order of time until `as_of`; what stands already is not done again.

    tick: called with 1 whenever a request has had its last event.
    """
    actor = Actor(None, None, "", frozenset({SYSTEM_ROLE}), history)
    playing = _Playing(VirtualTime(database, FixedClock(as_of)), cast, as_of, actor, tick)
    try:
        return playing.play(requests)
    finally:
        playing.time.close()


@dataclass
class _Playing:
    time: VirtualTime
    cast: Cast
    as_of: datetime
    actor: Actor
    tick: Callable[[int], object]
    agenda: Agenda[_Happening] = field(default_factory=Agenda)
    played: Played = field(default_factory=Played)

    def play(self, requests: Sequence[Request]) -> Played:
        """Play the requests and return how it went."""
        self._enter(requests)
        while (event := self.agenda.next_until(self.as_of)) is not None:
            at, happening = event
            if not happening.role.has_failed:
                self._happen(at, happening)
            if happening.is_last:
                self.tick(1)
        return self.played

    def _enter(self, requests: Sequence[Request]) -> None:
        """Put the events of the requests on the agenda; of one that stands already, those still to come."""
        known = self._known([request.source_key for request in requests])
        self.time.clock.move_to(min([self.as_of, *(request.reported_at for request in requests)]))
        for request in requests:
            case_id, closed_as = known.get(request.source_key, (None, None))
            if closed_as is not None or request.reported_at > self.as_of:
                self.played.already += closed_as is not None
                self.played.later += closed_as is None
                self.tick(1)
                continue
            self._enter_one(_Role(request, case_id))

    def _enter_one(self, role: _Role) -> None:
        request = role.request
        closes = request.closed_at is not None and request.closed_at <= self.as_of
        if role.case_id is None:
            opening = _Happening(role, OPENING, is_last=not closes)
            self.agenda.add(request.reported_at, opening)
        else:
            self._await_timer(role, self.time.look(role.case_id), request.reported_at)
        if closes:
            assert request.closed_at is not None
            self.agenda.add(request.closed_at, _Happening(role, CLOSING, is_last=True))
        if closes or role.case_id is None:
            self.played.played += 1
        else:
            self.played.already += 1
            self.tick(1)

    def _known(self, keys: Sequence[str]) -> dict[str, tuple[int, str | None]]:
        """Return the cases that stand already, and how those that are over ended."""
        known = {}
        for start in range(0, len(keys), _KNOWN_AT_ONCE):
            part = list(keys[start : start + _KNOWN_AT_ONCE])
            for key, case_id, closed_as in self.time.connection.execute(_KNOWN, (part,)):
                known[key] = (case_id, closed_as)
        return known

    def _happen(self, at: datetime, happening: _Happening) -> None:
        role = happening.role
        try:
            if happening.answers is not None:
                now = self.time.run(self._event(role, happening.answers), self.actor, at)
                role.case_id = now.id
            elif role.timer_at == at:
                self.played.timers += self.time.fire(happening.instance_id, at)
                now = self.time.look(role.case_id or 0)
            else:
                return
        except DatabaseLost:
            raise
        except AppError as error:
            role.has_failed = True
            request = role.request
            self.played.problems.append(Problem(request.file, request.line, str(error)))
            return
        self._await_timer(role, now, at)

    def _event(self, role: _Role, answers: Mapping[str, Answers]) -> PlayEvent:
        request, cast = role.request, self.cast
        given = {element: answer(request, cast) for element, answer in answers.items()}
        return PlayEvent(role.case_id or report_of_request(request), given)

    def _await_timer(self, role: _Role, now: CaseNow, at: datetime) -> None:
        role.timer_at = None if now.timer_at is None else max(now.timer_at, at)
        if role.timer_at is not None:
            self.agenda.add(role.timer_at, _Happening(role, None, now.instance_id))


def report_of_request(request: Request) -> ReportCase:
    """Return the report that a request begins with."""
    return ReportCase(
        channel=request.channel,
        title=request.title,
        description=request.description,
        address=request.address,
        lon=request.lon,
        lat=request.lat,
        reported_at=request.reported_at,
        source_key=request.source_key,
    )
