"""The months that readings are stored by: made ahead by a schedule, and where a reading needs one."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from psycopg import Connection, sql

# Months begin at the city's own midnight, so that a day's summary stands in the month of its readings.
PARTITIONED: Final = (
    "readings", "reading_summaries_5", "reading_summaries_60", "reading_summaries_1440",
)  # fmt: skip
_OF_MINUTES: Final = """
CREATE TABLE IF NOT EXISTS {part} PARTITION OF reading_summaries FOR VALUES IN ({minutes})
PARTITION BY RANGE (starts_at)
"""
# Any number that nothing else in this database locks: two processes may need the same month.
_LOCK: Final = 4_821_177

# Who reads a whole year meanwhile is not waited for long: all who store would wait behind us.
_NOT_LONG: Final = "SET LOCAL lock_timeout = '3s'"
_MONTHS: Final = """
SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = to_regclass(%s) ORDER BY 1
"""
_ABSENT: Final = "SELECT name FROM unnest(%s::text[]) AS name WHERE to_regclass(name) IS NULL"


def month_of(moment: datetime, zone: ZoneInfo) -> datetime:
    """Return the beginning of a moment's month, in the city's time."""
    return moment.astimezone(zone).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def next_month(month: datetime) -> datetime:
    """Return the beginning of the month after."""
    return (month + timedelta(days=32)).replace(day=1)


def ensure_months(connection: Connection[Any], months: Iterable[datetime]) -> None:
    """Make the partitions of months that have none, in the transaction at hand.

    months: beginnings of months, in the city's time.
    """
    wanted = {name_of(table, month): (table, month) for month in months for table in PARTITIONED}
    if not _absent(connection, list(wanted)):
        return
    connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
    ensure_kinds(connection)
    for name in _absent(connection, list(wanted)):
        _make(connection, name, *wanted[name])


def ensure_kinds(connection: Connection[Any]) -> None:
    """Make what holds the months of each kind of summary."""
    kinds = [table for table in PARTITIONED if table != "readings"]
    if _absent(connection, kinds):
        for table in kinds:
            minutes = sql.Literal(int(table.rpartition("_")[2]))
            made = sql.SQL(_OF_MINUTES).format(part=sql.Identifier(table), minutes=minutes)
            connection.execute(made)


def _absent(connection: Connection[Any], names: list[str]) -> list[str]:
    return [row[0] for row in connection.execute(_ABSENT, (names,), prepare=True)]


def _make(connection: Connection[Any], name: str, table: str, month: datetime) -> None:
    # Attached, not made as a partition: that would lock out everybody who stores meanwhile.
    create_apart(connection, name, table)
    attach(connection, name, table, month)


def create_apart(connection: Connection[Any], name: str, table: str) -> None:
    """Create the table of a month that nothing is stored in yet."""
    names = {"part": sql.Identifier(name), "whole": sql.Identifier(table)}
    connection.execute(
        sql.SQL("CREATE TABLE {part} (LIKE {whole} INCLUDING DEFAULTS)").format(**names)
    )


def attach(connection: Connection[Any], name: str, table: str, month: datetime) -> None:
    """Make a table the partition of a month; its indexes are built where they are missing."""
    connection.execute(
        sql.SQL(
            "ALTER TABLE {whole} ATTACH PARTITION {part} FOR VALUES FROM ({first}) TO ({after})"
        ).format(
            part=sql.Identifier(name),
            whole=sql.Identifier(table),
            first=sql.Literal(month.isoformat()),
            after=sql.Literal(next_month(month).isoformat()),
        )
    )


def name_of(table: str, month: datetime) -> str:
    """Return what the partition of a month is called."""
    return f"{table}_{month:%Y_%m}"


def drop_months_before(connection: Connection[Any], table: str, month: datetime) -> list[str]:
    """Throw away the partitions of whole months before one, in the transaction at hand; return their names.

    Raises psycopg.errors.LockNotAvailable when somebody reads or stores for long; then nothing is thrown away.
    """
    last = name_of(table, month)
    old = [row[0] for row in connection.execute(_MONTHS, (table,)) if row[0] < last]
    if not old:
        return []
    connection.execute(_NOT_LONG)
    for name in old:
        names = {"part": sql.Identifier(name), "whole": sql.Identifier(table)}
        connection.execute(sql.SQL("ALTER TABLE {whole} DETACH PARTITION {part}").format(**names))
        connection.execute(sql.SQL("DROP TABLE {part}").format(**names))
    return old
