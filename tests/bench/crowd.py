"""Many cases at once: one lived case, copied by INSERT ... SELECT."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import psycopg
from sqlalchemy import URL

from tests.bench.scratch import as_text

_COPIED_LATER = {
    "id",
    "number",
    "case_id",
    "instance_id",
    "due_at",
    "try_at",
    "reported_at",
    "source_key",
}


@contextlib.contextmanager
def connected(url: URL) -> Iterator[psycopg.Connection[Any]]:
    """Open a plain connection that commits each statement."""
    plain = as_text(url.set(drivername="postgresql"))
    with psycopg.connect(plain, autocommit=True, options="-c timezone=UTC") as connection:
        yield connection


def _columns(connection: psycopg.Connection[Any], table: str) -> str:
    rows = connection.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_name = %s"
        " AND table_schema = 'public' ORDER BY ordinal_position",
        (table,),
    )
    return ", ".join(row[0] for row in rows if row[0] not in _COPIED_LATER)


def copy_case(connection: psycopg.Connection[Any], case_id: int, count: int, first: int) -> None:
    """Copy a case with its instance and open items; the copies have ids from `first` on.

    Due times are spread over the coming 60 days by the copy's number, so that lists have an order to keep.
    """
    columns = _columns(connection, "cases")
    connection.execute(
        f"INSERT INTO cases (id, number, reported_at, due_at, {columns}) OVERRIDING SYSTEM VALUE"
        f" SELECT n, 'B' || n, reported_at, due_at + n %% 5184000 * interval '1 second', {columns}"
        " FROM cases, generate_series(%s::bigint, %s::bigint) n WHERE id = %s",
        (first, first + count - 1, case_id),
    )
    columns = _columns(connection, "process_instances")
    connection.execute(
        f"INSERT INTO process_instances (id, case_id, {columns}) OVERRIDING SYSTEM VALUE"
        f" SELECT n, n, {columns}"
        " FROM process_instances, generate_series(%s::bigint, %s::bigint) n WHERE case_id = %s",
        (first, first + count - 1, case_id),
    )


def copy_items(
    connection: psycopg.Connection[Any], case_id: int, count: int, first: int, finished: bool
) -> None:
    """Copy the open items of a case to its copies, as finished ones where asked."""
    kept = _columns(connection, "work_items").split(", ")
    columns = ", ".join(c for c in kept if c not in {"status", "finished_at"})
    status, at = ("done", "created_at") if finished else ("open", "NULL")
    connection.execute(
        f"INSERT INTO work_items (case_id, instance_id, due_at, status, finished_at, {columns})"
        f" SELECT n, n, due_at + n %% 5184000 * interval '1 second', '{status}', {at}, {columns}"
        " FROM work_items, generate_series(%s::bigint, %s::bigint) n"
        " WHERE case_id = %s AND status = 'open'",
        (first, first + count - 1, case_id),
    )
