"""What the selects of forms offer: classes, filing conditions, units, people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.queries import people_within, platforms
from app.accounts.tables import Unit
from app.cases.tables import Case
from app.catalogue.queries import all_classes, class_by_code, conditions_of
from app.catalogue.tables import CaseClass, FilingCondition


@dataclass(frozen=True, slots=True)
class PersonChoice:
    """A person who may be given work."""

    id: int
    name: str
    unit_name: str
    unit_name_en: str


def classes_offered(session: Session, on: date) -> Sequence[CaseClass]:
    """Return the classes in force on a day."""
    return all_classes(session, on)


def conditions_offered(
    session: Session, class_code: str | None, on: date
) -> Sequence[FilingCondition]:
    """Return the filing conditions of a class; none while no class is chosen."""
    found = class_by_code(session, class_code, on) if class_code else None
    return [] if found is None else conditions_of(session, found.id)


def units_offered(session: Session, chosen: int | None) -> Sequence[Unit]:
    """Return the second-level platforms, and the unit chosen already when it is another."""
    offered = list(platforms(session))
    if chosen is not None and all(unit.id != chosen for unit in offered):
        other = session.get(Unit, chosen)
        offered += [other] if other is not None and other.active else []
    return offered


def people_offered(session: Session, role: str, unit_id: int | None) -> list[PersonChoice]:
    """Return the people of a role within a unit, or of the whole city when it is no unit's work."""
    path = "/" if unit_id is None else session.scalar(select(Unit.path).where(Unit.id == unit_id))
    if path is None:
        return []
    people = people_within(session, path, [role])
    units = {
        unit.id: unit
        for unit in session.scalars(
            select(Unit).where(Unit.id.in_({person.unit_id for person in people}))
        )
    }
    return [
        PersonChoice(
            person.id, person.name, units[person.unit_id].name, units[person.unit_id].name_en
        )
        for person in people
    ]


def handlers_offered(session: Session, case: Case, role: str) -> list[PersonChoice]:
    """Return who may handle a case: the people of the unit that has it and of those below."""
    return [] if case.unit_id is None else people_offered(session, role, case.unit_id)
