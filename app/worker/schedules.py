"""Fixed schedules: each planned run is done by one worker, however many there are."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from apscheduler.triggers.cron import CronTrigger
from psycopg import Connection

from app.assessment.ranking import Month
from app.assessment.running import begin_edition, has_begun, has_cases
from app.cases.log import verify_cases
from app.clock import Clock
from app.db.session import Database
from app.run import SYSTEM, Tx, handles, run
from app.sensing.commands import MakeMonths, make_months
from app.sensing.keeping import DropOldReadings, drop_old_readings

log = logging.getLogger(__name__)

SAMPLE: Final = 500
# How far back a planned run is still made up for after the workers stood still.
LATEST: Final = timedelta(hours=12)

_BEGIN: Final = """
INSERT INTO schedule_runs (name, planned_at, started_at) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING
"""
_END: Final = (
    "UPDATE schedule_runs SET finished_at = %s, error = %s WHERE name = %s AND planned_at = %s"
)
_SAMPLE: Final = """
SELECT id FROM cases WHERE id >= (SELECT floor(%s * coalesce(max(id), 0)) FROM cases) ORDER BY id LIMIT %s
"""
_OLD_DRAFTS: Final = """
DELETE FROM drafts d USING work_items w WHERE w.id = d.item_id AND w.status <> 'open'
"""
_OLD_FIRINGS: Final = "DELETE FROM timer_firings WHERE fired_at < %s"
_OLD_REQUESTS: Final = "DELETE FROM flood_requests WHERE at < %s"
_OLD_POSITIONS: Final = "DELETE FROM duty_positions WHERE at < %s"
_OLD_MESSAGES: Final = "DELETE FROM outbox WHERE sent_at < %s"
MESSAGES_KEPT: Final = timedelta(days=90)
FIRINGS_KEPT: Final = timedelta(days=90)
# No phone sends a request again after a month; where somebody was is nobody's business for longer than a season.
REQUESTS_KEPT: Final = timedelta(days=30)
POSITIONS_KEPT: Final = timedelta(days=90)

Job = Callable[[Tx, datetime], None]


@dataclass(frozen=True)
class Schedule:
    """A job and when it is planned, in the city's own time."""

    name: str
    minute: str
    hour: str
    job: Job

    def planned_between(self, after: datetime, until: datetime, zone: ZoneInfo) -> datetime | None:
        """Return the last planned time in (after, until]; earlier ones are not made up for."""
        trigger = CronTrigger(hour=self.hour, minute=self.minute, timezone=zone)
        last, following = None, trigger.get_next_fire_time(None, after + timedelta(microseconds=1))
        while following is not None and following <= until:
            last = following
            following = trigger.get_next_fire_time(following, following + timedelta(microseconds=1))
        return last


@dataclass(frozen=True)
class BeginRun:
    """Take a planned run; it can be taken once."""

    name: str
    planned_at: datetime


@dataclass(frozen=True)
class EndRun:
    """Record how a planned run ended."""

    name: str
    planned_at: datetime
    error: str | None


@dataclass(frozen=True)
class RunJob:
    """Do what a schedule plans."""

    schedule: Schedule
    planned_at: datetime


@handles(BeginRun)
def begin_run(command: BeginRun, tx: Tx) -> bool:
    """Tell whether this worker is the one that runs it."""
    row = (command.name, command.planned_at, tx.clock.now())
    return tx.connection.execute(_BEGIN, row).rowcount == 1


@handles(EndRun)
def end_run(command: EndRun, tx: Tx) -> None:
    """End a run."""
    row = (tx.clock.now(), command.error, command.name, command.planned_at)
    tx.connection.execute(_END, row)


@handles(RunJob)
def run_job(command: RunJob, tx: Tx) -> None:
    """Run a job in its own transaction."""
    command.schedule.job(tx, command.planned_at)


def verify_sample(tx: Tx, planned_at: datetime) -> None:
    """Walk the log chains of some cases, other ones each time; a break is an error in the worker's log."""
    share = planned_at.timestamp() * 0.6180339887 % 1
    for broken in verify_cases(tx.connection, _sample_ids(tx.connection, share)):
        log.error("log of case %s breaks at %s: %s", broken.case_id, broken.seq, broken.reason)


def sweep(tx: Tx, planned_at: datetime) -> None:
    """Throw away drafts of finished items, old records of timers and messages, of phones' requests and whereabouts."""
    tx.connection.execute(_OLD_DRAFTS)
    tx.connection.execute(_OLD_MESSAGES, (planned_at - MESSAGES_KEPT,))
    tx.connection.execute(_OLD_FIRINGS, (planned_at - FIRINGS_KEPT,))
    tx.connection.execute(_OLD_REQUESTS, (planned_at - REQUESTS_KEPT,))
    tx.connection.execute(_OLD_POSITIONS, (planned_at - POSITIONS_KEPT,))


def begin_last_month(tx: Tx, planned_at: datetime) -> None:
    """Begin the run of the month that is over, once it has cases and nobody has begun it."""
    month = Month.of(planned_at, tx.services.settings.timezone).plus(-1).first_on
    if not has_begun(tx.session, month) and has_cases(tx, month):
        begin_edition(tx, month)


def make_months_ahead(tx: Tx, planned_at: datetime) -> None:
    """Make the partitions that readings of this month and the next are stored in."""
    make_months(MakeMonths(planned_at), tx)


def drop_old(tx: Tx, planned_at: datetime) -> None:
    """Throw away the months of readings that are no longer kept."""
    drop_old_readings(DropOldReadings(planned_at), tx)


def _sample_ids(connection: Connection[Any], share: float) -> list[int]:
    return [row[0] for row in connection.execute(_SAMPLE, (share, SAMPLE))]


SCHEDULES: Final = (
    Schedule("verify_log_sample", minute="10", hour="*", job=verify_sample),
    Schedule("sweep", minute="30", hour="3", job=sweep),
    Schedule("begin_month", minute="10", hour="0", job=begin_last_month),
    Schedule("make_months", minute="20", hour="2", job=make_months_ahead),
    Schedule("drop_old_readings", minute="50", hour="2", job=drop_old),
)


@dataclass
class ScheduleLoop:
    """Run what is planned."""

    database: Database
    clock: Clock
    zone: ZoneInfo
    schedules: tuple[Schedule, ...] = SCHEDULES
    looked_at: datetime | None = None

    def step(self) -> bool:
        """Run what was planned since the last look; return whether anything was."""
        now = self.clock.now()
        after = self.looked_at or now - LATEST
        planned = [(s, s.planned_between(after, now, self.zone)) for s in self.schedules]
        ran = sum(self._run_once(s, at) for s, at in planned if at is not None) > 0
        # Only now: a run that could not even begin is looked for again.
        self.looked_at = now
        return ran

    def _run_once(self, schedule: Schedule, planned_at: datetime) -> bool:
        if not self._run(BeginRun(schedule.name, planned_at)):
            return False
        error = None
        try:
            self._run(RunJob(schedule, planned_at))
        except Exception as exc:  # because the other schedules must go on
            log.exception("schedule %s of %s failed", schedule.name, planned_at)
            error = f"{type(exc).__name__}: {exc}"[:1000]
        self._run(EndRun(schedule.name, planned_at, error))
        return True

    def _run(self, command: object) -> Any:
        return run(command, actor=SYSTEM, clock=self.clock, database=self.database)
