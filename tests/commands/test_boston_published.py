"""April 2015 of Boston as a published month: every department's rate and place are those that the file itself gives."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from app.assessment.commands import BeginRun
from app.assessment.editions import figures_of_run, ranking_of_run
from app.assessment.ranking import Month
from app.assessment.rebuilding import differences
from app.assessment.tables import Run
from app.clock import FixedClock
from app.db.session import Database
from app.processes.commands import CompleteProcessItem, FireProcesses
from app.run import SYSTEM, Actor, Runtime, Services, install, installed_runtime, run
from app.settings import REPOSITORY, Settings
from app.simulation.equipping import deploy_where_none_is
from app.simulation.histories.course import Course, Happening
from app.simulation.histories.ground import Ground
from app.simulation.histories.writing import Batch
from app.simulation.replay.boston311 import read_requests
from app.simulation.replay.history import Request
from app.simulation.replay.playing import CLOSING, OPENING, report_of_request
from app.simulation.replay.preparing import Cast, PrepareHistory
from tests.commands.test_appeals import person

ZONE = ZoneInfo("America/New_York")
FILE = REPOSITORY.parent / "shared" / "data" / "boston311" / "2015-04.csv.gz"
APRIL = Month(2015, 4)
DAY = timedelta(days=1)


@pytest.fixture
def boston(open_database: Database, settings: Settings, clock: FixedClock) -> Runtime:
    """A city that keeps Boston's time."""
    there = replace(settings, timezone_name="America/New_York")
    runtime = Runtime(open_database, Services(there), clock)
    install(runtime)
    deploy_where_none_is(runtime)
    return runtime


def load(runtime: Runtime, requests: list[Request], until: datetime) -> None:
    """Let every request live through the clocks, effects and facts of the steps, and copy its rows."""
    departments = tuple(sorted({one.department for one in requests}))
    categories = tuple(sorted({one.category for one in requests}))
    cast: Cast = run(PrepareHistory("boston311", departments, categories), actor=SYSTEM)
    batch = Batch()
    with runtime.database.sessions() as session:
        connection = session.connection().connection.driver_connection
        ground = Ground.of(session, runtime.services.settings)
        for number, request in enumerate(requests, start=1):
            course = Course(ground, 1_000_000 + number, f"B{number:08}")
            course.report(report_of_request(request), request.reported_at, SYSTEM)
            for happening in happenings(course, request, cast, until):
                course.play(happening)
            batch.add(course)
        batch.write(connection)  # type: ignore[arg-type]
        session.commit()


def happenings(
    course: Course, request: Request, cast: Cast, until: datetime
) -> Iterable[Happening]:
    at = request.reported_at
    elements = ["T_accept", "T_file", "T_dispatch", "T_assign"]
    if course.case["stage"] == "verifying":
        elements.insert(0, "T_verify")
    for element in elements:
        yield Happening(at, element, SYSTEM, OPENING[element](request, cast))
    closed = request.closed_at if request.closed_at and request.closed_at <= until else None
    while (timers := course.next_timers()) is not None and timers.at < (closed or until):
        yield timers
    if closed is not None:
        for element in ("T_handle", "T_confirm", "T_review", "T_close"):
            yield Happening(closed, element, SYSTEM, CLOSING[element](request, cast))


def told_by_the_file(path: Path) -> dict[str, tuple[int, int, int]]:
    """Count by department the rows promised for April as they are written: due, closed by its end, on time."""
    counted: dict[str, tuple[int, int, int]] = {}
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            promised, closed = row["target_dt"], row["closed_dt"]
            if not promised.startswith("2015-04"):
                continue
            due, done, in_time = counted.get(row["department"], (0, 0, 0))
            is_closed = bool(closed) and closed < "2015-05"
            counted[row["department"]] = (
                due + 1,
                done + is_closed,
                in_time + (is_closed and closed <= promised),
            )
    return counted


def percent(of: int, over: int) -> Decimal:
    return (Decimal(100) * of / over).quantize(Decimal("0.01"), ROUND_HALF_UP)


def only(runtime: Runtime, statement: str) -> int:
    with runtime.database.sessions() as session:
        return int(session.connection().exec_driver_sql(statement).scalar_one())


def publish(runtime: Runtime, clock: FixedClock, assessor: Actor, supervisor: Actor) -> int:
    clock.move_to(datetime(2015, 5, 1, 9, tzinfo=ZONE))
    run_id = int(run(BeginRun(date(2015, 4, 1)), actor=assessor))
    clock.advance(14 * DAY)
    run(FireProcesses((only(runtime, "SELECT id FROM processes"),)), actor=SYSTEM)
    item = only(runtime, "SELECT id FROM process_items")
    run(CompleteProcessItem(item, {"outcome": "sign"}), actor=supervisor)
    return run_id


def test_april_is_published_as_the_file_says(boston: Runtime, clock: FixedClock) -> None:
    if not FILE.exists():
        pytest.skip(f"the months of Boston are not in {FILE.parent}")
    end = APRIL.period(ZONE).end
    requests = [one for one in read_requests(FILE, ZONE) if isinstance(one, Request)]
    load(boston, requests, end)
    told = told_by_the_file(FILE)
    with boston.database.sessions() as session:
        root = (
            session.connection()
            .exec_driver_sql("SELECT id FROM units WHERE level = 1")
            .scalar_one()
        )
        assessor, supervisor = (
            person(session, role, role, unit_id=root) for role in ("assessor", "supervisor")
        )
        session.commit()
    run_id = publish(boston, clock, assessor, supervisor)
    with boston.database.sessions() as session:
        kept = session.get_one(Run, run_id)
        plain, scored = figures_of_run(kept, ZONE), ranking_of_run(kept, ZONE)
        rebuilt = [
            str(one)
            for case in differences(session, APRIL.period(ZONE))
            for one in case.differences
        ]
    assert kept.state == "published"
    found = {
        row.unit.code: (row.tally.due, row.tally.closed, row.tally.on_time)
        for row in plain.rows
        if row.tally.due
    }
    assert found == told
    assert sum(due for due, _closed, _in_time in told.values()) > 4_000
    rates = {name: percent(counts[2], counts[0]) for name, counts in told.items()}
    assert {
        row.unit.code: row.value("on_time_closing_rate") for row in scored.rows if row.rank
    } == rates
    best = sorted(rates.values(), reverse=True)
    assert {row.unit.code: row.rank for row in plain.rows if row.rank} == {
        name: best.index(rate) + 1 for name, rate in rates.items()
    }
    assert rebuilt == []
    assert installed_runtime() is boston
