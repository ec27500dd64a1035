"""Reads of the catalogue room: which class, on which day, under which conditions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from app.catalogue.tables import (
    CalendarDay,
    CalendarYear,
    CaseClass,
    CatalogueVersion,
    FilingCondition,
    WorkingHours,
)
from app.errors import NotFound


@dataclass(frozen=True)
class ClassWithConditions:
    """A class and its filing conditions in order."""

    entry: CaseClass
    conditions: tuple[FilingCondition, ...]


def version_on(session: Session, on: date) -> CatalogueVersion | None:
    """Return the edition in force on a day; None before the first."""
    return session.scalar(
        select(CatalogueVersion)
        .where(CatalogueVersion.valid_from <= on)
        .order_by(CatalogueVersion.valid_from.desc())
        .limit(1)
    )


def classes_on(on: date) -> Select[CaseClass]:
    """Select the classes in force on a day."""
    newest = (
        select(func.max(CatalogueVersion.valid_from))
        .where(CatalogueVersion.valid_from <= on)
        .scalar_subquery()
    )
    return (
        select(CaseClass)
        .join(CatalogueVersion, CatalogueVersion.id == CaseClass.version_id)
        .where(CatalogueVersion.valid_from == newest)
    )


def class_by_code(session: Session, code: str, on: date) -> CaseClass | None:
    """Return the class that a code means on a day."""
    return session.scalar(classes_on(on).where(CaseClass.code == code))


def all_classes(session: Session, on: date, kind: str | None = None) -> Sequence[CaseClass]:
    """Return the classes in force on a day, of one kind or of all, in order of code."""
    query = classes_on(on)
    if kind is not None:
        query = query.where(CaseClass.kind == kind)
    return session.scalars(query.order_by(CaseClass.kind, CaseClass.code)).all()


def search_classes(
    session: Session, words: str, on: date, *, kind: str | None = None, limit: int | None = None
) -> Sequence[CaseClass]:
    """Return the classes whose name, code or conditions hold every word, names that match first."""
    query = classes_on(on)
    if kind is not None:
        query = query.where(CaseClass.kind == kind)
    named = []
    # PostgreSQL has no text with NUL in it, and psycopg refuses to ask for one.
    for word in words.replace("\0", " ").split():
        by_name = or_(
            CaseClass.minor_name.icontains(word, autoescape=True),
            CaseClass.name_en.icontains(word, autoescape=True),
            CaseClass.code.istartswith(word, autoescape=True),
        )
        by_condition = (
            select(FilingCondition.id)
            .where(FilingCondition.class_id == CaseClass.id)
            .where(FilingCondition.wording.icontains(word, autoescape=True))
            .exists()
        )
        in_major = CaseClass.major_name.icontains(word, autoescape=True)
        query = query.where(or_(by_name, in_major, by_condition))
        named.append(by_name.desc())
    return session.scalars(query.order_by(*named, CaseClass.code).limit(limit)).all()


def conditions_of(session: Session, class_id: int) -> Sequence[FilingCondition]:
    """Return the filing conditions of a class in order."""
    return session.scalars(
        select(FilingCondition)
        .where(FilingCondition.class_id == class_id)
        .order_by(FilingCondition.seq)
    ).all()


def condition_of(session: Session, class_id: int, seq: int) -> FilingCondition | None:
    """Return one filing condition of a class by its place in the list."""
    return session.scalar(
        select(FilingCondition).where(
            FilingCondition.class_id == class_id, FilingCondition.seq == seq
        )
    )


def with_conditions(session: Session, classes: Sequence[CaseClass]) -> list[ClassWithConditions]:
    """Return classes with their conditions, asking the database once."""
    rows = session.scalars(
        select(FilingCondition)
        .where(FilingCondition.class_id.in_([entry.id for entry in classes]))
        .order_by(FilingCondition.class_id, FilingCondition.seq)
    )
    of_class: dict[int, list[FilingCondition]] = {}
    for row in rows:
        of_class.setdefault(row.class_id, []).append(row)
    return [ClassWithConditions(entry, tuple(of_class.get(entry.id, ()))) for entry in classes]


def entered_calendar_years(session: Session) -> Sequence[CalendarYear]:
    """Return the years of the calendar that the city entered itself."""
    return session.scalars(select(CalendarYear).order_by(CalendarYear.year)).all()


def entered_working_hours(session: Session) -> Sequence[WorkingHours]:
    """Return the working hours that the city entered itself, the latest first."""
    return session.scalars(select(WorkingHours).order_by(WorkingHours.valid_from.desc())).all()


def calendar_days(session: Session, year: int) -> Sequence[CalendarDay]:
    """Return the special days of an entered year."""
    return session.scalars(
        select(CalendarDay).where(CalendarDay.year == year).order_by(CalendarDay.day_on)
    ).all()


def editions(session: Session) -> Sequence[CatalogueVersion]:
    """Return every edition, the latest first."""
    return session.scalars(
        select(CatalogueVersion).order_by(CatalogueVersion.valid_from.desc())
    ).all()


def version_of(session: Session, version_id: int) -> CatalogueVersion:
    """Return an edition. Raises NotFound."""
    version = session.get(CatalogueVersion, version_id)
    if version is None:
        raise NotFound
    return version


def classes_of(session: Session, version_id: int) -> Sequence[CaseClass]:
    """Return the classes of an edition in order of code."""
    return session.scalars(
        select(CaseClass).where(CaseClass.version_id == version_id).order_by(CaseClass.code)
    ).all()
