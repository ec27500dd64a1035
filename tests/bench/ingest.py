"""Readings through a real broker: stored with their rules, beside a subscriber that only acknowledges, beside COPY."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import URL

from app.clock import SystemClock
from app.run import SYSTEM, run
from app.sensing.commands import AddDevices, AddThresholdRule, MakeMonths, NewDevice
from app.settings import REPOSITORY
from connectors.mqtt import Address, Subscriber
from sla.sensing import Level, Line
from tests.bench.crowd import connected
from tests.bench.publisher import packet, publish, publishing
from tests.bench.scratch import Scratch, as_text
from tests.sensing.broker import Broker, wait_until

# A flood system of a large city: water gauges and rain gauges.
DEVICES = 700
LINES = (Line(Level.BLUE, 5, 3), Line(Level.YELLOW, 15, 13), Line(Level.ORANGE, 27, 25))
TOPIC = "jingwei/#"
# Unacknowledged at most, whoever takes them: as many as the ingest process asks for.
AT_ONCE = 40_000


@dataclass(frozen=True)
class Round:
    """Messages a second, one measured after the other. stored: by the product, with rules.

    taken: by the broker's own subscriber, a program in C that does nothing with them. acknowledged: by the product's
    own reader, which spares itself what a client has to offer besides, and does nothing either.
    """

    stored: float
    taken: float
    acknowledged: float
    copied: float
    alerts: int

    @property
    def share(self) -> float:
        """Return what storing leaves of what the broker's own subscriber takes."""
        return self.stored / self.taken


def ingest_rounds(scratch: Scratch, count: int, rounds: int, *, waiting: bool) -> list[Round]:
    """Store the same messages in all ways, again and again. waiting: all of them lie at the broker before."""
    url = scratch.migrated(f"ingest_{'waiting' if waiting else 'live'}")
    database = scratch.opened(url)
    now = SystemClock().now()
    known(now)
    database.drop_connections()
    rows = list(readings(count, now))
    packets = [
        packet(n, f"jingwei/json/{code}", body(code, at, v)) for n, (code, at, v) in enumerate(rows)
    ]
    found = []
    for _ in range(rounds):
        with TemporaryDirectory(prefix="jingwei-bench-") as folder:
            found.append(_round(Path(folder), scratch, url, packets, rows, waiting=waiting))
    return found


def _round(
    folder: Path,
    scratch: Scratch,
    url: URL,
    packets: list[bytes],
    rows: list[tuple[str, datetime, float]],
    *,
    waiting: bool,
) -> Round:
    _empty(url)
    acknowledged = _acknowledge(folder / "1", packets, first=waiting)
    stored = _store(folder / "2", scratch, url, packets, first=waiting)
    alerts = _count(url, "alerts")
    taken = _take(folder / "3", packets, first=waiting)
    return Round(stored, taken, acknowledged, len(rows) / _copy_s(url, rows), alerts)


def _take(folder: Path, packets: list[bytes], *, first: bool) -> float:
    """Return the rate of mosquitto_sub. first: everything is published before it begins."""
    with broker_in(folder) as broker:
        command = [
            "mosquitto_sub", "-p", str(broker.port), "-V", "5", "-q", "1", "-t", TOPIC, "-i", "bench",
            "-c", "-x", "3600", "-D", "connect", "receive-maximum", str(AT_ONCE),
        ]  # fmt: skip
        subprocess.run([*command, "-E"], check=True)
        taking = [*command, "-C", str(len(packets))]
        if first:
            publish(broker.port, packets)
            begin = time.perf_counter()
            subprocess.run(taking, stdout=subprocess.DEVNULL, check=True, timeout=600)
            return len(packets) / (time.perf_counter() - begin)
        with subprocess.Popen(taking, stdout=subprocess.DEVNULL) as process:
            time.sleep(0.5)  # until it is connected: it does not say so
            begin = time.perf_counter()
            with publishing(broker.port, packets):
                process.wait(600)
                return len(packets) / (time.perf_counter() - begin)


def known(now: datetime) -> None:
    """Put the devices and their rule on record."""
    devices = [
        NewDevice(f"P-{n:04d}", "depth", f"积水点 {n}", scene="underpass") for n in range(DEVICES)
    ]
    run(AddDevices(devices), actor=SYSTEM)
    run(AddThresholdRule("积水", "depth_cm", LINES, now - timedelta(days=2)), actor=SYSTEM)
    run(MakeMonths(now), actor=SYSTEM)


