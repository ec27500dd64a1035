"""A storm through the real broker, while broker, ingest and database are killed: nothing is missing or doubled."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from app.clock import SystemClock
from app.db.embedded import EmbeddedServer
from app.db.migrate import upgrade
from app.db.session import Database
from app.run import SYSTEM, Runtime, Services, install, run
from app.sensing.commands import AddDevices, AddThresholdRule, NewDevice
from app.settings import Settings
from sla.sensing import Level, Line
from tests.chaos.kill_test import postgres_processes
from tests.sensing.broker import MOSQUITTO, Broker, Gateway, IngestProcess, wait_until
from tests.sensing.storms import FLOODNET, Row, Storm, floodnet, synthetic

LINES = {15.0: Line(Level.YELLOW, 15, 13), 27.0: Line(Level.ORANGE, 27, 25)}

pytestmark = pytest.mark.skipif(
    not MOSQUITTO.exists(), reason="the broker is not installed: apt install mosquitto"
)


@dataclass
class Plant:
    """A server, a broker and ingest processes, each of which may be killed."""

    folder: Path
    server: EmbeddedServer
    database: Database
    broker: Broker
    ingests: list[IngestProcess]

    def start_ingests(self, *names: str, shared: bool) -> None:
        options = ["--shared"] if shared else []
        self.ingests += [
            IngestProcess(self.folder, self.server.var_dir, self.broker.url, name, *options)
            for name in names
        ]
        self.broker.write()

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        with self.database.sessions() as session:
            return [tuple(row) for row in session.execute(text(statement))]

    def has_stored(self, count: int) -> bool:
        with suppress(OperationalError):
            return self.rows("SELECT count(*) FROM readings") == [(count,)]
        return False

    def stored(self) -> list[Row]:
        return self.rows(
            "SELECT d.code, r.at, r.value FROM readings r JOIN devices d ON d.id = r.device_id"
        )

    def report(self, storm: Storm) -> str:
        """Return what there is to go by when readings are missing."""
        stored = set(self.stored())
        missing = [place for place, row in enumerate(storm.rows) if row not in stored]
        refused = self.rows("SELECT reason, sum(n) FROM refused_readings GROUP BY 1")
        logs = [process.log.read_text()[-3000:] for process in self.ingests]
        return "\n".join([f"missing {missing}, refused {refused}", *logs])

    def kill_postgres(self) -> None:
        for process in postgres_processes(self.server.place()):
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self.database.drop_connections()
        # Whoever needs it first starts the embedded server again.

    def kill_broker(self) -> None:
        self.broker.kill()
        self.broker.start()

    def kill_ingest(self, number: int) -> None:
        self.ingests[number].kill()
        self.ingests[number].start()


@pytest.fixture
def plant() -> Iterator[Plant]:
    folder = Path(tempfile.mkdtemp(prefix="jingwei-storm-"))
    # The account that runs PostgreSQL for root must be able to pass through.
    folder.chmod(0o711)
    settings = Settings(var_dir=folder / "var", secret_key="for tests only", testing=True)
    # Durable, as it is delivered: what was committed outlives the kill.
    server = EmbeddedServer(settings.var_dir)
    server.ensure_running()
    database = Database.at(settings)
    install(Runtime(database, Services(settings), SystemClock()))
    upgrade(database.writing)
    broker = Broker(folder)
    plant = Plant(folder, server, database, broker, [])
    yield plant
    for process in (*(ingest.process for ingest in plant.ingests), broker.process):
        process.kill()
        process.wait()
    database.drop_connections()
    server.remove()
    shutil.rmtree(folder)


def _prepare(storm: Storm) -> dict[float, int]:
    """Put the storm's devices and a rule for each line on record; return the rules."""
    run(
        AddDevices([NewDevice(code, "depth", code, scene="street") for code in storm.devices]),
        actor=SYSTEM,
    )
    begin = storm.rows[0][1] - timedelta(days=1)
    return {
        value: run(AddThresholdRule(f"{value:g} cm", "depth_cm", (line,), begin), actor=SYSTEM)
        for value, line in LINES.items()
    }


