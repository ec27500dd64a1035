"""The board of points and a point's own page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.accounts.roles import FLOOD_COMMANDER, WATCH_OFFICER
from app.accounts.tables import Unit
from app.db.session import db
from app.errors import AppError, InvalidInput, NotFound
from app.flood.at_point import alerts_at, calls_at, cases_at, commanded_at, curve, trucks
from app.flood.commands.calls import LONGEST_TEXT, CallPeople
from app.flood.commands.devices import CommandDevice
from app.flood.duty import notes_at, roster
from app.flood.events import open_event
from app.flood.orders import orders
from app.flood.pages.room import (
    ID,
    READERS,
    blueprint,
    bound_to,
    is_bound_from,
    live_url,
    number_of,
    plain,
    policy,
    typed_key,
)
from app.flood.points import Point, PointPlace, Wanted, point_of, points
from app.flood.rain import HOUR, rain_by_gauge
from app.places.queries import districts
from app.sensing.pages.alerts import ENDINGS, VERDICTS
from app.sensing.pages.drawing import Chart, chart
from app.sensing.pages.media import media_of
from app.sensing.tables import Alert, Site
from app.web.access import open_to
from app.web.acting import act
from app.web.current import now, reader, runtime, zone
from app.web.errors import status_of, text_of

CURVE: Final = timedelta(hours=12)
LISTED: Final = 20
_FILTERS: Final = ("q", "kind", "district", "level", "wet")


@blueprint.get("/")
@open_to(*READERS)
def board() -> str:
    """Show every point with its level and water, the gravest first."""
    session, at = db.session(), now()
    chosen = {name: plain(name) for name in _FILTERS}
    whole = points(session, Wanted(path=bound_to()))
    narrowed = any(chosen.values())
    level = number_of("level", chosen["level"])
    wanted = Wanted(
        chosen["q"],
        chosen["kind"],
        chosen["district"],
        level,
        chosen["wet"] == "1",
        bound_to(),
    )
    gauges = rain_by_gauge(session, at - HOUR, at)
    found = points(session, wanted) if narrowed else whole
    place = PointPlace.read(plain("after"))
    # All of them are read anyway, for the counts above the list.
    left = [point for point in found if place is None or place.is_before(point)]
    shown = left[: runtime().services.settings.page_size]
    given = {name: value for name, value in chosen.items() if value}
    onward = str(PointPlace.of(shown[-1])) if len(left) > len(shown) else None
    return render_template(
        "flood/board.html",
        lines=shown,
        found=len(found),
        next_url=url_for("flood.board", after=onward, **given) if onward else None,  # type: ignore[arg-type]  # names of ours
        first_url=url_for("flood.board", **given) if place else None,  # type: ignore[arg-type]  # names of ours
        total=len(whole),
        counts=Counter(point.level for point in whole),
        wet=sum(1 for point in whole if policy().is_wet(point.depth)),
        wet_cm=policy().wet_cm,
        gauges=gauges,
        most=max((one for one in gauges if one.mm), key=lambda one: one.mm or 0, default=None),
        event=open_event(session),
        chosen=chosen,
        narrowed=narrowed,
        districts=[(one.code, one.name) for one in districts(session)],
        bound=bool(bound_to()),
        now=at,
        live_url=live_url("flood.board"),
    )


@blueprint.get(f"/points/<{ID}:site_id>")
@open_to(*READERS)
def point_page(site_id: int) -> str:
    """Show a point: its water, what was raised there, who and what is there."""
    return _page(_point(site_id), {})


@blueprint.post(f"/points/<{ID}:site_id>/devices/<{ID}:device_id>")
@open_to(FLOOD_COMMANDER)
def command_siren(site_id: int, device_id: int) -> ResponseReturnValue:
    """Command a siren or a barrier of a point."""
    point = _point(site_id)
    try:
        act(CommandDevice(device_id, request.form.get("action", "")))
    except AppError as error:
        return _page(_point(site_id), _errors(error)), status_of(error)
    flash(_("命令已发出，设备是否执行见“声光报警和道闸”。"), "success")
    return redirect(url_for("flood.point_page", site_id=point.id))


@blueprint.post(f"/points/<{ID}:site_id>/calls")
@open_to(FLOOD_COMMANDER, WATCH_OFFICER)
def call_point(site_id: int) -> ResponseReturnValue:
    """Call the people of a point."""
    point = _point(site_id)
    try:
        called = act(
            CallPeople(
                site_id,
                request.form.get("way", ""),
                request.form.get("text", ""),
                number_of("person_id"),
                typed_key(),
            )
        )
    except AppError as error:
        return _page(_point(site_id), _errors(error)), status_of(error)
    flash(_("已安排呼叫，共 %(n)s 人，是否送出见下。", n=called["called"]), "success")
    if called["without"]:
        flash(_("没有电话号码：%(names)s。", names="、".join(called["without"])), "error")
    return redirect(url_for("flood.point_page", site_id=point.id))


def _errors(error: AppError) -> Mapping[str, str]:
    return error.fields if isinstance(error, InvalidInput) else {"": text_of(error)}


def _point(site_id: int) -> Point:
    session = db.session()
    point = point_of(session, site_id)
    if point is None:
        raise NotFound("没有这个点位。")
    unit = None if point.unit_id is None else session.get(Unit, point.unit_id)
    is_bound_from(point, unit.path if unit else None)
    return point


def _page(point: Point, errors: Mapping[str, Any]) -> str:
    session, at = db.session(), now()
    site = session.get_one(Site, point.id)
    here = roster(session, at, policy().duty.grace, site_id=point.id)
    devices = commanded_at(session, point.id, list(policy().actions))
    return render_template(
        "flood/point.html",
        point=point,
        site=site,
        chart=_chart(point.id),
        alerts=alerts_at(session, point.id, LISTED),
        ending=_ending,
        cases=cases_at(session, site, LISTED),
        people=here,
        notes=notes_at(session, point.id, LISTED),
        trucks=trucks(session, site_id=point.id, path=bound_to()),
        orders=orders(session, size=LISTED, site_id=point.id, path=bound_to()),
        video=media_of(site, "video"),
        image=media_of(site, "image"),
        devices=devices,
        unanswered=any(one.needs_people(at) for one in devices),
        actions=policy().actions,
        calls=calls_at(session, point.id, LISTED),
        may_call=reader().has(FLOOD_COMMANDER, WATCH_OFFICER),
        errors=errors,
        longest=LONGEST_TEXT,
        typed=request.form,
        now=at,
        live_url=live_url("flood.point_page", site_id=point.id),
    )


def _ending(alert: Alert) -> str:
    """Say how a closed alert ended: with its rule or device no reading returned to normal."""
    if alert.ended_with:
        return str(ENDINGS[alert.ended_with])
    return str(VERDICTS["withdrawn"][1]) if alert.verdict == "withdrawn" else _("已解除")


def _chart(site_id: int) -> Chart | None:
    until = now()
    return chart(curve(db.session(), site_id, until - CURVE, until), until - CURVE, until, zone())
