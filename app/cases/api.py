"""The cases room for programs: one case, and the open items of the person who asks."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from flask import current_app
from flask.views import MethodView
from flask_login import current_user
from flask_smorest import Blueprint
from marshmallow import Schema, fields, validate

from app.cases.queries import inbox
from app.cases.queries.case_file import open_items_of
from app.cases.queries.inbox import InboxFilter
from app.cases.queries.keyset import Place
from app.cases.queries.matching import without_nul
from app.cases.queries.visibility import visible_case
from app.db.session import db
from app.run import Actor, Runtime
from app.web.access import SIGNED_IN, open_to

blueprint = Blueprint("cases_api", __name__, url_prefix="/api", description="Cases and work items")


class OpenItemSchema(Schema):
    """An open work item of a case."""

    id = fields.Integer()
    element = fields.String()
    name = fields.String()
    stage = fields.String()
    role = fields.String()
    unit_id = fields.Integer(allow_none=True)
    assignee_id = fields.Integer(allow_none=True)
    due_at = fields.AwareDateTime()


class CaseSchema(Schema):
    """A case as it stands."""

    number = fields.String()
    title = fields.String()
    description = fields.String()
    channel = fields.String()
    class_code = fields.String(allow_none=True)
    address = fields.String()
    lon = fields.Float(allow_none=True)
    lat = fields.Float(allow_none=True)
    grid_code = fields.String(allow_none=True)
    district_code = fields.String(allow_none=True)
    outside_city = fields.Boolean()
    stage = fields.String()
    unit_id = fields.Integer(allow_none=True)
    reported_at = fields.AwareDateTime()
    filed_at = fields.AwareDateTime(allow_none=True)
    dispatched_at = fields.AwareDateTime(allow_none=True)
    due_at = fields.AwareDateTime(allow_none=True)
    closed_at = fields.AwareDateTime(allow_none=True)
    closed_as = fields.String(allow_none=True)
    overdue = fields.Boolean()
    on_hold = fields.Boolean()
    open_items = fields.List(fields.Nested(OpenItemSchema))


class InboxItemSchema(Schema):
    """A line of the inbox."""

    item_id = fields.Integer()
    element = fields.String()
    name = fields.String()
    stage = fields.String()
    number = fields.String()
    title = fields.String()
    class_code = fields.String(allow_none=True)
    address = fields.String()
    channel = fields.String()
    created_at = fields.AwareDateTime()
    due_at = fields.AwareDateTime()


class InboxPageSchema(Schema):
    """A page of the inbox; `next` is what `after` takes for the page that follows."""

    items = fields.List(fields.Nested(InboxItemSchema))
    next = fields.String(allow_none=True)


class InboxQuerySchema(Schema):
    """Which list, and where it goes on."""

    tab = fields.String(load_default="mine", validate=validate.OneOf(("mine", "group")))
    stage = fields.String(load_default=None)
    after = fields.String(load_default=None)


@blueprint.route("/cases/<number>")
@open_to(SIGNED_IN)
class CaseView(MethodView):
    """One case."""

    @blueprint.response(HTTPStatus.OK, CaseSchema)  # type: ignore[untyped-decorator]  # no types
    def get(self, number: str) -> dict[str, Any]:
        """Return a case by its number, if the person may see it."""
        session = db.session()
        case = visible_case(session, current_user.actor, number)
        columns = {
            name: getattr(case, name) for name in CaseSchema().fields if name != "open_items"
        }
        return columns | {"open_items": [line.item for line in open_items_of(session, case.id)]}


@blueprint.route("/items")
@open_to(SIGNED_IN)
class InboxView(MethodView):
    """Open work items."""

    @blueprint.arguments(InboxQuerySchema, location="query")  # type: ignore[untyped-decorator]  # no types
    @blueprint.response(HTTPStatus.OK, InboxPageSchema)  # type: ignore[untyped-decorator]  # no types
    def get(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Return the person's own open items, or those of their group that nobody has taken."""
        runtime: Runtime = current_app.extensions["jingwei"]
        actor: Actor = current_user.actor
        read = inbox.my_items if asked["tab"] == "mine" else inbox.group_items
        page = read(
            db.session(),
            actor,
            InboxFilter(stage=asked["stage"] and without_nul(asked["stage"])),
            after=Place.read(asked["after"]),
            size=runtime.services.settings.page_size,
        )
        return {"items": page.lines, "next": str(page.next) if page.next else None}
