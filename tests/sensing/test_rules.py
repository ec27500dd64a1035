"""Rules that look back, aside and at the calendar; what replaces and ends them; maintenance."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from app.cases.effects import topics
from app.clock import FixedClock
from app.errors import DefinitionError, InvalidInput, StateChanged
from app.modeling.bundles import shipped_files
from app.modeling.commands import DeployBundle
from app.run import SYSTEM, run
from app.sensing.commands import StoreReadings
from app.sensing.rule_commands import (
    AddMaintenance,
    AddRule,
    EndMaintenance,
    EndRule,
    ReplaceRule,
    RuleText,
)
from connectors.samples import Sample
from tests.sensing.conftest import NOON, Gauge

YELLOW = [{"level": 2, "rise": 15, "fall": 13}]
DEPTH = RuleText("积水", "threshold", "depth_cm", {"lines": YELLOW})
# Rules are in force from the moment they are added.
ADDED = FixedClock(NOON - timedelta(days=1))


def rule(**given: Any) -> int:
    data = {"lines": YELLOW} | given.pop("data", {})
    number: int = run(AddRule(replace(DEPTH, data=data, **given)), actor=SYSTEM, clock=ADDED)
    return number


def send(gauge: Gauge, metric: str, *pairs: tuple[float, float]) -> None:
    gauge.take([Sample("P-1", gauge.at(minute), metric, float(value)) for minute, value in pairs])


def test_low_values_raise_where_low_is_bad(gauge: Gauge) -> None:
    lines = [{"level": 2, "rise": 16, "fall": 17}, {"level": 4, "rise": 10, "fall": 11}]
    rule(metric="temperature_c", data={"lines": lines, "direction": "below"})
    send(gauge, "temperature_c", (0, 20), (1, 16), (2, 9), (3, 8), (4, 11.5), (5, 16.5), (6, 17.1))
    # Yellow at 16, red at 9 and 8 (the peak is the lowest), yellow above 11, closed above 17.
    assert gauge.alerts() == [(1, 6, 0, 4, 8)]


def test_rise_must_last_as_long_as_the_rule_says(gauge: Gauge) -> None:
    rule(data={"lasting_minutes": 10})
    for minute, value in ((0, 20), (5, 20), (8, 3), (9, 20), (14, 20), (19, 20), (25, 12)):
        gauge.send(value, first=minute)
    # 20 from minute 9 on: ten minutes are full at 19. The fall need not last.
    assert gauge.alerts() == [(19, 25, 0, 2, 20)]


def test_rate_is_taken_over_its_window(gauge: Gauge) -> None:
    rule(kind="rate", data={"lines": [{"level": 3, "rise": 60, "fall": 30}], "window_minutes": 10})
    send(gauge, "depth_cm", (0, 0), (5, 1), (10, 2), (15, 9), (20, 14), (30, 14))
    # 5 to 15: 8 cm in ten minutes are 48 an hour; 10 to 20: 72 an hour; 20 to 30: none.
    assert gauge.alerts() == [(20, 30, 0, 3, 72)]


def test_rate_remembers_across_batches_and_says_nothing_after_a_gap(gauge: Gauge) -> None:
    rule(kind="rate", data={"lines": [{"level": 3, "rise": 60, "fall": 30}], "window_minutes": 10})
    for minute, value in ((0, 0), (10, 12), (45, 100), (55, 101)):
        send(gauge, "depth_cm", (minute, value))
    # 72 an hour at 10. From 10 to 45 nothing is known; 6 an hour at 55 close it.
    assert gauge.alerts() == [(10, 55, 0, 3, 72)]


def test_difference_is_between_metrics_of_one_time(gauge: Gauge) -> None:
    lines = [{"level": 2, "rise": 5, "fall": 6}]
    data = {"lines": lines, "direction": "below", "minus": "level_m"}
    rule(kind="difference", metric="temperature_c", data=data)
    send(gauge, "level_m", (0, 10), (2, 26))
    send(gauge, "temperature_c", (1, 30), (3, 30), (40, 30))
    # 30 - 10 is enough, 30 - 26 is not; at 40 the other is too old to say anything.
    assert gauge.alerts() == [(3, None, 2, 2, 4)]


def test_condition_on_another_metric_ends_the_alert_when_it_no_longer_holds(gauge: Gauge) -> None:
    wet = {"metric": "rain_mm", "op": "at_least", "value": 1}
    rule(data={"conditions": [wet]})
    for minute, rain in ((0, 0), (2, 3), (4, 0)):
        send(gauge, "rain_mm", (minute, rain))
        send(gauge, "depth_cm", (minute + 1, 30))
    assert gauge.alerts() == [(3, 5, 0, 2, 30)]


@pytest.mark.parametrize(
    ("data", "opens"),
    [
        ({"season": ["11-01", "03-31"]}, True),
        ({"season": ["04-01", "10-31"]}, False),
        ({"hours": [8, 9]}, True),
        ({"hours": [22, 6]}, False),
    ],
)
def test_rule_looks_in_its_season_and_at_its_hours(
    gauge: Gauge, data: dict[str, Any], opens: bool
) -> None:
    # NOON is 08:00 in Shanghai on 25 November.
    rule(data=data)
    gauge.send(20)
    assert len(gauge.alerts()) == opens


def test_alert_ends_when_the_hours_of_its_rule_do(gauge: Gauge) -> None:
    rule(data={"hours": [8, 9]})
    send(gauge, "depth_cm", (30, 20), (61, 20))
    assert gauge.alerts() == [(30, 61, 0, 2, 20)]
    # The water still stands: no reading ended it.
    ended = "SELECT verdict, ended_with FROM alerts"
    assert gauge.rows(ended) == [("withdrawn", "lapse")]
    assert gauge.rows("SELECT level FROM alert_levels ORDER BY id") == [(2,), (0,)]


def test_alert_that_returns_within_the_hours_of_its_rule_has_returned(gauge: Gauge) -> None:
    rule(data={"hours": [8, 9]})
    send(gauge, "depth_cm", (30, 20), (40, 0))
    assert gauge.rows("SELECT verdict, ended_with FROM alerts") == [(None, None)]


def test_maintenance_keeps_readings_and_raises_nothing(gauge: Gauge) -> None:
    rule()
    device = gauge.rows("SELECT id FROM devices WHERE code = 'P-1'")[0][0]
    window = AddMaintenance(gauge.at(0), gauge.at(10), "更换探头", device_id=device)
    number = run(window, actor=SYSTEM, clock=ADDED)
    send(gauge, "depth_cm", (1, 50), (11, 20))
    gauge.send(50, device="P-2")
    assert gauge.rows("SELECT count(*) FROM readings") == [(3,)]
    assert [row[0] for row in gauge.alerts()] == [0, 11]
    run(EndMaintenance(number), actor=SYSTEM, clock=FixedClock(gauge.at(5)))
    assert gauge.rows("SELECT ends_at FROM maintenance_windows") == [(gauge.at(5),)]
    with pytest.raises(StateChanged):
        run(EndMaintenance(number), actor=SYSTEM, clock=FixedClock(gauge.at(6)))


def test_replaced_rule_ends_with_its_alerts_and_the_new_one_begins(gauge: Gauge) -> None:
    number = rule()
    gauge.send(20)
    then = FixedClock(gauge.at(5))
    lower = replace(DEPTH, data={"lines": [{"level": 1, "rise": 5, "fall": 3}]})
    run(ReplaceRule(number, lower), actor=SYSTEM, clock=then)
    assert gauge.alerts() == [(0, 5, 0, 2, 20)]
    gauge.send(6, first=6)
    assert gauge.alerts()[1] == (6, None, 1, 1, 6)
    with pytest.raises(StateChanged):
        run(EndRule(number), actor=SYSTEM, clock=then)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"kind": "guess"}, "kind"),
        ({"metric": "soup_c"}, "metric"),
        ({"kind": "silent"}, "metric"),
        ({"name": " "}, "name"),
        ({"data": {"lines": []}}, "lines"),
        ({"data": {"lines": [{"level": 2, "rise": 15, "fall": 16}]}}, "lines"),
        ({"data": {"lines": [{"level": 7, "rise": 15, "fall": 13}]}}, "lines"),
        ({"data": {"lines": [{"level": 2, "rise": "15", "fall": 13}]}}, "lines"),
        ({"data": {"lines": [{"level": 2, "rise": float("nan"), "fall": 13}]}}, "lines"),
        ({"data": {"season": ["13-01", "03-31"]}}, "season"),
        ({"data": {"hours": [6, 6]}}, "hours"),
        ({"data": {"lasting_minutes": -1}}, "lasting_minutes"),
        ({"data": {"window_minutes": 5}}, "window_minutes"),
        ({"data": {"direction": "sideways"}}, "direction"),
        ({"data": {"conditions": [{"metric": "rain_mm", "op": "like", "value": 1}]}}, "conditions"),
        ({"kind": "difference", "data": {"minus": "nothing"}}, "minus"),
        ({"data": {"lines": None, "decision": {"key": "no_such"}}}, "decision"),
        ({"samples": 0}, "samples"),
        ({"valid_to": datetime(2025, 1, 1, tzinfo=UTC)}, "valid_to"),
    ],
)
def test_wrong_rule_is_refused_by_the_field(
    desk: Any, gauge: Gauge, given: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        rule(**given)
    assert list(refused.value.fields) == [field]
    assert gauge.rows("SELECT count(*) FROM sensor_rules") == [(0,)]


def test_lines_come_from_the_decision_table_by_scene(desk: Any, gauge: Gauge) -> None:
    # Devices of the gauge stand in a street: no underpass, so blue from 10 and orange from 27 cm.
    rule(data={"lines": None, "decision": {"key": "flood_level", "hysteresis": 2}})
    send(gauge, "depth_cm", (0, 9), (1, 10), (2, 28), (3, 24), (4, 7))
    assert gauge.alerts() == [(1, 4, 0, 3, 28)]


def test_readings_are_stored_whatever_a_table_is_worth(desk: Any, gauge: Gauge) -> None:
    number = rule(data={"lines": None, "decision": {"key": "flood_level", "hysteresis": 2}})
    with gauge.database.sessions() as session:
        session.execute(
            text(
                "UPDATE sensor_rules SET data = jsonb_set(data, '{decision,key}', '\"gone\"') WHERE id = :id"
            ),
            {"id": number},
        )
        session.commit()
    rule()
    gauge.send(30.0)
    assert gauge.rows("SELECT value FROM readings") == [(30.0,)]
    # The other rule goes on.
    assert gauge.alerts() == [(0, None, 2, 2, 30)]


def test_version_without_a_rules_table_is_not_deployed(desk: Any, gauge: Gauge) -> None:
    rule(data={"lines": None, "decision": {"key": "flood_level", "hysteresis": 2}})
    files = {name: body for name, body in shipped_files().items() if name != "flood_level.dmn"}
    with pytest.raises(DefinitionError) as refused:
        run(DeployBundle("case", files, topics()), actor=SYSTEM)
    assert refused.value.faults[0].file == "flood_level.dmn"
    broken = {**shipped_files()}
    body = broken["flood_level.dmn"].decode()
    broken["flood_level.dmn"] = body.replace('"blue"', '"red"').encode()
    with pytest.raises(DefinitionError) as refused:
        run(DeployBundle("case", broken, topics()), actor=SYSTEM)
    assert "flood_level" in str(refused.value)


def test_history_walked_in_one_batch_or_many_gives_the_same_alerts(gauge: Gauge) -> None:
    lines = [{"level": 3, "rise": 40, "fall": 20}]
    rule(kind="rate", data={"lines": lines, "window_minutes": 3})
    rule(samples=2, data={"lasting_minutes": 2})
    values = [0, 1, 16, 18, 19, 22, 40, 41, 12, 3, 0, 15, 16, 17, 2]
    samples = [
        Sample("P-1", gauge.at(n), "depth_cm", float(value)) for n, value in enumerate(values)
    ]
    run(StoreReadings(samples, "test"), actor=SYSTEM)
    for sample in samples:
        run(StoreReadings([sample._replace(device="P-2")], "test"), actor=SYSTEM)
    with gauge.database.sessions() as session:
        found = session.execute(
            text(
                "SELECT d.code, a.rule_id, a.opened_at, a.closed_at, a.top_level, a.peak FROM alerts a"
                " JOIN devices d ON d.id = a.device_id ORDER BY 1, 2, 3"
            )
        ).all()
    one, many = ([row[1:] for row in found if row[0] == code] for code in ("P-1", "P-2"))
    assert one == many
    assert len(one) >= 2
