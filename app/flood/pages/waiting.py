"""What of rain waits for the reader, in a line for the inbox."""

from __future__ import annotations

from flask import render_template

from app.accounts.roles import FLOOD_COMMANDER, FLOOD_STAFF
from app.db.session import db
from app.flood.orders import count_orders_for
from app.flood.pages.room import blueprint
from app.flood.waiting import count_troubled, waiting_decisions
from app.web.access import SIGNED_IN, open_to
from app.web.current import now, reader


@blueprint.get("/waiting")
@open_to(SIGNED_IN)
def waiting_line() -> str:
    """Say in one line what waits for the reader; nothing when nothing does."""
    session, actor = db.session(), reader()
    return render_template(
        "flood/waiting_line.html",
        decisions=waiting_decisions(session, actor),
        troubled=count_troubled(session, now()) if actor.has(FLOOD_COMMANDER) else 0,
        orders=count_orders_for(session, actor) if actor.has(FLOOD_STAFF) else 0,
    )
