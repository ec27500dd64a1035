"""What a person has finished: the cases that now wait for others, and the work done today."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.cases.queries.keyset import Page, Place, page_of
from app.run import Actor

# Of each case the last item the person finished; nothing there waits for the person.
_STILL_OPEN: Final = """
AND c.closed_at IS NULL
AND NOT EXISTS (
    SELECT FROM work_items x WHERE x.case_id = w.case_id AND x.finished_by = :person
    AND x.status = 'done' AND (x.finished_at, x.id) > (w.finished_at, w.id))
AND NOT EXISTS (
    SELECT FROM work_items x WHERE x.case_id = w.case_id AND x.status = 'open'
    AND x.assignee_id = :person)
"""
_LINES: Final = """
SELECT w.id AS item_id, w.name, w.outcome, w.finished_at, w.due_at AS item_due_at, c.id, c.number,
       c.title, c.class_code, c.address, c.district_code, c.outside_city, c.stage, c.closed_as,
       c.due_at, c.overdue, c.near_due, c.on_hold, c.limit_unit, c.unit_id, c.result_at,
       n.name AS next_name, n.role AS next_role, n.person AS next_person, n.unit_name, n.unit_name_en
FROM work_items w JOIN cases c ON c.id = w.case_id
LEFT JOIN LATERAL (
    SELECT o.name, o.role, p.name AS person, u.name AS unit_name, u.name_en AS unit_name_en
    FROM work_items o LEFT JOIN people p ON p.id = o.assignee_id
    LEFT JOIN units u ON u.id = o.unit_id
    WHERE o.case_id = c.id AND o.status = 'open' ORDER BY o.due_at, o.id LIMIT 1) AS n ON TRUE
WHERE w.finished_by = :person AND w.status = 'done' AND w.finished_at >= :since {open} {after}
ORDER BY w.finished_at DESC, w.id DESC LIMIT :size
"""
_AFTER: Final = "AND (w.finished_at, w.id) < (:after_at, :after_id)"


@dataclass(frozen=True, slots=True)
class DoneLine:
    """One item a person finished, and where its case is now. next_*: the open item that is due first."""

    item_id: int
    name: str
    outcome: str | None
    finished_at: datetime
    item_due_at: datetime
    id: int
    number: str
    title: str
    class_code: str | None
    address: str
    district_code: str | None
    outside_city: bool
    stage: str
    closed_as: str | None
    due_at: datetime | None
    overdue: bool
    near_due: bool
    on_hold: bool
    limit_unit: str | None
    unit_id: int | None
    result_at: datetime | None
    next_name: str | None
    next_role: str | None
    next_person: str | None
    unit_name: str | None
    unit_name_en: str | None


def done_items(
    session: Session,
    actor: Actor,
    *,
    since: datetime,
    still_open: bool,
    after: Place | None,
    size: int,
) -> Page[DoneLine]:
    """Return what the person finished since a moment, the latest first.

    still_open: only cases that wait for others now, each once.
    """
    values: dict[str, object] = {"person": actor.person_id, "since": since, "size": size + 1}
    if after is not None:
        values |= {"after_at": after.at, "after_id": after.id}
    statement = _LINES.format(
        open=_STILL_OPEN if still_open else "", after=_AFTER if after is not None else ""
    )
    rows = session.execute(text(statement), values)
    lines = [DoneLine(**row) for row in rows.mappings()]
    return page_of(lines, size, lambda line: Place(line.finished_at, line.item_id))
