"""What was asked for in cases and not decided, or decided and how; cases sent back again and again, cases on hold."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.cases.queries.keyset import Page, Place, page_of
from app.cases.queries.visibility import Sight

OFTEN: Final = 2
"""A case sent back more often than this stands among the disputed."""


@dataclass(frozen=True, slots=True)
class AskedLine:
    """One request in a case: who asked when and why, and what was decided."""

    id: int
    kind: str
    no: int
    asked_at: datetime
    asked_by: str | None
    unit_id: int | None
    unit_name: str | None
    unit_name_en: str | None
    reason: str
    details: dict[str, Any]
    decision: str | None
    decided_at: datetime | None
    decided_by: str | None
    opinion: str | None
    case_id: int
    number: str
    title: str
    class_code: str | None
    stage: str


@dataclass(frozen=True, slots=True)
class StandingCase:
    """A case that stands out by how often it was sent back, or by standing on hold.

    since, until, reason: of the hold; None for a case that is not on hold.
    """

    id: int
    number: str
    title: str
    class_code: str | None
    stage: str
    reported_at: datetime
    reworks: int
    unit_id: int | None
    unit_name: str | None
    unit_name_en: str | None
    since: datetime | None
    until: str | None
    reason: str | None
    asked_by: str | None
    decided_by: str | None


def waiting_requests(
    session: Session, sight: Sight, kind: str, *, after: Place | None, size: int
) -> Page[AskedLine]:
    """Return requests of a kind that wait for their decision, the oldest first."""
    return _asked(session, sight, kind, _WAITING, "asked_at", after=after, size=size)


def decided_requests(
    session: Session, sight: Sight, kind: str, decision: str, *, before: Place | None, size: int
) -> Page[AskedLine]:
    """Return requests of a kind with this decision, the newest decision first."""
    values: dict[str, object] = {"decision": decision}
    return _asked(
        session, sight, kind, _DECIDED, "decided_at", after=before, size=size, values=values
    )


_WAITING: Final = ("r.decision IS NULL", ">", "")
_DECIDED: Final = ("r.decision = :decision", "<", " DESC")

_ASKED: Final = """
SELECT r.id, r.kind, r.no, r.asked_at, a.name AS asked_by, r.unit_id, u.name AS unit_name,
       u.name_en AS unit_name_en, r.reason, r.details, r.decision, r.decided_at, d.name AS decided_by,
       r.opinion, c.id AS case_id, c.number, c.title, c.class_code, c.stage
FROM (
  SELECT r.* FROM case_requests r {join} WHERE r.kind = :kind AND {which}
  ORDER BY r.{moment}{order}, r.id{order} LIMIT :size
) AS r
JOIN cases c ON c.id = r.case_id LEFT JOIN units u ON u.id = coalesce(r.unit_id, c.unit_id)
LEFT JOIN people a ON a.id = r.asked_by LEFT JOIN people d ON d.id = r.decided_by
ORDER BY r.{moment}{order}, r.id{order}
"""


def _asked(
    session: Session,
    sight: Sight,
    kind: str,
    looked: tuple[str, str, str],
    moment: str,
    *,
    after: Place | None,
    size: int,
    values: dict[str, object] | None = None,
) -> Page[AskedLine]:
    which, beyond, order = looked
    bound: dict[str, object] = {"kind": kind, "size": size + 1, **(values or {})}
    if after is not None:
        which += f" AND (r.{moment}, r.id) {beyond} (:after_at, :after_id)"
        bound |= {"after_at": after.at, "after_id": after.id}
    join = ""
    if not sight.whole:
        join, which = "JOIN cases c ON c.id = r.case_id", f"{which} AND {sight.condition}"
        bound |= sight.values
    statement = _ASKED.format(join=join, which=which, moment=moment, order=order)
    lines = [AskedLine(**row) for row in session.execute(text(statement), bound).mappings()]
    return page_of(lines, size, lambda line: Place(getattr(line, moment), line.id))


def unsolved_for_citizens(
    session: Session, sight: Sight, *, after: Place | None, size: int
) -> Page[AskedLine]:
    """Return closed cases whose citizen's last word is that nothing was solved, the oldest word first."""
    which, bound = "", {"size": size + 1, **sight.values}
    if after is not None:
        which = "AND (f.at, f.id) > (:after_at, :after_id)"
        bound |= {"after_at": after.at, "after_id": after.id}
    statement = _UNSOLVED.format(which=which, seen=sight.condition)
    lines = [AskedLine(**row) for row in session.execute(text(statement), bound).mappings()]
    return page_of(lines, size, lambda line: Place(line.asked_at, line.id))


_UNSOLVED: Final = """
SELECT f.id, 'feedback' AS kind, 1 AS no, f.at AS asked_at, p.name AS asked_by, c.unit_id,
       u.name AS unit_name, u.name_en AS unit_name_en, f.words AS reason, '{{}}'::jsonb AS details,
       NULL AS decision, NULL::timestamptz AS decided_at, NULL AS decided_by, NULL AS opinion,
       c.id AS case_id, c.number, c.title, c.class_code, c.stage
FROM case_feedback f JOIN cases c ON c.id = f.case_id
LEFT JOIN units u ON u.id = c.unit_id LEFT JOIN people p ON p.id = f.recorded_by
WHERE NOT f.satisfied
  AND NOT EXISTS (SELECT FROM case_feedback later WHERE later.case_id = f.case_id AND later.id > f.id)
  AND {seen} {which}
ORDER BY f.at, f.id LIMIT :size
"""


def reworked_cases(
    session: Session, sight: Sight, *, after: Place | None, size: int
) -> Page[StandingCase]:
    """Return open cases that were sent back more often than OFTEN, the oldest first."""
    which = "c.closed_at IS NULL AND c.reworks > 2"
    return _standing(session, sight, which, after=after, size=size)


def held_cases(
    session: Session, sight: Sight, *, after: Place | None, size: int
) -> Page[StandingCase]:
    """Return the cases on hold, the oldest case first."""
    return _standing(session, sight, "c.on_hold", after=after, size=size)


_STANDING: Final = """
SELECT c.id, c.number, c.title, c.class_code, c.stage, c.reported_at, c.reworks, c.unit_id,
       u.name AS unit_name, u.name_en AS unit_name_en, h.decided_at AS since,
       h.details ->> 'hold_until' AS until, h.reason, a.name AS asked_by, d.name AS decided_by
FROM (
  SELECT c.* FROM cases c WHERE {which} ORDER BY c.reported_at, c.id LIMIT :size
) AS c
LEFT JOIN units u ON u.id = c.unit_id
LEFT JOIN LATERAL (
  SELECT * FROM case_requests r
  WHERE r.case_id = c.id AND r.kind = 'hold' AND r.decision = 'granted' AND c.on_hold
  ORDER BY r.no DESC LIMIT 1
) AS h ON TRUE
LEFT JOIN people a ON a.id = h.asked_by LEFT JOIN people d ON d.id = h.decided_by
ORDER BY c.reported_at, c.id
"""


def _standing(
    session: Session, sight: Sight, which: str, *, after: Place | None, size: int
) -> Page[StandingCase]:
    bound: dict[str, object] = {"size": size + 1}
    if after is not None:
        which += " AND (c.reported_at, c.id) > (:after_at, :after_id)"
        bound |= {"after_at": after.at, "after_id": after.id}
    if not sight.whole:
        which += f" AND {sight.condition}"
        bound |= sight.values
    rows = session.execute(text(_STANDING.format(which=which)), bound).mappings()
    lines = [StandingCase(**row) for row in rows]
    return page_of(lines, size, lambda line: Place(line.reported_at, line.id))
