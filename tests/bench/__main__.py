"""`make bench`: measure against a baseline in the same run, print a table, write bench.json.

Every figure stands beside its baseline: absolute numbers change with the machine, ratios hardly.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from sqlalchemy import URL

from tests.bench.assessment import (
    MONTHS,
    beside_duckdb,
    frozen_months,
    ranking_times,
    rebuild_times,
    with_year,
    workbook_times,
)
from tests.bench.desks import USERS, desk_times
from tests.bench.histories import CITY, chart_times
from tests.bench.inboxes import inbox_times
from tests.bench.ingest import ingest_rounds
from tests.bench.lives import learn, median_ratio, race, race_two, state_sizes
from tests.bench.reworks import step_costs
from tests.bench.scratch import Scratch
from tests.bench.timers import PENDING, timer_figures
from tests.factories import City

OUT = Path("bench.json")


@dataclass(frozen=True)
class Figure:
    """One line of the table; baseline: what the value is held against; ratio: value to baseline."""

    name: str
    value: float
    unit: str
    baseline: float | None
    ratio: float | None

    @classmethod
    def of(cls, name: str, value: float, unit: str, baseline: float | None = None) -> Figure:
        ratio = None if not baseline else round(value / baseline, 3)
        return cls(name, round(value, 6), unit, baseline and round(baseline, 6), ratio)


def lives(scratch: Scratch, base: URL, city: City, quick: bool) -> Iterator[Figure]:
    """A full life of a case: 12 work items, one extension, one rework, 14 commits."""
    count, rounds = (6, 1) if quick else (20, 9)
    for processes, found in (
        ("1 process", race(scratch, base, city, count, rounds)),
        ("2 processes", race_two(scratch, base, city, count, rounds)),
    ):
        ours = found["ours"]
        yield Figure.of(
            f"life, {processes}: stock SpiffWorkflow", statistics.median(found["stock"]), "cases/s"
        )
        for name, other in (("stock", "stock"), ("PostgreSQL alone", "postgres")):
            yield Figure(
                f"life, {processes}: ours against {name}",
                round(statistics.median(ours), 3),
                "cases/s",
                round(statistics.median(found[other]), 3),
                round(median_ratio(ours, found[other]), 3),
            )
    ours_bytes, stock_bytes = state_sizes(learn(scratch, base, city, 1)[0])
    yield Figure.of("largest state in a life against stock", ours_bytes, "bytes", stock_bytes)


def reworks(scratch: Scratch, base: URL, city: City) -> Iterator[Figure]:
    """What a step costs after many reworks."""
    costs, size = step_costs(scratch, base, city)
    for after, cost in costs.items():
        name = f"step after {after} reworks against none"
        yield Figure.of(name, cost.seconds * 1000, "ms", cost.fresh_seconds * 1000)
    yield Figure.of("state after 1000 reworks", size, "bytes")


def timers(scratch: Scratch, base: URL, city: City, quick: bool) -> Iterator[Figure]:
    """Firing with a million timers waiting."""
    found = timer_figures(
        scratch, base, city, backlog=2000, rate=200, seconds=10 if quick else 30, workers=2
    )
    yield Figure.of(f"timers fired by one worker, {PENDING} pending", found.fired_per_s, "1/s", 200)
    yield Figure.of(
        f"lateness p50, {found.rate} due a second, {found.fired} fired", found.late_p50_s, "s", 1
    )
    yield Figure.of(
        f"lateness p99, {found.rate} due a second, {found.fired} fired", found.late_p99_s, "s", 1
    )
    yield Figure.of(
        f"a look with {PENDING} pending against 3",
        found.sweep_many_s * 1000,
        "ms",
        found.sweep_few_s * 1000,
    )


def inboxes(scratch: Scratch, base: URL, city: City, quick: bool) -> Iterator[Figure]:
    """A page of the inbox as the table of cases grows a hundredfold."""
    many = 100_000 if quick else 1_000_000
    for name, (few_s, many_s) in inbox_times(scratch, base, city, few=10_000, many=many).items():
        yield Figure.of(
            f"inbox {name}, {many} cases against 10000", many_s * 1000, "ms", few_s * 1000
        )


def desks(scratch: Scratch, base: URL, city: City, quick: bool) -> Iterator[Figure]:
    """Pages through the real server for thirty people, as the table of cases grows."""
    many, seconds = (100_000, 15.0) if quick else (1_200_000, 60.0)
    found = desk_times(scratch, base, city, few=10_000, many=many, seconds=seconds)
    for name, (few_s, many_s) in found.items():
        yield Figure.of(
            f"{name} p95 at {USERS} users, {many} cases against 10000",
            many_s * 1000,
            "ms",
            few_s * 1000,
        )


def assessment(
    scratch: Scratch, cases: int, *, size: str = "full", rounds: int = 15
) -> Iterator[Figure]:
    """A year of a city: loaded, each month ranked, a workbook, all facts rebuilt, DuckDB beside a month."""
    url, loaded = with_year(scratch, "assessment", cases, size)
    yield Figure.of("a year loaded, 2 processes", loaded.cases / loaded.seconds, "cases/s", 1500)
    yield from assessment_of(scratch, url, rounds)


def assessment_of(scratch: Scratch, url: URL, rounds: int) -> Iterator[Figure]:
    """What a loaded year costs. The months are held against the first: however many lie before, each costs as much."""
    database, settings, month = scratch.opened(url), scratch.settings, MONTHS[9]
    times = ranking_times(database, settings, rounds)
    first = times[MONTHS[0]].p50 * 1000
    for one, taken in times.items():
        yield Figure.of(
            f"{one} ranked, every unit and indicator, p50", taken.p50 * 1000, "ms", first
        )
    longest = max(taken.longest for taken in times.values())
    yield Figure.of("the slowest ranking of a month", longest * 1000, "ms", 1000)
    book = workbook_times(url, database, settings, month)
    name = f"workbook of {month} against reading its cases"
    yield Figure.of(name, book.seconds, "s", book.reading_s)
    yield Figure.of(f"peak memory of the workbook of {month}", book.peak_mb, "MB")
    frozen = frozen_months(database, settings)
    yield Figure.of("a month frozen; twice, with the same bytes", frozen.seconds, "s")
    yield Figure.of("what is kept of a frozen month", frozen.size_mb, "MB")
    beside = beside_duckdb(url, database, settings, month, rounds)
    name = f"{month} counted against DuckDB on Parquet"
    yield Figure.of(name, beside.ours * 1000, "ms", beside.duck * 1000)
    done = rebuild_times(database, settings)
    # A year of 1.2 million cases in a quarter of an hour.
    yield Figure.of("facts rebuilt from the log", done.cases / done.seconds, "cases/s", 1333)
    yield Figure.of("differences found by that", done.differences, "facts")
    database.drop_connections()


def ingest(scratch: Scratch, quick: bool) -> Iterator[Figure]:
    """Messages through a real broker, stored with their rules, beside subscribers that store nothing, and beside COPY."""
    count, rounds = (30_000, 1) if quick else (200_000, 5)
    for name, waiting in (("while published", False), ("that waited at the broker", True)):
        found = ingest_rounds(scratch, count, rounds, waiting=waiting)
        stored = statistics.median(one.stored for one in found)
        taken = statistics.median(one.taken for one in found)
        yield Figure.of(f"messages stored {name}; mosquitto_sub", stored, "/s", taken)
        share = statistics.median(one.share for one in found)
        yield Figure.of("median of the rounds' shares; 0.7 is wanted", share, "", 0.7)
        yield Figure.of(
            "the same beside our reader alone",
            stored,
            "/s",
            statistics.median(o.acknowledged for o in found),
        )
        yield Figure.of(
            "the same beside COPY alone", stored, "/s", statistics.median(o.copied for o in found)
        )


def histories(scratch: Scratch, quick: bool) -> Iterator[Figure]:
    """A year of readings: what it takes on the disk, and how soon charts of it are there."""
    found = chart_times(scratch, *((200, 30, 1800) if quick else CITY))
    million = found.readings / 1_000_000
    yield Figure.of("readings of a year generated", million, "million")
    yield Figure.of("disk of a million readings: table", found.readings_mb / million, "MB")
    yield Figure.of("disk of a million readings: indexes", found.indexes_mb / million, "MB")
    yield Figure.of("disk of their summaries, with indexes", found.summaries_mb / million, "MB")
    for span, times in found.charts.items():
        yield Figure.of(f"chart of a {span}, p50", statistics.median(times) * 1000, "ms")
        yield Figure.of(
            f"chart of a {span}, p95", statistics.quantiles(times, n=20)[-1] * 1000, "ms", 200
        )


def show(figure: Figure) -> None:
    baseline = "" if figure.baseline is None else f"{figure.baseline:>12.3f}"
    ratio = "" if figure.ratio is None else f"{figure.ratio:>8.2f} x"
    print(
        f"{figure.name:<62}{figure.value:>12.3f} {figure.unit:<8}{baseline:>12}{ratio:>11}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller counts, for a first look")
    parser.add_argument(
        "--only",
        choices=(
            "lives",
            "reworks",
            "timers",
            "inboxes",
            "desks",
            "assessment",
            "ingest",
            "histories",
        ),
        default=None,
    )
    parser.add_argument("--cases", type=int, help="dispatched in the year of the assessment")
    arguments = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}")
    print(f"{'':<62}{'value':>12} {'unit':<8}{'baseline':>12}{'ratio':>11}")
    scratch = Scratch()
    figures: list[Figure] = []
    try:
        base, city = scratch.with_city("base")
        parts = {
            "lives": lambda: lives(scratch, base, city, arguments.quick),
            "reworks": lambda: reworks(scratch, base, city),
            "timers": lambda: timers(scratch, base, city, arguments.quick),
            "inboxes": lambda: inboxes(scratch, base, city, arguments.quick),
            "desks": lambda: desks(scratch, base, city, arguments.quick),
            "ingest": lambda: ingest(scratch, arguments.quick),
            "histories": lambda: histories(scratch, arguments.quick),
            "assessment": lambda: assessment(
                scratch, arguments.cases or (50_000 if arguments.quick else 1_201_000)
            ),
        }
        for name, part in parts.items():
            if arguments.only in (None, name):
                for figure in part():
                    show(figure)
                    figures.append(figure)
    finally:
        scratch.close()
    OUT.write_text(json.dumps([asdict(f) for f in figures], indent=1, ensure_ascii=False) + "\n")
    print(f"written to {OUT}")


if __name__ == "__main__":
    main()
