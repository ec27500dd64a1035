"""Readings are stored once, summed up, and counted where they do not count."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from app.run import SYSTEM, run
from app.sensing.commands import MakeMonths
from app.worker.schedules import SCHEDULES
from connectors.samples import Sample
from tests.sensing.conftest import NOON, Gauge


def test_same_reading_twice_is_one_row_and_counted(gauge: Gauge) -> None:
    assert gauge.send(1, 2, 3).stored == 3
    again = gauge.send(2, 3, 4, first=1)
    assert (again.stored, again.refused) == (1, {"duplicate": 2})
    assert gauge.rows("SELECT value FROM readings ORDER BY at") == [(1,), (2,), (3,), (4,)]
    assert gauge.rows("SELECT source, reason, n FROM refused_readings") == [("P-1", "duplicate", 2)]


def test_doubles_within_one_batch_are_one_row(gauge: Gauge) -> None:
    taken = gauge.send(1, 1, 1, step=0)
    assert (taken.stored, taken.refused) == (1, {"duplicate": 2})


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"device": "X-9"}, "unknown_device"),
        ({"metric": "wind"}, "unknown_metric"),
        ({"metric": "depth_m"}, "wrong_unit"),
        ({"value": 501.0}, "impossible"),
        ({"value": float("nan")}, "impossible"),
        # The clock stands an hour after NOON; five minutes ahead still count.
        ({"at": NOON + timedelta(hours=1, minutes=5, seconds=1)}, "future"),
        ({"at": NOON - timedelta(days=401)}, "too_old"),
    ],
)
def test_reading_that_does_not_count_is_counted_by_reason(gauge: Gauge, change, reason) -> None:
    good = {"device": "P-1", "at": NOON, "metric": "depth_cm", "value": 1.0}
    taken = gauge.take([Sample(**good), Sample(**{**good, **change})])
    assert (taken.stored, taken.refused) == (1, {reason: 1})


def test_refusals_of_a_day_add_up_and_strangers_share_a_row(gauge: Gauge) -> None:
    for code in ("X-1", "X-2"):
        gauge.take([Sample(code, NOON, "depth_cm", 1.0)], unreadable=["wrong_crc"])
    assert gauge.rows(
        "SELECT source, reason, n, example FROM refused_readings ORDER BY reason"
    ) == [
        ("test", "malformed", 2, "wrong_crc"),
        ("test", "unknown_device", 2, "X-2"),
    ]


def test_inactive_device_is_unknown(gauge: Gauge) -> None:
    with gauge.database.sessions() as session:
        session.connection().exec_driver_sql("UPDATE devices SET active = FALSE")
        session.commit()
    assert gauge.send(1).refused == {"unknown_device": 1}


def test_summaries_say_what_the_readings_say_in_any_order(gauge: Gauge) -> None:
    random = Random(3)
    # 600 values half a minute apart over two days' border in Shanghai (16:00 UTC), shuffled and some sent twice.
    begin = NOON - timedelta(hours=10)
    samples = [
        Sample("P-1", begin + timedelta(seconds=30 * n), "depth_cm", random.uniform(0, 50))
        for n in range(600)
    ]
    sent = random.sample(samples, 600) + samples[::7]
    for first in range(0, len(sent), 50):
        gauge.take(sent[first : first + 50])
    recomputed = """
        SELECT w.minutes, w.starts_at, count(*), min(value), max(value), sum(value)::numeric(12, 6),
            (array_agg(value ORDER BY at DESC))[1], max(at)
        FROM readings CROSS JOIN LATERAL (VALUES
            (5, to_timestamp(floor(extract(epoch FROM at) / 300) * 300)),
            (60, date_trunc('hour', at)),
            (1440, date_trunc('day', at AT TIME ZONE 'Asia/Shanghai') AT TIME ZONE 'Asia/Shanghai')
        ) w (minutes, starts_at) GROUP BY 1, 2 ORDER BY 1, 2
    """
    kept = (
        "SELECT minutes, starts_at, n, low, high, total::numeric(12, 6), last, last_at"
        " FROM reading_summaries ORDER BY 1, 2"
    )
    assert gauge.rows(kept) == gauge.rows(recomputed)
    # Five hours, of which two before midnight in Shanghai.
    assert [
        n for (n,) in gauge.rows("SELECT n FROM reading_summaries WHERE minutes = 1440 ORDER BY n")
    ] == [240, 360]


def test_latest_value_is_the_newest_not_the_last_to_come(gauge: Gauge) -> None:
    gauge.send(5, first=10)
    gauge.send(9, first=3)
    assert gauge.rows("SELECT at, value FROM latest_readings") == [(gauge.at(10), 5)]


def test_months_begin_at_the_city_s_midnight(gauge: Gauge) -> None:
    # 1 November in Shanghai begins at 16:00 UTC of 31 October.
    border = datetime(2025, 10, 31, 16, tzinfo=UTC)
    for at in (border - timedelta(seconds=1), border):
        gauge.take([Sample("P-1", at, "depth_cm", 1.0)])
    assert gauge.rows("SELECT tableoid::regclass::text FROM readings ORDER BY at") == [
        ("readings_2025_10",),
        ("readings_2025_11",),
    ]
    assert gauge.rows(
        "SELECT tableoid::regclass::text FROM reading_summaries WHERE minutes = 1440 ORDER BY starts_at"
    ) == [("reading_summaries_1440_2025_10",), ("reading_summaries_1440_2025_11",)]


def test_months_are_made_ahead_and_once(gauge: Gauge) -> None:
    december = datetime(2025, 12, 31, 12, tzinfo=UTC)
    for _ in range(2):
        run(MakeMonths(december), actor=SYSTEM)
    found = gauge.rows(
        "SELECT relid::regclass::text FROM pg_partition_tree('readings') WHERE isleaf ORDER BY 1"
    )
    assert found == [("readings_2025_12",), ("readings_2026_01",)]
    assert "make_months" in {schedule.name for schedule in SCHEDULES}


def test_partitions_have_the_index_that_makes_readings_unique(gauge: Gauge) -> None:
    gauge.send(1)
    found = gauge.rows("SELECT indexdef FROM pg_indexes WHERE tablename = 'readings_2025_11'")
    assert {"UNIQUE" in line and "(device_id, metric, at)" in line for (line,) in found} == {
        True,
        False,
    }
    assert any("brin" in line for (line,) in found)


def test_nothing_of_a_batch_stays_when_it_fails(gauge: Gauge) -> None:
    with pytest.raises(AttributeError):
        gauge.take([Sample("P-1", NOON, "depth_cm", 1.0), None])
    assert gauge.rows("SELECT count(*) FROM readings") == [(0,)]
