"""The heat of a month on the diagrams, and the same figures as a table."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Final

from flask import render_template, request
from flask.typing import ResponseReturnValue

from app.accounts.queries import descendants, platforms
from app.accounts.tables import Unit
from app.cases.calendars import working_calendar
from app.cases.pages import room as cases_room
from app.cases.pages.words import element_word
from app.cases.queries.outline import outline_of
from app.db.session import db
from app.errors import Forbidden, InvalidInput
from app.modeling.queries import active_hash, deployed
from app.oversight.pages import room
from app.oversight.pages.room import READERS, blueprint
from app.oversight.queries.diagrams import MAIN, drawings_of
from app.oversight.queries.heat import heat_of, worked_time
from app.web.access import open_to
from app.web.kept import kept

_MONTH: Final = re.compile(r"(20\d\d)-(0[1-9]|1[0-2])")


@blueprint.get("/oversight/heat")
@open_to(*READERS)
def heat() -> ResponseReturnValue:
    """Show where cases stand and how long each step takes, for a month and a unit."""
    session, now = db.session(), cases_room.now()
    month, start, end = _month(request.args.get("month", ""))
    units = _units()
    unit = _unit(units)
    version = deployed(cases_room.connection(), active_hash(cases_room.connection(), MAIN))
    drawings, names = drawings_of(version.files), outline_of(version.files, MAIN).names
    worked = worked_time(working_calendar(cases_room.settings()), start, end)
    counted_at, found = kept(
        ("heat", month, None if unit is None else unit.path),
        lambda: heat_of(
            session, worked, start, end, now, unit_path=None if unit is None else unit.path
        ),
    )
    rows = [found[key] for key in drawings.file_of if key in found]
    page = render_template(
        "oversight/heat.html",
        month=month,
        units=units,
        unit=unit,
        must_choose=not room.sight().whole,
        drawings=drawings,
        version_hash=version.hash,
        rows=rows,
        elsewhere=[heat for key, heat in sorted(found.items()) if key not in drawings.file_of],
        names={row.element: element_word(names.get(row.element, row.element)) for row in rows},
        by_calendar=worked.by_calendar,
        counted_at=counted_at,
    )
    return room.with_library_styles(page)


def _month(written: str) -> tuple[str, datetime, datetime]:
    """Return the month asked for, or the present one, with its first moment and the one after its last."""
    today = cases_room.today()
    match = _MONTH.fullmatch(written) if written else None
    if written and match is None:
        raise InvalidInput({"month": "月份应写作 2025-10 的样子"})
    year, month = (int(part) for part in match.groups()) if match else (today.year, today.month)
    following = date(year + month // 12, month % 12 + 1, 1)
    zone = cases_room.zone()
    start = datetime(year, month, 1, tzinfo=zone)
    end = datetime(following.year, following.month, 1, tzinfo=zone)
    return f"{year:04}-{month:02}", start, end


def _units() -> list[Unit]:
    """Return the units that the reader may look at: the platforms, or the own unit and those below."""
    session, actor = db.session(), cases_room.reader()
    if room.sight().whole:
        return list(platforms(session))
    own = session.get(Unit, actor.unit_id) if actor.unit_id else None
    if own is None:
        return []
    return [own, *descendants(session, actor.unit_path)]


def _unit(units: list[Unit]) -> Unit | None:
    """Return the unit asked for; the own one for whoever does not see the whole city."""
    asked = request.args.get("unit", type=int)
    found = next((unit for unit in units if unit.id == asked), None)
    if found is not None:
        return found
    if not room.sight().whole:
        if asked is not None or not units:
            raise Forbidden
        return units[0]
    return None
