"""Short ways to write the moments and calendars of these tests."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from sla.calendar import CalendarRules, Hours, WorkingCalendar
from sla.holidays import HolidaySource
from sla.limits import Limit

SHANGHAI = ZoneInfo("Asia/Shanghai")
NEW_YORK = ZoneInfo("America/New_York")


def shanghai(month: int, day: int, hour: int, minute: int = 0, *, year: int = 2025) -> datetime:
    """A moment by Shanghai's clock, in 2025 unless said otherwise."""
    return datetime(year, month, day, hour, minute, tzinfo=SHANGHAI).astimezone(UTC)


def new_york(month: int, day: int, hour: int, minute: int = 0, *, fold: int = 0) -> datetime:
    """A moment of 2025 by New York's clock: fold=1 is the second of a repeated hour."""
    return datetime(2025, month, day, hour, minute, tzinfo=NEW_YORK, fold=fold).astimezone(UTC)


def calendar(
    zone: ZoneInfo = SHANGHAI,
    hours: tuple[str, ...] = ("08:00-12:00", "14:00-18:00"),
    *,
    every_day: bool = False,
    holidays: HolidaySource = HolidaySource.CHINA,
) -> WorkingCalendar:
    """A calendar by its zone and hours."""
    return WorkingCalendar(
        CalendarRules(
            zone=zone,
            hours=tuple(Hours.parse(written) for written in hours),
            weekdays=frozenset(range(1, 8) if every_day else range(1, 6)),
            holidays=HolidaySource.WEEKDAYS_ONLY if every_day else holidays,
        )
    )


def limit(written: str) -> Limit:
    """A limit as people write it."""
    return Limit.parse(written)
