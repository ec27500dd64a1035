"""The sensing room for programs: hand readings in."""

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
from app.run import SYSTEM, run
from app.sensing.commands import StoreReadings, Taken, hash_of
from app.sensing.queries import source_of
from app.web.access import PUBLIC, open_to
from app.web.shell import csrf
from connectors import json_topics
from connectors.refusals import FrameRefused

blueprint = Blueprint(
    "sensing_api", __name__, url_prefix="/api/v1", description="Readings of sensors"
)
# No form of ours leads here: a source shows its token, and no cookie counts.
csrf.exempt(blueprint)


class TakenSchema(Schema):
    """What became of the readings."""

    stored = fields.Integer()
    refused = fields.Dict(keys=fields.String(), values=fields.Integer())


@blueprint.route("/readings")
@open_to(PUBLIC)
class ReadingsView(MethodView):
    """Readings of sensors, by the token of a source."""

    @blueprint.response(HTTPStatus.OK, TakenSchema)  # type: ignore[untyped-decorator]  # no types
    def post(self) -> Mapping[str, Any]:
        """Store a reading or a list of them; sending the same again does no harm."""
        source = _source()
        try:
            samples = json_topics.decode(request.get_data(cache=False))
        except FrameRefused as refusal:
            run(StoreReadings((), source, [refusal.reason.value]), actor=SYSTEM)
            raise InvalidInput({refusal.reason.value: refusal.detail}) from refusal
        taken: Taken = run(StoreReadings(samples, source), actor=SYSTEM)
        return {"stored": taken.stored, "refused": taken.refused}


def _source() -> str:
    """Return the source that the request's token belongs to, or refuse it."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    name = source_of(db.session(), hash_of(token)) if kind == "Bearer" else None
    if name is None:
        abort(HTTPStatus.UNAUTHORIZED)
    return f"http:{name}"
