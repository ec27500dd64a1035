"""Working calendars: which moments are worked, and arithmetic over them in logarithmic time."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import Enum
from itertools import accumulate, pairwise
from zoneinfo import ZoneInfo

from app.errors import InvalidInput, Text
from sla.holidays import Day, DayBook, HolidaySource
from sla.instants import DAY, HOUR, MINUTE, SECOND, date_of, from_us, midnight_us, span_us, to_us
from sla.zones import LocalTime


class Measure(Enum):
    """How a limit's time is counted."""

    ELAPSED = "elapsed"  # every moment counts
    WORKING = "working"  # only working hours count
    WALL = "wall"  # whole calendar days: the same wall time so many days on


@dataclass(frozen=True, slots=True)
class Hours:
    """One half-open stretch of a working day, in microseconds after midnight."""

    begin: int
    end: int

    @classmethod
    def parse(cls, written: str) -> Hours:
        """Read "08:00-12:00". Raises InvalidInput when it is not two times in order."""
        try:
            begin, end = (_time_of_day(part) for part in written.split("-"))
        except ValueError as exc:
            fault = Text("“%(written)s”应写作 08:00-12:00 的样子", written=written)
            raise InvalidInput({"hours": fault}) from exc
        if not 0 <= begin < end <= DAY:
            fault = Text("“%(written)s”的开始须早于结束，且不晚于 24:00", written=written)
            raise InvalidInput({"hours": fault})
        return cls(begin, end)

    def __str__(self) -> str:
        return f"{_written(self.begin)}-{_written(self.end)}"


@dataclass(frozen=True, slots=True)
class DatedHours:
    """Working hours from a date on, seasons included, until the next ones.

    known_from: a time that began earlier is counted as if they had never been decided, to its end.
    """

    valid_from: date
    known_from: datetime
    hours: tuple[Hours, ...]


@dataclass(frozen=True, slots=True)
class Season:
    """Other working hours in a part of the year, given as (month, day) inclusive; may run over New Year."""

    first: tuple[int, int]
    last: tuple[int, int]
    hours: tuple[Hours, ...]

    def holds(self, on: date) -> bool:
        """Tell whether the date lies in the season."""
        day = (on.month, on.day)
        if self.first <= self.last:
            return self.first <= day <= self.last
        return day >= self.first or day <= self.last


DEFAULT_HOURS = (Hours(8 * HOUR, 12 * HOUR), Hours(14 * HOUR, 18 * HOUR))


@dataclass(frozen=True)
class CalendarRules:
    """What a calendar is made of: each field is a key of sla/policies/calendar.yml, but the hours decided later."""

    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Asia/Shanghai"))
    hours: tuple[Hours, ...] = DEFAULT_HOURS
    seasons: tuple[Season, ...] = ()
    weekdays: frozenset[int] = frozenset({1, 2, 3, 4, 5})
    holidays: HolidaySource = HolidaySource.CHINA
    working_day: timedelta = timedelta(hours=8)
    # In order of their dates, which is the order in which they became known.
    editions: tuple[DatedHours, ...] = ()

    def __post_init__(self) -> None:
        for hours in (
            self.hours,
            *(season.hours for season in self.seasons),
            *(edition.hours for edition in self.editions),
        ):
            _refuse_overlap(hours)
        for earlier, later in pairwise(self.editions):
            if not (
                earlier.valid_from < later.valid_from and earlier.known_from <= later.known_from
            ):
                raise InvalidInput({"valid_from": "各版工作时间须按生效日期先后排列"})
        if not self.weekdays or not self.weekdays <= set(range(1, 8)):
            days = tuple(map(str, sorted(self.weekdays)))
            fault = Text("工作日须为 1 至 7（周一为 1），现为“%(days)s”", days=days)
            raise InvalidInput({"weekdays": fault})
        if not timedelta(0) < self.working_day <= timedelta(days=1):
            fault = Text("须大于 0 且不超过 24 小时，现为 %(length)s", length=self.working_day)
            raise InvalidInput({"working_day_hours": fault})

    def hours_on(self, on: date) -> tuple[Hours, ...]:
        """Return the hours worked on a date if it is worked at all."""
        for edition in reversed(self.editions):
            if edition.valid_from <= on:
                return edition.hours
        return next((season.hours for season in self.seasons if season.holds(on)), self.hours)


