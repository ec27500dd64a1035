"""What the pages of this room share: the blueprint, who may open them, what a reader sees."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import ModuleType
from typing import Final

from flask import Blueprint, Response, current_app, make_response
from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from app.accounts.roles import (
    ASSESSOR,
    AUDITOR,
    DUTY_CHIEF,
    LEADER,
    SUPERVISOR,
    UNIT_MANAGER,
)
from app.cases.calendars import working_calendar
from app.cases.pages import room as cases_room
from app.cases.pages import words
from app.cases.queries.visibility import Sight, sight_of
from app.db.session import db
from app.errors import CalendarMissing
from app.web.access import rule_of
from app.web.formats import working_minutes
from app.web.language import language_code
from app.web.security import CONTENT_SECURITY_POLICY
from sla.calendar import Measure
from sla.limits import LimitUnit
from sla.wording import Wording

READERS: Final = (SUPERVISOR, DUTY_CHIEF, LEADER, AUDITOR, ASSESSOR, UNIT_MANAGER)
SUPERVISORS: Final = (DUTY_CHIEF, SUPERVISOR, LEADER)
"""Who may raise a supervision."""

SECTIONS: Final[tuple[tuple[str, LazyString], ...]] = (
    ("oversight.glance", _l("全市一览")),
    ("oversight.overdue", _l("超期")),
    ("oversight.disputed", _l("争议与督办")),
    ("oversight.extensions", _l("延期记录")),
    ("oversight.held", _l("挂账在册")),
    ("oversight.heat", _l("流程热力")),
    ("oversight.reassign", _l("批量改派")),
)

blueprint = Blueprint("oversight", __name__, template_folder="../templates")


@blueprint.context_processor
def _offer_words() -> dict[str, ModuleType | list[tuple[str, LazyString]]]:
    """Offer the words of the trade, and the sections that the reader may open, to the templates of this room."""
    actor = cases_room.reader()
    opened = [one for one in SECTIONS if actor.has(*rule_of(current_app, one[0]))]
    return {"words": words, "sections": opened}


def sight() -> Sight:
    """Return which cases the reader may see."""
    return sight_of(db.session(), cases_room.reader())


def lateness(due_at: datetime, now: datetime, unit: str | None) -> str:
    """Say how long a case is overdue: in working time where its limit is counted so."""
    calendar = working_calendar(cases_room.settings())
    counted = LimitUnit(unit).measure if unit else Measure.ELAPSED
    if counted is Measure.WORKING:
        try:
            return working_minutes(working_minutes_between(due_at, now))
        except CalendarMissing:
            pass  # a year nobody has loaded: said by the clock on the wall
    wording = Wording(language_code(), calendar)
    return wording.short_amount(max(now - due_at, timedelta()), Measure.ELAPSED)


def working_minutes_between(start: datetime, end: datetime) -> int:
    """Return the minutes of working time between two moments. Raises CalendarMissing."""
    calendar = working_calendar(cases_room.settings())
    return int(calendar.working_seconds_between(start, end) // 60) if end > start else 0


def with_library_styles(page: str) -> Response:
    """Return a page on which a drawing library may set styles: diagrams and charts place their parts so."""
    response = make_response(page)
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY.replace(
        "style-src 'self'", "style-src 'self' 'unsafe-inline'"
    )
    return response
