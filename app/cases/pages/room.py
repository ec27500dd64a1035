"""What the pages of this room share: the blueprint, the moment, who reads."""

from __future__ import annotations

from datetime import date, datetime
from types import ModuleType
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, current_app
from flask_login import current_user
from psycopg import Connection

from app.cases.calendars import working_calendar
from app.cases.pages import words
from app.cases.queries.visibility import visible_case
from app.cases.tables import Case
from app.catalogue.calendar_years import entered_years
from app.db.session import connection_of, db
from app.run import Actor, Runtime
from app.settings import Settings
from app.web.formats import local_at
from sla.calendar import WorkingCalendar

blueprint = Blueprint("cases", __name__, template_folder="../templates")


@blueprint.context_processor
def _offer_words() -> dict[str, ModuleType]:
    """Offer the words of the trade to the templates of this room."""
    return {"words": words}


@blueprint.app_template_filter()
def local_input(text: str) -> str:
    """Write a moment as a datetime-local field holds it; what is no moment stays as it was typed."""
    moment = _moment(text)
    return text if moment is None else moment.astimezone(zone()).strftime("%Y-%m-%dT%H:%M")


@blueprint.app_template_filter()
def plain_words(value: object) -> str:
    """Say a value that a request holds as a code: a moment in local time, a limit in words."""
    moment = _moment(str(value))
    return words.limit_words(value) if moment is None else local_at(moment)


def _moment(text: str) -> datetime | None:
    """Return the aware moment that an ISO text names; None for anything else."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def runtime() -> Runtime:
    """Return the runtime of this application."""
    found: Runtime = current_app.extensions["jingwei"]
    return found


def settings() -> Settings:
    """Return the settings of this installation."""
    return runtime().services.settings


def zone() -> ZoneInfo:
    """Return the city's time zone."""
    return settings().timezone


def connection() -> Connection[Any]:
    """Return the psycopg connection that this request reads through."""
    return connection_of(db.session())


def now() -> datetime:
    """Return the present moment."""
    return runtime().clock.now()


def today() -> date:
    """Return the city's date."""
    return now().astimezone(zone()).date()


def reader() -> Actor:
    """Return the person who is signed in."""
    actor: Actor = current_user.actor
    return actor


def case_or_404(number: str) -> Case:
    """Return the case with this number. Raises NotFound, or Forbidden when it is not for this reader."""
    return visible_case(db.session(), reader(), number)


def calendar() -> WorkingCalendar:
    """Return the city's working calendar."""
    return working_calendar(settings(), lambda: entered_years(connection()))
