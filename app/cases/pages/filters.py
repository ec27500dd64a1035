"""Saving what the inbox is narrowed to, under a name."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qsl, urlencode

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.cases.commands import DropFilter, SaveFilter
from app.cases.pages.inbox import FILTER_NAMES
from app.cases.pages.room import blueprint
from app.cases.queries.matching import without_nul
from app.web.access import SIGNED_IN, open_to
from app.web.acting import act

_FILTER: Final = f"int(max={2**63 - 1}):filter_id"


@blueprint.post("/inbox/filters")
@open_to(SIGNED_IN)
def save_filter() -> ResponseReturnValue:
    """Save the filter that the inbox shows."""
    known = [
        (name, value)
        for name, value in parse_qsl(without_nul(request.form.get("query", "")))
        if name == "tab" or name in FILTER_NAMES
    ]
    act(SaveFilter(without_nul(request.form.get("name", "")), urlencode(known)))
    flash(_("筛选已保存。"), "success")
    return redirect(f"{url_for('cases.inbox')}?{urlencode(known)}")


@blueprint.post(f"/inbox/filters/<{_FILTER}>/drop")
@open_to(SIGNED_IN)
def drop_filter(filter_id: int) -> ResponseReturnValue:
    """Drop a saved filter."""
    act(DropFilter(filter_id))
    flash(_("筛选已删去。"), "success")
    return redirect(url_for("cases.inbox"))
