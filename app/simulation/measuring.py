"""Let the sensors of a simulated city measure, and happen to it what a scenario says."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from threading import Event
from typing import Any, Final

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.cases.commands import ReportCase
from app.clock import Clock
from app.db.session import Database
from app.errors import DatabaseLost, InvalidInput, NotFound, Text
from app.run import SYSTEM, Tx, handles, run
from app.sensing.commands import StoreReadings
from app.simulation.sensors import (
    HEAT_FAILURE,
    SCENARIOS,
    Measuring,
    Scenario,
    Sensor,
)
from app.simulation.tables import SimulatedScenario
from connectors.samples import Sample

log = logging.getLogger(__name__)

CHANNEL: Final = "simulated"
BATCH: Final = 2_000
# Gauges send the rain of so long.
_GAUGE_EVERY: Final = timedelta(minutes=5)
_HISTORY_EVERY: Final = timedelta(minutes=10)
_SENSORS: Final = """
SELECT d.code, d.kind, coalesce(s.code, '') AS site, coalesce(p.code, '') AS above
FROM devices d LEFT JOIN sites s ON s.id = d.site_id LEFT JOIN sites p ON p.id = s.parent_id
WHERE d.active ORDER BY d.id
"""
# What is over still cools down or runs off.
_AFTERWARDS: Final = timedelta(hours=12)
_HOMES: Final = """
SELECT g.outline FROM served_grids v JOIN sites s ON s.id = v.site_id JOIN unit_grids g ON g.code = v.grid_code
WHERE s.code = :site ORDER BY g.code
"""


@dataclass(frozen=True)
class BeginScenario:
    """Let a scenario begin. sites: codes of what it happens to; of a storm, none."""

    kind: str
    begins_at: datetime
    lasts: timedelta
    sites: tuple[str, ...] = ()


@handles(BeginScenario)
def begin_scenario(command: BeginScenario, tx: Tx) -> int:
    """Record the scenario and return its id. Raises InvalidInput."""
    if command.kind not in SCENARIOS:
        raise InvalidInput({"kind": Text("没有情景“%(kind)s”", kind=command.kind)})
    if command.kind == HEAT_FAILURE and not command.sites:
        raise InvalidInput({"sites": "请写明哪个换热站停供。"})
    for code in command.sites:
        if (
            tx.session.scalar(text("SELECT id FROM sites WHERE code = :code"), {"code": code})
            is None
        ):
            raise NotFound("没有这个点位。")
    row = SimulatedScenario(
        kind=command.kind,
        begins_at=command.begins_at,
        ends_at=command.begins_at + command.lasts,
        sites=list(command.sites),
    )
    tx.session.add(row)
    tx.session.flush()
    return row.id


def sensors_of(session: Session) -> list[Sensor]:
    """Return every device in use."""
    return [Sensor(*row) for row in session.execute(text(_SENSORS))]


def scenarios_at(session: Session, at: datetime) -> list[Scenario]:
    """Return what happens at a moment or has happened not long ago."""
    query = select(SimulatedScenario).where(
        SimulatedScenario.begins_at <= at, SimulatedScenario.ends_at > at - _AFTERWARDS
    )
    return [
        Scenario(row.kind, row.begins_at, row.ends_at - row.begins_at, frozenset(row.sites))
        for row in session.scalars(query.order_by(SimulatedScenario.id))
    ]


def samples_at(
    sensors: Sequence[Sensor], scenarios: Sequence[Scenario], at: datetime
) -> Iterator[Sample]:
    """Return what the sensors send at a moment; gauges only every five minutes."""
    measuring = Measuring(at, scenarios)
    gauges = int(at.timestamp()) % int(_GAUGE_EVERY.total_seconds()) < 60
    for sensor in sensors:
        if sensor.kind == "rain_gauge" and not gauges:
            continue
        for metric, value in measuring.values(sensor).items():
            yield Sample(sensor.code, at, metric, value)


def measure(
    database: Database, clock: Clock, at: datetime, kinds: frozenset[str] | None = None
) -> int:
    """Store what every sensor measures at a moment; return how many readings are new. kinds: of device, None for all."""
    with database.sessions() as session:
        sensors = [one for one in sensors_of(session) if kinds is None or one.kind in kinds]
        scenarios = scenarios_at(session, at)
    return _store(database, clock, samples_at(sensors, scenarios, at))


def measure_day_before(database: Database, clock: Clock) -> int:
    """Store what the sensors measured until now, a calm day, where none has measured yet; return how many readings.

    Without it the curves of a city to try would be empty for a day.
    """
    with database.sessions() as session:
        if session.scalar(text("SELECT EXISTS (SELECT FROM latest_readings WHERE at IS NOT NULL)")):
            return 0
        sensors = sensors_of(session)
    now = clock.now()
    last = now - timedelta(seconds=now.timestamp() % _HISTORY_EVERY.total_seconds())
    moments = (
        last - n * _HISTORY_EVERY for n in range(timedelta(days=1) // _HISTORY_EVERY, -1, -1)
    )
    return _store(database, clock, (one for at in moments for one in samples_at(sensors, (), at)))


def _store(database: Database, clock: Clock, samples: Iterator[Sample]) -> int:
    stored = 0
    while batch := list(islice(samples, BATCH)):
        command = StoreReadings(batch, CHANNEL)
        stored += run(command, actor=SYSTEM, clock=clock, database=database).stored
    return stored


def complain(database: Database, clock: Clock, site: str, class_code: str, count: int) -> list[str]:
    """Let homes that a site serves complain, one from each of its grids in turn; return the cases' numbers."""
    with database.sessions() as session:
        outlines = [row[0] for row in session.execute(text(_HOMES), {"site": site})]
    if not outlines:
        raise NotFound("没有这个点位。")
    numbers = []
    for n in range(count):
        lon, lat = _inside(outlines[n % len(outlines)])
        command = ReportCase(
            channel="hotline",
            title="家中暖气不热",
            description="从今天起暖气片是凉的，家里有老人和孩子。",
            class_code=class_code,
            address=f"{n + 1}号楼",
            lon=lon,
            lat=lat,
            reporter_name="市民",
            reporter_phone="00000000000",
        )
        numbers.append(run(command, actor=SYSTEM, clock=clock, database=database).number)
    return numbers


def _inside(outline: dict[str, Any]) -> tuple[float, float]:
    ring = outline["coordinates"][0]
    return (
        sum(point[0] for point in ring[:-1]) / (len(ring) - 1),
        sum(point[1] for point in ring[:-1]) / (len(ring) - 1),
    )


@dataclass
class MeasuringLoop:
    """Measure once a minute until stopped; a minute that was missed stays missing, as with real sensors."""

    database: Database
    clock: Clock
    every: timedelta = timedelta(minutes=1)
    stopping: Event = field(default_factory=Event)

    def step(self) -> int:
        """Measure now; return how many readings are new."""
        return measure(self.database, self.clock, self.clock.now().replace(microsecond=0))

    def run(self) -> None:
        """Run until stopped."""
        while not self.stopping.is_set():
            try:
                self.step()
            except DatabaseLost:
                log.warning("the database does not answer, trying again")
            self.stopping.wait(self.every.total_seconds())
