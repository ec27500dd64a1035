"""One case with everything that belongs to it: items, clocks, requests, photos, log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.cases.tables import (
    Case,
    CaseFeedback,
    CaseLog,
    CaseRequest,
    Draft,
    Photo,
    ProcessInstance,
    SlaClock,
    SlaClockEvent,
    WorkItem,
)

LOG_PAGE: Final = 200


@dataclass(frozen=True, slots=True)
class ItemLine:
    """One work item of a case and who has it."""

    item: WorkItem
    unit_name: str | None
    unit_name_en: str | None
    assignee_name: str | None


@dataclass(frozen=True, slots=True)
class LogPage:
    """Rows of the log, newest first, and the seq that older rows lie before; None when there are none."""

    rows: tuple[CaseLog, ...]
    before: int | None


def case_by_number(session: Session, number: str) -> Case | None:
    """Return the case with this number."""
    return session.scalar(select(Case).where(Case.number == number))


def case_by_id(session: Session, case_id: int) -> Case | None:
    """Return the case with this id."""
    return session.get(Case, case_id)


def main_instance(session: Session, case_id: int) -> ProcessInstance | None:
    """Return the process instance that carries the case."""
    return session.scalar(
        select(ProcessInstance).where(
            ProcessInstance.case_id == case_id, ProcessInstance.key == "case"
        )
    )


def instance_by_id(session: Session, instance_id: int) -> ProcessInstance | None:
    """Return the process instance with this id."""
    return session.get(ProcessInstance, instance_id)


def work_item(session: Session, item_id: int) -> WorkItem | None:
    """Return one work item."""
    return session.get(WorkItem, item_id)


def open_items_of(session: Session, case_id: int) -> list[ItemLine]:
    """Return the open items of a case with the names of who has them."""
    rows = session.execute(text(_OPEN_ITEMS), {"case": case_id}).mappings().all()
    items = session.scalars(select(WorkItem).where(WorkItem.id.in_([row["id"] for row in rows])))
    by_id = {item.id: item for item in items}
    return [
        ItemLine(by_id[row["id"]], row["unit_name"], row["unit_name_en"], row["assignee_name"])
        for row in rows
    ]


_OPEN_ITEMS: Final = """
SELECT w.id, u.name AS unit_name, u.name_en AS unit_name_en, a.name AS assignee_name
FROM work_items w LEFT JOIN units u ON u.id = w.unit_id LEFT JOIN people a ON a.id = w.assignee_id
WHERE w.case_id = :case AND w.status = 'open' ORDER BY w.due_at, w.id
"""


def done_elements(session: Session, case_id: int) -> set[str]:
    """Return the elements that somebody completed at least once."""
    return set(
        session.scalars(
            select(WorkItem.element)
            .where(WorkItem.case_id == case_id, WorkItem.status == "done")
            .distinct()
        )
    )


def clocks_of(session: Session, case_id: int) -> Sequence[SlaClock]:
    """Return the clocks of a case, rounds in order."""
    return session.scalars(
        select(SlaClock).where(SlaClock.case_id == case_id).order_by(SlaClock.id, SlaClock.round)
    ).all()


def archived_events_of(session: Session, clock: SlaClock) -> list[dict[str, Any]]:
    """Return the events of a round that its clock's row no longer holds, in order."""
    of_round = (
        SlaClockEvent.case_id == clock.case_id,
        SlaClockEvent.name == clock.name,
        SlaClockEvent.round == clock.round,
    )
    return list(
        session.scalars(select(SlaClockEvent.event).where(*of_round).order_by(SlaClockEvent.seq))
    )


def requests_of(session: Session, case_id: int) -> Sequence[CaseRequest]:
    """Return what was asked for in a case, newest first."""
    return session.scalars(
        select(CaseRequest)
        .where(CaseRequest.case_id == case_id)
        .order_by(CaseRequest.asked_at.desc(), CaseRequest.id.desc())
    ).all()


def feedback_of(session: Session, case_id: int) -> Sequence[CaseFeedback]:
    """Return what the citizen said of a closed case, the last word first."""
    return session.scalars(
        select(CaseFeedback).where(CaseFeedback.case_id == case_id).order_by(CaseFeedback.id.desc())
    ).all()


