"""What the people of a simulated city know: places, classes and conditions, each other, the calendar."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.cases.calendars import working_calendar
from app.catalogue.queries import classes_on
from app.catalogue.tables import CaseClass, FilingCondition
from app.settings import Settings
from app.simulation.arrivals import Town, spots_of
from app.simulation.lives import Condition
from app.simulation.people_at_work import Staff, lateness_of
from app.simulation.planning import Planner
from sla.calendar import WorkingCalendar
from sla.limits import Limit


@dataclass(frozen=True)
class World:
    """A city as it is on a day."""

    town: Town
    planner: Planner
    conditions: dict[str, list[Condition]]

    @property
    def calendar(self) -> WorkingCalendar:
        """Return the city's working calendar."""
        return self.planner.staff.calendar

    @classmethod
    def of(cls, session: Session, settings: Settings, at: datetime, seed: int) -> World:
        """Read the city, with the classes in force at a moment."""
        staff = Staff.of(session, working_calendar(settings))
        on = at.astimezone(settings.timezone).date()
        class_names: dict[str, str] = {}
        wordings: dict[str, list[str]] = {}
        conditions: dict[str, list[Condition]] = {}
        for entry, row in _conditions_on(session, on):
            class_names[entry.code] = entry.minor_name
            wordings.setdefault(entry.code, []).append(row.wording)
            limit = Limit.of(row.limit_value, row.limit_unit)
            conditions.setdefault(entry.code, []).append(Condition(row.seq, limit))
        town = Town(spots_of(session), class_names, wordings, settings.timezone)
        planner = Planner(staff, lateness_of(staff.ranked_units, seed))
        return cls(town, planner, conditions)


def _conditions_on(session: Session, on: date) -> list[tuple[CaseClass, FilingCondition]]:
    """Return every filing condition in force with its class, in an order that no id decides."""
    classes = {entry.id: entry for entry in session.scalars(classes_on(on))}
    rows = session.scalars(
        select(FilingCondition).where(FilingCondition.class_id.in_(classes))
    ).all()
    paired = [(classes[row.class_id], row) for row in rows]
    return sorted(paired, key=lambda pair: (pair[0].code, pair[1].seq))
