"""Alerts of one place, people and the worker, at the same moment."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.errors import InvalidInput, StateChanged
from app.processes.commands import CompleteProcessItem
from app.run import SYSTEM, run
from app.sensing.following import FollowAlert
from app.sensing.rule_commands import AddMaintenance
from tests.sensing.conftest import NOON
from tests.sensing.underpass import WATCH, Underpass, flooded_underpass


@pytest.fixture
def underpass(desk) -> Underpass:
    return flooded_underpass(desk)


def _item(underpass: Underpass) -> int:
    (found,) = underpass.desk.rows("SELECT id FROM process_items WHERE status = 'open'")
    return found["id"]


def test_two_alerts_of_a_place_raise_one_case(underpass, stage, aside):
    underpass.water(30)
    underpass.water(31, device="FP-2")
    one, other = (row["id"] for row in underpass.desk.rows("SELECT id FROM alerts ORDER BY id"))
    with stage.standing_before_commit(FollowAlert(one), SYSTEM):
        later = aside(run, FollowAlert(other), actor=SYSTEM)
        stage.wait_until_somebody_waits()
    assert later.result(timeout=10)
    (case,) = underpass.cases()
    found = underpass.desk.rows("SELECT case_id FROM alerts")
    assert [row["case_id"] for row in found] == [case["id"]] * 2


def test_answer_comes_before_the_water_that_falls(underpass, stage, aside):
    underpass.water(16)
    underpass.follow()
    answer = CompleteProcessItem(_item(underpass), {"outcome": "real"})
    underpass.water(0, minute=1)
    with stage.standing_before_commit(answer, WATCH):
        worker = aside(run, FollowAlert(underpass.alert()["id"]), actor=SYSTEM)
        stage.wait_until_somebody_waits()
    assert worker.result(timeout=10)
    assert underpass.alert()["verdict"] == "real"
    assert len(underpass.cases()) == 1


def test_answer_comes_after_the_water_that_falls(underpass, stage, aside):
    underpass.water(16)
    underpass.follow()
    answer = CompleteProcessItem(_item(underpass), {"outcome": "real"})
    underpass.water(0, minute=1)
    with stage.standing_before_commit(FollowAlert(underpass.alert()["id"]), SYSTEM) as told:
        person = aside(run, answer, actor=WATCH)
        stage.wait_until_somebody_waits()
    assert told
    with pytest.raises(StateChanged):
        person.result(timeout=10)
    assert underpass.alert()["verdict"] == "returned"
    assert underpass.cases() == []


def test_maintenance_that_two_enter_at_once_is_entered_once(underpass, stage, aside):
    (device,) = underpass.desk.rows("SELECT id FROM devices WHERE code = 'FP-1'")
    window = AddMaintenance(NOON, NOON + timedelta(days=400), "换探头", device_id=device["id"])
    with stage.standing_before_commit(window, SYSTEM):
        second = aside(run, window, actor=SYSTEM)
        stage.wait_until_somebody_waits()
    with pytest.raises(InvalidInput):
        second.result(timeout=10)
    assert len(underpass.desk.rows("SELECT id FROM maintenance_windows")) == 1
