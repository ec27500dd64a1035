"""Readings raise alerts: one at a time, of the right level, whatever order they come in."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations
from random import Random

import pytest
from sqlalchemy.exc import IntegrityError

from app.run import SYSTEM, run
from app.sensing.commands import StoreReadings
from connectors.samples import Sample
from sla.sensing import Level, Line
from tests.sensing.conftest import NOON, STREET, Gauge, add_rule


def test_alert_opens_rises_falls_and_closes_by_its_readings(ruled: Gauge) -> None:
    ruled.send(0, 15, 30, 26, 20, 12)
    # Orange at 30 (minute 2), still at 26 (its fall is 25), yellow at 20, closed at 12.
    assert ruled.alerts() == [(1, 5, 0, Level.ORANGE, 30)]
    levels = ruled.rows("SELECT at, level, value FROM alert_levels ORDER BY id")
    assert [(ruled.minute(at), level, value) for at, level, value in levels] == [
        (1, 2, 15), (2, 3, 30), (4, 2, 20), (5, 0, 12),
    ]  # fmt: skip


def test_alert_is_the_same_however_the_readings_are_batched(ruled: Gauge) -> None:
    for minute, value in enumerate((0, 15, 30, 26, 20, 12, 16)):
        ruled.send(value, first=minute)
    assert ruled.alerts() == [(1, 5, 0, Level.ORANGE, 30), (6, None, 2, 2, 16)]


def test_readings_come_in_any_order_within_a_batch(ruled: Gauge) -> None:
    samples = [
        Sample("P-1", ruled.at(minute), "depth_cm", value)
        for minute, value in enumerate((0.0, 15.0, 30.0, 12.0))
    ]
    ruled.take(Random(5).sample(samples, 4))
    assert ruled.alerts() == [(1, 3, 0, Level.ORANGE, 30)]


def test_duplicates_walk_no_rule_again(ruled: Gauge) -> None:
    ruled.send(20, 5)
    ruled.send(20)
    assert ruled.alerts() == [(0, 1, 0, 2, 20)]


def test_rule_of_two_in_a_row_remembers_across_batches(gauge: Gauge) -> None:
    add_rule(samples=2)
    for minute, value in enumerate((20, 0, 20, 20)):
        gauge.send(value, first=minute)
    assert gauge.alerts() == [(3, None, 2, 2, 20)]


def test_late_high_reading_raises_the_alert_that_was_missed(ruled: Gauge) -> None:
    ruled.send(0, first=0)
    ruled.send(3, first=10)
    ruled.send(28, first=5)
    assert ruled.alerts() == [(5, 10, 0, Level.ORANGE, 28)]


def test_late_high_reading_raises_an_alert_that_lasts(ruled: Gauge) -> None:
    ruled.send(14, first=10)
    ruled.send(28, first=5)
    # 14 lies between fall and rise: had the readings come in order, the alert would be open.
    assert ruled.alerts() == [(5, None, 2, 3, 28)]
    ruled.send(5, first=11)
    assert ruled.alerts() == [(5, 11, 0, 3, 28)]


def test_late_high_reading_lifts_the_alert_of_its_time(ruled: Gauge) -> None:
    ruled.send(16, 16, 5, first=0, step=4)
    ruled.send(30, first=2)
    assert ruled.alerts() == [(0, 8, 0, Level.ORANGE, 30)]


def test_late_reading_lets_an_alert_begin_earlier(ruled: Gauge) -> None:
    ruled.send(16, first=5)
    ruled.send(17, first=3)
    assert ruled.alerts() == [(3, None, 2, 2, 17)]


def test_late_low_reading_takes_nothing_back(ruled: Gauge) -> None:
    ruled.send(16, 16, step=4)
    ruled.send(0, first=2)
    assert ruled.alerts() == [(0, None, 2, 2, 16)]


def test_whatever_the_order_every_high_reading_lies_in_an_alert(gauge: Gauge) -> None:
    add_rule(valid_from=NOON - timedelta(days=9))
    values = (0, 16, 28, 14, 3, 15)
    for number, order in enumerate(permutations(range(6))):
        if number % 60:
            continue
        base = number * -10
        for place in order:
            gauge.send(values[place], first=base + place)
    # Each piece of the story lies within an alert, and none overlaps another of its rule and device.
    uncovered = """
        SELECT r.at, r.value FROM readings r WHERE r.value >= 15 AND NOT EXISTS (
            SELECT FROM alerts a WHERE a.device_id = r.device_id AND a.opened_at <= r.at
            AND coalesce(a.closed_at, 'infinity') >= r.at
            AND a.top_level >= CASE WHEN r.value >= 27 THEN 3 ELSE 2 END AND a.peak >= r.value)
    """
    overlapping = """
        SELECT a.id, b.id FROM alerts a JOIN alerts b ON a.id < b.id AND a.device_id = b.device_id
        WHERE a.opened_at < coalesce(b.closed_at, 'infinity') AND b.opened_at < coalesce(a.closed_at, 'infinity')
    """
    assert gauge.rows(uncovered) == []
    assert gauge.rows(overlapping) == []


@pytest.mark.parametrize(
    ("given", "count"),
    [
        ({"scenes": ("street",)}, 1),
        ({"scenes": ("canal",)}, 0),
        ({"device_kinds": ("depth",), "scenes": ("street", "canal")}, 1),
        ({"device_kinds": ("rain",)}, 0),
        ({"device_ids": (999_999,)}, 0),
        ({"valid_from": NOON + timedelta(minutes=1)}, 0),
        ({"valid_from": NOON - timedelta(days=1), "valid_to": NOON}, 0),
        ({"metric": "level_m"}, 0),
    ],
)
def test_rule_holds_for_its_devices_and_its_time_alone(gauge: Gauge, given, count: int) -> None:
    add_rule(**given)
    gauge.send(20)
    assert len(gauge.alerts()) == count


def test_two_rules_have_an_alert_each(gauge: Gauge) -> None:
    for line in STREET:
        add_rule(lines=(line,))
    gauge.send(30, 20, 5)
    # The rule of 27 cm closes at 20, below its fall of 25.
    assert gauge.alerts() == [(0, 2, 0, 2, 30), (0, 1, 0, 3, 30)]


def test_database_refuses_a_second_open_alert(ruled: Gauge) -> None:
    ruled.send(20)
    again = (
        "INSERT INTO alerts (device_id, rule_id, opened_at, level, top_level, peak, peak_at, recorded_at)"
        " SELECT device_id, rule_id, opened_at, level, top_level, peak, peak_at, recorded_at FROM alerts"
    )
    with (
        pytest.raises(IntegrityError, match="uq_alerts_open"),
        ruled.database.sessions() as session,
    ):
        session.connection().exec_driver_sql(again)


def test_lines_of_a_device_of_its_own(gauge: Gauge) -> None:
    (number,) = gauge.rows("SELECT id FROM devices WHERE code = 'P-2'")[0]
    add_rule(lines=(Line(Level.RED, 5, 3),), device_ids=(number,))
    samples = [Sample(code, NOON, "depth_cm", 6.0) for code in gauge.devices]
    run(StoreReadings(samples, "test"), actor=SYSTEM)
    assert gauge.rows("SELECT device_id, level FROM alerts") == [(number, 4)]
