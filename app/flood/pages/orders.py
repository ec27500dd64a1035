"""Orders: the commander's list with clocks, one order, and the form that issues one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select

from app.accounts.roles import FLOOD_COMMANDER, FLOOD_STAFF
from app.accounts.tables import Person, PersonRole, Unit
from app.db.keyset import Place
from app.db.session import db
from app.errors import AppError, InvalidInput, StateChanged, Text
from app.flood.commands.orders import CancelOrder, IssueOrder
from app.flood.duty import staff_called
from app.flood.orders import TOLD, line_of, orders
from app.flood.pages import words
from app.flood.pages.room import (
    ID,
    READERS,
    blueprint,
    bound_to,
    live_url,
    number_of,
    plain,
    refuse_other_units,
    typed_key,
)
from app.flood.tables import DutyNote, DutyShift, PumpTruck
from app.sensing.tables import Site
from app.web.access import open_to
from app.web.acting import act
from app.web.current import now, reader, runtime
from app.web.errors import status_of, text_of
from sla.flood_files import GAUGE, TRADE

# Whom a form offers at once; the others are found by typing a login, name or number.
OFFERED: Final = 500
# Of how many people of one name a fault speaks.
CANDIDATES: Final = 6


@blueprint.get("/orders")
@open_to(*READERS)
def orders_page() -> str:
    """List orders, the newest first, with the time that is left for each step."""
    return _page({})


@blueprint.post("/orders")
@open_to(FLOOD_COMMANDER)
def issue_order() -> ResponseReturnValue:
    """Issue an order, or show the form again with what is wrong."""
    try:
        issued = act(
            IssueOrder(
                request.form.get("text", ""),
                _person_id(),
                number_of("unit_id"),
                number_of("truck_id"),
                number_of("site_id"),
                typed_key(),
            )
        )
    except InvalidInput as error:
        return _page(error.fields), status_of(error)
    except AppError as error:
        return _page({"": text_of(error)}), status_of(error)
    flash(_("指令已下达。"), "success")
    return redirect(url_for("flood.order_page", order_id=issued["order_id"]))


@blueprint.get(f"/orders/<{ID}:order_id>")
@open_to(*READERS)
def order_page(order_id: int) -> str:
    """Show an order with its moments."""
    return _order(order_id, {})


@blueprint.post(f"/orders/<{ID}:order_id>/cancel")
@open_to(FLOOD_COMMANDER)
def cancel_order(order_id: int) -> ResponseReturnValue:
    """Take an order back."""
    try:
        act(CancelOrder(order_id, request.form.get("reason", "")))
    except InvalidInput as error:
        return _order(order_id, error.fields), status_of(error)
    except StateChanged as error:
        return _order(order_id, {"": text_of(error)}), status_of(error)
    flash(_("指令已撤回。"), "success")
    return redirect(url_for("flood.order_page", order_id=order_id))


def _person_id() -> int | None:
    """Return the person of a typed login, name or number. Raises InvalidInput for nobody and for several."""
    given = plain("login")
    if not given:
        return None
    found = staff_called(db.session(), given)
    if not found:
        fault = Text("没有这样的防汛人员“%(given)s”：请填登录名、姓名或电话", given=given)
        raise InvalidInput({"login": fault})
    if len(found) > 1:
        candidates = tuple(
            f"{person.name} · {words.name_of(unit)} · {person.login}"
            for person, unit in found[:CANDIDATES]
        )
        several = Text(
            "“%(given)s”不止一人：%(candidates)s。请填登录名", given=given, candidates=candidates
        )
        raise InvalidInput({"login": several})
    return found[0][0].id


def _page(errors: Mapping[str, Any]) -> str:
    session = db.session()
    size = runtime().services.settings.page_size
    place, at = Place.read(request.args.get("after")), now()
    troubled = request.args.get("troubled") == "1"
    open_only = not troubled and request.args.get("open") == "1"
    found = orders(
        session,
        size=size + 1,
        before=place,
        open_only=open_only,
        troubled_at=at if troubled else None,
        path=bound_to(),
    )
    last = found[size - 1].order if len(found) > size else None
    given: dict[str, Any] = {"troubled": 1} if troubled else {"open": 1} if open_only else {}
    onward = str(Place(last.issued_at, last.id)) if last else None
    return render_template(
        "flood/orders.html",
        lines=found[:size],
        open_only=open_only,
        troubled=troubled,
        refusals_hours=TOLD // timedelta(hours=1),
        next_url=url_for("flood.orders_page", after=onward, **given) if onward else None,
        first_url=url_for("flood.orders_page", **given) if place else None,
        may_issue=reader().has(FLOOD_COMMANDER),
        offered=_offered() if reader().has(FLOOD_COMMANDER) else {},
        typed=request.values,
        errors=errors,
        now=at,
        live_url=live_url("flood.orders_page"),
    )


def _offered() -> dict[str, Sequence[Any]]:
    session = db.session()
    staff = select(PersonRole.person_id).where(PersonRole.role == FLOOD_STAFF)
    on_roster = select(DutyShift.person_id).where(DutyShift.ends_at > now())
    people = (
        select(Person, Unit)
        .join(Unit, Unit.id == Person.unit_id)
        .where(Person.active, Person.id.in_(staff), Person.id.in_(on_roster))
        .order_by(Unit.path, Person.name)
        .limit(OFFERED)
    )
    points = select(Site).where(Site.trade == TRADE, Site.kind != GAUGE, Site.active)
    with_points = select(Site.unit_id).where(Site.trade == TRADE, Site.unit_id.is_not(None))
    trucks = select(PumpTruck).where(
        PumpTruck.driver_id.is_not(None), PumpTruck.state != "out_of_order"
    )
    return {
        "people": [(row[0], row[1]) for row in session.execute(people)],
        "points": session.scalars(points.order_by(Site.code)).all(),
        "units": session.scalars(
            select(Unit).where(Unit.id.in_(with_points)).order_by(Unit.path)
        ).all(),
        "trucks": session.scalars(trucks.order_by(PumpTruck.plate)).all(),
    }


def _order(order_id: int, errors: Mapping[str, Any]) -> str:
    session = db.session()
    line = line_of(session, order_id)
    refuse_other_units(line.unit.path)
    issuer = line.order.issued_by
    notes = select(DutyNote).where(DutyNote.order_id == order_id).order_by(DutyNote.at)
    return render_template(
        "flood/order.html",
        line=line,
        order=line.order,
        issuer=None if issuer is None else session.get(Person, issuer),
        notes=session.scalars(notes).all(),
        errors=errors,
        now=now(),
    )
