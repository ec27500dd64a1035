"""A heated quarter of the small city: a zone with its station, a room behind its pipes, and the homes in its grid."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text

from app.clock import FixedClock
from app.processes.commands import CompleteProcessItem
from app.run import SYSTEM, Actor, run
from app.sensing.commands import AddDevices, AddSites, NewDevice, NewSite
from app.sensing.following import FindAlertsToFollow, FollowAlert
from app.sensing.rule_commands import AddRule
from app.simulation.measuring import BeginScenario, complain, measure
from app.simulation.sensors import HEAT_FAILURE
from app.simulation.watching import shipped_rules
from app.utilities.commands import LinkComplaints, ServeGrids
from tests.factories import IN_GRID, Desk

# Eight in the morning of 25 November in Shanghai.
BEGIN = datetime.fromisoformat("2025-11-25T00:00:00+00:00")
GRID = "140106001001001"
STATION = "HS-1"
_CLASS = """
INSERT INTO classes (id, version_id, kind, major_code, major_name, minor_code, minor_name, code, duty, name_en)
  VALUES (7, 1, 'service', '01', '公用事业', '02', '供热', 'S-01-02', 'heating', 'Heating');
INSERT INTO filing_conditions (id, class_id, seq, wording, limit_value, limit_unit, closing_wording)
  VALUES (7, 7, 1, '采暖期室温不达标', 1, 'working_day', '室温达标')
"""


@dataclass
class Quarter:
    """The quarter, its minutes, and the worker beside it."""

    desk: Desk
    at: datetime = BEGIN

    @property
    def clock(self) -> FixedClock:
        return FixedClock(self.at)

    def live(self, minutes: int) -> None:
        """Let minutes pass: sensors measure, the worker follows what they raise."""
        for _ in range(minutes):
            self.at += timedelta(minutes=1)
            measure(self.desk.database, self.clock, self.at)
            for alert_id in run(FindAlertsToFollow(100), actor=SYSTEM, clock=self.clock):
                run(FollowAlert(alert_id), actor=SYSTEM, clock=self.clock)
        run(LinkComplaints(), actor=SYSTEM, clock=self.clock)

    def fail(self, minutes: int) -> None:
        """Let the station fail for so long."""
        failure = BeginScenario(HEAT_FAILURE, self.at, timedelta(minutes=minutes), (STATION,))
        run(failure, actor=SYSTEM, clock=self.clock)

    def complain(self, count: int) -> list[str]:
        """Let homes complain; return the numbers of their cases."""
        return complain(self.desk.database, self.clock, STATION, "S-01-02", count)

    def alert(self) -> dict[str, Any]:
        """Return the alert of the station."""
        (found,) = self.desk.rows(
            "SELECT a.* FROM alerts a JOIN devices d ON d.id = a.device_id WHERE d.kind = 'heat_station'"
        )
        return found

    def complete(self, actor: Actor, outcome: str) -> None:
        """Complete the open item of the alert's process."""
        (item,) = self.desk.rows("SELECT id FROM process_items WHERE status = 'open'")
        command = CompleteProcessItem(item["id"], {"outcome": outcome})
        run(command, actor=actor, clock=self.clock)


def heated_quarter(desk: Desk) -> Quarter:
    """Put the quarter on record, with the rules of a simulated city."""
    with desk.database.sessions() as session:
        for statement in _CLASS.split(";\n"):
            session.execute(text(statement))
        session.commit()
    sites = [
        NewSite("HZ-1", "heat_zone", "一片区", **IN_GRID, unit_id=11),
        NewSite(STATION, "heat_station", "一号换热站", **IN_GRID, name_en="Heat station 1",
                unit_id=11, parent="HZ-1", data={"homes": 900}),
        NewSite("HR-1", "heated_room", "一号室温测点", **IN_GRID, unit_id=11, parent=STATION),
    ]  # fmt: skip
    ids = run(AddSites(sites), actor=SYSTEM)
    run(ServeGrids([(ids[STATION], GRID)]), actor=SYSTEM)
    devices = [
        NewDevice(f"{code}-D", kind, code, scene=kind, unit_id=11, site_id=ids[code])
        for code, kind in ((STATION, "heat_station"), ("HR-1", "heated_room"))
    ]
    run(AddDevices(devices), actor=SYSTEM)
    for rule in shipped_rules():
        run(AddRule(rule), actor=SYSTEM, clock=FixedClock(BEGIN - timedelta(days=1)))
    return Quarter(desk)
