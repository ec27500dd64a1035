"""The map's tiles, and which grid a point on it lies in."""

from __future__ import annotations

import math
from typing import Any

from flask import Blueprint, Response, jsonify, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select

from app.db.session import db
from app.errors import InvalidInput
from app.places.locate import locate
from app.places.queries import grid_digest
from app.places.tables import District, ResponsibilityGrid, Street
from app.places.tiles import MAX_ZOOM, bounds_of_city, tile
from app.web.access import SIGNED_IN, open_to

blueprint = Blueprint("places", __name__)

DAY_S = 24 * 3600


@blueprint.record_once
def _offer_map(state: Any) -> None:
    state.app.add_template_global(city_map)


def city_map() -> dict[str, str]:
    """Return what a map on a page is told: where its tiles come from and what it may show."""
    session = db.session()
    bounds = bounds_of_city(session)
    # The digest in the address: a browser may keep a tile until the grids change.
    address = url_for(
        "places.map_tile", zoom=0, column=0, row=0, v=(grid_digest(session) or "")[:12]
    )
    return {
        "tiles": address.replace("/0/0/0", "/{z}/{x}/{y}"),
        "bounds": "" if bounds is None else ",".join(f"{edge:.5f}" for edge in bounds),
        "max_zoom": str(MAX_ZOOM),
    }


@blueprint.get("/tiles/<int:zoom>/<int:column>/<int:row>")
@open_to(SIGNED_IN)
def map_tile(zoom: int, column: int, row: int) -> ResponseReturnValue:
    """Return a vector tile of the city."""
    response = Response(
        tile(db.session(), zoom, column, row), mimetype="application/vnd.mapbox-vector-tile"
    )
    response.headers["Cache-Control"] = f"private, max-age={DAY_S}"
    return response


@blueprint.get("/places/at")
@open_to(SIGNED_IN)
def at() -> ResponseReturnValue:
    """Return the grid, street and district of a point; each null where it is not known."""
    session = db.session()
    found = locate(session, _degrees("lon"), _degrees("lat"))
    names = {
        "district": session.scalar(select(District.name).where(District.code == found.district)),
        "street": session.scalar(select(Street.name).where(Street.code == found.street)),
        "responsibility_grid": session.scalar(
            select(ResponsibilityGrid.name).where(
                ResponsibilityGrid.code == found.responsibility_grid
            )
        ),
        "unit_grid": found.unit_grid,
    }
    return jsonify(names)


def _degrees(name: str) -> float:
    try:
        degrees = float(request.args.get(name, ""))
    except ValueError as exc:
        raise InvalidInput({name: _("应为以度为单位的数，例如 112.5489")}) from exc
    if not math.isfinite(degrees):
        raise InvalidInput({name: _("应为以度为单位的数，例如 112.5489")})
    return degrees
