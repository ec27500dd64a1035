"""Working calendars: which days and moments are worked, and arithmetic over them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from chinese_calendar import is_workday

from app.errors import CalendarMissing, InvalidInput
from sla.calendar import CalendarRules, Hours, Season, WorkingCalendar
from sla.holidays import DayKind
from tests.unit.sla.moments import NEW_YORK, calendar, new_york, shanghai

HOUR = timedelta(hours=1)


def test_every_published_day_is_worked_as_published() -> None:
    city = calendar()
    day = date(2004, 1, 1)
    while day <= date(2026, 12, 31):
        assert city.is_working_day(day) == is_workday(day), day
        day += timedelta(days=1)


@pytest.mark.parametrize("day", [date(2025, 9, 28), date(2025, 10, 11)])
def test_make_up_day_of_national_day_is_worked(day: date) -> None:
    assert day.isoweekday() >= 6
    assert calendar().day(day).kind is DayKind.MAKE_UP


def test_holiday_has_its_name_in_both_languages() -> None:
    day = calendar().day(date(2025, 10, 1))
    assert (day.working, day.name, day.name_en) == (False, "国庆节", "National Day")


def test_unloaded_year_is_refused_by_name() -> None:
    with pytest.raises(CalendarMissing, match="2030") as caught:
        calendar().is_working_time(shanghai(6, 3, 9, year=2030))
    assert caught.value.year == 2030


def test_limit_running_into_an_unloaded_year_is_refused() -> None:
    with pytest.raises(CalendarMissing) as caught:
        calendar().add_working(shanghai(12, 31, 17, year=2026), 2 * HOUR)
    assert caught.value.year == 2027


def test_uploaded_year_is_known_by_its_own_days() -> None:
    city = WorkingCalendar(
        overrides={date(2030, 6, 5): False, date(2030, 6, 8): True},
        uploaded_years=[2030],
        names={date(2030, 6, 5): "端午"},
    )
    # 2030-06-04 is a Tuesday: 17:00-18:00, Wednesday the 5th off, Thursday 08:00-09:00.
    assert city.add_working(shanghai(6, 4, 17, year=2030), 2 * HOUR) == shanghai(6, 6, 9, year=2030)
    assert city.is_working_day(date(2030, 6, 8))
    assert city.day(date(2030, 6, 5)).name == "端午"


def test_override_goes_before_the_published_day() -> None:
    city = WorkingCalendar(overrides={date(2025, 10, 15): False, date(2025, 10, 1): True})
    assert not city.is_working_day(date(2025, 10, 15))
    assert city.is_working_day(date(2025, 10, 1))
    assert city.is_working_day(date(2025, 10, 16))


@pytest.mark.parametrize(
    ("hour", "minute", "worked"),
    [(7, 59, False), (8, 0, True), (11, 59, True), (12, 0, False), (14, 0, True), (18, 0, False)],
)
def test_working_hours_are_half_open(hour: int, minute: int, worked: bool) -> None:
    assert calendar().is_working_time(shanghai(10, 15, hour, minute)) is worked


def test_next_working_moment() -> None:
    city = calendar()
    assert city.next_working_moment(shanghai(10, 15, 9, 30)) == shanghai(10, 15, 9, 30)
    assert city.next_working_moment(shanghai(10, 15, 12)) == shanghai(10, 15, 14)
    # Wednesday 1 October to Wednesday the 8th are off.
    assert city.next_working_moment(shanghai(9, 30, 18)) == shanghai(10, 9, 8)


def test_added_time_skips_midday_nights_and_weekends() -> None:
    city = calendar()
    # Friday 17 October 11:00: 1 h to noon, 4 h to 18:00, 1 h on Monday.
    assert city.add_working(shanghai(10, 17, 11), 6 * HOUR) == shanghai(10, 20, 9)


def test_added_time_ends_with_the_interval_not_at_the_next() -> None:
    city = calendar()
    assert city.add_working(shanghai(10, 15, 8), 4 * HOUR) == shanghai(10, 15, 12)
    assert city.add_working(shanghai(10, 17, 8), 8 * HOUR) == shanghai(10, 17, 18)


def test_subtracted_time_begins_with_the_interval_not_at_the_last() -> None:
    city = calendar()
    assert city.subtract_working(shanghai(10, 20, 10), 2 * HOUR) == shanghai(10, 20, 8)
    assert city.subtract_working(shanghai(10, 20, 10), 3 * HOUR) == shanghai(10, 17, 17)


def test_arithmetic_crosses_the_year() -> None:
    city = calendar()
    # Wednesday 31 December 17:00: 1 h; 1-3 January off, Sunday 4 January is a make-up day: 2 h.
    due = city.add_working(shanghai(12, 31, 17), 3 * HOUR)
    assert due == shanghai(1, 4, 10, year=2026)
    assert city.working_seconds_between(shanghai(12, 31, 17), due) == 3 * 3600
    assert city.working_seconds_between(due, shanghai(12, 31, 17)) == -3 * 3600
    assert city.subtract_working(due, 3 * HOUR) == shanghai(12, 31, 17)


def test_arithmetic_is_exact_to_the_microsecond() -> None:
    city = calendar()
    start = shanghai(10, 15, 9) + timedelta(microseconds=1)
    assert city.add_working(start, 3 * HOUR) == shanghai(10, 15, 14) + timedelta(microseconds=1)


def test_naive_moment_and_negative_amount_are_refused() -> None:
    with pytest.raises(ValueError, match="naive"):
        calendar().is_working_time(datetime(2025, 10, 15, 9))  # noqa: DTZ001
    with pytest.raises(InvalidInput):
        calendar().add_working(shanghai(10, 15, 9), -HOUR)


def test_spring_night_without_an_hour_counts_what_there_was() -> None:
    city = calendar(NEW_YORK, ("00:00-06:00",), every_day=True)
    # 9 March 2025: 02:00-03:00 does not exist, so six hours of the clock are five of work.
    day = (new_york(3, 9, 0), new_york(3, 9, 23))
    assert city.working_seconds_between(*day) == 5 * 3600
    assert city.add_working(new_york(3, 9, 1), HOUR) == new_york(3, 9, 3)
    assert city.add_working(new_york(3, 9, 1), 2 * HOUR) == new_york(3, 9, 4)


def test_autumn_night_with_an_hour_twice_counts_both() -> None:
    city = calendar(NEW_YORK, ("00:00-06:00",), every_day=True)
    # 2 November 2025: 01:00-02:00 happens twice.
    assert city.working_seconds_between(new_york(11, 2, 0), new_york(11, 2, 23)) == 7 * 3600
    assert city.add_working(new_york(11, 2, 0), 2 * HOUR) == new_york(11, 2, 1, fold=1)


def test_hours_that_cut_into_the_repeated_hour_are_worked_twice() -> None:
    city = calendar(NEW_YORK, ("01:30-03:00",), every_day=True)
    # 01:30-02:00 before the change, 01:30-03:00 after it.
    assert city.working_seconds_between(new_york(11, 2, 0), new_york(11, 2, 23)) == 2 * 3600
    assert not city.is_working_time(new_york(11, 2, 1, 10, fold=1))


def test_calendar_round_the_clock_counts_every_moment() -> None:
    city = calendar(NEW_YORK, ("00:00-24:00",), every_day=True)
    start = new_york(3, 8, 12)
    assert city.add_working(start, 48 * HOUR) == start + 48 * HOUR


def test_season_has_its_own_hours() -> None:
    summer = Season((6, 1), (9, 30), (Hours.parse("08:00-12:00"), Hours.parse("15:00-19:00")))
    city = WorkingCalendar(CalendarRules(seasons=(summer,)))
    assert city.is_working_time(shanghai(7, 15, 18, 30))
    assert not city.is_working_time(shanghai(7, 15, 14, 30))
    assert city.is_working_time(shanghai(10, 15, 14, 30))


def test_season_may_run_over_new_year() -> None:
    winter = Season((12, 1), (2, 28), (Hours.parse("09:00-17:00"),))
    assert winter.holds(date(2025, 12, 1))
    assert winter.holds(date(2026, 2, 28))
    assert not winter.holds(date(2025, 11, 30))


@pytest.mark.parametrize(
    "written", ["8-12", "12:00-08:00", "08:00-24:30", "08:60-09:00", "morning"]
)
def test_hours_that_are_none_are_refused(written: str) -> None:
    with pytest.raises(InvalidInput):
        Hours.parse(written)


def test_overlapping_hours_are_refused() -> None:
    with pytest.raises(InvalidInput):
        calendar(hours=("08:00-12:00", "11:00-18:00"))


def test_moment_of_another_zone_is_the_same_moment() -> None:
    at = datetime(2025, 10, 15, 1, 0, tzinfo=UTC)
    assert calendar().is_working_time(at)
    assert calendar().is_working_time(at.astimezone(NEW_YORK))
