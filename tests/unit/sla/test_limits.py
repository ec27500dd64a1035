"""Limits: reading, saying and the due times they lead to."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from app.errors import InvalidInput
from sla.limits import Limit, LimitUnit, Until, due_at, moment_before, parse_limit
from tests.unit.sla.moments import NEW_YORK, calendar, limit, new_york, shanghai


@pytest.mark.parametrize(
    ("written", "value", "unit"),
    [
        ("2 working_hour", "2", LimitUnit.WORKING_HOUR),
        ("2 working hours", "2", LimitUnit.WORKING_HOUR),
        ("2工作时", "2", LimitUnit.WORKING_HOUR),
        ("5工作日", "5", LimitUnit.WORKING_DAY),
        ("1.5 工作时", "1.5", LimitUnit.WORKING_HOUR),
        ("2紧急工作时", "2", LimitUnit.URGENT_HOUR),
        ("1紧急工作日", "1", LimitUnit.URGENT_DAY),
        ("5天", "5", LimitUnit.DAY),
        ("3 自然日", "3", LimitUnit.DAY),
        ("3 days", "3", LimitUnit.DAY),
        ("15 minutes", "0.25", LimitUnit.URGENT_HOUR),
        ("30分钟", "0.5", LimitUnit.URGENT_HOUR),
    ],
)
def test_limit_is_read_as_people_write_it(written: str, value: str, unit: LimitUnit) -> None:
    assert Limit.parse(written) == Limit(Decimal(value), unit)


@pytest.mark.parametrize(
    "written", ["", "2", "工作时", "-2 working_hour", "2 小时", "2 fortnight", "0工作日"]
)
def test_limit_that_is_none_is_refused(written: str) -> None:
    with pytest.raises(InvalidInput):
        Limit.parse(written)


def test_limit_from_columns_names_the_field_at_fault() -> None:
    assert Limit.of("1.5", "working_day") == Limit(Decimal("1.5"), LimitUnit.WORKING_DAY)
    for value, unit, field in [
        ("x", "day", "limit_value"),
        ("1", "hour", "limit_unit"),
        ("0", "day", "limit_value"),
    ]:
        with pytest.raises(InvalidInput) as caught:
            Limit.of(value, unit)
        assert list(caught.value.fields) == [field]


@pytest.mark.parametrize(
    ("written", "chinese", "english"),
    [
        ("4 working_hour", "4 工作时", "4 working hours"),
        ("1 working_day", "1 工作日", "1 working day"),
        ("2 urgent_hour", "2 紧急工作时", "2 urgent hours"),
        ("15 minutes", "15 分钟", "15 min"),
        ("5 day", "5 天", "5 days"),
    ],
)
def test_limit_is_said_in_both_languages(written: str, chinese: str, english: str) -> None:
    assert limit(written).text("zh_Hans_CN") == chinese
    assert limit(written).text("en") == english


def test_limit_survives_being_written() -> None:
    for written in (limit("1.50 working_hour"), limit("10 minutes"), Until(shanghai(10, 20, 17))):
        assert parse_limit(str(written)) == written


def test_promise_without_a_zone_is_refused() -> None:
    with pytest.raises(InvalidInput):
        parse_limit("until 2025-10-20T17:00:00")


@pytest.mark.parametrize(
    ("written", "due"),
    [
        # From Wednesday 15 October 16:00.
        ("2 working_hour", shanghai(10, 15, 18)),
        ("3 working_hour", shanghai(10, 16, 9)),  # 2 h today, 1 h tomorrow
        ("1 working_day", shanghai(10, 16, 16)),  # 8 h: 2 today, 4 + 2 tomorrow
        ("3 working_day", shanghai(10, 20, 16)),  # over the weekend
        ("3 urgent_hour", shanghai(10, 15, 19)),
        ("1 urgent_day", shanghai(10, 16, 16)),
        ("4 day", shanghai(10, 19, 16)),  # a Sunday
    ],
)
def test_each_unit_counts_its_own_way(written: str, due: datetime) -> None:
    assert due_at(shanghai(10, 15, 16), limit(written), calendar()) == due


def test_working_day_is_as_long_as_the_calendar_says() -> None:
    city = calendar()
    assert limit("1 working_day").microseconds(city) == 8 * 3600 * 10**6


def test_calendar_day_keeps_wall_time_where_a_continuous_day_does_not() -> None:
    city = calendar(NEW_YORK)
    # The clock leaps from 02:00 to 03:00 on 9 March: noon to noon is 23 hours.
    assert due_at(new_york(3, 8, 12), limit("1 day"), city) == new_york(3, 9, 12)
    assert due_at(new_york(3, 8, 12), limit("1 urgent_day"), city) == new_york(3, 9, 13)
    # And is turned back on 2 November: 25 hours.
    assert due_at(new_york(11, 1, 12), limit("1 day"), city) == new_york(11, 2, 12)
    assert due_at(new_york(11, 1, 12), limit("1 urgent_day"), city) == new_york(11, 2, 11)


def test_calendar_day_into_a_wall_time_that_is_not_there_or_there_twice() -> None:
    city = calendar(NEW_YORK)
    assert due_at(new_york(3, 8, 2, 30), limit("1 day"), city) == new_york(3, 9, 3)
    assert due_at(new_york(11, 1, 1, 30), limit("1 day"), city) == new_york(11, 2, 1, 30, fold=0)


def test_start_in_a_repeated_hour_is_never_due_before_an_earlier_one() -> None:
    city = calendar(NEW_YORK)
    first = due_at(new_york(11, 2, 1, 50), limit("1 day"), city)
    second = due_at(new_york(11, 2, 1, 30, fold=1), limit("1 day"), city)
    assert first == new_york(11, 3, 1, 50)
    assert second == new_york(11, 3, 2)


def test_calendar_day_needs_no_holidays() -> None:
    assert due_at(shanghai(6, 3, 9, year=2030), limit("2 day"), calendar()) == shanghai(
        6, 5, 9, year=2030
    )


def test_promise_is_due_when_promised() -> None:
    assert due_at(shanghai(10, 15, 9), Until(shanghai(10, 19, 3)), calendar()) == shanghai(
        10, 19, 3
    )


def test_moment_before_a_due_time_is_the_latest_with_so_much_left() -> None:
    city = calendar()
    assert moment_before(shanghai(10, 20, 10), limit("2 working_hour"), city) == shanghai(10, 20, 8)
    assert moment_before(shanghai(10, 20, 10), limit("30 minutes"), city) == shanghai(10, 20, 9, 30)
    assert moment_before(shanghai(10, 20, 10), limit("2 day"), city) == shanghai(10, 18, 10)


def test_largest_limit_still_has_a_due_time() -> None:
    far = due_at(shanghai(10, 15, 9), Limit(Decimal(100_000), LimitUnit.URGENT_DAY), calendar())
    assert far - shanghai(10, 15, 9) == timedelta(days=100_000)
    with pytest.raises(InvalidInput):
        Limit(Decimal(100_001), LimitUnit.URGENT_HOUR)
