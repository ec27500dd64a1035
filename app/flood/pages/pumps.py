"""Pump trucks: where each is and what it does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import or_, select

from app.accounts.roles import FLOOD_COMMANDER
from app.db.session import db
from app.errors import AppError, InvalidInput, Text
from app.flood.at_point import trucks
from app.flood.commands.trucks import ChangeTruck
from app.flood.pages.room import (
    ID,
    READERS,
    blueprint,
    bound_to,
    plain,
    typed_key,
)
from app.flood.points import Wanted, points
from app.flood.tables import TRUCK_STATES
from app.sensing.tables import Site
from app.web.access import open_to
from app.web.acting import act
from app.web.errors import status_of, text_of
from sla.flood_files import GAUGE, TRADE


@blueprint.get("/pumps")
@open_to(*READERS)
def pumps_page() -> str:
    """List pump trucks, those at work first."""
    return _page(None, {})


@blueprint.post(f"/pumps/<{ID}:truck_id>")
@open_to(FLOOD_COMMANDER)
def change_truck(truck_id: int) -> ResponseReturnValue:
    """Change what a truck does, or show its row again with what is wrong and what was typed."""
    try:
        act(ChangeTruck(truck_id, request.form.get("state", ""), _site_id(), None, typed_key()))
    except InvalidInput as error:
        return _page(truck_id, _of_row(truck_id, error)), status_of(error)
    except AppError as error:
        return _page(truck_id, {"": text_of(error)}), status_of(error)
    flash(_("泵车状态已更改。"), "success")
    return redirect(url_for("flood.pumps_page", state=_shown() or None))


def _of_row(truck_id: int, error: InvalidInput) -> dict[str, Any]:
    """Return the faults by the ids of the two fields in a truck's row."""
    return {
        f"{'site' if key.startswith('site') else 'state'}-{truck_id}": fault
        for key, fault in error.fields.items()
    }


def _shown() -> str:
    """Return the state that the list is narrowed to; the form of a row names another one."""
    state = request.args.get("state", "")
    return state if state in TRUCK_STATES else ""


def _site_id() -> int | None:
    """Return the point of a typed code or name. Raises InvalidInput for none and for several."""
    given = plain("site")
    if not given:
        return None
    points = select(Site).where(Site.trade == TRADE, Site.kind != GAUGE, Site.active)
    for meant in (Site.code == given, or_(Site.name == given, Site.name_en == given)):
        found = db.session.scalars(points.where(meant).order_by(Site.code)).all()
        if len(found) > 1:
            codes = tuple(site.code for site in found)
            several = Text(
                "叫“%(name)s”的点位不止一处，请填编码：%(codes)s", name=given, codes=codes
            )
            raise InvalidInput({"site": several})
        if found:
            return found[0].id
    raise InvalidInput({"site": Text("没有防汛点位“%(code)s”", code=given)})


def _page(refused: int | None, errors: Mapping[str, Any]) -> str:
    """Show the trucks. refused: id of the one whose change was refused."""
    session, state = db.session(), _shown()
    whole = trucks(session, path=bound_to())
    return render_template(
        "flood/pumps.html",
        lines=[
            line for line in whole if not state or line[0].state == state or line[0].id == refused
        ],
        counts=Counter(line[0].state for line in whole),
        total=len(whole),
        working=sum(line[0].capacity_m3h for line in whole if line[0].state == "working"),
        state=state,
        points=points(session, Wanted(path=bound_to())),
        refused=refused,
        errors=errors,
        plates={
            f"{key}-{line[0].id}": line[0].plate for line in whole for key in ("state", "site")
        },
        typed=request.form,
    )
