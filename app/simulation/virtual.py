"""Virtual time: what happens next, and cases moved on by the real commands at moments of their own."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any, Final, Generic, TypeVar

import orjson
import psycopg
from psycopg.rows import tuple_row
from sqlalchemy import Connection, Engine

from app.cases.commands import FireTimers
from app.clock import FixedClock
from app.db.session import Database
from app.errors import NotFound
from app.run import SYSTEM, Actor, run

T = TypeVar("T")

_LOOK: Final = """
SELECT c.id, i.id, c.number, c.stage, c.unit_id, c.due_at, c.closed_as,
       (SELECT min(t.try_at) FROM timers t WHERE t.instance_id = i.id),
       (SELECT json_agg(json_build_array(w.id, w.element, w.role, w.unit_id, w.assignee_id,
                                         w.defaults) ORDER BY w.id)
        FROM work_items w WHERE w.case_id = c.id AND w.status = 'open')::text
FROM cases c JOIN process_instances i ON i.case_id = c.id AND i.key = 'case'
WHERE c.id = %s
"""


class Agenda(Generic[T]):
    """What happens when. At one moment, what was added first happens first."""

    def __init__(self) -> None:
        self._heap: list[tuple[datetime, int, T]] = []
        self._order = count()

    def __len__(self) -> int:
        return len(self._heap)

    def add(self, at: datetime, happening: T) -> None:
        """Add what happens at a moment."""
        heapq.heappush(self._heap, (at, next(self._order), happening))

    def next_until(self, end: datetime) -> tuple[datetime, T] | None:
        """Take out what happens next; None when that is later than the end."""
        if not self._heap or self._heap[0][0] > end:
            return None
        at, _, happening = heapq.heappop(self._heap)
        return at, happening


@dataclass(frozen=True, slots=True)
class OpenWork:
    """One open work item of a case."""

    id: int
    element: str
    role: str
    unit_id: int | None
    assignee_id: int | None
    defaults: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class CaseNow:
    """A case as it stands. timer_at: when its next timer is due."""

    id: int
    instance_id: int
    number: str
    stage: str
    unit_id: int | None
    due_at: datetime | None
    closed_as: str | None
    timer_at: datetime | None
    items: tuple[OpenWork, ...]

    def item(self, element: str) -> OpenWork | None:
        """Return the open item of an element."""
        return next((item for item in self.items if item.element == element), None)


def look(connection: psycopg.Connection[Any], case_id: int) -> CaseNow:
    """Return a case as a connection sees it. Raises NotFound."""
    with connection.cursor(row_factory=tuple_row, binary=True) as cursor:
        row = cursor.execute(_LOOK, (case_id,), prepare=True).fetchone()
    if row is None:
        raise NotFound
    case_id, instance_id, number, stage, unit_id, due_at, closed_as, timer_at, items = row
    return CaseNow(
        case_id, instance_id, number, stage, unit_id, due_at, closed_as, timer_at,
        tuple(OpenWork(*item) for item in orjson.loads(items or b"[]")),
    )  # fmt: skip


@dataclass
class VirtualTime:
    """A database and a clock that only ever shows what it was set to. Time never goes back."""

    database: Database
    clock: FixedClock
    _reading: Connection | None = field(default=None, repr=False)

    def run(self, command: object, actor: Actor, at: datetime) -> Any:
        """Let an actor run a command at a moment, or now if that is past."""
        if at > self.clock.now():
            self.clock.move_to(at)
        return run(command, actor=actor, clock=self.clock, database=self.database)

    def fire(self, instance_id: int, at: datetime) -> int:
        """Fire the due timers of one instance as the worker does, and return how many."""
        return int(self.run(FireTimers(instance_id), SYSTEM, at))

    def look(self, case_id: int) -> CaseNow:
        """Return a case as it stands."""
        return look(self.connection, case_id)

    @property
    def connection(self) -> psycopg.Connection[Any]:
        """Return a connection to look through, which holds no transaction open."""
        if self._reading is None:
            bind = self.database.reading
            self._reading = (
                bind.execution_options(isolation_level="AUTOCOMMIT").connect()
                if isinstance(bind, Engine)
                else bind
            )
        raw = self._reading.connection.driver_connection
        assert isinstance(raw, psycopg.Connection)
        return raw

    def close(self) -> None:
        """Give the connection back."""
        if self._reading is not None and isinstance(self.database.reading, Engine):
            self._reading.close()
        self._reading = None
