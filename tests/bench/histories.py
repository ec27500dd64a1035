"""A year of readings of thousands of devices: what it takes on the disk, and how soon a chart is there."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import psycopg

from app.sensing.charts import series
from app.sensing.partitions import (
    PARTITIONED,
    attach,
    create_apart,
    ensure_kinds,
    month_of,
    name_of,
    next_month,
)
from tests.bench.crowd import connected
from tests.bench.scratch import MORNING, Scratch

# Devices, days, seconds between two readings: a hundred million.
CITY: Final = (1903, 365, 600)
CHARTS: Final = {"day": 1, "month": 30, "year": 365}
DRAWN: Final = 200
ZONE: Final = "Asia/Shanghai"

# In order of time, as they come in: a device's readings lie on as many pages as there are.
_READINGS: Final = """
INSERT INTO {part} (device_id, metric, at, value, received_at)
SELECT d, 1, t, ((d * 7919 + extract(epoch FROM t)::bigint / %(step)s * 31) %% 400) / 10.0, t + interval '5 s'
FROM generate_series(%(first)s::timestamptz, %(last)s::timestamptz, make_interval(secs => %(step)s)) AS t,
    generate_series(1, %(devices)s) AS d
"""
_SUMMARIES: Final = """
INSERT INTO {part} (device_id, metric, minutes, starts_at, n, low, high, total, last, last_at)
SELECT device_id, metric, {minutes}, {begin}, count(*), min(value), max(value), sum(value), max(value), max(at)
FROM {readings} GROUP BY {begin}, device_id, metric
"""
_BEGINS: Final = {
    5: "date_bin('5 minutes', at, 'epoch')",
    60: f"date_trunc('hour', at, '{ZONE}')",
    1440: f"date_trunc('day', at, '{ZONE}')",
}
_SIZES: Final = """
SELECT sum(pg_table_size(relid)), sum(pg_indexes_size(relid)) FROM pg_partition_tree(%s::regclass) WHERE isleaf
"""
_MB: Final = 2**20


@dataclass(frozen=True)
class Histories:
    """What was measured. charts: the seconds that each took, by how long a time it shows."""

    readings: int
    readings_mb: float
    indexes_mb: float
    summaries_mb: float
    generated_s: float
    charts: dict[str, list[float]]


def chart_times(scratch: Scratch, devices: int, days: int, step_s: int) -> Histories:
    """Generate so many days that end at the bench's morning, and draw charts of devices chosen at random."""
    url = scratch.migrated("histories")
    begin = time.perf_counter()
    with connected(url) as connection:
        connection.execute("SET maintenance_work_mem = '1GB'; SET work_mem = '512MB'")
        ensure_kinds(connection)
        for month, first, last in _months(days, step_s):
            _fill(connection, month, first, last, devices=devices, step_s=step_s)
        connection.execute("VACUUM ANALYZE")
        generated = time.perf_counter() - begin
        count = connection.execute(
            "SELECT sum(n) FROM reading_summaries WHERE minutes = 1440"
        ).fetchone()
        table, indexes = _sizes(connection, "readings")
        summaries = sum(_sizes(connection, "reading_summaries"))
    charts = _draw(scratch, url, devices, days)
    return Histories(int(count[0]) if count else 0, table, indexes, summaries, generated, charts)


def _months(days: int, step_s: int) -> Iterator[tuple[datetime, datetime, datetime]]:
    """Yield the months up to the bench's morning, with their first and last reading."""
    zone = ZoneInfo(ZONE)
    moment, ends = MORNING - timedelta(days=days), MORNING
    while moment < ends:
        month = month_of(moment, zone)
        after = min(next_month(month), ends.astimezone(zone))
        steps = (after - moment - timedelta(microseconds=1)) // timedelta(seconds=step_s)
        yield month, moment, moment + steps * timedelta(seconds=step_s)
        moment += (steps + 1) * timedelta(seconds=step_s)


def _fill(
    connection: psycopg.Connection[Any],
    month: datetime,
    first: datetime,
    last: datetime,
    *,
    devices: int,
    step_s: int,
) -> None:
    """Fill a month's tables and attach them after: indexes are built whole, as a restored database has them."""
    parts = {table: name_of(table, month) for table in PARTITIONED}
    for table, part in parts.items():
        create_apart(connection, part, table)
    given = {"first": first, "last": last, "step": step_s, "devices": devices}
    connection.execute(_READINGS.format(part=parts["readings"]), given)
    for minutes, start in _BEGINS.items():
        connection.execute(
            _SUMMARIES.format(
                part=parts[f"reading_summaries_{minutes}"],
                readings=parts["readings"],
                minutes=minutes,
                begin=start,
            )
        )
    for table, part in parts.items():
        attach(connection, part, table, month)


def _sizes(connection: psycopg.Connection[Any], table: str) -> tuple[float, float]:
    row = connection.execute(_SIZES, (table,)).fetchone()
    assert row is not None
    return float(row[0]) / _MB, float(row[1]) / _MB


def _draw(scratch: Scratch, url: Any, devices: int, days: int) -> dict[str, list[float]]:
    """Return how long charts of devices took that nobody has looked at before."""
    database = scratch.opened(url)
    chance = random.Random(651)
    found: dict[str, list[float]] = {name: [] for name in CHARTS}
    for name, length in CHARTS.items():
        span = timedelta(days=min(length, days))
        for device in chance.sample(range(1, devices + 1), min(DRAWN, devices)):
            until = MORNING - chance.random() * (timedelta(days=days) - span)
            begin = time.perf_counter()
            with database.sessions(bind=database.reading) as session:
                drawn = series(session, device, 1, until - span, until)
            found[name].append(time.perf_counter() - begin)
            assert len(drawn.points) > 100 or length > days, (name, len(drawn.points))
    database.drop_connections()
    return found
