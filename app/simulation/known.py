"""Simulated cases that stand already: where a simulation that was interrupted goes on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg import Connection
from psycopg.rows import tuple_row

from app.simulation.lives import Life

_KNOWN: Final = """
SELECT c.source_key, c.id, c.closed_as, c.class_code, f.seq,
       (SELECT max(l.at) FROM case_log l WHERE l.case_id = c.id)
FROM cases c LEFT JOIN filing_conditions f ON f.id = c.condition_id
WHERE c.source_key LIKE %s ORDER BY c.id
"""
_DONE: Final = """
SELECT element, count(*) FROM work_items WHERE case_id = %s AND status = 'done' GROUP BY element
"""
_ASKED: Final = """
SELECT coalesce(details ->> 'source', kind), count(*) FROM case_requests
WHERE case_id = %s GROUP BY 1
"""


@dataclass(frozen=True, slots=True)
class Known:
    """A case that stands. last_at: when something last happened to it."""

    case_id: int
    closed_as: str | None
    class_code: str | None
    condition_seq: int | None
    last_at: datetime


def known_cases(connection: Connection[Any], prefix: str) -> Mapping[str, Known]:
    """Return the cases whose source key begins with a prefix, by key."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(_KNOWN, (f"{prefix}%",)).fetchall()
    return {
        key: Known(case_id, closed_as, class_code, seq, last_at)
        for key, case_id, closed_as, class_code, seq, last_at in rows
    }


def catch_up(connection: Connection[Any], known: Known, life: Life) -> None:
    """Tell a life what has been done and asked for in its case."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        life.times.update(dict(cursor.execute(_DONE, (known.case_id,)).fetchall()))
        life.asked.update(dict(cursor.execute(_ASKED, (known.case_id,)).fetchall()))
    life.condition = next(
        (one for one in life.conditions if one.seq == known.condition_seq), life.condition
    )
