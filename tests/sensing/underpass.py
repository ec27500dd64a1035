"""A flooded underpass of the small city: its gauges, its rule, the watch, and the worker beside it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import text

from app.clock import FixedClock
from app.processes.commands import CompleteProcessItem
from app.run import SYSTEM, Actor, run
from app.sensing.commands import AddDevices, AddSites, NewDevice, NewSite, StoreReadings
from app.sensing.following import FindAlertsToFollow, FollowAlert
from app.sensing.rule_commands import AddRule, RuleText
from connectors.samples import Sample
from tests.factories import IN_GRID, Desk
from tests.sensing.conftest import NOON

LINES = [
    {"level": 1, "rise": 5, "fall": 3},
    {"level": 2, "rise": 15, "fall": 13},
    {"level": 3, "rise": 27, "fall": 25},
]
RULE = RuleText("积水", "threshold", "depth_cm", {"lines": LINES}, scenes=("underpass",))
WATCH = Actor(130, 1, "/1/", frozenset({"watch_officer"}), "值班员甲")
_FLOODED_ROAD = """
INSERT INTO people (id, unit_id, login, name) VALUES (130, 1, 'watch', '值班员甲');
INSERT INTO person_roles (person_id, role) VALUES (130, 'watch_officer');
INSERT INTO classes (id, version_id, kind, major_code, major_name, minor_code, minor_name, code, duty, name_en)
  VALUES (6, 1, 'event', '05', '突发事件', '06', '道路积水', 'E-05-06', 'drainage', 'Flooded road');
INSERT INTO filing_conditions (id, class_id, seq, wording, limit_value, limit_unit, closing_wording)
  VALUES (6, 6, 1, '积水面积大于100平方米且深度超过15厘米', 2, 'urgent_hour', '路面无积水')
"""


@dataclass(frozen=True)
class Underpass:
    """A flooded underpass of the small city, and the worker beside it."""

    desk: Desk

    def water(self, *depths: float, minute: float = 0, device: str = "FP-1") -> None:
        samples = [
            Sample(device, NOON + timedelta(minutes=minute + n), "depth_cm", float(depth))
            for n, depth in enumerate(depths)
        ]
        run(StoreReadings(samples, "test"), actor=SYSTEM)

    def follow(self) -> int:
        """Do what the worker does until nothing is left; return how much it was."""
        n = 0
        while found := run(FindAlertsToFollow(1000), actor=SYSTEM):
            for alert_id in found:
                n += run(FollowAlert(alert_id), actor=SYSTEM)
        return n

    def alert(self) -> dict[str, Any]:
        (found,) = self.desk.rows("SELECT * FROM alerts")
        return found

    def items(self) -> list[tuple[str, str, int | None]]:
        found = self.desk.rows(
            "SELECT element, role, unit_id FROM process_items WHERE status = 'open' ORDER BY id"
        )
        return [(row["element"], row["role"], row["unit_id"]) for row in found]

    def complete(self, actor: Actor, outcome: str, **more: Any) -> None:
        (item,) = self.desk.rows("SELECT id FROM process_items WHERE status = 'open'")
        run(CompleteProcessItem(item["id"], {"outcome": outcome, **more}), actor=actor)

    def cases(self) -> list[dict[str, Any]]:
        return self.desk.rows(
            "SELECT c.*, (SELECT string_agg(element, ',') FROM work_items w"
            " WHERE w.case_id = c.id AND w.status = 'open') AS waiting FROM cases c ORDER BY c.id"
        )


def flooded_underpass(desk: Desk) -> Underpass:
    """Put the underpass on record."""
    with desk.database.sessions() as session:
        for statement in _FLOODED_ROAD.split(";\n"):
            session.execute(text(statement))
        session.commit()
    site = NewSite("F-1", "underpass", "桃园南路下穿", **IN_GRID, address="桃园南路", unit_id=11)
    ids = run(AddSites([site]), actor=SYSTEM)
    devices = [
        NewDevice(code, "depth", code, scene="underpass", site_id=ids["F-1"])
        for code in ("FP-1", "FP-2")
    ]
    run(AddDevices(devices), actor=SYSTEM)
    run(AddRule(RULE), actor=SYSTEM, clock=FixedClock(NOON - timedelta(days=1)))
    return Underpass(desk)
