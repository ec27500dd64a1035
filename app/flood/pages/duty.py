"""Duty: who is to be where, who has come, and the roll."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from flask import Response, flash, redirect, render_template, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select

from app.accounts.roles import FLOOD_COMMANDER, UNIT_MANAGER
from app.accounts.tables import Person, Unit
from app.cases.pages.photos import SHOWN_TYPES
from app.cases.photos import photo_path
from app.db.session import db
from app.errors import AppError, Forbidden, InvalidInput, NotFound
from app.flood.commands.roster import COLUMNS, CallRoll, LoadRoster
from app.flood.duty import GRAVEST_FIRST, by_state, on_duty_beside, roll_calls, roster
from app.flood.pages.room import (
    ID,
    READERS,
    blueprint,
    bound_to,
    live_url,
    number_of,
    plain,
    policy,
)
from app.flood.samples import roster_sample
from app.flood.tables import DutyNote, DutyShift, RollCall
from app.sensing.tables import Site
from app.web.access import SIGNED_IN, open_to
from app.web.acting import act
from app.web.current import now, reader, runtime, zone
from app.web.errors import status_of, text_of
from app.web.spreadsheets.transfer import as_download, uploaded_workbook

# How far ahead of its beginning a shift is listed.
AHEAD: Final = timedelta(hours=12)
CALLS: Final = 20


@blueprint.get("/duty")
@open_to(*READERS)
def duty_page() -> str:
    """Show the roster of now and who of it is there."""
    return _page({})


@blueprint.post("/duty/roster")
@open_to(FLOOD_COMMANDER, UNIT_MANAGER)
def load_roster() -> ResponseReturnValue:
    """Take a file of shifts, or name the rows that are wrong."""
    try:
        added = act(LoadRoster(uploaded_workbook()))
    except InvalidInput as error:
        return _page(error.fields), status_of(error)
    flash(_("读入 %(n)s 个班次。", n=added), "success")
    return redirect(url_for("flood.duty_page"))


@blueprint.get("/duty/roster/sample.xlsx")
@open_to(FLOOD_COMMANDER, UNIT_MANAGER)
def roster_file() -> ResponseReturnValue:
    """Send a workbook to fill in."""
    return as_download(roster_sample(db.session(), now(), zone(), bound_to()), "roster.xlsx")


@blueprint.post("/duty/roll-calls")
@open_to(FLOOD_COMMANDER, UNIT_MANAGER)
def call_roll() -> ResponseReturnValue:
    """Call the roll and show it."""
    try:
        number = act(CallRoll(number_of("unit_id"), number_of("site_id")))
    except AppError as error:
        return _page({"": text_of(error)}), status_of(error)
    return redirect(url_for("flood.roll_call_page", roll_call_id=number))


@blueprint.get(f"/duty/roll-calls/<{ID}:roll_call_id>")
@open_to(*READERS)
def roll_call_page(roll_call_id: int) -> str:
    """Show a roll call as it was found."""
    session = db.session()
    call = session.get(RollCall, roll_call_id)
    if call is None:
        raise NotFound("没有这次点名。")
    unit = None if call.unit_id is None else session.get(Unit, call.unit_id)
    if bound_to() and (unit is None or not unit.path.startswith(bound_to())):
        raise Forbidden
    return render_template(
        "flood/roll_call.html",
        call=call,
        unit=unit,
        site=None if call.site_id is None else session.get(Site, call.site_id),
        caller=None if call.called_by is None else session.get(Person, call.called_by),
    )


@blueprint.get(f"/duty/notes/<{ID}:note_id>/photo")
@open_to(SIGNED_IN)
def note_photo(note_id: int) -> Response:
    """Send the photo of a note, to who wrote it and to who sees its unit."""
    session = db.session()
    note = session.get(DutyNote, note_id)
    if note is None or note.sha256 is None:
        raise NotFound
    if note.person_id != reader().person_id:
        reader().require(*READERS)
        unit_id = session.get_one(Person, note.person_id).unit_id
        if not session.get_one(Unit, unit_id).path.startswith(bound_to()):
            raise Forbidden
    path = photo_path(runtime().services.settings.photo_dir, note.sha256)
    if not path.exists():
        raise NotFound
    shown = note.media_type in SHOWN_TYPES
    response = send_file(path, mimetype=note.media_type, as_attachment=not shown)
    response.headers["Cache-Control"] = "private, max-age=604800, immutable"
    return response


def _page(errors: Mapping[str, Any]) -> str:
    session, at, state = db.session(), now(), plain("state")
    unit_id, site_id = number_of("unit_id"), number_of("site_id")
    found = roster(
        session,
        at,
        policy().duty.grace,
        ahead=AHEAD,
        path=bound_to(),
        unit_id=unit_id,
        site_id=site_id,
    )
    return render_template(
        "flood/duty.html",
        lines=sorted(
            (line for line in found if not state or line.state == state),
            key=lambda line: GRAVEST_FIRST.index(line.state),
        ),
        counts=by_state(found),
        beside=[] if unit_id or site_id else on_duty_beside(session, found, bound_to()),
        chosen={"unit_id": unit_id or "", "site_id": site_id or "", "state": state},
        units=_units(),
        sites=_sites(),
        calls=_calls(),
        may_load=reader().has(FLOOD_COMMANDER, UNIT_MANAGER),
        columns=list(COLUMNS.values()),
        errors=errors,
        now=at,
        live_url=live_url("flood.duty_page"),
    )


def _units() -> Sequence[Unit]:
    """Return the second-level units with shifts, the reader's own among them."""
    session = db.session()
    known = (
        select(Unit.path)
        .join(DutyShift, DutyShift.unit_id == Unit.id)
        .where(DutyShift.ends_at > now())
        .distinct()
    )
    seconds = {int(path.split("/")[2]) for path in session.scalars(known) if path.count("/") > 2}
    query = select(Unit).where(Unit.id.in_(seconds), Unit.path.startswith(bound_to()))
    return session.scalars(query.order_by(Unit.path)).all()


def _sites() -> Sequence[Site]:
    query = select(Site).where(
        Site.id.in_(select(DutyShift.site_id).where(DutyShift.ends_at > now()))
    )
    if bound_to():
        own = select(Unit.id).where(Unit.path.startswith(bound_to()))
        query = query.where(Site.unit_id.in_(own))
    return db.session.scalars(query.order_by(Site.code)).all()


def _calls() -> Sequence[RollCall]:
    session = db.session()
    if not bound_to():
        return roll_calls(session, None, CALLS)
    own = session.scalars(select(Unit.id).where(Unit.path.startswith(bound_to()))).all()
    return roll_calls(session, own, CALLS)
