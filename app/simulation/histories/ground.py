"""What every history of a city stands on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from app.cases.calendars import clock_policies, working_calendar
from app.cases.commands.report import CASE_KEY
from app.catalogue.calendar_years import entered_years
from app.db.session import connection_of
from app.engine.definitions import times_of
from app.modeling.queries import active_hash, deployed
from app.places.locate import Place, locator_of
from app.settings import Settings
from app.simulation.histories.remembering import Remembering
from sla.calendar import WorkingCalendar
from sla.clock_policies import ClockPolicy


@dataclass(frozen=True)
class Ground:
    """What every history stands on. times: what each timer of the diagrams says, by element."""

    connection: Remembering
    calendar: WorkingCalendar
    policies: Mapping[str, ClockPolicy]
    times: Mapping[str, str]
    locate: Callable[[float, float], Place]
    zone: ZoneInfo

    @classmethod
    def of(cls, session: Session, settings: Settings) -> Ground:
        """Read it, with the diagrams that a case reported now would begin on."""
        connection = connection_of(session)
        definition = deployed(connection, active_hash(connection, CASE_KEY)).definition
        return cls(
            connection=Remembering(connection),
            calendar=working_calendar(settings, partial(entered_years, connection)),
            policies=clock_policies(),
            times=times_of(definition),
            locate=locator_of(session).locate,
            zone=settings.timezone,
        )
