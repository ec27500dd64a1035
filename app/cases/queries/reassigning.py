"""Which open cases a unit has, and what became of those that went to another."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.cases.queries.keyset import Page, Place, page_of
from app.errors import NotFound

_WHICH: Final = """
c.closed_at IS NULL AND c.unit_id = :unit
AND (CAST(:class AS text) IS NULL OR c.class_code = :class)
AND (CAST(:grid AS text) IS NULL OR c.responsibility_code = :grid)
"""
# Whoever is not of the new unit lets go of what they had claimed.
_LETS_GO: Final = """
w.case_id = c.id AND w.status = 'open' AND w.unit_id = c.unit_id AND w.assignee_id IS NOT NULL
AND NOT (p.active AND h.path LIKE :path || '%')
"""
_HELD: Final = """
FROM work_items w JOIN people p ON p.id = w.assignee_id JOIN units h ON h.id = p.unit_id
"""


@dataclass(frozen=True, slots=True)
class Selected:
    """The open cases of a unit, or those of a class or a grid among them."""

    unit_id: int
    class_code: str | None = None
    responsibility_code: str | None = None

    @property
    def values(self) -> dict[str, object]:
        """Return what the conditions are bound to."""
        return {
            "unit": self.unit_id,
            "class": self.class_code,
            "grid": self.responsibility_code,
        }


@dataclass(frozen=True, slots=True)
class UnitCount:
    """A unit and how many open cases it has."""

    id: int
    name: str
    name_en: str
    path: str
    active: bool
    count: int


@dataclass(frozen=True, slots=True)
class KeyCount:
    """A class or a grid and how many of the unit's open cases are of it."""

    key: str
    name: str | None
    count: int


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a reassignment would do. released: items that lose whoever has claimed them."""

    total: int
    overdue: int
    released: int


@dataclass(frozen=True, slots=True)
class ToReassign:
    """One case that would go along. lets_go: who loses their claim."""

    id: int
    number: str
    title: str
    class_code: str | None
    stage: str
    due_at: datetime | None
    overdue: bool
    reported_at: datetime
    lets_go: str | None


@dataclass(frozen=True, slots=True)
class ReassignmentLine:
    """One reassignment that was begun, and how far it came."""

    id: int
    begun_at: datetime
    begun_by: str | None
    from_name: str
    from_name_en: str
    to_name: str
    to_name_en: str
    class_code: str | None
    responsibility_code: str | None
    reason: str
    moved: int
    released: int


@dataclass(frozen=True, slots=True)
class ReassignedLine:
    """One case that went along."""

    id: int
    number: str
    title: str
    stage: str
    at: datetime
    released: int


def units_with_open_cases(session: Session) -> list[UnitCount]:
    """Return the units that have open cases, in the order of the tree."""
    return [UnitCount(**row) for row in session.execute(text(_UNITS)).mappings()]


_UNITS: Final = """
SELECT u.id, u.name, u.name_en, u.path, u.active, n.count
FROM (SELECT c.unit_id, count(*) AS count FROM cases c
      WHERE c.closed_at IS NULL AND c.unit_id IS NOT NULL GROUP BY c.unit_id) AS n
JOIN units u ON u.id = n.unit_id ORDER BY u.code
"""


def classes_of(session: Session, unit_id: int) -> list[KeyCount]:
    """Return the classes of a unit's open cases, the most frequent first."""
    rows = session.execute(text(_CLASSES), {"unit": unit_id})
    return [KeyCount(*row) for row in rows]


_CLASSES: Final = """
SELECT c.class_code, NULL, count(*) FROM cases c
WHERE c.closed_at IS NULL AND c.unit_id = :unit AND c.class_code IS NOT NULL
GROUP BY 1 ORDER BY 3 DESC, 1
"""


def grids_of(session: Session, unit_id: int) -> list[KeyCount]:
    """Return the responsibility grids of a unit's open cases, in order of their codes."""
    rows = session.execute(text(_GRIDS), {"unit": unit_id})
    return [KeyCount(*row) for row in rows]


