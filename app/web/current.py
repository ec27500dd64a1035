"""What a request is answered with: who is signed in, the moment, the city's zone, the runtime."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from flask import current_app
from flask_login import current_user

from app.run import Actor, Runtime


def reader() -> Actor:
    """Return who is signed in."""
    found: Actor = current_user.actor
    return found


def runtime() -> Runtime:
    """Return the runtime of this application."""
    found: Runtime = current_app.extensions["jingwei"]
    return found


def now() -> datetime:
    """Return the moment of this request."""
    return runtime().clock.now()


def zone() -> ZoneInfo:
    """Return the city's time zone."""
    return runtime().services.settings.timezone
