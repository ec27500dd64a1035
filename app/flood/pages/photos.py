"""The last photo of a point, for the pages of the sensing room."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from flask import url_for
from sqlalchemy import select

from app.accounts.tables import Person, Unit
from app.cases.pages.photos import SHOWN_TYPES
from app.db.session import db
from app.flood.pages.room import READERS, bound_to
from app.flood.tables import DutyNote
from app.sensing.pages.media import TAKEN, Taken
from app.sensing.tables import Alert, Site
from app.web.current import now, reader

# How long before an alert a photo still shows the water that raised it.
BEFORE: Final = timedelta(hours=3)


def last_photo(site: Site, alert: Alert) -> Taken | None:
    """Return the newest photo from a point that shows an alert, to those who may open it."""
    if not reader().has(*READERS):
        return None
    wanted = (
        select(DutyNote)
        .join(Person, Person.id == DutyNote.person_id)
        .join(Unit, Unit.id == Person.unit_id)
        .where(DutyNote.site_id == site.id, DutyNote.media_type.in_(SHOWN_TYPES))
        .where(Unit.path.startswith(bound_to()))
        .where(DutyNote.at.between(alert.opened_at - BEFORE, alert.closed_at or now()))
        .order_by(DutyNote.at.desc(), DutyNote.id.desc())
        .limit(1)
    )
    note = db.session().scalar(wanted)
    if note is None:
        return None
    return Taken(url_for("flood.note_photo", note_id=note.id), note.at, note.text)


def join() -> None:
    """Let alerts of a point show it."""
    if last_photo not in TAKEN:
        TAKEN.append(last_photo)
