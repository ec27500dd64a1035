"""What a chart shows of a device: readings or summaries, gaps as gaps, alerts, lines."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.sensing.charts import Series, alerts_in, lines_of, series
from app.sensing.pages.drawing import chart
from app.sensing.storing import Known
from sla.sensing import Level, Line
from tests.sensing.conftest import NOON, STREET, Gauge, add_rule

SHANGHAI = ZoneInfo("Asia/Shanghai")
DAY = timedelta(days=1)


def drawn(gauge: Gauge, first: datetime, until: datetime, *, points: int = 800) -> Series:
    with gauge.database.sessions() as session:
        return series(session, device(gauge), 1, first, until, points=points)


def device(gauge: Gauge) -> int:
    return int(gauge.rows("SELECT id FROM devices WHERE code = 'P-1'")[0][0])


def test_few_readings_are_drawn_each(gauge: Gauge) -> None:
    gauge.send(1, 5, 3)
    found = drawn(gauge, NOON, NOON + DAY)
    assert found.minutes == 0
    assert [(gauge.minute(p.at), p.last) for p in found.points] == [(0, 1), (1, 5), (2, 3)]


def test_many_readings_are_drawn_of_summaries(gauge: Gauge) -> None:
    gauge.send(*range(60))
    found = drawn(gauge, NOON, NOON + timedelta(hours=1), points=20)
    # 60 readings are more than twice twenty; an hour in twenty points is three minutes, so five.
    assert (found.minutes, len(found.points)) == (5, 12)
    # Of minutes 5 to 9.
    second = found.points[1]
    assert (second.low, second.average, second.high, second.last) == (5, 7, 9, 9)


@pytest.mark.parametrize(
    ("days", "minutes"), [(7, 15), (30, 60), (90, 180), (365, 1440), (4000, 1440)]
)
def test_longer_times_are_drawn_in_wider_points(gauge: Gauge, days: int, minutes: int) -> None:
    # 7 days of 800 points are 12.6 minutes each, 30 days 54, 90 days 162, 365 days 657.
    gauge.send(*(n % 7 for n in range(1700)), first=-1700)
    assert drawn(gauge, NOON - days * DAY, NOON).minutes == minutes


def test_a_day_s_point_is_of_the_city_s_day(gauge: Gauge) -> None:
    # NOON is 08:00 in Shanghai: 07:59 before midnight of the same day, and the minute before it.
    gauge.send(4, first=-8 * 60 - 1)
    gauge.send(6, first=-8 * 60)
    found = drawn(gauge, NOON - 365 * DAY, NOON)
    assert [p.at.astimezone(SHANGHAI).day for p in found.points] == [24, 25]


def test_a_time_without_readings_is_a_gap(gauge: Gauge) -> None:
    gauge.send(1, 2)
    gauge.send(3, first=60)
    with gauge.database.sessions() as session:
        found = series(
            session, device(gauge), 1, NOON, NOON + DAY, silent_after=timedelta(minutes=30)
        )
    assert [p.last for p in found.points] == [1, 2, None, 3]
    assert found.points[1].at < found.points[2].at < found.points[3].at


def test_a_summary_that_began_before_counts(gauge: Gauge) -> None:
    gauge.send(*range(60))
    found = drawn(gauge, NOON + timedelta(minutes=7), NOON + timedelta(minutes=50), points=10)
    assert gauge.minute(found.points[0].at) == 5


def test_alerts_are_those_that_lasted_into_the_time(ruled: Gauge) -> None:
    ruled.send(20, 5)
    ruled.send(30, first=50)
    with ruled.database.sessions() as session:
        both = alerts_in(session, device(ruled), NOON, NOON + DAY)
        later = alerts_in(session, device(ruled), ruled.at(2), NOON + DAY)
    assert [(a.top_level, a.closed_at is None) for a in both] == [(3, True), (2, False)]
    assert [a.top_level for a in later] == [3]


def test_lines_are_those_of_rules_in_force(ruled: Gauge) -> None:
    low = (Line(Level.BLUE, 3, 2),)
    add_rule(lines=(Line(Level.RED, 99, 90),), valid_to=NOON + timedelta(hours=1))
    add_rule(lines=low, scenes=("canal",))
    with ruled.database.sessions() as session:
        known = Known(device(ruled), "depth", "street")
        found = lines_of(session, known, 1, NOON + timedelta(hours=2), SHANGHAI)
    assert tuple(found) == STREET


def test_no_line_is_drawn_where_two_rules_have_some(ruled: Gauge) -> None:
    add_rule(lines=(Line(Level.BLUE, 3, 2),))
    with ruled.database.sessions() as session:
        known = Known(device(ruled), "depth", "street")
        assert lines_of(session, known, 1, NOON + timedelta(hours=2), SHANGHAI) == []


def test_axis_of_a_curve_reaches_its_lines() -> None:
    at = [(NOON, 4.0), (NOON + timedelta(minutes=5), 6.0)]
    drawn = chart(at, NOON, NOON + timedelta(hours=1), SHANGHAI, limits=[(2, 15.0), (3, 27.0)])
    assert drawn is not None
    (yellow, level, value), (orange, *_rest) = drawn.limits
    # Higher up is less: the orange line above the yellow one, both within the picture.
    assert 8 <= orange < yellow < 158
    assert (level, value) == (2, 15.0)