def readings(count: int, now: datetime) -> Iterator[tuple[str, datetime, float]]:
    """Return one reading a second of each device, the last about now; one in seven devices is under water."""
    begin = now - timedelta(seconds=count // DEVICES + 1)
    for number in range(count):
        second, device = divmod(number, DEVICES)
        # Up and down within five minutes, past all lines.
        depth = abs(second % 300 - 150) / 4 if device % 7 == 0 else (second * 7 + device) % 20 / 10
        yield f"P-{device:04d}", begin + timedelta(seconds=second), depth


def body(code: str, at: datetime, value: float) -> bytes:
    """Return a message as a device sends it."""
    return b'{"device":"%s","at":"%s","values":{"depth_cm":%.2f}}' % (
        code.encode(), at.isoformat().encode(), value,
    )  # fmt: skip


def _acknowledge(folder: Path, packets: list[bytes], *, first: bool) -> float:
    """Return the rate of a subscriber that does nothing else. first: everything is published before it begins."""
    with broker_in(folder) as broker:
        subscriber = Subscriber(Address.parse(broker.url), "bench", TOPIC, at_once=AT_ONCE)
        subscriber.connect()
        while not subscriber.subscribed:
            subscriber.fetch(1, 0.1)
        if first:
            subscriber.disconnect()
            publish(broker.port, packets)
            subscriber.connect()
            return len(packets) / _drain_s(subscriber, len(packets))
        with publishing(broker.port, packets):
            return len(packets) / _drain_s(subscriber, len(packets))


def _drain_s(subscriber: Subscriber, count: int) -> float:
    begin = time.perf_counter()
    while count > 0:
        fetched = subscriber.fetch(5000, 1)
        subscriber.acknowledge(fetched)
        count -= len(fetched)
    return time.perf_counter() - begin


def _store(folder: Path, scratch: Scratch, url: URL, packets: list[bytes], *, first: bool) -> float:
    """Return the rate at which the product stores them."""
    with broker_in(folder) as broker:
        if first:
            with ingest_process(folder, scratch, url, broker.url):
                pass
            publish(broker.port, packets)
            begin = time.perf_counter()
            with ingest_process(folder, scratch, url, broker.url):
                # Without the time that the process takes to start.
                begin = time.perf_counter()
                _wait_for(url, len(packets))
                return len(packets) / (time.perf_counter() - begin)
        with ingest_process(folder, scratch, url, broker.url):
            begin = time.perf_counter()
            with publishing(broker.port, packets):
                _wait_for(url, len(packets))
                return len(packets) / (time.perf_counter() - begin)


def _wait_for(url: URL, count: int) -> None:
    """Wait until so many readings are stored; counted from the summaries of a day, which are few."""
    with connected(url) as connection:
        connection.autocommit = True
        deadline = time.monotonic() + 600
        while time.monotonic() < deadline:
            row = connection.execute(
                "SELECT coalesce(sum(n), 0) FROM reading_summaries WHERE minutes = 1440"
            ).fetchone()
            if row and row[0] >= count:
                return
            time.sleep(0.05)
    raise RuntimeError("not every reading was stored")


def _copy_s(url: URL, rows: list[tuple[str, datetime, float]]) -> float:
    """Return how long COPY alone takes for the same rows into the same table."""
    _empty(url)
    with connected(url) as connection:
        ids = dict(connection.execute("SELECT code, id FROM devices").fetchall())
        begin = time.perf_counter()
        now = datetime.now(UTC)  # noqa: TID251 (what is measured is not the clock)
        with connection.cursor().copy(
            "COPY readings (device_id, metric, at, value, received_at) FROM STDIN"
        ) as copy:
            for code, at, value in rows:
                copy.write_row((ids[code], 1, at, value, now))
        connection.commit()
        return time.perf_counter() - begin


def _empty(url: URL) -> None:
    with connected(url) as connection:
        connection.execute(
            "TRUNCATE readings, reading_summaries, latest_readings, sensor_rule_states, alert_levels, alerts CASCADE"
        )
        connection.commit()


def _count(url: URL, table: str) -> int:
    with connected(url) as connection:
        row = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
        return int(row[0]) if row else 0


@contextmanager
def broker_in(folder: Path) -> Iterator[Broker]:
    """Run the shipped broker."""
    folder.mkdir(parents=True, exist_ok=True)
    broker = Broker(folder)
    try:
        yield broker
    finally:
        broker.kill()


@contextmanager
def ingest_process(
    folder: Path, scratch: Scratch, url: URL, broker_url: str, *options: str
) -> Iterator[subprocess.Popen[bytes]]:
    """Run the product's own process over a database, as the Procfile does; it has subscribed when the block begins."""
    log = folder / "ingest.log"
    environment = {
        **os.environ,
        "FLASK_APP": "wsgi",
        "DATABASE_URL": as_text(url.set(drivername="postgresql")),
        "JINGWEI_VAR": str(scratch.folder / "var"),
        "JINGWEI_MQTT_URL": broker_url,
    }
    before = log.read_text().count("subscribed") if log.exists() else 0
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "flask", "sensing", "ingest", "--name", "bench", *options],
            cwd=REPOSITORY, env=environment, stdout=out, stderr=out,
        )  # fmt: skip
    try:
        wait_until(lambda: log.read_text().count("subscribed") > before, log.read_text())
        yield process
    finally:
        process.terminate()
        process.wait(30)
