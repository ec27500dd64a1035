"""How much time is left, said in shape, word and colour."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from flask_babel import gettext as _

from app.cases.pages import room
from app.cases.queries.handed_on import DoneLine
from app.cases.queries.inbox import InboxLine
from app.cases.queries.search import FoundCase
from app.cases.tables import Case, WorkItem
from app.engine.moment import NEVER
from app.errors import CalendarMissing
from app.web.language import language_code
from sla.calendar import Measure, WorkingCalendar
from sla.clocks import ClockReading, ClockState
from sla.limits import LimitUnit
from sla.wording import Wording, left_words, time_left_text

# The centre's own steps (受理, 核实, 派遣, 核查) have limits that run without a break.
_OWN_STEPS: Final = LimitUnit.URGENT_HOUR


@dataclass(frozen=True, slots=True)
class Deadline:
    """One deadline as a list shows it. state: overdue, near, normal, paused, done or none."""

    state: str
    text: str
    due_at: datetime | None


def line_deadline(line: InboxLine, now: datetime) -> Deadline:
    """Return the deadline of a line of the inbox."""
    return _of_item(line.due_at, line.case_due_at, line, now)


def item_deadline(item: WorkItem, case: Case, now: datetime) -> Deadline:
    """Return the deadline of a work item of a case."""
    return _of_item(item.due_at, case.due_at, case, now)


def _of_item(
    due_at: datetime, case_due_at: datetime | None, case: Case | InboxLine, now: datetime
) -> Deadline:
    if due_at == NEVER:
        return Deadline("paused" if case.on_hold else "none", "", None)
    of_handling = due_at == case_due_at
    unit = LimitUnit(case.limit_unit) if of_handling and case.limit_unit else _OWN_STEPS
    return _running(due_at, now, unit, near=of_handling and case.near_due)


def case_deadline(case: Case | FoundCase | DoneLine, now: datetime) -> Deadline:
    """Return the deadline of a case: that of its handling."""
    if case.result_at is not None:
        return Deadline("done", _("超期") if case.overdue else _("按期"), None)
    if case.closed_as is not None:
        return Deadline("none", "", None)
    if case.due_at is None:
        # A unit has it within a limit and nothing is due: it is on hold, or returned and not ruled on.
        limited = case.unit_id is not None and case.limit_unit is not None
        return Deadline("paused" if case.on_hold or limited else "none", "", None)
    unit = LimitUnit(case.limit_unit) if case.limit_unit else _OWN_STEPS
    return _running(case.due_at, now, unit, near=case.near_due)


def clock_deadline(reading: ClockReading, *, near: bool = False) -> Deadline:
    """Return what a clock shows."""
    wording = _wording()
    left = partial(left_words, wording, reading.remaining, reading.measure)
    late = wording.short_amount(reading.overdue_by, Measure.ELAPSED)
    match reading.state:
        case ClockState.CANCELLED:
            return Deadline("done", _("已取消"), None)
        case ClockState.STOPPED:
            text = _("超期 %(late)s", late=late) if reading.overdue else _("按期")
            return Deadline("done", text, reading.due_at)
        case ClockState.PAUSED if not reading.overdue:
            return Deadline("paused", left(), None)
    if reading.overdue:
        return Deadline("overdue", late, reading.due_at)
    return Deadline("near" if near else "normal", left(), reading.due_at)


def _running(due_at: datetime, now: datetime, unit: LimitUnit, *, near: bool) -> Deadline:
    if now > due_at:
        text = _wording().short_amount(now - due_at, Measure.ELAPSED)
        return Deadline("overdue", text, due_at)
    try:
        text = time_left_text(due_at, now, unit, _calendar(), language_code())
    except CalendarMissing:
        # A list must not fail for one row whose year nobody has loaded: its date is still shown.
        text = ""
    return Deadline("near" if near else "normal", text, due_at)


def _wording() -> Wording:
    return Wording(language_code(), _calendar())


def _calendar() -> WorkingCalendar:
    return room.calendar()
