"""Pages of the shell itself: the door, the language, health."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy import text

from app.db.session import db
from app.errors import NotFound
from app.web.access import PUBLIC, open_to
from app.web.language import COOKIE, LANGUAGES
from app.web.navigation import first_page

YEAR_S = 365 * 24 * 3600

blueprint = Blueprint("web", __name__)


@blueprint.get("/")
@open_to(PUBLIC)
def home() -> ResponseReturnValue:
    """Lead to where the reader's day begins."""
    if not current_user.is_authenticated:
        return redirect(url_for("accounts.sign_in"))
    endpoint = first_page()
    if endpoint is None:
        raise NotFound
    return redirect(url_for(endpoint))


@blueprint.post("/language")
@open_to(PUBLIC)
def choose_language() -> ResponseReturnValue:
    """Keep the reader's language in a cookie and go back."""
    language = request.form.get("language", "")
    response = make_response(redirect(_local_path(request.form.get("back", ""))))
    if language in LANGUAGES:
        response.set_cookie(COOKIE, language, max_age=YEAR_S, httponly=True, samesite="Lax")
    return response


@blueprint.get("/healthz")
@open_to(PUBLIC)
def health() -> Response:
    """Answer 200 while pages can read the database."""
    db.session.execute(text("SELECT 1"))
    return Response("ok\n", mimetype="text/plain")


@blueprint.get("/favicon.ico")
@open_to(PUBLIC)
def favicon() -> Response:
    """Serve the mark to browsers that ask at the root."""
    return current_app.send_static_file("favicon.svg")


def _local_path(path: str) -> str:
    """Return the path if it stays on this site, otherwise the front door."""
    # A second slash or a backslash would make it the name of another host.
    return path if path.startswith("/") and path[1:2] not in {"/", "\\"} else "/"
