"""What the pages of this room share: the blueprint, who may enter, the topics, the policy of the canvases."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from flask import Blueprint, Response, current_app, make_response
from flask_babel import lazy_gettext as _l
from flask_login import current_user

from app.accounts.roles import ADMINISTRATOR, ANALYST, AUDITOR
from app.web.security import CONTENT_SECURITY_POLICY

CASE_KEY: Final = "case"
ANALYSTS: Final = (ANALYST, ADMINISTRATOR)
READERS: Final = (*ANALYSTS, AUDITOR)
"""Who may look; what changes a draft is for analysts."""

STATUS_NAMES: Final = {
    "open": ("✎", _l("编辑中")),
    "proposed": ("→", _l("待审批")),
    "deployed": ("✓", _l("已部署")),
}

blueprint = Blueprint("modeling", __name__, template_folder="../templates", url_prefix="/modeling")


@blueprint.context_processor
def _offer_right() -> dict[str, bool]:
    """Tell the templates of this room whether the reader may change a draft."""
    return {"may_change": may_change()}


def may_change() -> bool:
    """Tell whether the reader may change a draft."""
    return current_user.is_authenticated and bool(current_user.actor.has(*ANALYSTS))


def known_topics() -> frozenset[str]:
    """Return what a service task may name: the rooms above say so when the house is put together."""
    topics: Callable[[], frozenset[str]] = current_app.extensions["jingwei.topics"]
    return topics()


def with_canvas(page: str) -> Response:
    """Return a page whose editor places its parts with style attributes; scripts stay our own."""
    response = make_response(page)
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY.replace(
        "style-src 'self'", "style-src 'self' 'unsafe-inline'"
    )
    return response
