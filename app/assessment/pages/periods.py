"""Periods as an address names them: from a day to a day, and the usual ones."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.errors import InvalidInput
from sla.calendar import WorkingCalendar
from sla.indicators import Period

EARLIEST = date(1970, 1, 1)
LATEST = date(9990, 12, 31)


@dataclass(frozen=True, slots=True)
class Days:
    """The days from one to another, both included."""

    first: date
    last: date

    @classmethod
    def parse(cls, typed: Mapping[str, str]) -> Days:
        """Read the days under "from" and "to". Raises InvalidInput naming the field."""
        faults = {}
        found = {}
        for name in ("from", "to"):
            try:
                found[name] = date.fromisoformat(typed.get(name, "").strip())
            except ValueError:
                faults[name] = str(_("日期应写作 2025-10-01 的样子"))
                continue
            if not EARLIEST <= found[name] <= LATEST:
                faults[name] = str(_("日期不在可以统计的范围内"))
        if not faults and found["from"] > found["to"]:
            faults["to"] = str(_("结束日期不能早于开始日期"))
        if faults:
            raise InvalidInput(faults)
        return cls(found["from"], found["to"])

    def period(self, zone: ZoneInfo) -> Period:
        """Return their time: from the first midnight to the one after the last day."""
        following = self.last + timedelta(days=1)
        return Period(
            datetime.combine(self.first, time(), zone), datetime.combine(following, time(), zone)
        )

    def require_calendar(self, calendar: WorkingCalendar) -> None:
        """Raise CalendarMissing where a year's calendar is not loaded: no due time could be worked out in it."""
        for year in range(self.first.year, self.last.year + 1):
            calendar.is_working_day(date(year, 1, 1))


def usual_periods(today: date) -> list[tuple[str, Days]]:
    """Return the periods that are asked for most, by name."""
    yesterday = today - timedelta(days=1)
    monday = today - timedelta(days=today.weekday())
    quarter = _month(today.year, (today.month - 1) // 3 * 3 + 1, 3)
    before = quarter.first - timedelta(days=1)
    named = [
        (_l("昨天"), Days(yesterday, yesterday)),
        (_l("今天"), Days(today, today)),
        (_l("上周"), Days(monday - timedelta(days=7), monday - timedelta(days=1))),
        (_l("本周"), Days(monday, monday + timedelta(days=6))),
        (_l("上月"), last_month(today)),
        (_l("本月"), _month(today.year, today.month)),
        (_l("上季"), _month(before.year, before.month - 2, 3)),
        (_l("本季"), quarter),
        (_l("去年"), _month(today.year - 1, 1, 12)),
        (_l("今年"), _month(today.year, 1, 12)),
    ]
    return [(str(name), days) for name, days in named]


def last_month(today: date) -> Days:
    """Return the days of the month before."""
    last = today.replace(day=1) - timedelta(days=1)
    return _month(last.year, last.month)


def _month(year: int, month: int, months: int = 1) -> Days:
    last = month + months - 1
    return Days(date(year, month, 1), date(year, last, monthrange(year, last)[1]))
