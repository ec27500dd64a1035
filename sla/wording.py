"""Say moments, durations and remaining time in Chinese or English, from sla/policies/wording.yml."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Final

from sla.calendar import Measure, WorkingCalendar
from sla.clocks import ClockReading, ClockState
from sla.instants import DAY, HOUR, MINUTE, SECOND, from_us, span_us, to_us
from sla.limits import LimitUnit
from sla.policy_files import POLICIES, Section, read_policy

WORDING_FILE = POLICIES / "wording.yml"
_MONTHS: Final = (
    "Jan",
    "Feb",
    "Mar",
    "Apr",
    "May",
    "Jun",
    "Jul",
    "Aug",
    "Sep",
    "Oct",
    "Nov",
    "Dec",
)


class Wording:
    """The sentences of one language, with the zone and working day they speak of."""

    def __init__(self, locale: str, calendar: WorkingCalendar) -> None:
        self.locale = locale
        self._calendar = calendar
        self._sentences = sentences()["zh" if locale.startswith("zh") else "en"]

    def knows(self, key: str) -> bool:
        """Tell whether a sentence or word of that name is written."""
        return key in self._sentences

    def say(self, key: str, **values: object) -> str:
        """Fill a sentence in; `n` also gives the plural ending `s`."""
        plural = "" if values.get("n") == 1 else "s"
        return self._sentences[key].format(s=plural, **values)

    def date(self, on: date, year: int) -> str:
        """Say a date, with its year when it is not the one talked of."""
        key = "date" if on.year == year else "year_date"
        return self.say(
            key, year=on.year, month=on.month, month_name=_MONTHS[on.month - 1], day=on.day
        )

    def moment(self, us: int, year: int) -> str:
        """Say a moment in local time."""
        local = self._calendar.local.at(us)
        return f"{self.date(local.date(), year)} {clock_time(local)}"

    def span(self, begin: int, end: int, year: int) -> str:
        """Say a time from one moment to another; the date once when it is the same."""
        first, last = self._calendar.local.at(begin), self._calendar.local.at(end)
        if first.date() == last.date():
            return f"{self.moment(begin, year)}–{clock_time(last)}"
        return f"{self.moment(begin, year)}–{self.moment(end, year)}"

    def amount(
        self, span: timedelta, measure: Measure, *, days: bool = True, parts: int = 4
    ) -> str:
        """Say a duration in its largest units, `parts` of them; days=False keeps working time in hours."""
        rest = span_us(span)
        words: list[str] = []
        for key, size in self._units(measure, days=days):
            count, rest = divmod(rest, size)
            if count:
                words.append(self.say(key, n=count))
        return " ".join(words[:parts]) or self.say("nothing")

    def short_amount(self, span: timedelta, measure: Measure) -> str:
        """Say a duration for a page that stands still: two units, and no seconds from a minute on."""
        minute = timedelta(minutes=1)
        return self.amount(span if span < minute else span - span % minute, measure, parts=2)

    def _units(self, measure: Measure, *, days: bool) -> list[tuple[str, int]]:
        working = measure is Measure.WORKING
        units = [
            ("working_hour" if working else "hour", HOUR),
            ("minute", MINUTE),
            ("second", SECOND),
        ]
        if not days:
            return units
        return [("working_day", self._calendar.working_day_us) if working else ("day", DAY), *units]


def remaining_text(reading: ClockReading, calendar: WorkingCalendar, locale: str) -> str:
    """Say what a clock shows: "剩 2 工作时 15 分", "超期 2 小时", "已暂停，剩 3 工作时", "按期完成"."""
    wording = Wording(locale, calendar)
    if reading.state is ClockState.CANCELLED:
        return wording.say("cancelled")
    if reading.state is ClockState.STOPPED and not reading.overdue:
        return wording.say("done")
    if reading.overdue:
        standing = late_words(wording, reading.overdue_by)
    else:
        standing = left_words(wording, reading.remaining, reading.measure)
    if reading.state is ClockState.STOPPED:
        return wording.say("done_late", late=standing)
    return wording.say("paused", left=standing) if reading.state is ClockState.PAUSED else standing


def time_left_text(
    due: datetime, now: datetime, unit: LimitUnit, calendar: WorkingCalendar, locale: str
) -> str:
    """Say the time to or since a due time, for lists that keep only the due time and the limit's unit."""
    wording = Wording(locale, calendar)
    due_us, now_us = to_us(due), to_us(now)
    if now_us > due_us:
        return late_words(wording, from_us(now_us) - from_us(due_us))
    left = calendar.between(now_us, due_us, unit.measure)
    return left_words(wording, timedelta(microseconds=left), unit.measure)


def left_words(wording: Wording, left: timedelta, measure: Measure) -> str:
    """Say how much is left, in its two largest units."""
    if left < timedelta(minutes=1):
        return wording.say("left_little")
    return wording.say("left", amount=wording.short_amount(left, measure))


def late_words(wording: Wording, late: timedelta) -> str:
    """Say how late it is, in plain time."""
    if late < timedelta(minutes=1):
        return wording.say("late_little")
    return wording.say("late", amount=wording.short_amount(late, Measure.ELAPSED))


def clock_time(local: datetime) -> str:
    """Say a time of day; seconds only where there are any, so that what is shown adds up."""
    return local.strftime("%H:%M:%S" if local.second else "%H:%M")


@cache
def sentences(path: Path = WORDING_FILE) -> Mapping[str, Mapping[str, str]]:
    """Read the sentences; both languages must say the same things. Raises DefinitionError naming the key."""
    file = read_policy(path)
    file.refuse_unknown(["zh", "en"])
    languages = {language: file.section(language) for language in ("zh", "en")}
    for key in sorted(set(languages["zh"].content) ^ set(languages["en"].content)):
        raise file.refusal(key, "written in one language only", "write it under zh and en")
    return {
        language: {key: _sentence(entries, key) for key in entries.content}
        for language, entries in languages.items()
    }


def _sentence(entries: Section, key: str) -> str:
    """Return a sentence with none but plain names in braces: str.format would walk attributes."""
    sentence = entries.text(key)
    try:
        names = [name for _, name, _, _ in Formatter().parse(sentence) if name is not None]
    except ValueError as exc:
        raise entries.refusal(
            key, f"braces do not match in {sentence!r}", "write names as {name}"
        ) from exc
    for name in names:
        if not name.isidentifier():
            raise entries.refusal(key, f"{{{name}}} is not a plain name", "write names as {name}")
    return sentence
