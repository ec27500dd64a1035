"""Connections for work that can be done again: a commit does not wait for the disk."""

from __future__ import annotations

from psycopg import Connection
from sqlalchemy import Engine, create_engine

from app.db.session import Database


def unhurried(database: Database) -> Database:
    """Return the same database over connections whose last commits a power cut may take away.

    What is lost is lost from the end, so the work can go on from where the database stands.
    """
    writing = database.writing
    if not isinstance(writing, Engine):
        return database

    def connect() -> Connection[object]:
        # Taken out of the pool of the other engine, which knows the way to the server.
        taken = writing.raw_connection()
        connection = taken.driver_connection
        taken.detach()
        assert isinstance(connection, Connection)
        connection.execute("SET synchronous_commit TO off")
        connection.commit()  # because the setting must outlast the transaction that set it
        return connection

    return Database.on(create_engine("postgresql+psycopg://", creator=connect), database.reading)
