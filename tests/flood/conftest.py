"""A small city with gauges, flood points, staff and a truck, in the transaction that is rolled back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.clock import FixedClock
from app.db.session import Database
from app.flood.commands.events import FindRainWork, JudgeRainEvent, OpenRainEvent, RainWork
from app.flood.commands.forecasts import AddForecasts
from app.flood.commands.roster import AddShifts, NewShift
from app.flood.commands.trucks import AddTrucks, NewTruck
from app.flood.forecast_files import NewForecast
from app.processes.commands import CompleteProcessItem, FindDueProcesses, FireProcess
from app.run import SYSTEM, Actor, run
from app.sensing.commands import AddDevices, AddSites, NewDevice, NewSite, StoreReadings
from app.sensing.rule_commands import AddRule, RuleText
from connectors.samples import Sample
from tests.factories import IN_GRID, Desk, build_city

COMMANDER = Actor(140, 1, "/1/", frozenset({"flood_commander"}), "指挥甲")
# In unit 111, below unit 11.
STAFF = Actor(141, 11, "/1/11/", frozenset({"flood_staff"}), "队员甲", ranked=True)
OTHER = Actor(142, 12, "/1/12/", frozenset({"flood_staff"}), "队员乙", ranked=True)
DISTRICT = "140106"
LINES = [
    {"level": 1, "rise": 5, "fall": 3},
    {"level": 2, "rise": 15, "fall": 13},
    {"level": 3, "rise": 27, "fall": 25},
]
PEOPLE = """
INSERT INTO people (id, unit_id, login, name, phone) VALUES (140, 1, 'commander', '指挥甲', NULL);
INSERT INTO people (id, unit_id, login, name, phone) VALUES (141, 11, 'staff1', '队员甲', '13800000001');
INSERT INTO people (id, unit_id, login, name, phone) VALUES (142, 12, 'staff2', '队员乙', NULL);
INSERT INTO person_roles (person_id, role)
    VALUES (140, 'flood_commander'), (141, 'flood_staff'), (142, 'flood_staff')
"""
_FLOODED_ROAD = """
INSERT INTO classes (id, version_id, kind, major_code, major_name, minor_code, minor_name, code, duty, name_en)
  VALUES (6, 1, 'event', '05', '突发事件', '06', '道路积水', 'E-05-06', 'drainage', 'Flooded road');
INSERT INTO filing_conditions (id, class_id, seq, wording, limit_value, limit_unit, closing_wording)
  VALUES (6, 6, 1, '积水面积大于100平方米且深度超过15厘米', 2, 'urgent_hour', '路面无积水')
"""


def key(number: int) -> UUID:
    """Return the key of a phone's request."""
    return UUID(int=number)


