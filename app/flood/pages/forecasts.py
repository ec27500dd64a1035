"""Forecasts: the newest of each district, what they will probably flood, and a file of new ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.accounts.roles import FLOOD_COMMANDER, WATCH_OFFICER
from app.db.session import db
from app.errors import InvalidInput
from app.flood.commands.forecasts import LoadForecasts
from app.flood.forecast_files import COLUMNS
from app.flood.pages.room import WHOLE_CITY, blueprint, policy
from app.flood.points import likely_points
from app.flood.rain import forecasts_at
from app.flood.samples import forecast_sample
from app.web.access import open_to
from app.web.acting import act
from app.web.current import now, reader, zone
from app.web.errors import status_of
from app.web.spreadsheets.transfer import as_download, uploaded_workbook


@blueprint.get("/forecasts")
@open_to(*WHOLE_CITY)
def forecasts_page() -> str:
    """Show what is forecast for each district, and which points it will probably flood."""
    return _page({})


@blueprint.post("/forecasts")
@open_to(FLOOD_COMMANDER, WATCH_OFFICER)
def load_forecasts() -> ResponseReturnValue:
    """Take a file of forecasts, or name the rows that are wrong."""
    try:
        kept = act(LoadForecasts(uploaded_workbook()))
    except InvalidInput as error:
        return _page(error.fields), status_of(error)
    said = _("读入 %(n)s 份预报，另有 %(known)s 份已在库中。", n=kept.added, known=kept.known)
    flash(said, "success")
    return redirect(url_for("flood.forecasts_page"))


@blueprint.get("/forecasts/sample.xlsx")
@open_to(FLOOD_COMMANDER, WATCH_OFFICER)
def forecast_file() -> ResponseReturnValue:
    """Send a workbook to fill in."""
    return as_download(forecast_sample(db.session(), now(), zone()), "forecast.xlsx")


def _page(errors: Mapping[str, Any]) -> str:
    session, at = db.session(), now()
    return render_template(
        "flood/forecasts.html",
        forecasts=forecasts_at(session, at, policy().forecast_hours),
        likely=likely_points(session, at, policy()),
        hours=policy().forecast_hours,
        columns=list(COLUMNS.values()),
        may_load=reader().has(FLOOD_COMMANDER, WATCH_OFFICER),
        errors=errors,
    )