def photos_of(session: Session, case_id: int) -> Sequence[Photo]:
    """Return the photos of a case in the order they were added."""
    return session.scalars(
        select(Photo).where(Photo.case_id == case_id).order_by(Photo.added_at, Photo.id)
    ).all()


def photo_of(session: Session, case_id: int, sha256: str) -> Photo | None:
    """Return one photo of a case."""
    return session.scalar(select(Photo).where(Photo.case_id == case_id, Photo.sha256 == sha256))


def log_of(session: Session, case_id: int, *, before: int | None = None) -> LogPage:
    """Return a page of the log, newest first. The timers' own bookkeeping is left out."""
    query = select(CaseLog).where(CaseLog.case_id == case_id, CaseLog.kind != "timer_fired")
    if before is not None:
        query = query.where(CaseLog.seq < before)
    rows = session.scalars(query.order_by(CaseLog.seq.desc()).limit(LOG_PAGE + 1)).all()
    shown = tuple(rows[:LOG_PAGE])
    return LogPage(shown, shown[-1].seq if len(rows) > LOG_PAGE else None)


def draft_of(session: Session, item_id: int, person_id: int | None) -> Draft | None:
    """Return what a person has typed into an item's form and not handed in."""
    return None if person_id is None else session.get(Draft, (item_id, person_id))


@dataclass(frozen=True, slots=True)
class Names:
    """Names by id or code, for what a page says in words."""

    people: dict[int, str]
    units: dict[int, tuple[str, str]]
    classes: dict[str, tuple[str, str]]


def names_of(
    session: Session,
    *,
    people: Sequence[int | None] = (),
    units: Sequence[int | None] = (),
    classes: Sequence[str | None] = (),
) -> Names:
    """Return the names of people, units (Chinese, English) and classes (Chinese, English)."""

    def pairs(statement: str, wanted: Sequence[Any]) -> list[Any]:
        known = sorted({value for value in wanted if value is not None})
        return list(session.execute(text(statement), {"wanted": known})) if known else []

    return Names(
        {row[0]: row[1] for row in pairs(_PEOPLE, people)},
        {row[0]: (row[1], row[2]) for row in pairs(_UNITS, units)},
        {row[0]: (row[1], row[2]) for row in pairs(_CLASSES, classes)},
    )


_PEOPLE: Final = "SELECT id, name FROM people WHERE id = ANY(CAST(:wanted AS bigint[]))"
_UNITS: Final = "SELECT id, name, name_en FROM units WHERE id = ANY(CAST(:wanted AS bigint[]))"
# The newest edition that has the code: a case keeps its code when the catalogue goes on.
_CLASSES: Final = """
SELECT DISTINCT ON (c.code) c.code, c.minor_name, c.name_en
FROM classes c JOIN catalogue_versions v ON v.id = c.version_id
WHERE c.code = ANY(CAST(:wanted AS text[])) ORDER BY c.code, v.valid_from DESC
"""


@dataclass(frozen=True, slots=True)
class ConditionLine:
    """The filing condition a case was filed under."""

    wording: str
    closing_wording: str


def condition_of_case(session: Session, condition_id: int | None) -> ConditionLine | None:
    """Return the filing condition of a case."""
    row = session.execute(
        text("SELECT wording, closing_wording FROM filing_conditions WHERE id = :id"),
        {"id": condition_id},
    ).one_or_none()
    return None if row is None else ConditionLine(row.wording, row.closing_wording)


@dataclass(frozen=True, slots=True)
class Finish:
    """Who finished an item and when; nobody for one that was cancelled."""

    status: str
    finished_at: datetime | None
    finisher_name: str | None
    outcome: str | None


def finish_of(session: Session, item_id: int) -> Finish | None:
    """Return how an item ended; None for an item that does not exist."""
    row = session.execute(
        select(WorkItem.status, WorkItem.finished_at, WorkItem.finished_by, WorkItem.outcome).where(
            WorkItem.id == item_id
        )
    ).one_or_none()
    if row is None:
        return None
    names = names_of(session, people=[row.finished_by]).people
    return Finish(row.status, row.finished_at, names.get(row.finished_by), row.outcome)