def _replay(plant: Plant, storm: Storm, *, insists: bool) -> Gateway:
    """Publish the storm as fast as the broker takes it, and kill everything on the way."""
    count = len(storm.rows)
    kills: dict[int, Callable[[], None]] = {
        count * 15 // 100: plant.kill_broker,
        count * 30 // 100: lambda: plant.kill_ingest(0),
        count * 45 // 100: plant.kill_postgres,
        count * 60 // 100: lambda: plant.kill_ingest(-1),
        count * 75 // 100: plant.kill_broker,
        count * 90 // 100: plant.kill_postgres,
    }
    gateway = Gateway(plant.broker.port, insists=insists)
    for number, (topic, payload) in enumerate(storm.messages()):
        if number in kills:
            kills[number]()
        gateway.publish(topic, payload)
    gateway.finish()
    return gateway


def _within(plant: Plant, rule: int, device: str, at: Any, value: float) -> bool:
    """Tell whether a peak lies within an alert of its rule, which has it as its peak."""
    return bool(
        plant.rows(
            f"SELECT 1 FROM alerts a JOIN devices d ON d.id = a.device_id WHERE a.rule_id = {rule}"
            f" AND d.code = '{device}' AND a.opened_at <= '{at.isoformat()}' AND a.peak = {value}"
            f" AND coalesce(a.closed_at, 'infinity') >= '{at.isoformat()}'"
        )
    )


def _check(plant: Plant, storm: Storm, rules: dict[float, int]) -> None:
    assert sorted(plant.stored()) == sorted(storm.rows)
    for line, rule in rules.items():
        missed = [peak for peak in storm.peaks(line) if not _within(plant, rule, *peak)]
        assert missed == []
    overlapping = (
        "SELECT a.id, b.id FROM alerts a JOIN alerts b"
        " ON a.id < b.id AND (a.device_id, a.rule_id) = (b.device_id, b.rule_id)"
        " WHERE a.opened_at < coalesce(b.closed_at, 'infinity')"
        " AND b.opened_at < coalesce(a.closed_at, 'infinity')"
    )
    assert plant.rows(overlapping) == []
    # Summaries took each reading in once, however often it was sent.
    assert (
        plant.rows("SELECT sum(n) FROM reading_summaries GROUP BY minutes")
        == [(len(storm.rows),)] * 3
    )


def _storm_comes_through(plant: Plant, storm: Storm, *, shared: bool) -> None:
    rules = _prepare(storm)
    plant.start_ingests(*("1", "2")[: 1 + shared], shared=shared)
    gateway = _replay(plant, storm, insists=shared)
    assert gateway.reconnections > 1
    try:
        wait_until(lambda: plant.has_stored(len(storm.rows)), "every reading to be stored")
    except AssertionError:
        pytest.fail(plant.report(storm))
    _check(plant, storm, rules)
    for ingest in plant.ingests:
        ingest.stop()


@pytest.mark.parametrize("shared", [False, True], ids=["alone", "shared"])
def test_storm_of_our_own_comes_through_every_kill(plant: Plant, shared: bool) -> None:
    storm = synthetic(SystemClock().now())
    assert len(storm.peaks(15)) > len(storm.peaks(27)) > 10
    _storm_comes_through(plant, storm, shared=shared)


@pytest.mark.slow
@pytest.mark.skipif(not FLOODNET.exists(), reason="readings of a real storm are not here")
def test_real_storm_comes_through_every_kill(plant: Plant) -> None:
    storm = floodnet(SystemClock().now())
    # As the data say of themselves.
    assert (len(storm.rows), len(storm.devices)) == (9816, 126)
    assert (len(storm.peaks(15)), len(storm.peaks(27))) == (61, 33)
    _storm_comes_through(plant, storm, shared=True)
