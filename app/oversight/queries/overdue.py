"""Open cases past their deadline: where they pile up, and each with why it is late."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.cases.queries.keyset import Page, Place, page_of
from app.cases.queries.visibility import Sight

GROUPS_SHOWN: Final = 40

# Its own partial index holds just these rows: ix_cases_running_due_at.
_LATE: Final = "c.closed_at IS NULL AND c.result_at IS NULL AND c.due_at < :now"

# What a list can be grouped by and narrowed to -> the column.
GROUPINGS: Final[Mapping[str, str]] = {
    "unit": "c.unit_id",
    "class": "c.class_code",
    "street": "c.street_code",
    "grid": "c.responsibility_code",
    "person": "c.handler_id",
}
_NUMBERS: Final = frozenset({"unit", "person"})
_LABELS: Final[Mapping[str, tuple[str, str, str]]] = {
    "unit": ("units", "id", "n.name_en"),
    "street": ("streets", "code", "''"),
    "grid": ("responsibility_grids", "code", "''"),
    "person": ("people", "id", "''"),
}

# Why a case is late, the first that fits. A case that was taken has an item somebody claimed, was given or finished.
_WHY: Final = """
CASE
  WHEN EXISTS (SELECT FROM case_requests r WHERE r.case_id = c.id AND r.kind = 'extension' AND r.decision IS NULL)
    THEN 'extension'
  WHEN EXISTS (SELECT FROM case_requests r WHERE r.case_id = c.id AND r.kind = 'return' AND r.decision IS NULL)
    THEN 'return'
  WHEN c.reworks > 0 THEN 'rework'
  WHEN c.handler_id IS NULL AND NOT EXISTS (
    SELECT FROM work_items w WHERE w.case_id = c.id AND w.unit_id IS NOT NULL
      AND w.created_at >= c.dispatched_at
      AND (w.claimed_at IS NOT NULL OR w.assignee_id IS NOT NULL OR w.status = 'done'))
    THEN 'unclaimed'
  ELSE 'handling'
END
"""


@dataclass(frozen=True, slots=True)
class LateCase:
    """An open case past its deadline. why: extension, return, rework, unclaimed or handling."""

    id: int
    number: str
    title: str
    class_code: str | None
    address: str
    stage: str
    due_at: datetime
    limit_unit: str | None
    unit_id: int | None
    unit_name: str | None
    unit_name_en: str | None
    handler_name: str | None
    supervisions: int
    why: str


@dataclass(frozen=True, slots=True)
class Group:
    """How many late cases share something. key: None for those without it."""

    key: str | None
    name: str | None
    name_en: str | None
    count: int


def late_cases(
    session: Session,
    sight: Sight,
    narrowed: Mapping[str, str],
    now: datetime,
    *,
    after: Place | None,
    size: int,
) -> Page[LateCase]:
    """Return open cases past due, the longest overdue first."""
    conditions, values = _conditions(sight, narrowed, now)
    if after is not None:
        conditions.append("(c.due_at, c.id) > (:after_at, :after_id)")
        values |= {"after_at": after.at, "after_id": after.id}
    statement = _LINES.format(which=" AND ".join(conditions), why=_WHY)
    rows = session.execute(text(statement), {**values, "size": size + 1})
    lines = [LateCase(**row) for row in rows.mappings()]
    return page_of(lines, size, lambda line: Place(line.due_at, line.id))


_LINES: Final = """
SELECT c.id, c.number, c.title, c.class_code, c.address, c.stage, c.due_at, c.limit_unit, c.unit_id,
       u.name AS unit_name, u.name_en AS unit_name_en, p.name AS handler_name, c.supervisions, {why} AS why
FROM (SELECT c.* FROM cases c WHERE {which} ORDER BY c.due_at, c.id LIMIT :size) AS c
LEFT JOIN units u ON u.id = c.unit_id LEFT JOIN people p ON p.id = c.handler_id
ORDER BY c.due_at, c.id
"""


def count_late(session: Session, sight: Sight, narrowed: Mapping[str, str], now: datetime) -> int:
    """Count the open cases past due."""
    conditions, values = _conditions(sight, narrowed, now)
    statement = f"SELECT count(*) FROM cases c WHERE {' AND '.join(conditions)}"  # noqa: S608 because only our own names are put in
    return int(session.execute(text(statement), values).scalar_one())


def late_groups(
    session: Session, sight: Sight, narrowed: Mapping[str, str], now: datetime, by: str
) -> list[Group]:
    """Return where late cases pile up, the largest heap first, at most GROUPS_SHOWN."""
    others = {name: value for name, value in narrowed.items() if name != by}
    conditions, values = _conditions(sight, others, now)
    counted = _COUNTED.format(column=GROUPINGS[by], which=" AND ".join(conditions))
    if by in _LABELS:
        table, key, english = _LABELS[by]
        statement = _NAMED.format(counted=counted, table=table, key=key, english=english)
    else:
        statement = _UNNAMED.format(counted=counted)
    rows = session.execute(text(statement), {**values, "groups": GROUPS_SHOWN})
    return [Group(None if row[0] is None else str(row[0]), *row[1:]) for row in rows]


_COUNTED: Final = """
SELECT {column} AS key, count(*) AS n FROM cases c WHERE {which} GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT :groups
"""
_NAMED: Final = """
SELECT g.key, n.name, {english}, g.n FROM ({counted}) AS g LEFT JOIN {table} n ON n.{key} = g.key
ORDER BY g.n DESC, g.key
"""
_UNNAMED: Final = """
SELECT g.key, NULL, NULL, g.n FROM ({counted}) AS g ORDER BY g.n DESC, g.key
"""


def _conditions(
    sight: Sight, narrowed: Mapping[str, str], now: datetime
) -> tuple[list[str], dict[str, object]]:
    conditions = [_LATE]
    values: dict[str, object] = {"now": now}
    if not sight.whole:
        conditions.append(sight.condition)
        values |= sight.values
    for name, value in narrowed.items():
        column = GROUPINGS[name]
        if value == NONE:
            conditions.append(f"{column} IS NULL")
        else:
            conditions.append(f"{column} = :of_{name}")
            values[f"of_{name}"] = int(value) if name in _NUMBERS else value
    return conditions, values


NONE: Final = "-"
"""Instead of a key: the cases that have none, such as no handler."""


def readable(name: str, value: str) -> bool:
    """Tell whether a text can be looked for as a key of a grouping."""
    if value == NONE or name not in _NUMBERS:
        return True
    return value.isdecimal() and len(value) < 19
