"""The page of flood staff, made for a phone: sign on, the next step of each order, a note with a photo.

Every form carries a key of the request, so that what is sent again over a bad line is done once and answered alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Final

from flask import abort, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.accounts.roles import FLOOD_STAFF
from app.db.session import db
from app.errors import AppError, InvalidInput, StateChanged
from app.flood.at_point import truck_of_driver
from app.flood.commands.duty import Position, SignOff, SignOn, TellPosition, WriteNote
from app.flood.commands.orders import StepOrder
from app.flood.commands.trucks import ChangeTruck
from app.flood.duty import last_sign_on, notes_by, shifts_of, signed_on
from app.flood.orders import orders_for, own_open_orders, step_is_taken
from app.flood.pages.room import ID, blueprint, number_of, typed_key
from app.flood.points import points
from app.flood.tables import DutySignOn
from app.sensing.tables import Site
from app.web.access import open_to
from app.web.acting import act
from app.web.current import now, reader, runtime
from app.web.errors import status_of, text_of, wants_json

AHEAD: Final = timedelta(hours=24)
LISTED: Final = 20
# The step that a button of an order takes; only the first asks which way.
OUTCOMES: Final = {
    "T_acknowledge": "acknowledge",
    "T_on_way": "on_way",
    "T_on_site": "on_site",
    "T_done": "done",
}


@blueprint.get("/duty/me")
@open_to(FLOOD_STAFF)
def me() -> str:
    """Show one's own shifts, orders and truck."""
    return _page({})


@blueprint.post("/duty/me/sign-on")
@open_to(FLOOD_STAFF)
def sign_on() -> ResponseReturnValue:
    """Sign on where the browser says one is."""

    def do() -> dict[str, Any]:
        here = _position()
        return act(SignOn(here, number_of("shift_id"), number_of("site_id"), typed_key()))  # type: ignore[no-any-return]  # the command's own

    def is_on() -> bool:
        last = _last_sign_on()
        asked = (number_of("shift_id"), number_of("site_id"))
        return last is not None and last.off_at is None and _asked_of(last, *asked)

    return _answer(do, _said_where, is_on)


@blueprint.post("/duty/me/sign-off")
@open_to(FLOOD_STAFF)
def sign_off() -> ResponseReturnValue:
    """Sign off."""
    sign_on_id = number_of("sign_on_id")

    def is_off() -> bool:
        line = db.session().get(DutySignOn, sign_on_id) if sign_on_id is not None else None
        if line is None or line.person_id != reader().person_id:
            return False
        return line.off_at is not None

    # Kept on the phone while the line was down: they have gone, and what came meanwhile is not theirs to be asked of.
    leaving = "1" in {request.form.get("leaving_orders"), request.form.get("kept")}
    command = SignOff(typed_key(), leaving, sign_on_id)
    return _answer(lambda: act(command), lambda _done: (_("已签退。"), "success"), is_off)


@blueprint.post("/duty/me/position")
@open_to(FLOOD_STAFF)
def tell_position() -> ResponseReturnValue:
    """Tell where one is now."""
    return _answer(lambda: act(TellPosition(_position(), typed_key())), _said_where)


@blueprint.post("/duty/me/notes")
@open_to(FLOOD_STAFF)
def write_note() -> ResponseReturnValue:
    """Keep a note, with a photo perhaps."""

    def do() -> dict[str, Any]:
        file = request.files.get("photo")
        limit = runtime().services.settings.photo_bytes_limit
        photo = file.stream.read(limit + 1) if file is not None and file.filename else None
        text = request.form.get("text", "")
        return act(WriteNote(text, photo, number_of("order_id"), typed_key()))  # type: ignore[no-any-return]  # the command's own

    return _answer(do, lambda _done: (_("情况已上报。"), "success"))


