"""A few devices with rules, in the transaction that is rolled back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.db.session import Database
from app.run import SYSTEM, run
from app.sensing.commands import (
    AddDevices,
    AddThresholdRule,
    NewDevice,
    StoreReadings,
    Taken,
)
from connectors.samples import Sample
from sla.sensing import Level, Line
from tests.factories import Desk, build_city

# The clock of the tests stands at 09:00 in Shanghai.
NOON = datetime(2025, 11, 25, 0, 0, tzinfo=UTC)
STREET = (Line(Level.YELLOW, 15, 13), Line(Level.ORANGE, 27, 25))


@dataclass(frozen=True)
class Gauge:
    """Send values of devices, one a minute, and look at what became of them."""

    database: Database
    devices: tuple[str, ...]

    def send(self, *values: float, device: str = "", first: float = 0, step: float = 1) -> Taken:
        """Send values of one device, the first so many minutes after NOON, in one batch."""
        samples = [
            Sample(device or self.devices[0], self.at(first + n * step), "depth_cm", value)
            for n, value in enumerate(values)
        ]
        return self.take(samples)

    def take(self, samples: list[Sample], **more: Any) -> Taken:
        taken: Taken = run(StoreReadings(samples, "test", **more), actor=SYSTEM)
        return taken

    def at(self, minute: float) -> datetime:
        return NOON + timedelta(minutes=minute)

    def rows(self, statement: str, **parameters: Any) -> list[tuple[Any, ...]]:
        with self.database.sessions() as session:
            return [tuple(row) for row in session.execute(text(statement), parameters)]

    def alerts(self) -> list[tuple[Any, ...]]:
        """Return (opened, closed, level, top level, peak) of each alert; moments in minutes after NOON."""
        found = self.rows(
            "SELECT opened_at, closed_at, level, top_level, peak FROM alerts ORDER BY opened_at, rule_id"
        )
        return [
            (self.minute(opened), None if closed is None else self.minute(closed), *rest)
            for opened, closed, *rest in found
        ]

    def minute(self, at: datetime) -> float:
        return (at - NOON).total_seconds() / 60


@pytest.fixture
def desk(session: Session, open_database: Database) -> Desk:
    """Return the small city of the tests."""
    return Desk(build_city(session), open_database)


@pytest.fixture
def gauge(open_database: Database) -> Gauge:
    codes = ("P-1", "P-2")
    run(
        AddDevices([NewDevice(code, "depth", code, scene="street") for code in codes]), actor=SYSTEM
    )
    return Gauge(open_database, codes)


@pytest.fixture
def ruled(gauge: Gauge) -> Gauge:
    """Return the gauge with lines at 15 and 27 cm."""
    add_rule()
    return gauge


def add_rule(**given: Any) -> int:
    rule = {"name": "积水", "metric": "depth_cm", "lines": STREET, "valid_from": NOON}
    number: int = run(AddThresholdRule(**{**rule, **given}), actor=SYSTEM)
    return number
