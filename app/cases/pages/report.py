"""Reporting a case."""

from __future__ import annotations

from collections.abc import Mapping

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.accounts.roles import COLLECTOR
from app.cases.commands import AddPhoto, ReportCase
from app.cases.commands.authority import REPORTERS
from app.cases.pages import room
from app.cases.pages.choice_lists import channel_options, class_options
from app.cases.pages.photos import uploaded_photos
from app.cases.pages.room import blueprint
from app.cases.queries.case_file import case_by_number
from app.cases.queries.matching import without_nul
from app.cases.queries.nearby import WITHIN_DAYS, WITHIN_M, Spot, cases_near
from app.cases.queries.visibility import sight_of
from app.db.session import db
from app.errors import InvalidInput
from app.web.access import open_to
from app.web.acting import act
from app.web.errors import status_of


@blueprint.get("/cases/new")
@open_to(*REPORTERS)
def new_case() -> ResponseReturnValue:
    """Show the form that reports a case."""
    return _form({"channel": "collector" if room.reader().has(COLLECTOR) else "hotline"}, {})


@blueprint.post("/cases/new")
@open_to(*REPORTERS)
def report() -> ResponseReturnValue:
    """Report a case with its photos, or show the form again with what is wrong."""
    typed = {name: value.replace("\r\n", "\n") for name, value in request.form.items()}
    try:
        photos = uploaded_photos()
        result = act(_command(typed))
    except InvalidInput as error:
        return _form(typed, error.fields), status_of(error)
    for _name, content in photos:
        act(AddPhoto(result.case_id, content, "before"))
    _say_where(result.number)
    return redirect(url_for("cases.case_page", number=result.number))


@blueprint.get("/cases/new/nearby")
@open_to(*REPORTERS)
def nearby_open() -> ResponseReturnValue:
    """Return the open cases near the place typed in, as a part of the page; nothing where none is."""
    try:
        lon, lat = _degrees(request.args, "lon"), _degrees(request.args, "lat")
    except InvalidInput:
        return ""
    if lon is None or lat is None or not (-180 <= lon <= 180 and -90 <= lat <= 90):
        return ""
    session, class_code = db.session(), without_nul(request.args.get("class_code", ""))
    spot = Spot(lon, lat, class_code or None, room.now())
    return render_template(
        "cases/report_nearby.html",
        nearby=cases_near(session, spot, sight_of(session, room.reader()), open_only=True),
        class_code=class_code,
        within_m=WITHIN_M,
        within_days=WITHIN_DAYS,
    )


def _command(typed: Mapping[str, str]) -> ReportCase:
    return ReportCase(
        channel=typed.get("channel", ""),
        title=typed.get("title", ""),
        description=typed.get("description", ""),
        class_code=typed.get("class_code") or None,
        address=typed.get("address", ""),
        lon=_degrees(typed, "lon"),
        lat=_degrees(typed, "lat"),
        reporter_name=typed.get("reporter_name") or None,
        reporter_phone=typed.get("reporter_phone") or None,
        self_handled=typed.get("self_handled") == "true",
    )


def _degrees(typed: Mapping[str, str], name: str) -> float | None:
    """Return degrees typed into a field; None for an empty one. Raises InvalidInput naming the field."""
    text = typed.get(name, "").strip()
    if not text:
        return None
    try:
        return float(text)
    except ValueError as exc:
        raise InvalidInput({name: _("应为以度为单位的数，例如 112.5489")}) from exc


def _say_where(number: str) -> None:
    """Tell the number given, and that a place outside the city was accepted all the same."""
    case = case_by_number(db.session(), number)
    flash(_("已登记，案卷号 %(number)s。", number=number), "success")
    if case is not None and case.outside_city:
        flash(_("位置不在本市范围内：案件照常受理，由人核实归属。"), "warning")


def _form(typed: Mapping[str, str], errors: Mapping[str, str]) -> str:
    return render_template(
        "cases/report.html",
        typed=typed,
        errors=errors,
        channels=channel_options(),
        classes=class_options(db.session(), room.today()),
    )
