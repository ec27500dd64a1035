"""How ended cases went: who answered what and after how long, what was asked and when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from psycopg import Connection
from psycopg.rows import dict_row

from app.cases.commands.report import CASE_KEY
from app.cases.store import FIXED_COLUMNS

_CASES: Final = f"""
SELECT {", ".join(f"c.{name}" for name in FIXED_COLUMNS)}, c.class_code, c.kind, c.closed_as,
       i.started_at
FROM cases c JOIN process_instances i ON i.case_id = c.id AND i.key = %s
WHERE c.id = ANY(%s)
"""  # noqa: S608 because only our own names are put in
_ITEMS: Final = """
SELECT case_id, element, status, created_at, finished_at FROM work_items
WHERE case_id = ANY(%s) ORDER BY case_id, created_at, id
"""
_SAID: Final = """
SELECT case_id, at, kind, element, data FROM case_log
WHERE case_id = ANY(%s) AND (kind = ANY(%s) OR (kind = 'hold_released' AND actor_id IS NOT NULL))
ORDER BY case_id, seq
"""
_MESSAGES: Final[Mapping[str, str]] = {
    "extension_requested": "extension_requested",
    "hold_requested": "hold_requested",
    "return_requested": "return_requested",
    "supervision_requested": "supervision_raised",
    "hold_released": "hold_released",
}
# A hold that its day ended was released by nobody: the timer does it again.
_KINDS: Final = ["completed", *(kind for kind in _MESSAGES if kind != "hold_released")]


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One work item there was. answers: None for one that was withdrawn unanswered."""

    answers: Mapping[str, Any] | None
    took: timedelta


@dataclass(frozen=True, slots=True)
class Asked:
    """A request or message there was, so long after a work item opened: its element, and the how manieth of it.

    since: None for one that came before any work item; then it counts from the report.
    """

    message: str
    given: Mapping[str, Any]
    since: tuple[str, int] | None
    after: timedelta


@dataclass(frozen=True, slots=True)
class Life:
    """One ended case, as far as it can be replayed."""

    case: Mapping[str, Any]
    begun_at: datetime
    self_handled: bool
    occurrences: Mapping[str, Sequence[Occurrence]]
    asked: Sequence[Asked]


def lives_of(connection: Connection[Any], case_ids: Sequence[int]) -> dict[int, Life]:
    """Return how cases went, by case."""
    ids = list(case_ids)
    with connection.cursor(row_factory=dict_row) as cursor:
        cases = cursor.execute(_CASES, (CASE_KEY, ids)).fetchall()
        items = _by_case(cursor.execute(_ITEMS, (ids,)).fetchall())
        said = _by_case(cursor.execute(_SAID, (ids, _KINDS)).fetchall())
    return {row["id"]: _life(row, items[row["id"]], said[row["id"]]) for row in cases}


def _by_case(rows: Sequence[dict[str, Any]]) -> dict[int, list[dict[str, Any]]]:
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        found[row["case_id"]].append(row)
    return found


def _life(
    row: dict[str, Any], items: Sequence[dict[str, Any]], said: Sequence[dict[str, Any]]
) -> Life:
    begun_at, closed_as = row.pop("started_at"), row.pop("closed_as")
    answers = {
        (one["element"], one["at"]): one["data"] for one in said if one["kind"] == "completed"
    }
    occurrences: dict[str, list[Occurrence]] = defaultdict(list)
    for item in items:
        given = answers.get((item["element"], item["finished_at"]))
        took = item["finished_at"] - item["created_at"] if item["finished_at"] else timedelta()
        done = item["status"] == "done"
        occurrences[item["element"]].append(Occurrence((given or {}) if done else None, took))
    asked = [_asked(one, items, begun_at) for one in said if one["kind"] != "completed"]
    return Life(row, begun_at, closed_as == "self_handled", dict(occurrences), asked)


def _asked(one: dict[str, Any], items: Sequence[dict[str, Any]], begun_at: datetime) -> Asked:
    """Tell a request by the work item that had last opened when it was made."""
    seen: dict[str, int] = defaultdict(int)
    since, from_ = None, begun_at
    for item in items:
        # The item that a request itself opens bears the same moment.
        if item["created_at"] >= one["at"]:
            break
        seen[item["element"]] += 1
        since, from_ = (item["element"], seen[item["element"]]), item["created_at"]
    data = one["data"]
    given = {
        "reason": data.get("reason"),
        "amount": data.get("amount"),
        "until": data.get("hold_until"),
        "source": data.get("source"),
        "due_at": data.get("due_at"),
    }
    return Asked(_MESSAGES[one["kind"]], given, since, one["at"] - from_)
