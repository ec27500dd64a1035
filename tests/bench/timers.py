"""Timers: how fast the worker fires them, and how late, with a million others waiting."""

from __future__ import annotations

import multiprocessing
import statistics
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import URL

from app.clock import SystemClock
from app.run import Runtime, Services, install
from app.worker.timers import TimerLoop
from tests.bench.crowd import connected, copy_case
from tests.bench.scratch import Scratch
from tests.factories import City, Desk

PENDING = 1_000_000
FAR = datetime(2098, 1, 1, tzinfo=UTC)
FIRST = 1_000_000


@dataclass
class TimerFigures:
    """fired_per_s: one worker, backlog. late_p99_s: at `rate` due a second. sweep_s: one look, nothing due."""

    fired_per_s: float
    rate: int
    late_p50_s: float
    late_p99_s: float
    fired: int
    sweep_few_s: float
    sweep_many_s: float


def timer_figures(
    scratch: Scratch, base: URL, city: City, *, backlog: int, rate: int, seconds: int, workers: int
) -> TimerFigures:
    """Measure on a clone of the base; PENDING timers wait that are not due."""
    with scratch.clone(base) as url:
        desk = Desk(city, scratch.opened(url))
        case_id = desk.dispatched_case()
        token = _near_due_token(desk, case_id)
        sweep_few = _sweep_s(scratch, url)
        total = backlog + rate * seconds
        with connected(url) as connection:
            copy_case(connection, case_id, total, FIRST)
            _fill_pending(connection, total)
            _set_due(connection, token, FIRST, backlog, rate=None)
            connection.execute("ANALYZE")
        sweep_many = _sweep_s(scratch, url, at=datetime(2000, 1, 1, tzinfo=UTC))
        fired_per_s = _drain(scratch, url, backlog)
        with connected(url) as connection:
            connection.execute("TRUNCATE timer_firings")
            _set_due(connection, token, FIRST + backlog, rate * seconds, rate=rate)
        lateness = _fire_live(scratch, url, rate * seconds, seconds, workers)
        desk.database.drop_connections()
    ordered = sorted(lateness)
    return TimerFigures(
        fired_per_s,
        rate,
        ordered[len(ordered) // 2],
        ordered[int(len(ordered) * 0.99)],
        len(ordered),
        sweep_few,
        sweep_many,
    )


def _near_due_token(desk: Desk, case_id: int) -> int:
    statement = (
        "SELECT t.token FROM timers t JOIN process_instances i ON i.id = t.instance_id"
        " WHERE i.case_id = :id AND t.element = 'B_near_due'"
    )
    return int(desk.rows(statement, id=case_id)[0]["token"])


def _fill_pending(connection: Any, instances: int) -> None:
    each = -(-PENDING // instances)
    connection.execute(
        "INSERT INTO timers (instance_id, token, element, due_at, try_at)"
        " SELECT %s + i, 1000000 + n, 'B_pending', at, at FROM generate_series(0, %s) i,"
        " generate_series(1, %s) n, LATERAL (SELECT %s::timestamptz + i * interval '1 second' AS at) d",
        (FIRST, instances - 1, each, FAR),
    )


def _set_due(connection: Any, token: int, first: int, count: int, rate: int | None) -> None:
    begin = SystemClock().now() + timedelta(seconds=2 if rate else -60)
    step = f"{1 / rate:.6f}" if rate else "0"
    connection.execute(
        "INSERT INTO timers (instance_id, token, element, due_at, try_at)"
        f" SELECT %s + i, %s, 'B_near_due', at, at FROM generate_series(0, %s) i,"
        f" LATERAL (SELECT %s::timestamptz + i * interval '{step} second' AS at) d",
        (first, token, count - 1, begin),
    )


def _loop(scratch: Scratch, url: URL, clock: Any = None) -> TimerLoop:
    database = scratch.opened(url)
    clock = clock or SystemClock()
    install(Runtime(database, Services(scratch.settings), clock))
    return TimerLoop(database, clock)


def _sweep_s(scratch: Scratch, url: URL, at: datetime | None = None) -> float:
    """Return the median seconds of a look that finds nothing due."""
    loop = _loop(scratch, url)
    if at is not None:
        loop.clock.now = lambda: at  # type: ignore[method-assign]
    times = []
    for _ in range(200):
        begin = time.perf_counter()
        loop._due_instances()
        times.append(time.perf_counter() - begin)
    loop.database.drop_connections()
    return statistics.median(times)


def _drain(scratch: Scratch, url: URL, backlog: int) -> float:
    loop = _loop(scratch, url)
    begin = time.perf_counter()
    while loop.step():
        pass
    rate = backlog / (time.perf_counter() - begin)
    loop.database.drop_connections()
    return rate


def _fire_live(
    scratch: Scratch, url: URL, expected: int, seconds: int, workers: int
) -> list[float]:
    context = multiprocessing.get_context("fork")
    processes = [
        context.Process(target=_work, args=(scratch, url, seconds + 6)) for _ in range(workers)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    with connected(url) as connection:
        rows = connection.execute("SELECT lateness_ms FROM timer_firings").fetchall()
    assert len(rows) == expected, f"{len(rows)} of {expected} timers fired"
    return [row[0] / 1000 for row in rows]


def _work(scratch: Scratch, url: URL, seconds: float) -> None:
    loop = _loop(scratch, url)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not loop.step():
            time.sleep(0.1)  # because the worker's own loop pauses as long
