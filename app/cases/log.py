"""The log of a case: each row holds the hash of the one before, so that a changed row shows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final

import orjson
from psycopg import Connection
from psycopg.rows import tuple_row

from app.errors import NotFound

FIRST_HASH: Final = bytes(32)
"""What the first row of a case is chained to."""

_CANONICAL: Final = orjson.OPT_SORT_KEYS

_HEAD: Final = "SELECT log_seq, log_hash FROM cases WHERE id = %s"
_ROWS: Final = """
SELECT seq, at, actor_id, actor_label, kind, element, data, prev_hash, hash
FROM case_log WHERE case_id = %s AND seq <= %s ORDER BY seq
"""
# One statement, one snapshot: a step that commits meanwhile changes both sides or neither.
_WHOLE: Final = """
SELECT c.log_seq, coalesce((SELECT max(l.seq) FROM case_log l WHERE l.case_id = c.id), 0)
FROM cases c WHERE c.id = %s
"""


@dataclass(frozen=True, slots=True)
class LogEntry:
    """What one row says, before it is chained. data: plain values, as `plain` returns them."""

    at: datetime
    actor_id: int | None
    actor_label: str
    kind: str
    element: str | None
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Break:
    """Where a chain does not hold, and why."""

    case_id: int
    seq: int
    reason: str


def plain(value: Any) -> Any:
    """Return the value as JSON that jsonb gives back unchanged: fractions and times become text."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(inner) for inner in value]
    return _text(value)


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    # jsonb rewrites numbers (1e3 becomes 1000), so a fraction is kept as it was written.
    if isinstance(value, float | Decimal):
        return str(value)
    raise TypeError(f"{type(value).__name__} does not go into the log")


def chained(case_id: int, seq: int, entry: LogEntry, prev_hash: bytes) -> bytes:
    """Return the hash of the row that says this in this place."""
    content = [
        case_id,
        seq,
        entry.at.astimezone(UTC).isoformat(),
        entry.actor_id,
        entry.actor_label,
        entry.kind,
        entry.element,
        entry.data,
    ]
    return hashlib.sha256(prev_hash + orjson.dumps(content, option=_CANONICAL)).digest()


def verify_case(connection: Connection[Any], case_id: int) -> Break | None:
    """Walk the chain of a case; return the first break, or None when it holds to the case's own head."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        head = cursor.execute(_HEAD, (case_id,)).fetchone()
        if head is None:
            raise NotFound
        last_seq, prev_hash = 0, FIRST_HASH
        for seq, *said, stored_prev, stored in cursor.execute(_ROWS, (case_id, head[0])):
            if seq != last_seq + 1:
                return Break(case_id, last_seq + 1, "the row is missing")
            if bytes(stored_prev) != prev_hash:
                return Break(case_id, seq, "the row does not follow the one before")
            prev_hash = chained(case_id, seq, LogEntry(*said), prev_hash)
            if prev_hash != bytes(stored):
                return Break(case_id, seq, "the row was changed")
            last_seq = seq
        if (last_seq, prev_hash) != (head[0], bytes(head[1])):
            return Break(case_id, last_seq + 1, "the case knows of a longer or another log")
        whole = cursor.execute(_WHOLE, (case_id,)).fetchone()
    if whole is not None and whole[0] != whole[1]:
        return Break(case_id, min(whole) + 1, "the log is longer or shorter than the case knows")
    return None


def verify_cases(connection: Connection[Any], case_ids: Iterable[int]) -> list[Break]:
    """Return the first break of each case whose chain does not hold."""
    found = (verify_case(connection, case_id) for case_id in case_ids)
    return [broken for broken in found if broken is not None]
