"""Use cases of the catalogue room: bring an edition into force."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Final

from sqlalchemy import func, insert, select, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.catalogue.calendar_years import SpecialDay
from app.catalogue.files import ClassEntry, Condition, Edition, read_edition
from app.catalogue.tables import (
    CalendarDay,
    CalendarYear,
    CaseClass,
    CatalogueVersion,
    FilingCondition,
    WorkingHours,
)
from app.errors import InvalidInput, StateChanged, Text
from app.run import Tx, handles
from sla.calendar import CalendarRules, Hours
from sla.holidays import published_years

MOST_SPANS: Final = 4
YEARS_AHEAD: Final = 2
# Two installations that start together load one after the other.
_LOADING_LOCK: Final = 4_821_177


@dataclass(frozen=True)
class LoadCatalogue:
    """Load an edition from its file; loading it again changes nothing."""

    version: str


@dataclass(frozen=True)
class EnterCalendarYear:
    """Enter a year that nobody has published, with its holidays and make-up days."""

    year: int
    days: tuple[SpecialDay, ...] = field(repr=False)
    note: str = ""


@handles(EnterCalendarYear, "administrator")
def enter_calendar_year(command: EnterCalendarYear, tx: Tx) -> None:
    """Store the year. Raises InvalidInput for one that is published, StateChanged for one that is there."""
    if command.year in published_years() or not 2000 <= command.year <= 2100:
        raise InvalidInput(
            {"year": "这一年的节假日已经公布并随产品提供，或不在 2000 至 2100 年之间"}
        )
    added = tx.session.execute(
        postgresql.insert(CalendarYear)
        .values(
            year=command.year,
            note=command.note.strip(),
            entered_at=tx.clock.now(),
            entered_by=tx.actor.person_id,
        )
        .on_conflict_do_nothing()
        .returning(CalendarYear.year)
    ).scalar()
    if added is None:
        raise StateChanged("%(year)s 年的日历已经录入：时限按它算过，不能再改。", year=command.year)
    tx.session.execute(
        insert(CalendarDay),
        [
            {"day_on": day.on, "year": command.year, "working": day.working, "name": day.name}
            for day in command.days
        ],
    )


@dataclass(frozen=True)
class EnterWorkingHours:
    """Enter the working hours from a day to come: spans such as 08:30-12:00, in order."""

    valid_from: date
    spans: tuple[str, ...]
    note: str = ""


@handles(EnterWorkingHours, "administrator")
def enter_working_hours(command: EnterWorkingHours, tx: Tx) -> None:
    """Store the hours. Limits that run already keep the due times they have.

    Raises: InvalidInput naming the field for spans that overlap, or a day that has come or has hours already.
    """
    if len(command.spans) > MOST_SPANS:
        raise InvalidInput({"hours": Text("一天最多 %(n)s 段工作时间", n=MOST_SPANS)})
    rules = CalendarRules(hours=tuple(Hours.parse(span) for span in command.spans))
    _require_to_come(
        tx,
        command.valid_from,
        WorkingHours.valid_from,
        "生效日期应在今天之后：已经过去的时间按当时的工作时间计算",
    )
    tx.session.execute(
        insert(WorkingHours).values(
            valid_from=command.valid_from,
            spans=[str(hours) for hours in rules.hours],
            note=command.note.strip(),
            entered_at=tx.clock.now(),
            entered_by=tx.actor.person_id,
        )
    )


@dataclass(frozen=True)
class EnterEdition:
    """Enter an edition that comes into force on a day to come."""

    edition: Edition = field(repr=False)


@handles(EnterEdition, "administrator")
def enter_edition(command: EnterEdition, tx: Tx) -> int:
    """Store the edition and return the id of its version.

    Raises InvalidInput when its day has come already, or an edition of the same day or a later one is there:
    cases rest on what was in force.
    """
    begins = command.edition.valid_from
    _require_to_come(
        tx,
        begins,
        CatalogueVersion.valid_from,
        "生效日期应在今天之后：已经立案的案件按原分类办理",
    )
    return _insert(tx.session, command.edition)


def _require_to_come(
    tx: Tx, begins: date, editions: InstrumentedAttribute[date], past: str
) -> None:
    """Refuse a day on which no further edition may begin. Raises InvalidInput (field `valid_from`).

    past: what to say of a day that has come. What is entered is never taken back, so a year mistyped
    would shut the door to every edition before it.
    """
    today = tx.clock.now().astimezone(tx.services.settings.timezone).date()
    if begins <= today:
        raise InvalidInput({"valid_from": past})
    if begins.year > today.year + YEARS_AHEAD:
        raise InvalidInput({"valid_from": Text("生效日期最多提前 %(n)s 年录入", n=YEARS_AHEAD)})
    tx.session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOADING_LOCK})
    latest = tx.session.scalar(select(func.max(editions)))
    if latest is not None and latest >= begins:
        fault = Text("已有 %(on)s 起生效的一版，请选更晚的日期", on=str(latest))
        raise InvalidInput({"valid_from": fault})


@handles(LoadCatalogue, "administrator")
def load_catalogue(command: LoadCatalogue, tx: Tx) -> int:
    """Load the edition and return the id of its version.

    Raises: NotFound or DefinitionError from reading the file; StateChanged when the edition is in
    force with other content: cases rest on it, so a change is a new edition with a later day.
    """
    edition = read_edition(command.version)
    tx.session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOADING_LOCK})
    present = tx.session.scalar(
        select(CatalogueVersion).where(CatalogueVersion.valid_from == edition.valid_from)
    )
    if present is None:
        return _insert(tx.session, edition)
    if _stored_classes(tx.session, present.id) != set(edition.classes):
        raise StateChanged(
            "%(version)s 版分类已经生效，内容与文件不同：要改动，请另建一个生效日期更晚的文件。",
            version=command.version,
        )
    return present.id


def _insert(session: Session, edition: Edition) -> int:
    version_id: int = session.execute(
        insert(CatalogueVersion)
        .values(valid_from=edition.valid_from, note=edition.note)
        .returning(CatalogueVersion.id)
    ).scalar_one()
    rows = session.execute(
        insert(CaseClass).returning(CaseClass.code, CaseClass.id),
        [_class_row(version_id, entry) for entry in edition.classes],
    )
    class_ids = {row.code: row.id for row in rows}
    session.execute(
        insert(FilingCondition),
        [
            {
                "class_id": class_ids[entry.code],
                "seq": seq,
                "wording": condition.wording,
                "limit_value": condition.limit_value,
                "limit_unit": condition.limit_unit,
                "closing_wording": condition.closing_wording,
            }
            for entry in edition.classes
            for seq, condition in enumerate(entry.conditions, start=1)
        ],
    )
    return version_id


def _class_row(version_id: int, entry: ClassEntry) -> dict[str, object]:
    return {
        "version_id": version_id,
        "kind": entry.kind,
        "major_code": entry.major_code,
        "major_name": entry.major_name,
        "minor_code": entry.minor_code,
        "minor_name": entry.minor_name,
        "code": entry.code,
        "duty": entry.duty,
        "name_en": entry.name_en,
    }


def _stored_classes(session: Session, version_id: int) -> set[ClassEntry]:
    """Return the edition as it is in the database, in the form that the file is read into."""
    conditions: dict[int, list[Condition]] = {}
    for row in session.scalars(
        select(FilingCondition)
        .join(CaseClass, CaseClass.id == FilingCondition.class_id)
        .where(CaseClass.version_id == version_id)
        .order_by(FilingCondition.class_id, FilingCondition.seq)
    ):
        conditions.setdefault(row.class_id, []).append(
            Condition(row.wording, row.limit_value, row.limit_unit, row.closing_wording)
        )
    return {
        ClassEntry(
            code=row.code,
            kind=row.kind,
            major_name=row.major_name,
            minor_name=row.minor_name,
            name_en=row.name_en,
            duty=row.duty,
            conditions=tuple(conditions.get(row.id, ())),
        )
        for row in session.scalars(select(CaseClass).where(CaseClass.version_id == version_id))
    }
