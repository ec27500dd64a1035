"""Write down worked time day by day, and long stretches of it in few lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import Final

from sla.calendar import Measure, WorkingCalendar
from sla.holidays import Day, DayKind
from sla.instants import DAY, HOUR, midnight_us, span_of
from sla.wording import Wording

# A week's end or a holiday cuts worked days into stretches; more of them than this are told in one line.
MOST_STRETCHES: Final = 3

WorkedLine = tuple[int, str, int | None]  # moment, text, microseconds counted


@dataclass(frozen=True, slots=True)
class _WorkedDay:
    """What counts of one day; `whole` when nothing of its working time is left out."""

    day: Day
    parts: tuple[tuple[int, int], ...]
    whole: bool

    @property
    def amount(self) -> int:
        return sum(end - begin for begin, end in self.parts)


class WorkedTime:
    """Write the lines of worked time between two moments."""

    def __init__(self, calendar: WorkingCalendar, wording: Wording, year: int) -> None:
        """year: the one that need not be said with a date."""
        self._calendar = calendar
        self._wording = wording
        self._year = year

    def lines(self, begin: int, end: int) -> list[WorkedLine]:
        """Return the lines from a moment to another at which, or before which, work ended."""
        days = self._days(begin, end)
        lines: list[WorkedLine] = []
        if days[0].parts[0][0] > begin:
            lines.append((begin, self._outside_text(begin, days[0].parts[0][0]), None))
            lines += self._rest_lines(
                self._calendar.local.date_at(begin) - timedelta(days=1), days[0].day.on, begin
            )
        groups = self._groups(days)
        if sum(1 for whole, _ in groups if whole) > MOST_STRETCHES:
            return lines + self._summed_up(days)
        for before, (whole, group) in zip([None, *groups], groups, strict=False):
            if before is not None:
                lines += self._rest_lines(before[1][-1].day.on, group[0].day.on)
            lines += [self._stretch_line(group)] if whole else self._detailed(group[0])
        return lines

    def _days(self, begin: int, end: int) -> list[_WorkedDay]:
        days = []
        local = self._calendar.local
        parts = self._calendar.working_intervals(begin, end)
        for on, of_day in groupby(parts, key=lambda part: local.date_at(part[0])):
            taken = tuple(of_day)
            midnight, next_midnight = (
                local.first_at(midnight_us(on) + days * DAY) for days in (0, 1)
            )
            whole = tuple(self._calendar.working_intervals(midnight, next_midnight)) == taken
            days.append(_WorkedDay(self._calendar.day(on), taken, whole))
        return days

    def _groups(self, days: Sequence[_WorkedDay]) -> list[tuple[bool, list[_WorkedDay]]]:
        """Group whole days that follow each other; a day in part stands alone, as do all when they are few."""
        groups: list[tuple[bool, list[_WorkedDay]]] = []
        for day in days:
            whole = day.whole and len(days) > 2
            last = groups[-1] if groups else None
            if last and whole and last[0] and day.day.on - last[1][-1].day.on == timedelta(days=1):
                last[1].append(day)
            else:
                groups.append((whole, [day]))
        return groups

    def _summed_up(self, days: Sequence[_WorkedDay]) -> list[WorkedLine]:
        """Tell a first and last day in part by themselves and all between in one line."""
        head = [] if days[0].whole else [days[0]]
        tail = [] if days[-1].whole else [days[-1]]
        between = days[len(head) : len(days) - len(tail)]
        at, line, amount = self._stretch_line(between)
        rest = self._rest_days(days[0].day.on, days[-1].day.on)
        line = self._wording.say("with_rest", line=line, rest=self._counted_names(rest))
        return [
            *(entry for day in head for entry in self._detailed(day)),
            (at, line, amount),
            *(entry for day in tail for entry in self._detailed(day)),
        ]

    def _stretch_line(self, days: Sequence[_WorkedDay]) -> WorkedLine:
        amount = sum(day.amount for day in days)
        line = self._wording.say(
            "whole_day" if len(days) == 1 else "whole_days",
            span=self._date_span([day.day.on for day in days]),
            n=len(days),
            amount=self._hours(amount),
        )
        return days[0].parts[0][0], self._with_make_up(line, [day.day for day in days]), amount

    def _detailed(self, day: _WorkedDay) -> list[WorkedLine]:
        lines: list[WorkedLine] = []
        for number, (begin, end) in enumerate(day.parts):
            if number:
                lines.append(
                    (
                        day.parts[number - 1][1],
                        self._break_text(day.parts[number - 1][1], begin),
                        None,
                    )
                )
            span = self._wording.span(begin, end, self._year)
            line = self._wording.say("counted", span=span, amount=self._hours(end - begin))
            lines.append(
                (begin, self._with_make_up(line, [day.day]) if not number else line, end - begin)
            )
        return lines

    def _rest_lines(self, last: date, first: date, begin: int = 0) -> list[WorkedLine]:
        """Tell the days off between two dates; the line stands no earlier than `begin`."""
        days = self._rest_days(last, first)
        if not days:
            return []
        names = self._wording.say("list").join(dict.fromkeys(self._name(day) for day in days))
        line = self._wording.say(
            "day_off", span=self._date_span([day.on for day in days]), name=names
        )
        return [(max(begin, self._calendar.local.first_at(midnight_us(days[0].on))), line, None)]

    def _rest_days(self, last: date, first: date) -> list[Day]:
        between = (last + timedelta(days=days) for days in range(1, (first - last).days))
        return [day for day in map(self._calendar.day, between) if not day.working]

    def _counted_names(self, days: Iterable[Day]) -> str:
        counts = Counter(self._name(day) for day in days)
        return self._wording.say("list").join(
            self._wording.say("days_of", name=name, n=count) for name, count in counts.items()
        )

    def _name(self, day: Day) -> str:
        named = day.name if self._wording.locale.startswith("zh") else day.name_en
        return named or self._wording.say("weekend" if day.kind is DayKind.WEEKEND else "local")

    def _with_make_up(self, line: str, days: Sequence[Day]) -> str:
        made_up = [
            self._wording.date(day.on, self._year) for day in days if day.kind is DayKind.MAKE_UP
        ]
        if not made_up:
            return line
        if len(days) == 1:
            return self._wording.say("make_up_day", line=line)
        return self._wording.say("make_up", line=line, days=self._wording.say("list").join(made_up))

    def _outside_text(self, at: int, first: int) -> str:
        said = (self._wording.moment(moment, self._year) for moment in (at, first))
        return self._wording.say("outside", at=next(said), first=next(said))

    def _break_text(self, begin: int, end: int) -> str:
        local = self._calendar.local
        noon = local.first_at(midnight_us(local.date_at(begin)) + 12 * HOUR)
        span = self._wording.span(begin, end, self._year).rsplit(" ", 1)[-1]
        return self._wording.say("midday" if begin <= noon < end else "interval", span=span)

    def _date_span(self, days: Sequence[date]) -> str:
        first, last = (
            self._wording.date(days[0], self._year),
            self._wording.date(days[-1], self._year),
        )
        return first if days[0] == days[-1] else f"{first}–{last}"

    def _hours(self, amount: int) -> str:
        return self._wording.amount(span_of(amount), Measure.WORKING, days=False)