_GRIDS: Final = """
SELECT n.code, g.name, n.count
FROM (SELECT c.responsibility_code AS code, count(*) AS count FROM cases c
      WHERE c.closed_at IS NULL AND c.unit_id = :unit AND c.responsibility_code IS NOT NULL
      GROUP BY 1) AS n
LEFT JOIN responsibility_grids g ON g.code = n.code ORDER BY n.code
"""


def outlook_of(session: Session, selected: Selected, to_path: str) -> Outlook:
    """Tell what a reassignment to the unit with this path would do."""
    row = session.execute(text(_OUTLOOK), {**selected.values, "path": to_path}).one()
    return Outlook(*row)


_OUTLOOK: Final = f"""
SELECT count(*), count(*) FILTER (WHERE c.overdue),
       coalesce(sum((SELECT count(*) {_HELD} WHERE {_LETS_GO})), 0)::bigint
FROM cases c WHERE {_WHICH}
"""  # noqa: S608 because only our own names are put in


def cases_to_reassign(
    session: Session, selected: Selected, to_path: str, *, after: Place | None, size: int
) -> Page[ToReassign]:
    """Return the cases that would go along, the oldest first."""
    values = {**selected.values, "path": to_path, "size": size + 1}
    beyond = ""
    if after is not None:
        beyond = "AND (c.reported_at, c.id) > (:after_at, :after_id)"
        values |= {"after_at": after.at, "after_id": after.id}
    rows = session.execute(text(_LINES.format(beyond=beyond)), values)
    lines = [ToReassign(**row) for row in rows.mappings()]
    return page_of(lines, size, lambda line: Place(line.reported_at, line.id))


_LINES: Final = f"""
SELECT c.id, c.number, c.title, c.class_code, c.stage, c.due_at, c.overdue, c.reported_at,
       (SELECT string_agg(DISTINCT p.name, '、') {_HELD} WHERE {_LETS_GO}) AS lets_go
FROM cases c WHERE {_WHICH} {{beyond}}
ORDER BY c.reported_at, c.id LIMIT :size
"""  # noqa: S608 because only our own names are put in


def latest_reassignments(session: Session) -> list[ReassignmentLine]:
    """Return the latest reassignments, newest first."""
    statement = _REASSIGNMENTS.format(which="TRUE")
    return [ReassignmentLine(**row) for row in session.execute(text(statement)).mappings()]


def reassignment_of(session: Session, reassignment_id: int) -> ReassignmentLine:
    """Return one reassignment. Raises NotFound."""
    statement = _REASSIGNMENTS.format(which="r.id = :id")
    rows = session.execute(text(statement), {"id": reassignment_id}).mappings().all()
    if not rows:
        raise NotFound("没有这次改派。")
    return ReassignmentLine(**rows[0])


_REASSIGNMENTS: Final = """
SELECT r.id, r.begun_at, p.name AS begun_by, f.name AS from_name, f.name_en AS from_name_en,
       t.name AS to_name, t.name_en AS to_name_en, r.class_code, r.responsibility_code, r.reason,
       n.moved, n.released
FROM (SELECT * FROM reassignments r WHERE {which} ORDER BY r.id DESC LIMIT 20) AS r
JOIN units f ON f.id = r.from_unit_id JOIN units t ON t.id = r.to_unit_id
LEFT JOIN people p ON p.id = r.begun_by
CROSS JOIN LATERAL (
    SELECT count(*) AS moved, coalesce(sum(i.released), 0)::bigint AS released
    FROM reassigned_cases i WHERE i.reassignment_id = r.id) AS n
ORDER BY r.id DESC
"""


def reassigned_cases(
    session: Session, reassignment_id: int, *, after: int, size: int
) -> tuple[list[ReassignedLine], int | None]:
    """Return a page of the cases that went along, and what the next page comes after."""
    values = {"id": reassignment_id, "after": after, "size": size + 1}
    lines = [ReassignedLine(**row) for row in session.execute(text(_WENT), values).mappings()]
    return lines[:size], lines[size - 1].id if len(lines) > size else None


_WENT: Final = """
SELECT i.id, c.number, c.title, c.stage, i.at, i.released
FROM reassigned_cases i JOIN cases c ON c.id = i.case_id
WHERE i.reassignment_id = :id AND i.id > :after ORDER BY i.id LIMIT :size
"""