@dataclass
class Flood:
    """The city under rain, and the worker beside it."""

    desk: Desk
    clock: FixedClock
    sites: dict[str, int]
    database: Database

    def rows(self, statement: str, **parameters: Any) -> list[dict[str, Any]]:
        return self.desk.rows(statement, **parameters)

    def later(self, **length: float) -> datetime:
        """Move the clock on."""
        self.clock.move_to(self.clock.now() + timedelta(**length))
        return self.clock.now()

    def rain(self, *mm: float, gauge: str = "RG-1", every: int = 5) -> None:
        """Let a gauge have measured so much in each interval, the last one until now."""
        now = self.clock.now()
        samples = [
            Sample(gauge, now - timedelta(minutes=every * n), "rain_mm", float(one))
            for n, one in enumerate(reversed(mm))
        ]
        run(StoreReadings(samples, "test"), actor=SYSTEM)

    def water(self, cm: float, device: str = "FP-1") -> None:
        run(StoreReadings([Sample(device, self.clock.now(), "depth_cm", cm)], "test"), actor=SYSTEM)

    def forecast(self, *mm: float, district: str = DISTRICT, source: str = "气象台") -> None:
        """Forecast so much for each hour from the next full one on."""
        now = self.clock.now()
        run(AddForecasts([NewForecast(source, now, district, now, mm)]), actor=SYSTEM)

    def work(self) -> RainWork:
        """Do once what the worker does."""
        found: RainWork = run(FindRainWork(), actor=SYSTEM)
        if found.to_open:
            run(OpenRainEvent(), actor=SYSTEM)
        elif found.to_judge is not None:
            run(JudgeRainEvent(found.to_judge), actor=SYSTEM)
        return found

    def fire(self) -> int:
        """Fire what is due and return how many processes that were."""
        due = run(FindDueProcesses(100), actor=SYSTEM)
        for process_id in due:
            run(FireProcess(process_id), actor=SYSTEM)
        return len(due)

    def open_items(self) -> list[str]:
        found = self.rows("SELECT element FROM process_items WHERE status = 'open' ORDER BY id")
        return [row["element"] for row in found]

    def complete(self, element: str, actor: Actor = COMMANDER, **answers: Any) -> None:
        (item,) = self.rows(
            "SELECT id FROM process_items WHERE status = 'open' AND element = :element",
            element=element,
        )
        run(CompleteProcessItem(item["id"], answers), actor=actor)

    def shift(self, actor: Actor = STAFF, site: str | None = "F-1", **moved: float) -> int:
        """Put an actor on the roster from now on, or from so much later, for eight hours."""
        begins = self.clock.now() + timedelta(**moved)
        site_id = None if site is None else self.sites[site]
        shift = NewShift(
            actor.person_id, actor.unit_id, site_id, begins, begins + timedelta(hours=8)
        )
        run(AddShifts([shift]), actor=SYSTEM)
        return int(self.rows("SELECT max(id) AS id FROM duty_shifts")[0]["id"])

    def truck(self, actor: Actor | None = STAFF) -> int:
        driver_id = actor.person_id if actor else None
        truck = NewTruck("晋A·F0001", 11, "队员甲", "13800000001", 1000, driver_id)
        run(AddTrucks([truck]), actor=SYSTEM)
        return int(self.rows("SELECT max(id) AS id FROM pump_trucks")[0]["id"])


@pytest.fixture
def desk(session: Session, open_database: Database) -> Desk:
    """Return the small city of the tests."""
    return Desk(build_city(session), open_database)


@pytest.fixture
def flood(desk: Desk, clock: FixedClock) -> Flood:
    """Return the city with what it needs for a flood, in the transaction that is rolled back."""
    return flooded_city(desk, clock)


def flooded_city(desk: Desk, clock: FixedClock) -> Flood:
    """Return the city with two gauges, an underpass and a street, and people for them."""
    with desk.database.sessions() as session:
        for statement in (*PEOPLE.split(";\n"), *_FLOODED_ROAD.split(";\n")):
            session.execute(text(statement))
        session.commit()
    places = [
        NewSite("F-1", "underpass", "桃园南路下穿", **IN_GRID, address="桃园南路", unit_id=11),
        NewSite("F-2", "low_lying", "并州路低洼处", lon=112.551, lat=37.871, unit_id=12),
        NewSite("R-1", "rain_gauge", "迎泽雨量站", **IN_GRID),
        NewSite("R-2", "rain_gauge", "汾东雨量站", lon=112.551, lat=37.871),
    ]
    sites = run(AddSites(places), actor=SYSTEM)
    devices = [
        NewDevice("FP-1", "depth", "一号水位计", scene="underpass", site_id=sites["F-1"]),
        NewDevice("FP-2", "depth", "二号水位计", scene="low_lying", site_id=sites["F-2"]),
        NewDevice("RG-1", "rain_gauge", "一号雨量计", scene="rain_gauge", site_id=sites["R-1"]),
        NewDevice("RG-2", "rain_gauge", "二号雨量计", scene="rain_gauge", site_id=sites["R-2"]),
        NewDevice("SR-1", "siren", "一号声光报警", scene="underpass", site_id=sites["F-1"]),
        NewDevice("BR-1", "barrier", "一号道闸", scene="underpass", site_id=sites["F-1"]),
    ]
    run(AddDevices(devices), actor=SYSTEM)
    before = FixedClock(clock.now() - timedelta(days=1))
    scenes = ("underpass", "low_lying")
    rule = RuleText("积水", "threshold", "depth_cm", {"lines": LINES}, scenes=scenes)
    run(AddRule(rule), actor=SYSTEM, clock=before)
    return Flood(desk, clock, sites, desk.database)
