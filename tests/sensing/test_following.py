"""An alert becomes a process, the process a case; it ends when the water is gone and somebody has looked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from app.clock import FixedClock
from app.errors import Forbidden, InvalidInput, StateChanged
from app.processes.commands import CompleteProcessItem, FindDueProcesses, FireProcess
from app.run import SYSTEM, Actor, run
from app.sensing.commands import AddDevices, AddSites, NewDevice, NewSite, StoreReadings
from app.sensing.following import FindAlertsToFollow, FollowAlert
from app.sensing.rule_commands import AddMaintenance, AddRule, RuleText
from app.sensing.silence import SweepSilent
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


@pytest.fixture
def underpass(desk: Desk) -> Underpass:
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


def test_blue_is_watched_and_returns_by_itself(underpass: Underpass) -> None:
    underpass.water(6)
    assert underpass.follow() == 1
    assert underpass.items() == []
    underpass.water(1, minute=1)
    underpass.follow()
    alert = underpass.alert()
    assert (alert["verdict"], alert["settled_at"] is not None) == ("returned", True)
    assert underpass.cases() == []


def test_yellow_is_confirmed_and_becomes_a_filed_case(underpass: Underpass) -> None:
    underpass.water(16)
    underpass.follow()
    assert underpass.items() == [("T_confirm", "watch_officer", None)]
    underpass.complete(WATCH, "real")
    (case,) = underpass.cases()
    assert (case["channel"], case["class_code"], case["waiting"]) == (
        "sensor",
        "E-05-06",
        "T_dispatch",
    )
    assert (case["limit_value"], case["limit_unit"]) == (2, "urgent_hour")
    assert case["grid_code"] == "140106001001001"
    assert "桃园南路下穿" in case["title"]
    alert = underpass.alert()
    assert (alert["verdict"], alert["case_id"], alert["confirmed_by"]) == ("real", case["id"], 130)


def test_orange_raises_its_case_at_once_and_is_cleared_on_the_spot(underpass: Underpass) -> None:
    underpass.water(30)
    underpass.follow()
    assert [case["waiting"] for case in underpass.cases()] == ["T_dispatch"]
    underpass.water(2, minute=1)
    underpass.follow()
    assert underpass.items() == [("T_field", "unit_manager", 11)]
    with pytest.raises(Forbidden):
        underpass.complete(WATCH, "cleared")
    manager = underpass.desk.city.manager1
    with pytest.raises(InvalidInput):
        underpass.complete(manager, "not_yet")
    underpass.complete(manager, "not_yet", opinion="收水口还堵着")
    assert underpass.items() == []
    later = FixedClock(NOON + timedelta(hours=3))
    (due,) = run(FindDueProcesses(10), actor=SYSTEM, clock=later)
    run(FireProcess(due), actor=SYSTEM, clock=later)
    underpass.complete(manager, "cleared")
    alert = underpass.alert()
    assert alert["verdict"] == "automatic"
    assert alert["cleared_at"] is not None
    assert alert["settled_at"] is not None


def test_rising_water_is_judged_again(underpass: Underpass) -> None:
    underpass.water(6)
    underpass.follow()
    underpass.water(16, minute=1)
    underpass.follow()
    assert underpass.items() == [("T_confirm", "watch_officer", None)]
    underpass.water(28, minute=2)
    underpass.follow()
    # The item is taken back: nobody need confirm what is orange.
    assert underpass.items() == []
    assert underpass.alert()["verdict"] == "automatic"


def test_false_alarm_raises_no_case_and_needs_a_word(underpass: Underpass) -> None:
    underpass.water(16)
    underpass.follow()
    with pytest.raises(InvalidInput) as refused:
        underpass.complete(WATCH, "false_alarm")
    assert list(refused.value.fields) == ["opinion"]
    underpass.complete(WATCH, "false_alarm", opinion="探头被塑料袋盖住")
    assert underpass.alert()["verdict"] == "false_alarm"
    # Still above its line: the alert stays open, and there is only the one.
    underpass.water(17, 18, minute=5)
    assert underpass.follow() == 0
    assert underpass.alert()["closed_at"] is None
    assert underpass.cases() == []


def test_water_that_falls_takes_the_confirming_back(underpass: Underpass) -> None:
    underpass.water(16)
    underpass.follow()
    (item,) = underpass.desk.rows("SELECT id FROM process_items")
    underpass.water(0, minute=1)
    underpass.follow()
    with pytest.raises(StateChanged):
        run(CompleteProcessItem(item["id"], {"outcome": "real"}), actor=WATCH)
    assert underpass.alert()["verdict"] == "returned"
    assert underpass.cases() == []


def test_alert_that_is_over_before_anybody_looks_asks_for_nothing(underpass: Underpass) -> None:
    underpass.water(30, 0)
    assert underpass.follow() == 1
    assert underpass.alert()["verdict"] == "returned"
    assert underpass.desk.rows("SELECT id FROM processes") == []


def test_second_alert_of_a_site_joins_its_open_case(underpass: Underpass) -> None:
    underpass.water(30)
    underpass.follow()
    underpass.water(31, device="FP-2")
    underpass.follow()
    assert len(underpass.cases()) == 1
    found = underpass.desk.rows("SELECT count(*), count(DISTINCT case_id) AS cases FROM alerts")
    assert found == [{"count": 2, "cases": 1}]


def test_following_twice_does_nothing_twice(underpass: Underpass) -> None:
    underpass.water(30)
    alert_id = underpass.alert()["id"]
    assert run(FollowAlert(alert_id), actor=SYSTEM) is True
    assert run(FollowAlert(alert_id), actor=SYSTEM) is False
    assert len(underpass.cases()) == 1


def test_nobody_confirms_and_the_chief_hears_of_it(underpass: Underpass) -> None:
    underpass.water(16)
    underpass.follow()
    later = FixedClock(NOON + timedelta(hours=2))
    (due,) = run(FindDueProcesses(10), actor=SYSTEM, clock=later)
    run(FireProcess(due), actor=SYSTEM, clock=later)
    (told,) = underpass.desk.rows(
        "SELECT payload FROM outbox WHERE payload::text LIKE '%alert_unconfirmed%'"
    )
    assert "duty_chief" in str(told["payload"])
    assert underpass.items() == [("T_confirm", "watch_officer", None)]


def test_silent_device_raises_one_alert_until_it_speaks(underpass: Underpass) -> None:
    silent = RuleText("失联", "silent", "", {"level": 1})
    run(AddRule(silent), actor=SYSTEM, clock=FixedClock(NOON - timedelta(days=1)))
    underpass.water(0)
    heard = underpass.desk.rows("SELECT max(received_at) AS at FROM latest_readings")[0]["at"]
    for minutes, count in ((59, 0), (61, 1), (90, 1)):
        run(SweepSilent(), actor=SYSTEM, clock=FixedClock(heard + timedelta(minutes=minutes)))
        assert len(underpass.desk.rows("SELECT id FROM alerts")) == count
    assert underpass.follow() == 1
    assert underpass.items() == []
    back = FixedClock(heard + timedelta(minutes=95))
    sample = Sample("FP-1", heard + timedelta(minutes=95), "depth_cm", 0.0)
    run(StoreReadings([sample], "test"), actor=SYSTEM, clock=back)
    run(SweepSilent(), actor=SYSTEM, clock=back)
    alert = underpass.alert()
    assert (alert["level"], alert["opened_at"]) == (0, heard + timedelta(minutes=61))
    underpass.follow()
    assert underpass.alert()["verdict"] == "returned"


def test_device_under_maintenance_may_be_silent(underpass: Underpass) -> None:
    silent = RuleText("失联", "silent", "", {"level": 1})
    run(AddRule(silent), actor=SYSTEM, clock=FixedClock(NOON - timedelta(days=1)))
    underpass.water(0)
    (site,) = underpass.desk.rows("SELECT id FROM sites")
    window = AddMaintenance(NOON, NOON + timedelta(days=1), "换电池", site_id=site["id"])
    run(window, actor=WATCH)
    run(SweepSilent(), actor=SYSTEM, clock=FixedClock(NOON + timedelta(hours=10)))
    assert underpass.desk.rows("SELECT id FROM alerts") == []


def test_storm_of_500_devices_raises_500_alerts_and_no_more(underpass: Underpass) -> None:
    codes = [f"N-{n}" for n in range(500)]
    devices = [NewDevice(code, "depth", code, scene="underpass", **IN_GRID) for code in codes]
    run(AddDevices(devices), actor=SYSTEM)
    wet = [Sample(code, NOON, "depth_cm", 20.0) for code in codes]
    run(StoreReadings(wet, "test"), actor=SYSTEM)
    run(StoreReadings(wet, "test"), actor=SYSTEM)
    later = [replace(sample, at=NOON + timedelta(minutes=1), value=22.0) for sample in wet]
    run(StoreReadings(later, "test"), actor=SYSTEM)
    found = underpass.desk.rows("SELECT count(*), count(DISTINCT device_id) AS devices FROM alerts")
    assert found == [{"count": 500, "devices": 500}]
    assert underpass.follow() == 500
    assert underpass.follow() == 0
    (waiting,) = underpass.desk.rows("SELECT count(*) FROM process_items WHERE status = 'open'")
    assert waiting["count"] == 500
