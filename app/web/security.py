"""Headers that keep pages to themselves."""

from __future__ import annotations

from flask import Flask, Response

from app.settings import Settings

_IMAGES = "img-src 'self' data: blob:"
CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'self'",
        "script-src 'self'",
        "style-src 'self'",
        _IMAGES,
        "font-src 'self' data:",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ]
)


def init_app(app: Flask, settings: Settings) -> None:
    """Add the headers to every answer."""
    origins = "".join(f" {origin}" for origin in settings.media_origins)
    allowed = CONTENT_SECURITY_POLICY.replace(_IMAGES, _IMAGES + origins)
    allowed += f"; media-src 'self'{origins}"

    def add_headers(response: Response) -> Response:
        response.headers.setdefault("Content-Security-Policy", allowed)
        return _add_others(response)

    app.after_request(add_headers)


def _add_others(response: Response) -> Response:
    headers = response.headers
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "same-origin")
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    headers.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=(self)")
    if response.mimetype == "text/html":
        # Pages show what a person may see: no shared cache may keep them.
        headers.setdefault("Cache-Control", "private, no-cache")
    return response
