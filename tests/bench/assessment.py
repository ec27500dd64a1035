"""The assessment on a year of a full-size city: months ranked, the workbook, all facts rebuilt, and DuckDB beside it."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import URL
from sqlalchemy.orm import Session

from app.assessment.editions import plain_counts
from app.assessment.queries import Basis, alike_facts, counted_cases
from app.assessment.ranking import (
    Month,
    counting_rules,
    facts_of,
    ranking_of,
    tallies_by_population,
)
from app.assessment.rebuilding import check_all
from app.assessment.scored import counted, scored
from app.assessment.snapshots import in_place_of_tables, take_snapshot
from app.db.session import Database
from app.run import installed_runtime
from app.settings import Settings
from app.simulation.histories.year import YearLoaded, load_year, settle
from sla.figures import POPULATIONS
from sla.indicators import Tally
from tests.bench.crowd import connected
from tests.bench.duck import Duck
from tests.bench.scratch import Scratch, as_text

YEAR = 2025
MONTHS = tuple(Month(YEAR, number) for number in range(1, 13))
PROCESSES = 2


@dataclass(frozen=True)
class Times:
    """How long something took, again and again, in seconds."""

    p50: float
    longest: float


@dataclass(frozen=True)
class Workbook:
    """One workbook: seconds and peak memory of its process, and seconds to read the cases it lists."""

    seconds: float
    peak_mb: float
    reading_s: float


@dataclass(frozen=True)
class Frozen:
    """A month's facts frozen: in how many seconds, and how large they are kept."""

    seconds: float
    size_mb: float


@dataclass(frozen=True)
class Rebuilding:
    """A year's facts rebuilt: how many cases, in how long, with how many differences."""

    cases: int
    seconds: float
    differences: int


@dataclass(frozen=True)
class Beside:
    """A month counted by ours and by DuckDB from a Parquet file, in seconds."""

    ours: float
    duck: float


def with_year(scratch: Scratch, name: str, cases: int, size: str) -> tuple[URL, YearLoaded]:
    """Create a database with a city and a year of so many dispatched cases."""
    url = scratch.migrated(name)
    database = scratch.opened(url)
    settle(installed_runtime(), size, 1, lambda *_: None)
    loaded = load_year(installed_runtime(), YEAR, cases, 1, processes=PROCESSES)
    with connected(url) as connection:
        connection.execute("VACUUM ANALYZE")
    database.drop_connections()
    return url, loaded


def ranking_times(database: Database, settings: Settings, rounds: int) -> dict[Month, Times]:
    """Rank each month with all units, populations and indicators."""
    zone, times = settings.timezone, {}
    for month in MONTHS:
        period = month.period(zone)
        times[month] = _timed(database, partial(scored, period=period), rounds)
    return times


def workbook_times(url: URL, database: Database, settings: Settings, month: Month) -> Workbook:
    """Write a month's workbook in a fresh process, and read what it lists in this one."""
    program = [sys.executable, "-m", "tests.bench.notice_once", as_text(url), str(month)]
    done = subprocess.run(program, check=True, capture_output=True, text=True)
    told = json.loads(done.stdout)
    with database.sessions() as session:
        began = time.perf_counter()
        ranking = ranking_of(session, month.period(settings.timezone))
        for row in ranking.rows:
            facts = facts_of(session, row.unit, ranking.basis)
            for _ in counted_cases(session, ranking.basis, facts.unit_ids, facts.entering("due")):
                pass
        reading_s = time.perf_counter() - began
    return Workbook(told["seconds"], told["peak_mb"], reading_s)


def rebuild_times(database: Database, settings: Settings) -> Rebuilding:
    """Rebuild every fact of the year from the log."""
    began, cases, differences = time.perf_counter(), 0, 0
    for number, differing in check_all(database, settings, None, processes=PROCESSES):
        cases += number
        differences += sum(len(case.differences) for case in differing)
    return Rebuilding(cases, time.perf_counter() - began, differences)


def frozen_months(database: Database, settings: Settings) -> Frozen:
    """Freeze every month twice, and count each from its snapshot: the bytes and the figures must be the same."""
    zone, seconds = settings.timezone, []
    for month in MONTHS:
        basis = Basis.of(month.period(zone), None, counting_rules())
        with database.sessions() as session:
            began = time.perf_counter()
            taken = take_snapshot(session, basis)
            seconds.append(time.perf_counter() - began)
            again = take_snapshot(session, basis)
            live = plain_counts(counted(session, month.period(zone)))
        assert taken == again, f"{month} frozen twice is not the same"
        with in_place_of_tables(database.writing, taken.content) as frozen:
            kept = plain_counts(counted(frozen, month.period(zone)))
        assert kept == live, f"{month} counted from its snapshot is another"
    return Frozen(statistics.median(seconds), len(taken.content) / 1e6)


def beside_duckdb(
    url: URL, database: Database, settings: Settings, month: Month, rounds: int
) -> Beside:
    """Count a month of all units and populations by both, and hold one against the other."""
    period, rules = month.period(settings.timezone), counting_rules()
    basis = Basis.of(period, None, rules)

    def ours(session: Session) -> dict[str, dict[int, Tally]]:
        return tallies_by_population(alike_facts(session, basis), basis)

    with tempfile.TemporaryDirectory() as folder, connected(url) as connection:
        duck = Duck(connection, Path(folder))
        theirs = _timed(database, lambda session: duck.tallies(period, rules), rounds)
        told = duck.tallies(period, rules)
    with database.sessions() as session:
        mine = ours(session)
    for population in POPULATIONS:
        for unit_id in mine[population].keys() | told[population].keys():
            pair = [one[population].get(unit_id, Tally()) for one in (mine, told)]
            assert pair[0] == pair[1], f"{month}, {population}, unit {unit_id}: {pair}"
    return Beside(_timed(database, ours, rounds).p50, theirs.p50)


def _timed(database: Database, do: Callable[[Session], Any], rounds: int) -> Times:
    times = []
    for _ in range(rounds):
        with database.sessions() as session:
            began = time.perf_counter()
            do(session)
            times.append(time.perf_counter() - began)
    return Times(statistics.median(times), max(times))
