"""The flood room for programs: hand forecasts in."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from flask import request
from flask.views import MethodView
from flask_smorest import Blueprint, abort
from marshmallow import Schema, fields

from app.db.session import db
from app.errors import InvalidInput
from app.flood.commands.forecasts import AddForecasts, Kept
from app.flood.forecast_files import forecasts_in_json
from app.run import SYSTEM, run
from app.sensing.commands import hash_of
from app.sensing.queries import source_of
from app.web.access import PUBLIC, open_to
from app.web.shell import csrf

blueprint = Blueprint("flood_api", __name__, url_prefix="/api/v1", description="Rain forecasts")
# No form of ours leads here: a source shows its token, and no cookie counts.
csrf.exempt(blueprint)


class KeptSchema(Schema):
    """How many forecasts are new, and how many were kept before."""

    added = fields.Integer()
    known = fields.Integer()


@blueprint.route("/forecasts")
@open_to(PUBLIC)
class ForecastsView(MethodView):
    """Rain forecasts, by the token of a source of readings."""

    @blueprint.response(HTTPStatus.OK, KeptSchema)  # type: ignore[untyped-decorator]  # no types
    def post(self) -> Mapping[str, Any]:
        """Keep forecasts by district and hour; sending the same again does no harm."""
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        source = source_of(db.session(), hash_of(token)) if kind == "Bearer" else None
        if source is None:
            abort(HTTPStatus.UNAUTHORIZED)
        assert source is not None, "refused above"
        content = request.get_json(silent=True)
        if content is None:
            raise InvalidInput({"forecasts": "应为 JSON"})
        kept: Kept = run(AddForecasts(forecasts_in_json(content, source)), actor=SYSTEM)
        return {"added": kept.added, "known": kept.known}
