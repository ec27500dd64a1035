"""Local time that never turns back.

Plain local time repeats an hour in autumn and leaves one out in spring, so "the same wall time three days on" is
neither unique nor ordered. Here the wall reading of a moment is the highest the wall clock has shown so far: it
stands still while an hour is repeated and leaps where one is left out. Its inverse is the first moment that shows
at least the reading. Both only ever grow, so a later start never gives an earlier due time.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sla.instants import DAY, SECOND, date_of, from_us, midnight_us, span_us


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time of one offset from UTC, half-open; `ceiling` is the highest wall reading shown before it."""

    begin: int
    end: int
    offset: int
    ceiling: int


class LocalTime:
    """Turn moments of one zone into wall readings and back; all numbers are microseconds."""

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone
        self._stretches: dict[int, tuple[Stretch, ...]] = {}
        self._begins: dict[int, list[int]] = {}

    def at(self, us: int) -> datetime:
        """Return the moment as an aware local time, for showing."""
        return from_us(us).astimezone(self.zone)

    def date_at(self, us: int) -> date:
        """Return the local date of a moment."""
        return self.at(us).date()

    def wall(self, us: int) -> int:
        """Return the wall reading of a moment."""
        year = from_us(us).year
        stretches = self.stretches(year)
        stretch = stretches[bisect_right(self._begins[year], us) - 1]
        return max(us + stretch.offset, stretch.ceiling)

    def first_at(self, wall: int) -> int:
        """Return the first moment whose wall reading is at least the given one."""
        for stretch in self.stretches(date_of(wall).year):
            if wall < stretch.end + stretch.offset:
                return max(wall - stretch.offset, stretch.begin)
        raise AssertionError("the stretches of a year reach past its end")

    def stretches(self, year: int) -> tuple[Stretch, ...]:
        """Return the stretches of a year, with two days more on either side."""
        if year not in self._stretches:
            begin = midnight_us(date(year, 1, 1)) - 2 * DAY
            end = midnight_us(date(year, 1, 1)) + 368 * DAY
            found = self._cut(begin, end)
            self._begins[year] = [stretch.begin for stretch in found]
            self._stretches[year] = found
        return self._stretches[year]

    def _cut(self, begin: int, end: int) -> tuple[Stretch, ...]:
        found: list[Stretch] = []
        since, ceiling = begin, begin + self._offset(begin)
        for day in range(begin, end, DAY):
            until = min(day + DAY, end)
            # A day with two changes of offset does not occur in the tz database; one change a day is looked for.
            if self._offset(day) != self._offset(until):
                change = self._change(day, until)
                found.append(Stretch(since, change, self._offset(since), ceiling))
                since, ceiling = change, max(ceiling, change + self._offset(since))
        found.append(Stretch(since, end, self._offset(since), ceiling))
        return tuple(found)

    def _change(self, low: int, high: int) -> int:
        """Find the whole second at which the offset changes between two moments."""
        before = self._offset(low)
        while high - low > SECOND:
            middle = low + (high - low) // (2 * SECOND) * SECOND
            if self._offset(middle) == before:
                low = middle
            else:
                high = middle
        return high

    def _offset(self, us: int) -> int:
        offset = self.at(us).utcoffset()
        assert offset is not None
        return span_us(offset)
