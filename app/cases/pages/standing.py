"""Where a case stands in its diagram now: what is open, which messages it takes, what its clocks show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.cases.calendars import clock_policies
from app.cases.clocks import HANDLING, CaseClocks
from app.cases.pages import room
from app.cases.pages.deadlines import Deadline, clock_deadline
from app.cases.queries.case_file import archived_events_of
from app.cases.tables import Case, ProcessInstance, SlaClock
from app.engine.instance import open_elements, read
from app.engine.moment import Moment
from app.errors import CalendarMissing
from app.modeling.queries import Deployed
from app.web.errors import text_of
from app.web.language import language_code
from sla import clocks as arithmetic
from sla.clock_events import Carried, ClockEvents
from sla.explanation import ExplanationLine, explain

# A clock that was sent back hundreds of times would fill a book; its total is still shown.
LONGEST_ACCOUNT: Final = 200


@dataclass(frozen=True, slots=True)
class Standing:
    """here: elements with a live token. messages: what the diagram would take now."""

    here: frozenset[str]
    messages: frozenset[str]


NOWHERE: Final = Standing(frozenset(), frozenset())
"""Where a case stands that has no process."""


@dataclass(frozen=True, slots=True)
class ClockAccount:
    """One round of a clock with its arithmetic line by line.

    fault: why there are no lines, such as a year whose calendar nobody has loaded.
    """

    label: str
    round: int
    deadline: Deadline | None
    lines: tuple[ExplanationLine, ...]
    fault: str | None


def standing_of(
    instance: ProcessInstance, version: Deployed, clocks: Sequence[SlaClock], now: datetime
) -> Standing:
    """Read where an instance stands. Nothing runs: no effect is bound."""
    calendar = room.calendar()
    rows = [{"name": c.name, "round": c.round, "events": c.events} for c in clocks]
    functions = CaseClocks(rows, calendar, clock_policies(), now).functions()
    moment = Moment(now, functions)
    step = read(version.definition, instance.state, moment)
    here = open_elements(version.definition, instance.state, moment)
    return Standing(frozenset(here), frozenset(step.messages))


def accounts_of(
    session: Session, case: Case, clocks: Sequence[SlaClock], now: datetime
) -> list[ClockAccount]:
    """Return each clock of a case with its account: the one that counts first, then the latest."""
    ordered = sorted(clocks, key=lambda clock: (clock.name != HANDLING, -clock.id))
    return [_account(session, case, clock, now) for clock in ordered]


def _account(session: Session, case: Case, clock: SlaClock, now: datetime) -> ClockAccount:
    policy = clock_policies().get(clock.policy)
    label = policy.label(language_code()) if policy else clock.name
    calendar = room.calendar()
    try:
        events = arithmetic.from_plain(clock.events)
        reading = arithmetic.read(events, calendar, now)
        near = case.near_due and reading.due_at == case.due_at
        deadline = clock_deadline(reading, near=near)
        whole = _whole(session, clock, events)
        if len(whole) > LONGEST_ACCOUNT:
            fault = _("这只时钟有 %(n)s 次变化，不逐项列出。", n=len(whole))
            return ClockAccount(label, clock.round, deadline, (), fault)
        lines = tuple(explain(whole, calendar, language_code()))
        return ClockAccount(label, clock.round, deadline, lines, None)
    except CalendarMissing as missing:
        return ClockAccount(label, clock.round, None, (), text_of(missing))


def _whole(session: Session, clock: SlaClock, events: ClockEvents) -> ClockEvents:
    """Return all events of a round: a row holds the last ones, after one that carries those before."""
    if not isinstance(events[0], Carried):
        return events
    before = arithmetic.from_plain(archived_events_of(session, clock))
    return (*before, *events[1:])
