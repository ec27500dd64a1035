"""Editions of a month on their way: begin one, and draw its figures as of a moment."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.assessment.carrying import (
    carried_points,
    with_carried_line,
    with_carried_points,
    without_carried,
)
from app.assessment.editions import (
    CONFIRMING,
    OPEN,
    count_published,
    hash_of_result,
    plain_counts,
    plain_rules,
    published_edition,
    ranking_of_run,
    rules_from,
    scheme_of_run,
)
from app.assessment.queries import Basis
from app.assessment.ranking import Month, counting_rules
from app.assessment.scored import counted, scheme_in_force
from app.assessment.tables import Fact, Run
from app.cases.calendars import working_calendar
from app.catalogue.calendar_years import entered_years
from app.errors import StateChanged
from app.processes.steps import begin, start
from app.run import Tx
from sla.indicators import CountingRules, Period

ASSESSMENT: Final = "assessment"

# A freeze waits for decisions that are being written, and they for it; decisions do not wait for each other.
FREEZING: Final = "SELECT pg_advisory_xact_lock(hashtext('assessment.freezing'))"
DECIDING: Final = "SELECT pg_advisory_xact_lock_shared(hashtext('assessment.freezing'))"
_PATIENCE_S: Final = 5.0
_OLDER_WRITERS: Final = """
SELECT EXISTS (SELECT FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_xid IS NOT NULL
      AND xact_start < :since)
"""


def begin_edition(tx: Tx, month: date, reason: str = "", appeal_id: int | None = None) -> int:
    """Begin the process of the next edition of a month and return its run.

    Raises StateChanged for a month that is not over or whose edition is being made, CalendarMissing for one whose year
    nobody has loaded.
    """
    session, now = tx.session, tx.clock.now()
    period = Month.beginning(month).period(zone_of(tx))
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


def count(tx: Tx, run: Run, as_of: datetime, session: Session | None = None) -> None:
    """Count and score the month of a run as of a moment, by the scheme and the rules that hold.

    A correction goes by those of the edition before: it corrects what happened, not how it is judged.
    session: over the snapshot that is counted; by default the live tables.
    """
    before, rules = published_edition(tx.session, run.month), rules_for(tx, run)
    scheme = scheme_in_force(tx.session, run.month) if before is None else scheme_of_run(before)
    figures = counted(session or tx.session, period_of(tx, run), as_of, rules)
    if scheme.scheme.has_score:
        scheme = replace(scheme, scheme=without_carried(scheme.scheme))
        carried = carried_points(tx.session, run, as_of, zone_of(tx))
        if carried:
            scheme = replace(scheme, scheme=with_carried_line(scheme.scheme, carried))
            figures = with_carried_points(figures, carried)
    run.as_of, run.scheme_id = as_of, scheme.id
    run.scheme, run.rules = scheme.scheme.as_plain(), plain_rules(rules)
    run.counted = plain_counts(figures)
    run.result_hash = hash_of_result(ranking_of_run(run, zone_of(tx)))


def basis_of_run(tx: Tx, run: Run, as_of: datetime) -> Basis:
    """Return what a run is counted from as of a moment."""
    return Basis.of(period_of(tx, run), as_of, rules_for(tx, run))


def rules_for(tx: Tx, run: Run) -> CountingRules:
    """Return what a run is counted by: a correction by what the edition before was."""
    before = published_edition(tx.session, run.month)
    return counting_rules() if before is None else rules_from(before.rules)


def period_of(tx: Tx, run: Run) -> Period:
    """Return the time of a run's month."""
    return month_of_run(run).period(zone_of(tx))


def span_of(run: Run) -> tuple[datetime, datetime]:
    """Return when the month of a run begins and ends."""
    return datetime.fromisoformat(run.counted["start"]), datetime.fromisoformat(run.counted["end"])


def wait_for_older_writers(session: Session) -> None:
    """Wait until the transactions that were writing before now are over, for a few seconds at most.

    What they write is known as of their own moment: a count that looked too early would miss it.
    """
    since = session.scalar(text("SELECT clock_timestamp()"))
    until = time.monotonic() + _PATIENCE_S
    while time.monotonic() < until and session.scalar(text(_OLDER_WRITERS), {"since": since}):
        time.sleep(0.05)  # because the server tells nobody when a transaction ends


def has_begun(session: Session, month: date) -> bool:
    """Tell whether a month has an edition, of whatever state."""
    return session.scalar(select(Run.id).where(Run.month == month).limit(1)) is not None


def has_cases(tx: Tx, month: date) -> bool:
    """Tell whether anything was dispatched in a month."""
    period = Month.beginning(month).period(zone_of(tx))
    within = (Fact.dispatched_at >= period.start, Fact.dispatched_at < period.end)
    return tx.session.scalar(select(Fact.id).where(*within).limit(1)) is not None


def month_of_run(run: Run) -> Month:
    """Return the month of a run."""
    return Month.beginning(run.month)


def zone_of(tx: Tx) -> ZoneInfo:
    """Return the city's time zone."""
    return tx.services.settings.timezone


def _title(month: date, edition: int) -> str:
    return f"{month:%Y-%m} #{edition}"


def _lock_key(month: date) -> int:
    return 74_000_000 + month.year * 12 + month.month
