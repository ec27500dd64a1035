"""An alert becomes a process, the process a case; it ends when the water is gone and somebody has looked."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.clock import FixedClock
from app.errors import Forbidden, InvalidInput, StateChanged
from app.processes.commands import CompleteProcessItem, FindDueProcesses, FireProcess
from app.run import SYSTEM, run
from app.sensing.commands import AddDevices, NewDevice, StoreReadings
from app.sensing.device_commands import EndDevice
from app.sensing.following import FollowAlert
from app.sensing.rule_commands import AddMaintenance, AddRule, EndRule, RuleText
from app.sensing.silence import SweepSilent
from connectors.samples import Sample
from tests.factories import IN_GRID, Desk
from tests.sensing.conftest import NOON
from tests.sensing.underpass import WATCH, Underpass, flooded_underpass


@pytest.fixture
def underpass(desk: Desk) -> Underpass:
    return flooded_underpass(desk)


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
    assert underpass.items() == [("T_confirm_alert", "watch_officer", None)]
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
    assert underpass.items() == [("T_confirm_alert", "watch_officer", None)]
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


@pytest.mark.parametrize("depth", [6, 16])
def test_alert_that_ends_with_its_rule_did_not_return(underpass: Underpass, depth: int) -> None:
    underpass.water(depth)
    underpass.follow()
    run(EndRule(underpass.alert()["rule_id"]), actor=SYSTEM)
    underpass.follow()
    alert = underpass.alert()
    assert (alert["verdict"], alert["ended_with"]) == ("withdrawn", "rule")
    assert alert["settled_at"] is not None
    assert underpass.items() == []
    (process,) = underpass.desk.rows("SELECT ended_at FROM processes")
    assert process["ended_at"] is not None


def test_what_was_found_counts_though_the_rule_ended_meanwhile(underpass: Underpass) -> None:
    underpass.water(16)
    underpass.follow()
    run(EndRule(underpass.alert()["rule_id"]), actor=SYSTEM)
    assert underpass.alert()["verdict"] == "withdrawn"
    # The worker has not told the process yet.
    underpass.complete(WATCH, "false_alarm", opinion="探头被塑料袋盖住")
    underpass.follow()
    assert underpass.alert()["verdict"] == "false_alarm"


def test_alert_that_ends_with_its_rule_before_anybody_looks(underpass: Underpass) -> None:
    underpass.water(16)
    run(EndRule(underpass.alert()["rule_id"]), actor=SYSTEM)
    underpass.follow()
    assert underpass.alert()["verdict"] == "withdrawn"
    assert underpass.desk.rows("SELECT id FROM processes") == []


def test_alert_that_was_confirmed_stays_real_when_its_device_ends(underpass: Underpass) -> None:
    underpass.water(16)
    underpass.follow()
    underpass.complete(WATCH, "real")
    run(EndDevice(underpass.alert()["device_id"]), actor=SYSTEM)
    underpass.follow()
    alert = underpass.alert()
    assert (alert["verdict"], alert["ended_with"]) == ("real", "device")
    # Its case is open: somebody looks on the spot.
    assert underpass.items() == [("T_field", "unit_manager", 11)]


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
    assert underpass.items() == [("T_confirm_alert", "watch_officer", None)]


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


def test_device_that_is_maintained_after_it_fell_silent_has_not_spoken(
    underpass: Underpass,
) -> None:
    silent = RuleText("失联", "silent", "", {"level": 1})
    run(AddRule(silent), actor=SYSTEM, clock=FixedClock(NOON - timedelta(days=1)))
    underpass.water(0)
    hour = timedelta(hours=1)
    run(SweepSilent(), actor=SYSTEM, clock=FixedClock(NOON + 9 * hour))
    (site,) = underpass.desk.rows("SELECT id FROM sites")
    window = AddMaintenance(NOON, NOON + 24 * hour, "换电池", site_id=site["id"])
    run(window, actor=WATCH)
    run(SweepSilent(), actor=SYSTEM, clock=FixedClock(NOON + 10 * hour))
    assert underpass.alert()["closed_at"] is None


def test_silence_ends_with_the_season_of_its_rule(underpass: Underpass) -> None:
    season = {"level": 1, "season": ["11-01", "11-25"]}
    rule = RuleText("失联", "silent", "", season)
    run(AddRule(rule), actor=SYSTEM, clock=FixedClock(NOON - timedelta(days=1)))
    underpass.water(0)
    run(SweepSilent(), actor=SYSTEM, clock=FixedClock(NOON + timedelta(hours=10)))
    assert underpass.alert()["closed_at"] is None
    run(SweepSilent(), actor=SYSTEM, clock=FixedClock(NOON + timedelta(days=1)))
    alert = underpass.alert()
    assert (alert["level"], alert["verdict"], alert["ended_with"]) == (0, "withdrawn", "lapse")


def test_storm_of_500_devices_raises_500_alerts_and_no_more(underpass: Underpass) -> None:
    codes = [f"N-{n}" for n in range(500)]
    devices = [NewDevice(code, "depth", code, scene="underpass", **IN_GRID) for code in codes]
    run(AddDevices(devices), actor=SYSTEM)
    wet = [Sample(code, NOON, "depth_cm", 20.0) for code in codes]
    run(StoreReadings(wet, "test"), actor=SYSTEM)
    run(StoreReadings(wet, "test"), actor=SYSTEM)
    later = [sample._replace(at=NOON + timedelta(minutes=1), value=22.0) for sample in wet]
    run(StoreReadings(later, "test"), actor=SYSTEM)
    found = underpass.desk.rows("SELECT count(*), count(DISTINCT device_id) AS devices FROM alerts")
    assert found == [{"count": 500, "devices": 500}]
    assert underpass.follow() == 500
    assert underpass.follow() == 0
    (waiting,) = underpass.desk.rows("SELECT count(*) FROM process_items WHERE status = 'open'")
    assert waiting["count"] == 500
