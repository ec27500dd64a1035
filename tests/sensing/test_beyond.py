"""Values beyond a line that raise nothing yet: which line, since when, and when it will."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from app.clock import FixedClock
from app.run import SYSTEM, run
from app.sensing.beyond import Beyond, beyond_lines
from app.sensing.rule_commands import AddMaintenance, AddRule, EndRule, RuleText
from app.sensing.storing import Known
from tests.sensing.conftest import NOON, Gauge

LINES = [{"level": 2, "rise": 15, "fall": 13}, {"level": 3, "rise": 27, "fall": 25}]
LASTING = RuleText("积水", "threshold", "depth_cm", {"lines": LINES, "lasting_minutes": 10})
ADDED = FixedClock(NOON - timedelta(days=1))


def beyond(gauge: Gauge, minute: float) -> list[Beyond]:
    (number,) = gauge.rows("SELECT id FROM devices WHERE code = 'P-1'")[0]
    with gauge.database.sessions() as session:
        known = [Known(number, "depth", "street")]
        return beyond_lines(session, known, gauge.at(minute), ZoneInfo("Asia/Shanghai"))


def test_value_that_has_not_lasted_is_told_with_its_gravest_line(gauge: Gauge) -> None:
    run(AddRule(LASTING), actor=SYSTEM, clock=ADDED)
    gauge.send(16, 30)
    (one,) = beyond(gauge, 2)
    # Orange since minute 1; yellow, since minute 0, is the milder one.
    assert (one.level, one.value, one.since) == (3, 30, gauge.at(1))
    assert one.lasting == timedelta(minutes=10)
    gauge.send(30, first=12)
    assert beyond(gauge, 13) == []
    assert gauge.alerts() == [(12, None, 3, 3, 30)]


@pytest.mark.parametrize("value", [14, 0])
def test_value_that_came_back_is_told_no_more(gauge: Gauge, value: float) -> None:
    run(AddRule(LASTING), actor=SYSTEM, clock=ADDED)
    gauge.send(16, value)
    assert beyond(gauge, 2) == []


def test_rule_of_several_readings_says_how_many(gauge: Gauge) -> None:
    text = replace(LASTING, data={"lines": LINES}, samples=3)
    number = run(AddRule(text), actor=SYSTEM, clock=ADDED)
    gauge.send(16, 17)
    (one,) = beyond(gauge, 2)
    assert (one.level, one.samples, one.since) == (2, 3, None)
    run(EndRule(number), actor=SYSTEM, clock=FixedClock(gauge.at(3)))
    assert beyond(gauge, 4) == []


def test_value_that_fell_during_maintenance_is_beyond_nothing(gauge: Gauge) -> None:
    run(AddRule(LASTING), actor=SYSTEM, clock=ADDED)
    gauge.send(16)
    (number,) = gauge.rows("SELECT id FROM devices WHERE code = 'P-1'")[0]
    window = AddMaintenance(gauge.at(1), gauge.at(60), "换探头", device_id=number)
    run(window, actor=SYSTEM, clock=FixedClock(gauge.at(1)))
    gauge.send(0, first=2)
    assert beyond(gauge, 3) == []


def test_value_of_a_device_that_fell_silent_is_beyond_nothing(gauge: Gauge) -> None:
    run(AddRule(LASTING), actor=SYSTEM, clock=ADDED)
    gauge.send(16)
    assert len(beyond(gauge, 59)) == 1
    assert beyond(gauge, 61) == []
