"""Files to fill in: the heading that is wanted and a row that shows how."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.roles import FLOOD_STAFF
from app.accounts.tables import Person, PersonRole, Unit
from app.flood.commands.roster import COLUMNS as ROSTER_COLUMNS
from app.flood.forecast_files import COLUMNS as FORECAST_COLUMNS
from app.flood.forecast_files import EXAMPLE_SOURCE
from app.places.queries import districts
from app.sensing.tables import Site
from app.web.spreadsheets.writing import Value, table_of
from sla.flood_files import GAUGE, TRADE

_HOUR: Final = timedelta(hours=1)
_WRITTEN: Final = "%Y-%m-%d %H:%M"


def forecast_sample(session: Session, now: datetime, zone: ZoneInfo) -> bytes:
    """Return a workbook with one example, which is refused until it is edited; the codes of districts stand beside."""
    local = now.astimezone(zone)
    begins = local.replace(minute=0, second=0, microsecond=0) + _HOUR
    moments = [at.strftime(_WRITTEN) for at in (local, begins, begins + 3 * _HOUR)]
    # One example alone: a row for each district would be taken for its forecast where only some are edited.
    blank = ("",) * len(FORECAST_COLUMNS)
    rows: list[tuple[Value, ...]] = [(*blank, "", one.code, one.name) for one in districts(session)]
    if rows:
        listed = rows[0][len(blank) :]
        rows[0] = (moments[0], listed[1], *moments[1:], 12.5, EXAMPLE_SOURCE, *listed)
    return table_of(
        "降雨预报", (*FORECAST_COLUMNS.values(), "", "可填的代码", "区县名称"), rows, now
    )


def roster_sample(session: Session, now: datetime, zone: ZoneInfo, path: str) -> bytes:
    """Return a workbook with one shift of tomorrow. path: of the unit that the reader is bound to."""
    staff = select(PersonRole.person_id).where(PersonRole.role == FLOOD_STAFF)
    people = (
        select(Person)
        .join(Unit, Unit.id == Person.unit_id)
        .where(Person.active, Person.id.in_(staff), Unit.path.startswith(path))
        .order_by(Unit.path, Person.id)
    )
    points = (
        select(Site.code)
        .join(Unit, Unit.id == Site.unit_id)
        .where(Site.trade == TRADE, Site.kind != GAUGE, Site.active, Unit.path.startswith(path))
        .order_by(Site.code)
    )
    person, point = session.scalar(people.limit(1)), session.scalar(points.limit(1))
    begins = now.astimezone(zone).replace(hour=8, minute=0) + timedelta(days=1)
    shift = [at.strftime(_WRITTEN) for at in (begins, begins + 12 * _HOUR)]
    rows: list[tuple[Value, ...]] = []
    if person is not None:
        rows.append((person.login, point, *shift, person.name))
    return table_of("排班", (*ROSTER_COLUMNS.values(), "姓名"), rows, now)
