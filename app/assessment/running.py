"""Editions of a month on their way: begin one, and draw its figures as of a moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.assessment.appeals import appeal_rules
from app.assessment.editions import (
    CONFIRMING,
    OPEN,
    count_published,
    hash_of_result,
    plain_counts,
    plain_rules,
    published_edition,
    ranking_of_run,
)
from app.assessment.ranking import Month, counting_rules
from app.assessment.scored import Counted, counted, scheme_in_force, scored_by
from app.assessment.tables import Fact, Run
from app.cases.calendars import working_calendar
from app.catalogue.calendar_years import entered_years
from app.errors import StateChanged
from app.processes.steps import begin, start
from app.run import Tx
from sla.appeal_rules import AfterPublishing
from sla.figures import Value
from sla.schemes import Kind, Line, Scheme
from sla.scoring import entered_key

ASSESSMENT: Final = "assessment"
CARRIED: Final = "carried"
"""The line of points that the month before still owes."""


def begin_edition(tx: Tx, month: date, reason: str = "", appeal_id: int | None = None) -> int:
    """Begin the process of the next edition of a month and return its run.

    Raises StateChanged for a month that is not over or whose edition is being made, CalendarMissing for one whose year
    nobody has loaded.
    """
    session, now = tx.session, tx.clock.now()
    period = Month(month.year, month.month).period(zone_of(tx))
    if now < period.end:
        raise StateChanged("%(month)s 还没有过完。", month=f"{month:%Y-%m}")
    # Two who begin the same month wait for each other here.
    session.execute(select(func.pg_advisory_xact_lock(_lock_key(month))))
    if session.scalar(select(Run.id).where(Run.month == month, Run.state.in_(OPEN))) is not None:
        raise StateChanged("%(month)s 的考核正在进行。", month=f"{month:%Y-%m}")
    calendar = working_calendar(tx.services.settings, lambda: entered_years(tx.connection))
    calendar.is_working_day(month)
    edition = count_published(session, month) + 1
    data: dict[str, Any] = {"edition": edition}
    context = begin(tx, ASSESSMENT, _title(month, edition), data)
    run = Run(
        month=month,
        edition=edition,
        state=CONFIRMING,
        process_id=context.process.id,
        reason=reason,
        appeal_id=appeal_id,
        begun_at=now,
        changes=[],
    )
    count(tx, run, now)
    session.add(run)
    session.flush()
    start(context, data)
    return run.id


def count(tx: Tx, run: Run, as_of: datetime) -> None:
    """Count and score the month of a run as of a moment, by the scheme and the rules that hold."""
    scheme, rules = scheme_in_force(tx.session, run.month), counting_rules()
    figures = counted(tx.session, month_of_run(run).period(zone_of(tx)), as_of, rules)
    carried = carried_points(tx, run, as_of) if run.edition == 1 else {}
    if carried and scheme.scheme.has_score:
        scheme = replace(scheme, scheme=with_carried_line(scheme.scheme, max(carried.values())))
        figures = with_carried_points(figures, carried)
    run.as_of, run.scheme_id = as_of, scheme.id
    run.scheme, run.rules = scheme.scheme.as_plain(), plain_rules(rules)
    run.counted = plain_counts(figures)
    run.result_hash = hash_of_result(ranking_of_run(run, zone_of(tx)))


def carried_points(tx: Tx, run: Run, as_of: datetime) -> dict[int, Decimal]:
    """Return by unit what appeals won since then would have added to the month before, if policy puts it here."""
    if appeal_rules().after_publishing is not AfterPublishing.NEXT_MONTH:
        return {}
    month = month_of_run(run).plus(-1)
    before = published_edition(tx.session, month.first_on)
    if before is None:
        return {}
    printed = ranking_of_run(before, zone_of(tx))
    # As of the later moment nothing differs but what was ruled since: the scheme and the rules are those of then.
    rules, period = printed.counted.basis.rules, month.period(zone_of(tx))
    again = scored_by(counted(tx.session, period, as_of, rules), printed.scheme)
    found = {}
    for row in again.rows:
        old = printed.row_of(row.unit.id)
        if old is not None and old.total is not None and row.total is not None:
            found[row.unit.id] = row.total - old.total
    return {unit_id: points for unit_id, points in found.items() if points > 0}


def with_carried_line(scheme: Scheme, most: Decimal) -> Scheme:
    """Return the scheme with a line for what the month before still owes."""
    line = Line(
        Kind.ENTERED, CARRIED, "上月更正", "Put right from last month", points=most, bonus=True
    )
    return replace(scheme, lines=(*scheme.lines, line))


def with_carried_points(figures: Counted, carried: Mapping[int, Decimal]) -> Counted:
    """Return the figures with the points of that line; nought where nothing is owed."""
    units = []
    for one in figures.units:
        points: dict[str, Value] = {entered_key(CARRIED): carried.get(one.unit.id, Decimal(0))}
        units.append(
            replace(one, figures={**one.figures, **points}, entered={**one.entered, **points})
        )
    return replace(figures, units=tuple(units))


def has_begun(session: Session, month: date) -> bool:
    """Tell whether a month has an edition, of whatever state."""
    return session.scalar(select(Run.id).where(Run.month == month).limit(1)) is not None


def has_cases(tx: Tx, month: date) -> bool:
    """Tell whether anything was dispatched in a month."""
    period = Month(month.year, month.month).period(zone_of(tx))
    within = (Fact.dispatched_at >= period.start, Fact.dispatched_at < period.end)
    return tx.session.scalar(select(Fact.id).where(*within).limit(1)) is not None


def month_of_run(run: Run) -> Month:
    """Return the month of a run."""
    return Month(run.month.year, run.month.month)


def zone_of(tx: Tx) -> ZoneInfo:
    """Return the city's time zone."""
    return tx.services.settings.timezone


def _title(month: date, edition: int) -> str:
    return f"{month:%Y-%m} #{edition}"


def _lock_key(month: date) -> int:
    return 74_000_000 + month.year * 12 + month.month