@dataclass(frozen=True, slots=True)
class _YearTable:
    """The working intervals of one local year; `done` is the working time up to each interval's end."""

    year: int
    begin: int
    end: int
    starts: list[int]
    ends: list[int]
    done: list[int]

    @property
    def total(self) -> int:
        return self.done[-1] if self.done else 0

    def before(self, us: int) -> int:
        """Return the working time of the year before a moment."""
        index = bisect_right(self.starts, us) - 1
        if index < 0:
            return 0
        return self.done[index] - max(0, self.ends[index] - us)

    def first_reaching(self, target: int) -> int:
        """Return the earliest moment by which so much of the year is worked; 0 < target <= total."""
        index = bisect_left(self.done, target)
        return self.ends[index] - (self.done[index] - target)

    def last_with(self, target: int) -> int:
        """Return the latest moment by which no more than so much is worked; 0 <= target < total."""
        index = bisect_right(self.done, target)
        return self.ends[index] - (self.done[index] - target)


class WorkingCalendar:
    """A city's working time. Years are laid out when first asked for and kept; instances are safe to share."""

    def __init__(
        self,
        rules: CalendarRules | None = None,
        *,
        overrides: Mapping[date, bool] | None = None,
        uploaded_years: Collection[int] = (),
        names: Mapping[date, str] | None = None,
        book: DayBook | None = None,
    ) -> None:
        """Take the rules and a city's own days; an uploaded year is known by `overrides` alone.

        book: the days of another calendar, instead of all these.
        """
        self.rules = rules or CalendarRules()
        self.local = LocalTime(self.rules.zone)
        self.working_day_us = span_us(self.rules.working_day)
        self._book = book or DayBook(
            self.rules.holidays, self.rules.weekdays, overrides or {}, uploaded_years, names or {}
        )
        self._tables: dict[int, _YearTable] = {}
        self._latest: _YearTable | None = None
        self._earlier: dict[int, WorkingCalendar] = {}

    def as_of(self, at: datetime) -> WorkingCalendar:
        """Return the calendar as it was known at a moment: without the hours decided since."""
        editions = self.rules.editions
        known = sum(edition.known_from <= at for edition in editions) if editions else 0
        if known == len(editions):
            return self
        earlier = self._earlier.get(known)
        if earlier is None:
            rules = replace(self.rules, editions=editions[:known])
            earlier = WorkingCalendar(rules, book=self._book)
            self._earlier[known] = earlier
        return earlier

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which the working hours are read."""
        return self.rules.zone

    def day(self, on: date) -> Day:
        """Return what a date is and why. Raises CalendarMissing when its year is not loaded."""
        return self._book.day(on)

    def is_working_day(self, on: date) -> bool:
        """Tell whether a date is worked."""
        return self.day(on).working

    def is_working_time(self, at: datetime) -> bool:
        """Tell whether a moment is worked; the end of an interval is not."""
        us = to_us(at)
        table = self._table_at(us)
        return table.before(us + 1) > table.before(us)

    def next_working_moment(self, at: datetime) -> datetime:
        """Return the moment itself when worked, else the next that is."""
        return from_us(self.first_worked(to_us(at)))

    def add_working(self, at: datetime, amount: timedelta) -> datetime:
        """Return the earliest moment by which `amount` of working time has passed since `at`."""
        _refuse_negative(amount)
        return from_us(self.advance(to_us(at), span_us(amount), Measure.WORKING))

    def subtract_working(self, at: datetime, amount: timedelta) -> datetime:
        """Return the latest moment from which `amount` of working time passes until `at`."""
        _refuse_negative(amount)
        return from_us(self.retreat(to_us(at), span_us(amount), Measure.WORKING))

    def working_seconds_between(self, start: datetime, end: datetime) -> float:
        """Return the seconds of working time between two moments; negative when they are in reverse."""
        return self.between(to_us(start), to_us(end), Measure.WORKING) / SECOND

    def working_intervals(self, begin: int, end: int) -> list[tuple[int, int]]:
        """Return the worked parts of a time, cut at local midnights; all in microseconds."""
        parts: list[tuple[int, int]] = []
        for year in range(self.local.date_at(begin).year, self.local.date_at(end).year + 1):
            table = self._table(year)
            for index in range(bisect_right(table.ends, begin), bisect_left(table.starts, end)):
                parts += self._by_day(max(table.starts[index], begin), min(table.ends[index], end))
        return parts

    def first_worked(self, us: int) -> int:
        """Return the moment itself when worked, else the next that is."""
        table = self._table_at(us)
        while True:
            index = bisect_right(table.ends, us)
            if index < len(table.ends):
                return max(us, table.starts[index])
            table = self._table(table.year + 1)

    def advance(self, us: int, amount: int, measure: Measure) -> int:
        """Return the earliest moment at which `amount` has been counted since `us`."""
        if measure is Measure.ELAPSED:
            return us + amount
        if measure is Measure.WALL:
            return self.local.first_at(self.local.wall(us) + amount)
        if amount == 0:
            return us
        table = self._table_at(us)
        target = table.before(us) + amount
        while target > table.total:
            target -= table.total
            table = self._table(table.year + 1)
        return table.first_reaching(target)

    def retreat(self, us: int, amount: int, measure: Measure) -> int:
        """Return the latest moment from which `amount` is counted until `us`."""
        if measure is Measure.ELAPSED:
            return us - amount
        if measure is Measure.WALL:
            return self.local.first_at(self.local.wall(us) - amount)
        if amount == 0:
            return us
        table = self._table_at(us)
        target = table.before(us) - amount
        while target < 0:
            table = self._table(table.year - 1)
            target += table.total
        return table.last_with(target)

    def between(self, start: int, end: int, measure: Measure) -> int:
        """Return how much is counted from one moment to another."""
        if measure is Measure.ELAPSED:
            return end - start
        if measure is Measure.WALL:
            return self.local.wall(end) - self.local.wall(start)
        if end < start:
            return -self.between(end, start, measure)
        first, last = self._table_at(start), self._table_at(end)
        whole_years = sum(self._table(year).total for year in range(first.year, last.year))
        return whole_years + last.before(end) - first.before(start)

    def _by_day(self, begin: int, end: int) -> list[tuple[int, int]]:
        """Cut a worked interval at local midnights: a round-the-clock calendar has one interval a year."""
        parts: list[tuple[int, int]] = []
        while begin < end:
            midnight = self.local.first_at(
                midnight_us(date_of(self.local.wall(begin)) + timedelta(days=1))
            )
            parts.append((begin, min(midnight, end)))
            begin = midnight
        return parts

    def _table_at(self, us: int) -> _YearTable:
        latest = self._latest
        if latest is not None and latest.begin <= us < latest.end:
            return latest
        table = self._table(date_of(self.local.wall(us)).year)
        self._latest = table
        return table

    def _table(self, year: int) -> _YearTable:
        table = self._tables.get(year)
        if table is None:
            table = self._tables[year] = self._lay_out(year)
        return table

    def _lay_out(self, year: int) -> _YearTable:
        self._book.require(year)
        intervals: list[list[int]] = []
        for begin, end in self._worked_parts(year):
            if intervals and begin <= intervals[-1][1]:
                intervals[-1][1] = end
            else:
                intervals.append([begin, end])
        return _YearTable(
            year=year,
            begin=self.local.first_at(midnight_us(date(year, 1, 1))),
            end=self.local.first_at(midnight_us(date(year + 1, 1, 1))),
            starts=[begin for begin, _ in intervals],
            ends=[end for _, end in intervals],
            done=list(accumulate(end - begin for begin, end in intervals)),
        )

    def _worked_parts(self, year: int) -> Sequence[tuple[int, int]]:
        """Return the moments whose local time lies in working hours: an hour left out or repeated counts as it is."""
        parts: list[tuple[int, int]] = []
        for stretch in self.local.stretches(year):
            on = date_of(stretch.begin + stretch.offset)
            last = date_of(stretch.end + stretch.offset)
            while on <= last:
                if on.year == year and self.day(on).working:
                    midnight = midnight_us(on) - stretch.offset
                    for hours in self.rules.hours_on(on):
                        begin = max(midnight + hours.begin, stretch.begin)
                        end = min(midnight + hours.end, stretch.end)
                        if begin < end:
                            parts.append((begin, end))
                on += timedelta(days=1)
        return parts


def _time_of_day(written: str) -> int:
    hour, minute = written.strip().split(":")
    if not 0 <= int(minute) < 60:
        raise ValueError(written)
    return int(hour) * HOUR + int(minute) * MINUTE


def _written(us: int) -> str:
    minutes = us // MINUTE
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _refuse_negative(amount: timedelta) -> None:
    if amount < timedelta(0):
        raise InvalidInput({"amount": Text("时长不能为负，现为 %(amount)s", amount=amount)})


def _refuse_overlap(hours: Sequence[Hours]) -> None:
    if not hours:
        raise InvalidInput({"hours": "至少要有一段工作时间"})
    for earlier, later in pairwise(hours):
        if later.begin < earlier.end:
            raise InvalidInput({"hours": "各段工作时间须按先后排列，且不得重叠"})
