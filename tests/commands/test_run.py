"""run(): one command, one transaction, one commit."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from app.db.session import Database
from app.errors import DatabaseLost, Forbidden
from app.run import PERSON, SYSTEM, Actor, Tx, handles, run

CLERK = Actor(1, 1, "/1/", frozenset({"dispatcher"}), "派遣员")


@dataclass(frozen=True)
class Note:
    words: tuple[str, ...]
    fail: bool = False


@dataclass(frozen=True)
class NoteInPipeline:
    words: tuple[str, ...]


@dataclass(frozen=True)
class CloseBooks:
    pass


@dataclass(frozen=True)
class LoseServer:
    pass


@handles(Note, PERSON, "dispatcher")
def note(command: Note, tx: Tx) -> int:
    for word in command.words:
        tx.session.execute(text("INSERT INTO notes VALUES (:word)"), {"word": word})
    if command.fail:
        raise LookupError("after the rows")
    return len(command.words)


@handles(NoteInPipeline, PERSON, "dispatcher")
def note_in_pipeline(command: NoteInPipeline, tx: Tx) -> None:
    connection = tx.connection
    with connection.pipeline(), connection.cursor() as cursor:
        cursor.executemany("INSERT INTO notes VALUES (%s)", [(word,) for word in command.words])


@handles(CloseBooks, "assessor")
def close_books(command: CloseBooks, tx: Tx) -> str:
    return "closed"


@handles(LoseServer, PERSON, "dispatcher")
def lose_server(command: LoseServer, tx: Tx) -> None:
    tx.session.execute(text("INSERT INTO notes VALUES ('lost')"))
    tx.session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))


@pytest.fixture
def noted(database: Database) -> Database:
    with database.sessions.begin() as session:
        session.execute(text("CREATE TABLE notes (word text PRIMARY KEY)"))
    return database


def _words(database: Database) -> list[str]:
    with database.sessions() as session:
        return list(session.execute(text("SELECT word FROM notes ORDER BY word")).scalars())


def test_result_is_returned_and_rows_are_kept(noted: Database) -> None:
    assert run(Note(("a", "b")), actor=CLERK) == 2
    assert _words(noted) == ["a", "b"]


def test_failure_keeps_nothing(noted: Database) -> None:
    with pytest.raises(LookupError):
        run(Note(("a",), fail=True), actor=CLERK)
    assert _words(noted) == []


def test_constraint_violation_keeps_nothing_and_passes_through(noted: Database) -> None:
    with pytest.raises(IntegrityError):
        run(Note(("a", "b", "a")), actor=CLERK)
    assert _words(noted) == []


def test_pipeline_belongs_to_the_same_transaction(noted: Database) -> None:
    run(NoteInPipeline(("a", "b")), actor=CLERK)
    assert _words(noted) == ["a", "b"]


def test_lost_connection_is_named_and_the_next_step_works(noted: Database) -> None:
    with pytest.raises(DatabaseLost):
        run(LoseServer(), actor=CLERK)
    run(Note(("after",)), actor=CLERK)
    assert _words(noted) == ["after"]


def test_role_is_required() -> None:
    with pytest.raises(Forbidden):
        CLERK.require("assessor", "administrator")
    SYSTEM.require("assessor")


def test_handler_refuses_an_actor_without_the_role(noted: Database) -> None:
    with pytest.raises(Forbidden):
        run(CloseBooks(), actor=CLERK)
    assert run(CloseBooks(), actor=SYSTEM) == "closed"


def test_second_handler_for_a_command_is_refused() -> None:
    with pytest.raises(TypeError, match="CloseBooks is handled by close_books already"):
        handles(CloseBooks)(lambda command, tx: None)


def test_reading_connection_cannot_write(noted: Database) -> None:
    with noted.reading.connect() as connection, pytest.raises(Exception, match="read-only"):
        connection.execute(text("INSERT INTO notes VALUES ('sly')"))
