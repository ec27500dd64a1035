"""The small city in a database of the test's own, and steps that stand still before their commit."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.clock import Clock
from app.db.session import Database
from app.db.transaction import Transaction
from app.run import Actor, Services, Tx, _handlers
from tests.factories import Desk, build_city


@pytest.fixture
def desk(database: Database) -> Desk:
    with database.sessions() as session:
        return Desk(build_city(session), database)


@dataclass(frozen=True)
class Stage:
    """Two actors on one database, step by step."""

    database: Database
    services: Services
    clock: Clock

    @contextmanager
    def standing_before_commit(self, command: object, actor: Actor) -> Iterator[Any]:
        """Run a command up to its commit; leaving the block commits."""
        with self.database.sessions() as session:
            tx = self._tx(session, actor)
            yield _handlers[type(command)](command, tx)
            session.commit()

    def run_and_roll_back(self, command: object, actor: Actor, meanwhile: Any = None) -> None:
        """Run a command up to its commit, then lose it, as a killed process would."""
        with self.database.sessions() as session:
            _handlers[type(command)](command, self._tx(session, actor))
            if meanwhile is not None:
                meanwhile()
            session.rollback()

    def _tx(self, session: Session, actor: Actor) -> Tx:
        transaction = Transaction.of_session(self.database, session)
        return Tx(transaction, self.clock, actor, self.services)

    def wait_until_somebody_waits(self) -> None:
        """Return when one connection waits for a lock of another."""
        waiting = text(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        for _ in range(100_000):
            with self.database.sessions() as session:
                if session.scalar(waiting):
                    return
        raise AssertionError("nobody waits for a lock")


@pytest.fixture
def stage(database: Database, settings, clock) -> Stage:
    return Stage(database, Services(settings), clock)


@pytest.fixture
def aside() -> Iterator[Any]:
    """Run a function in another thread; return its future."""
    with ThreadPoolExecutor(max_workers=4) as pool:

        def start(function: Any, *arguments: Any, **named: Any) -> Future[Any]:
            return pool.submit(function, *arguments, **named)

        yield start
