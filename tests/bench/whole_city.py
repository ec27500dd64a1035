"""Every sensor of a city for some minutes: does storing keep up, and how soon is an alert on record?

python -m tests.bench.whole_city --minutes 10
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import URL

from app.clock import SystemClock
from app.run import SYSTEM, run
from app.sensing.commands import AddDevices, AddThresholdRule, MakeMonths, NewDevice
from sla.sensing import Level, Line
from tests.bench.crowd import connected
from tests.bench.ingest import broker_in, ingest_process
from tests.bench.publisher import Message, publish_paced
from tests.bench.scratch import Scratch

# A city's flood system and its utilities, as they were published of Taiyuan.
DEPTHS, GAUGES, STATIONS, CHAMBERS, POINTS = 660, 40, 3155, 7289, 38
STATION_METRICS = ("temperature_c", "pressure_mpa", "flow_m3h", "level_m")
POINT_METRICS = ("pressure_mpa", "flow_m3h", "temperature_c")
LINES = (Line(Level.YELLOW, 15, 13), Line(Level.ORANGE, 27, 25))
# A device under water rises past both lines once in so many seconds.
WAVE_S = 240


@dataclass(frozen=True)
class Figures:
    """rate: messages a second. late: how long the last reading took to be stored. p50_s, p99_s, most_s: of the alerts."""

    published: int
    stored: int
    rate: float
    late_s: float
    alerts: int
    p50_s: float
    p99_s: float
    most_s: float


def whole_city(scratch: Scratch, minutes: float) -> Figures:
    """Publish as the devices would, second by second, and look at what became of it."""
    url = scratch.migrated("whole_city")
    database = scratch.opened(url)
    now = SystemClock().now()
    _known(now)
    database.drop_connections()
    seconds = round(minutes * 60)
    with TemporaryDirectory(prefix="jingwei-bench-") as name, broker_in(Path(name)) as broker:
        with ingest_process(Path(name), scratch, url, broker.url):
            begin = time.monotonic()
            _publish(broker.port, seconds)
            took = time.monotonic() - begin
            published = sum(_count(second) for second in range(seconds))
            stored, late = _stored(url, published)
        waits = _waits(url)
    cut = statistics.quantiles(waits, n=100)
    return Figures(
        published, stored, published / took, late, len(waits), cut[49], cut[98], waits[-1]
    )


def _publish(port: int, seconds: int) -> None:
    made = (partial(messages_of, second) for second in range(seconds))
    publisher = multiprocessing.get_context("fork").Process(target=publish_paced, args=(port, made))
    publisher.start()
    publisher.join()
    assert publisher.exitcode == 0


def _stored(url: URL, published: int) -> tuple[int, float]:
    """Return how much is stored once everything is, or after two minutes, and how long that took."""
    begin = time.monotonic()
    stored = 0
    with connected(url) as connection:
        while stored < published and time.monotonic() < begin + 120:
            row = connection.execute(
                "SELECT coalesce(sum(n), 0) FROM reading_summaries WHERE minutes = 1440"
            ).fetchone()
            stored = int(row[0]) if row else 0
    return stored, time.monotonic() - begin


def _waits(url: URL) -> list[float]:
    """Return how long each level took from the moment that its reading was published, in order."""
    with connected(url) as connection:
        rows = connection.execute(
            "SELECT extract(epoch FROM recorded_at - at) FROM alert_levels WHERE level > 0"
        )
        return sorted(float(row[0]) for row in rows)


def messages_of(second: int) -> Iterator[Message]:
    """Return what one second brings: every flood device, and a sixtieth of the others."""
    for number in range(DEPTHS):
        yield _message(f"P-{number:04d}", "depth_cm", _depth(number, second))
    for number in range(GAUGES):
        yield _message(f"R-{number:04d}", "rain_mm", number % 4 / 2)
    for number in range(second % 60, STATIONS, 60):
        for metric in STATION_METRICS:
            yield _message(f"H-{number:04d}", metric, 1 + number % 7 / 10)
    for number in range(second % 60, CHAMBERS, 60):
        yield _message(f"C-{number:04d}", "temperature_c", 20 + number % 30)
    for number in range(second % 60, POINTS, 60):
        for metric in POINT_METRICS:
            yield _message(f"W-{number:04d}", metric, 1 + number % 7 / 10)


def _count(second: int) -> int:
    def due(total: int) -> int:
        return len(range(second % 60, total, 60))

    others = len(STATION_METRICS) * due(STATIONS) + due(CHAMBERS) + len(POINT_METRICS) * due(POINTS)
    return DEPTHS + GAUGES + others


def _depth(number: int, second: int) -> float:
    """Return how deep the water is: half the places flood, each at its own time."""
    if number % 2:
        return 0.0
    return max(0.0, 40 * math.sin(2 * math.pi * (second + number * 7) / WAVE_S))


def _message(code: str, metric: str, value: float) -> Message:
    at = datetime.now(UTC).isoformat()  # noqa: TID251 (a device has a clock of its own)
    return f"jingwei/json/{code}", b'{"device":"%s","at":"%s","values":{"%s":%.2f}}' % (
        code.encode(), at.encode(), metric.encode(), value,
    )  # fmt: skip


def _known(now: datetime) -> None:
    listed = (
        ("P", DEPTHS, "depth", "underpass"), ("R", GAUGES, "rain", "rain_gauge"),
        ("H", STATIONS, "heat", "heat_station"), ("C", CHAMBERS, "chamber", "heat_chamber"),
        ("W", POINTS, "point", "pressure_point"),
    )  # fmt: skip
    devices = [
        NewDevice(f"{mark}-{n:04d}", kind, f"{mark}-{n:04d}", scene=scene)
        for mark, total, kind, scene in listed
        for n in range(total)
    ]
    run(AddDevices(devices), actor=SYSTEM)
    since = now - timedelta(days=1)
    run(AddThresholdRule("积水", "depth_cm", LINES, since), actor=SYSTEM)
    hot = (Line(Level.YELLOW, 60, 55),)
    run(AddThresholdRule("小室温度", "temperature_c", hot, since), actor=SYSTEM)
    run(MakeMonths(now), actor=SYSTEM)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    scratch = Scratch()
    try:
        print(whole_city(scratch, parser.parse_args().minutes))
    finally:
        scratch.close()


if __name__ == "__main__":
    main()
