"""Administration of units."""

from __future__ import annotations

from flask import redirect
from flask.typing import ResponseReturnValue

from app.accounts.pages.room import READERS, blueprint
from app.web.access import open_to


@blueprint.get("/admin")
@open_to(*READERS)
def admin() -> ResponseReturnValue:
    """Lead to the first page of the administration."""
    return redirect("/password")
