"""One transaction, reached two ways: what ran on either is committed or neither."""

from __future__ import annotations

from sqlalchemy import text

from app.db.session import Database
from app.db.transaction import Transaction

INSERT = "INSERT INTO districts (code, name, outline) VALUES (%s, '区', '{}')"


def codes(database: Database) -> list[str]:
    with database.sessions() as session:
        return list(session.scalars(text("SELECT code FROM districts ORDER BY code")))


def test_a_session_that_ran_nothing_does_not_lose_what_the_connection_wrote(database: Database):
    transaction = Transaction(database)
    transaction.connection.execute(INSERT, ("1",))
    assert transaction.session is not None
    transaction.commit()
    transaction.close()
    assert codes(database) == ["1"]


def test_both_ways_are_one_transaction(database: Database):
    transaction = Transaction(database)
    transaction.connection.execute(INSERT, ("1",))
    assert transaction.session.scalar(text("SELECT count(*) FROM districts")) == 1
    transaction.connection.execute(INSERT, ("2",))
    transaction.commit()
    transaction.close()
    assert codes(database) == ["1", "2"]


def test_abandoning_keeps_nothing_of_either(database: Database):
    transaction = Transaction(database)
    transaction.connection.execute(INSERT, ("1",))
    transaction.session.execute(text("DELETE FROM districts WHERE code = 'none'"))
    transaction.abandon()
    assert codes(database) == []


def test_the_session_may_come_first(database: Database):
    transaction = Transaction(database)
    transaction.session.execute(text("SELECT 1"))
    transaction.connection.execute(INSERT, ("1",))
    transaction.commit()
    transaction.close()
    assert codes(database) == ["1"]
