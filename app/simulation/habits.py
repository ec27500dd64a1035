"""The habits of a simulated city: how often, how fast, by whom; data/days.yml."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from functools import cache, lru_cache
from pathlib import Path
from random import Random
from typing import Any, Final, TypeVar

import yaml

from app.errors import CalendarMissing
from sla.calendar import WorkingCalendar

T = TypeVar("T")

_FILE: Final = Path(__file__).parent / "data" / "days.yml"
# How much the time a step takes differs from case to case: two thirds lie within half and double.
_SPREAD: Final = 0.65
# People do not all begin on the stroke of the hour.
_LATECOMING_MINUTES: Final = 35


@cache
def habits() -> dict[str, Any]:
    """Return data/days.yml."""
    loaded: dict[str, Any] = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    return loaded


def rate(name: str) -> float:
    """Return the probability of something."""
    return float(habits()["rates"][name])


def words(random: Random, about: str) -> str:
    """Return one of the sentences about something."""
    said: str = random.choice(habits()["words"][about])
    return said


def weighted(random: Random, shares: Mapping[T, float]) -> T:
    """Return one of the keys, each as often as its share."""
    return random.choices(list(shares), list(shares.values()))[0]


def happens(random: Random, probability: float) -> bool:
    """Tell whether something of this probability happens."""
    return random.random() < probability


def about(random: Random, minutes: float) -> timedelta:
    """Return a time with this median."""
    return timedelta(minutes=minutes * math.exp(random.gauss(0, _SPREAD)))


def on_duty(random: Random, at: datetime, duty: str, calendar: WorkingCalendar) -> datetime:
    """Return the moment itself if it lies in the hours of duty, else soon after they begin again."""
    local = at.astimezone(calendar.zone)
    start, end = _hours(local, duty, calendar)
    if start <= local < end:
        return at
    if local >= end:
        start, _ = _hours(local + timedelta(days=1), duty, calendar)
    begins = max(start.astimezone(at.tzinfo), at)
    return begins + timedelta(minutes=random.uniform(0, _LATECOMING_MINUTES))


def on_the_second(at: datetime) -> datetime:
    """Return the moment, or the next whole second."""
    return at + timedelta(microseconds=-at.microsecond % 1_000_000)


def is_workday(local: datetime, calendar: WorkingCalendar) -> bool:
    """Tell whether the day is worked; of a year nobody has loaded, whether it is a weekday."""
    try:
        return calendar.is_working_day(local.date())
    except CalendarMissing:
        return local.isoweekday() <= 5


def _hours(local: datetime, duty: str, calendar: WorkingCalendar) -> tuple[datetime, datetime]:
    """Return when duty begins and ends on the day of a moment."""
    return _hours_on(local.date(), duty, calendar)


@lru_cache(maxsize=4096)
def _hours_on(day: date, duty: str, calendar: WorkingCalendar) -> tuple[datetime, datetime]:
    midnight = datetime.combine(day, time(), calendar.zone)
    hours: Mapping[str, Sequence[float]] = habits()["duty"][duty]
    start, end = hours["workday" if is_workday(midnight, calendar) else "rest_day"]
    return midnight + timedelta(hours=start), midnight + timedelta(hours=end)
