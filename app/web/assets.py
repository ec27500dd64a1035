"""Addresses of static files that change when the file does, so that browsers may keep them for ever."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from flask import Flask, Response, request, url_for

STATIC = Path(__file__).parent / "static"
YEAR_S = 365 * 24 * 3600


def init_app(app: Flask) -> None:
    """Offer asset() to templates."""
    app.add_template_global(asset)
    app.after_request(_keep)


def asset(path: str) -> str:
    """Return the address of a file below app/web/static."""
    return url_for("static", filename=path, v=_digest(path))


@cache
def _digest(path: str) -> str:
    return hashlib.sha256((STATIC / path).read_bytes()).hexdigest()[:10]


def _keep(response: Response) -> Response:
    if request.endpoint == "static" and request.args.get("v"):
        response.headers["Cache-Control"] = f"public, max-age={YEAR_S}, immutable"
    return response
