"""Alembic's environment: one migration, one transaction, under lock and statement timeouts."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection, text

from app.db.session import Base
from app.rooms import import_tables
from app.run import installed_runtime

# A migration that waits for a lock makes everyone behind it wait: give up soon, try again later.
LOCK_TIMEOUT = "5s"
# One that must run longer (an index built concurrently) says so itself with SET LOCAL.
STATEMENT_TIMEOUT = "60s"
# Any number that nothing else in this database locks: two hosts may upgrade at once.
UPGRADE_LOCK = 4_821_176


def migrate(connection: Connection) -> None:
    """Bring the schema to the revision asked for, alone."""
    connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": UPGRADE_LOCK})
    connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
    connection.execute(text(f"SET statement_timeout = '{STATEMENT_TIMEOUT}'"))
    connection.commit()
    import_tables()
    context.configure(
        connection=connection, target_metadata=Base.metadata, transaction_per_migration=True
    )
    with context.begin_transaction():
        context.run_migrations()
    # Closing would not do: the pool keeps the connection with its lock and timeouts.
    connection.invalidate()


engine = context.config.attributes.get("engine") or installed_runtime().database.writing
with engine.connect() as opened:
    migrate(opened)
