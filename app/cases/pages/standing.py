"""Where a case stands in its diagram now: what is open, which messages it takes, what its clocks show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.cases.calendars import clock_policies, working_calendar
from app.cases.clocks import CaseClocks
from app.cases.pages import room
from app.cases.pages.deadlines import Deadline, clock_deadline
from app.cases.tables import Case, ProcessInstance, SlaClock
from app.engine.instance import open_elements, read
from app.engine.moment import Moment
from app.errors import CalendarMissing
from app.modeling.queries import Deployed
from app.web.language import language_code
from sla import clocks as arithmetic
from sla.explanation import ExplanationLine, explain


@dataclass(frozen=True, slots=True)
class Standing:
    """here: elements with a live token. messages: what the diagram would take now."""

    here: frozenset[str]
    messages: frozenset[str]


@dataclass(frozen=True, slots=True)
class ClockAccount:
    """One round of a clock with its arithmetic line by line; without lines when a year's calendar is missing."""

    label: str
    round: int
    deadline: Deadline | None
    lines: tuple[ExplanationLine, ...]
    fault: str | None


def standing_of(
    instance: ProcessInstance, version: Deployed, clocks: Sequence[SlaClock], now: datetime
) -> Standing:
    """Read where an instance stands. Nothing runs: no effect is bound."""
    calendar = working_calendar(room.settings())
    rows = [{"name": c.name, "round": c.round, "events": c.events} for c in clocks]
    functions = CaseClocks(rows, calendar, clock_policies(), now).functions()
    moment = Moment(now, functions)
    step = read(version.definition, instance.state, moment)
    here = open_elements(version.definition, instance.state, moment)
    return Standing(frozenset(here), frozenset(step.messages))


def accounts_of(case: Case, clocks: Sequence[SlaClock], now: datetime) -> list[ClockAccount]:
    """Return each clock of a case with its account."""
    return [_account(case, clock, now) for clock in clocks]


def _account(case: Case, clock: SlaClock, now: datetime) -> ClockAccount:
    policy = clock_policies().get(clock.policy)
    label = policy.label(language_code()) if policy else clock.name
    calendar = working_calendar(room.settings())
    try:
        events = arithmetic.from_plain(clock.events)
        reading = arithmetic.read(events, calendar, now)
        near = case.near_due and reading.due_at == case.due_at
        lines = tuple(explain(events, calendar, language_code()))
        return ClockAccount(label, clock.round, clock_deadline(reading, near=near), lines, None)
    except CalendarMissing as missing:
        return ClockAccount(label, clock.round, None, (), str(missing))
