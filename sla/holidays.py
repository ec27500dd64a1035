"""What kind of day a date is: workday, make-up workday, weekend or a named holiday."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from chinese_calendar import constants

from app.errors import CalendarMissing


class HolidaySource(StrEnum):
    """Where a calendar learns its holidays from."""

    CHINA = "china"
    WEEKDAYS_ONLY = "weekdays_only"


class DayKind(StrEnum):
    """Why a day is worked or not."""

    WORKDAY = "workday"
    MAKE_UP = "make_up"
    WEEKEND = "weekend"
    HOLIDAY = "holiday"
    LOCAL = "local"  # decided by the city's own calendar


@dataclass(frozen=True, slots=True)
class Day:
    """One date of a calendar; `name` (Chinese) and `name_en` only where the day has a name of its own."""

    on: date
    working: bool
    kind: DayKind
    name: str = ""
    name_en: str = ""


_CHINESE_NAMES: Final[Mapping[str, str]] = {
    holiday.value: holiday.chinese for holiday in constants.Holiday
}
_PUBLISHED_YEARS: Final[frozenset[int]] = frozenset(on.year for on in constants.holidays)


class DayBook:
    """Decide each date: the city's own ruling first, then the published holidays, then the day of the week."""

    def __init__(
        self,
        source: HolidaySource,
        weekdays: Collection[int],
        rulings: Mapping[date, bool],
        uploaded_years: Collection[int],
        names: Mapping[date, str],
    ) -> None:
        """weekdays: worked days of the week, Monday = 1; uploaded_years: given wholly by `rulings`."""
        self._source = source
        self._weekdays = frozenset(weekdays)
        self._rulings = dict(rulings)
        self._uploaded_years = frozenset(uploaded_years)
        self._names = dict(names)

    def day(self, on: date) -> Day:
        """Return what the date is. Raises CalendarMissing when nobody has loaded its year."""
        self.require(on.year)
        workday = on.isoweekday() in self._weekdays
        if on in self._rulings:
            name = self._names.get(on, "")
            return Day(on, self._rulings[on], DayKind.LOCAL, name, name)
        if self._source is HolidaySource.CHINA and on.year not in self._uploaded_years:
            if on in constants.holidays:
                name_en = constants.holidays[on]
                return Day(on, False, DayKind.HOLIDAY, _CHINESE_NAMES[name_en], name_en)
            if on in constants.workdays and not workday:
                name_en = constants.workdays[on]
                return Day(on, True, DayKind.MAKE_UP, _CHINESE_NAMES[name_en], name_en)
        return Day(on, workday, DayKind.WORKDAY if workday else DayKind.WEEKEND)

    def require(self, year: int) -> None:
        """Refuse a year whose holidays nobody has loaded: a guess would give wrong due times in silence."""
        if self._source is HolidaySource.WEEKDAYS_ONLY or year in self._uploaded_years:
            return
        if year not in _PUBLISHED_YEARS:
            raise CalendarMissing(year)


def published_years() -> frozenset[int]:
    """Return the years whose holidays the State Council's notice, as packaged, gives."""
    return _PUBLISHED_YEARS
