"""One transaction of one command, reached as a psycopg connection or as a session."""

from __future__ import annotations

from typing import Any

import psycopg
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from sqlalchemy.pool import PoolProxiedConnection

from app.db.session import Database, connection_of


class Transaction:
    """A transaction that begins with its first statement and ends with `commit` or `abandon`.

    A step of a case uses the psycopg connection alone; a session is made on the same connection only where a
    handler asks for one, for it costs a tenth of a step.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._pooled: PoolProxiedConnection | None = None
        self._session: Session | None = None

    @classmethod
    def of_session(cls, database: Database, session: Session) -> Transaction:
        """Return the transaction that a session is in."""
        transaction = cls(database)
        transaction._session = session
        return transaction

    @property
    def connection(self) -> psycopg.Connection[Any]:
        """Return the psycopg connection, for prepared statements, pipelines and COPY."""
        writing = self._database.writing
        if self._pooled is None and self._session is None and isinstance(writing, Engine):
            self._pooled = writing.raw_connection()
        if self._pooled is None:
            return connection_of(self.session)
        raw = self._pooled.driver_connection
        assert isinstance(raw, psycopg.Connection)
        return raw

    @property
    def session(self) -> Session:
        """Return a session in this transaction."""
        if self._session is None:
            writing = self._database.writing
            if self._pooled is not None and isinstance(writing, Engine):
                bound = Connection(writing, self._pooled)
                self._session = Session(bound, expire_on_commit=False)
            else:
                self._session = self._database.sessions()
        return self._session

    def commit(self) -> None:
        """Commit, once.

        A session that ran nothing sends no COMMIT of its own, whatever ran on the connection beside it; and
        where it did, the connection has nothing left to commit.
        """
        if self._session is not None:
            self._session.commit()
        if self._pooled is not None:
            self._pooled.commit()

    def abandon(self) -> None:
        """Roll back and give the connection up; a server that is gone cannot object."""
        try:
            if self._session is not None:
                self._session.rollback()
            elif self._pooled is not None:
                self._pooled.rollback()
        except (SQLAlchemyError, psycopg.Error):
            self._invalidate()
        finally:
            self.close()

    def close(self) -> None:
        """Give the connection back."""
        if self._session is not None:
            self._session.close()
        if self._pooled is not None:
            self._pooled.close()

    def _invalidate(self) -> None:
        if self._pooled is not None:
            self._pooled.invalidate()
        elif self._session is not None:
            self._session.invalidate()
