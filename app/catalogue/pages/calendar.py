"""The working calendar: the years it knows, the special days of one, and the working hours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from flask import current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from app.catalogue import queries
from app.catalogue.calendar_years import days_of_text
from app.catalogue.commands import EnterCalendarYear, EnterWorkingHours
from app.catalogue.pages.room import blueprint, day_of
from app.catalogue.tables import WorkingHours
from app.db.session import db
from app.errors import InvalidInput
from app.run import Runtime
from app.web.access import SIGNED_IN, open_to
from app.web.acting import act
from app.web.errors import status_of
from sla.calendar import Hours
from sla.calendar_policy import read_rules
from sla.holidays import published_years

_HOURS_FIELDS: Final = (
    "valid_from", "morning_begin", "morning_end", "afternoon_begin", "afternoon_end", "hours_note",
)  # fmt: skip


@blueprint.get("/catalogue/calendar")
@open_to(SIGNED_IN)
def calendar() -> ResponseReturnValue:
    """Show which years the calendar knows, and the special days of one."""
    return _calendar_page({}, {})


@blueprint.post("/catalogue/calendar")
@open_to("administrator")
def enter_year() -> ResponseReturnValue:
    """Enter a year, or show the form again with what is wrong in it."""
    typed = {name: request.form.get(name, "") for name in ("year", "days", "note")}
    try:
        year = _year(typed["year"])
        act(EnterCalendarYear(year, days_of_text(typed["days"], year), typed["note"]))
    except InvalidInput as error:
        return _calendar_page(typed, error.fields), status_of(error)
    flash(_("%(year)s 年的日历已录入，一分钟内在各处生效。", year=year), "success")
    return redirect(url_for("catalogue.calendar", year=year))


@blueprint.post("/catalogue/calendar/hours")
@open_to("administrator")
def enter_hours() -> ResponseReturnValue:
    """Enter the working hours from a day on, or show the form again with what is wrong in it."""
    typed = {name: request.form.get(name, "").strip() for name in _HOURS_FIELDS}
    ends = [(typed[f"{part}_begin"], typed[f"{part}_end"]) for part in ("morning", "afternoon")]
    spans = tuple(f"{begin}-{end}" for begin, end in ends if begin or end)
    try:
        day = day_of("valid_from", typed["valid_from"])
        act(EnterWorkingHours(day, spans, typed["hours_note"]))
    except InvalidInput as error:
        return _calendar_page(typed, error.fields), status_of(error)
    flash(_("工作时间已录入，%(on)s 起生效。", on=str(day)), "success")
    return redirect(url_for("catalogue.calendar"))


def _editions() -> list[tuple[WorkingHours, str]]:
    """Return the entered hours, the latest first, each with where it stands today."""
    runtime: Runtime = current_app.extensions["jingwei"]
    today = runtime.clock.now().astimezone(runtime.services.settings.timezone).date()
    told, follower = [], False
    for edition in queries.entered_working_hours(db.session()):
        if edition.valid_from > today:
            told.append((edition, "ahead"))
        else:
            told.append((edition, "past" if follower else "present"))
            follower = True
    return told


def _said(hours: Sequence[Hours]) -> str:
    return str(_("、")).join(map(str, hours))


def _month_day(day: tuple[int, int]) -> str:
    return f"{day[0]:02}-{day[1]:02}"


def _year(text: str) -> int:
    if not text.strip().isdecimal():
        raise InvalidInput({"year": _("请填写四位数的年份")})
    return int(text)


def _calendar_page(typed: Mapping[str, str], errors: Mapping[str, str]) -> str:
    entered = queries.entered_calendar_years(db.session())
    rules = read_rules()
    published = published_years()
    shown = request.args.get("year", "")
    listed = next((one for one in entered if str(one.year) == shown), None)
    return render_template(
        "catalogue/calendar.html",
        entered=entered,
        first=min(published),
        last=max(published),
        listed=listed,
        days=queries.calendar_days(db.session(), listed.year) if listed else [],
        seasons=[
            (_month_day(one.first), _month_day(one.last), _said(one.hours)) for one in rules.seasons
        ],
        shipped=_said(rules.hours),
        editions=_editions(),
        typed=typed,
        errors=errors,
        may_enter=current_user.actor.has("administrator"),
    )
