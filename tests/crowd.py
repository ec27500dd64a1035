"""Many running cases at once: lived cases copied row by row, with everything that a step of them reads."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, text

from tests.factories import Desk

# Each table that has a case's or an instance's rows, in the order that their references allow.
_TABLES: Final = (
    "cases", "process_instances", "work_items", "timers", "sla_clocks", "sla_clock_events",
    "case_log", "facts",
)  # fmt: skip
_OWN: Final = {"id": "n", "number": "'C' || n", "case_id": "n", "instance_id": "n"}
_LEFT_OUT: Final = {"source_key"}


def copy_cases(desk: Desk, case_ids: list[int], count: int, first: int = 10_000) -> list[int]:
    """Copy each of some cases as often as told; return the ids of the copies, which their instances have too."""
    with desk.database.sessions() as session:
        for case_id in case_ids:
            for table in _TABLES:
                _copy(session.connection(), table, case_id, first, count)
            first += count
        session.commit()
    return list(range(first - count * len(case_ids), first))


def _copy(connection: Connection, table: str, case_id: int, first: int, count: int) -> None:
    found = connection.execute(
        text(
            "SELECT column_name FROM information_schema.columns WHERE table_name = :it"
            " AND table_schema = 'public' AND is_generated = 'NEVER' ORDER BY ordinal_position"
        ),
        {"it": table},
    )
    columns = [row[0] for row in found if row[0] not in _LEFT_OUT]
    # What nobody refers to is counted by its own table.
    if table not in {"cases", "process_instances"}:
        columns.remove("id")
    values = ", ".join(_OWN.get(column, column) for column in columns)
    if table == "cases":
        whose = "id = :case_id"
    elif "case_id" in columns:
        whose = "case_id = :case_id"
    else:
        whose = "instance_id = (SELECT id FROM process_instances WHERE case_id = :case_id)"
    connection.execute(
        text(
            f"INSERT INTO {table} ({', '.join(columns)}) OVERRIDING SYSTEM VALUE"
            f" SELECT {values} FROM (SELECT * FROM {table} WHERE {whose}) one,"
            " generate_series(CAST(:first AS bigint), CAST(:last AS bigint)) n"
        ),
        {"case_id": case_id, "first": first, "last": first + count - 1},
    )
