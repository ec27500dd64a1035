"""Keep summaries of five minutes, hours and days apart, so that each can be thrown away by the month."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.db.types import UtcDateTime

revision = "0025_histories"
down_revision = "0023_alert_processes"
branch_labels = None
depends_on = None

_MINUTES = (5, 60, 1440)


def upgrade() -> None:
    # A year of a city's summaries is copied.
    op.execute("SET statement_timeout = 0")
    _rename_old()
    _create("LIST (minutes)")
    # Like the months, these are made where a reading needs them; here for the readings that there are.
    for minutes in _MINUTES:
        op.execute(
            "DO $$ BEGIN IF EXISTS (SELECT FROM summaries_before.reading_summaries) THEN"
            f" CREATE TABLE reading_summaries_{minutes} PARTITION OF reading_summaries"
            f" FOR VALUES IN ({minutes}) PARTITION BY RANGE (starts_at); END IF; END $$"
        )
    _move_months([f"_{minutes}" for minutes in _MINUTES])


def downgrade() -> None:
    _rename_old()
    _create("RANGE (starts_at)")
    _move_months([""])


def _rename_old() -> None:
    # Out of the way with everything below it: what takes its place has the same names.
    op.execute("CREATE SCHEMA summaries_before")
    op.execute(
        "DO $$ DECLARE t regclass; BEGIN"
        " FOR t IN SELECT relid FROM pg_partition_tree('reading_summaries') LOOP"
        " EXECUTE format('ALTER TABLE %s SET SCHEMA summaries_before', t); END LOOP; END $$"
    )


def _create(partition_by: str) -> None:
    op.create_table(
        "reading_summaries",
        sa.Column("device_id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("metric", sa.SmallInteger(), primary_key=True, autoincrement=False),
        sa.Column("minutes", sa.SmallInteger(), primary_key=True, autoincrement=False),
        sa.Column("starts_at", UtcDateTime(), primary_key=True),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("low", sa.Double(), nullable=False),
        sa.Column("high", sa.Double(), nullable=False),
        sa.Column("total", sa.Double(), nullable=False),
        sa.Column("last", sa.Double(), nullable=False),
        sa.Column("last_at", UtcDateTime(), nullable=False),
        postgresql_partition_by=partition_by,
    )


def _move_months(suffixes: list[str]) -> None:
    """Give each old month its successors, with the bounds it had, and fill them."""
    for suffix in suffixes:
        # The name of a month's table ends in _2025_11; the old bounds say when it begins and ends.
        op.execute(
            "DO $$ DECLARE m record; BEGIN FOR m IN"  # noqa: S608 (a suffix of ours)
            " SELECT DISTINCT right(c.relname, 8) AS month, pg_get_expr(c.relpartbound, c.oid) AS bounds"
            " FROM pg_class c JOIN pg_namespace s ON s.oid = c.relnamespace"
            " WHERE s.nspname = 'summaries_before' AND c.relispartition AND c.relkind = 'r'"
            " AND EXISTS (SELECT FROM summaries_before.reading_summaries) LOOP"
            f" EXECUTE format('CREATE TABLE %I PARTITION OF reading_summaries{suffix} %s',"
            f" 'reading_summaries{suffix}' || m.month, m.bounds); END LOOP; END $$"
        )
    op.execute("INSERT INTO reading_summaries SELECT * FROM summaries_before.reading_summaries")
    op.execute("DROP TABLE summaries_before.reading_summaries")
    op.execute("DROP SCHEMA summaries_before")