@blueprint.post(f"/duty/me/orders/<{ID}:order_id>")
@open_to(FLOOD_STAFF)
def step_order(order_id: int) -> ResponseReturnValue:
    """Take the step of an order that the button stood for."""
    step = request.form.get("step", "")
    refused = request.form.get("outcome") == "refuse"
    outcome = "refuse" if refused else OUTCOMES.get(step, "")
    answers = {"outcome": outcome, "opinion": request.form.get("opinion", "")}
    return _answer(
        lambda: act(StepOrder(order_id, step, answers, typed_key())),
        lambda _done: (_("已记录。"), "success"),
        lambda: step_is_taken(db.session(), order_id, step, outcome, reader().person_id),
    )


@blueprint.post(f"/duty/me/trucks/<{ID}:truck_id>")
@open_to(FLOOD_STAFF)
def change_own_truck(truck_id: int) -> ResponseReturnValue:
    """Change what the truck that one drives does."""

    def do() -> dict[str, Any]:
        here = _position() if request.form.get("lon") else None
        state = request.form.get("state", "")
        return act(ChangeTruck(truck_id, state, number_of("site_id"), here, typed_key()))  # type: ignore[no-any-return]  # the command's own

    return _answer(do, lambda _done: (_("泵车状态已更改。"), "success"))


def _answer(
    do: Callable[[], dict[str, Any]],
    say: Callable[[Mapping[str, Any]], tuple[str, str]],
    is_done: Callable[[], bool] = lambda: False,
) -> ResponseReturnValue:
    """Do what was asked and lead back to the page; a program gets the answer itself.

    is_done: whether the reader had done it before, by another request. Then there is nothing to be told of.
    """
    if request.form.get("person", str(reader().person_id)) != str(reader().person_id):
        # A phone is passed on with what its page holds: it waits for whoever did it.
        abort(HTTPStatus.UNAUTHORIZED)
    try:
        done = do()
    except StateChanged as error:
        if is_done():
            return jsonify({"already": True}) if wants_json() else redirect(url_for("flood.me"))
        if wants_json():
            raise
        return _page({"": text_of(error)}), status_of(error)
    except InvalidInput as error:
        if wants_json():
            raise
        return _page(error.fields), status_of(error)
    except AppError as error:
        if wants_json():
            raise
        return _page({"": text_of(error)}), status_of(error)
    if wants_json():
        return jsonify(done)
    flash(*say(done))
    return redirect(url_for("flood.me"))


def _said_where(done: Mapping[str, Any]) -> tuple[str, str]:
    if done["in_place"] is None:
        return _("已到岗。"), "success"
    if done["in_place"]:
        return _("已到岗，距点位 %(n)s 米。", n=done["distance_m"]), "success"
    return _("距点位 %(n)s 米，超出范围，记为不在位。", n=done["distance_m"]), "error"


def _last_sign_on() -> DutySignOn | None:
    person_id = reader().person_id
    assert person_id is not None, "only people are signed in"
    return last_sign_on(db.session(), person_id)


def _asked_of(line: DutySignOn, shift_id: int | None, site_id: int | None) -> bool:
    """Tell whether a sign-on is that to a shift, or to a point."""
    return line.shift_id == shift_id if shift_id is not None else line.site_id == site_id


def _position() -> Position:
    """Return the position that the browser gave. Raises InvalidInput when it gave none."""
    try:
        here = Position(*(float(request.form[name]) for name in ("lon", "lat", "accuracy")))
    except (KeyError, ValueError) as exc:
        fault = "没有取得有效的位置：请允许浏览器使用定位后重试。"
        raise InvalidInput({"position": fault}) from exc
    return here


def _page(errors: Mapping[str, Any]) -> str:
    session, actor, at = db.session(), reader(), now()
    assert actor.person_id is not None, "only people are signed in"
    here = signed_on(session, actor.person_id)
    truck = truck_of_driver(session, actor.person_id)
    return render_template(
        "flood/me.html",
        here=here,
        site=session.get(Site, here.site_id) if here and here.site_id else None,
        shifts=shifts_of(session, actor.person_id, at, at + AHEAD),
        orders=orders_for(session, actor, LISTED),
        own_open=own_open_orders(session, actor),
        truck=truck,
        points=points(session) if truck is not None else [],
        notes=notes_by(session, actor.person_id, 5),
        errors=errors,
        now=at,
    )
