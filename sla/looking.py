"""What a sensor's rule looks at: the value itself, how fast it changes, or how far it is from another.

Also when it looks: in a season, at certain hours, while other metrics are as it says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from app.errors import InvalidInput
from sla.sensing import Reading

# A value of another metric older than this says nothing of now.
FRESH: Final = timedelta(minutes=15)
# A rate looks back to about so many readings; between them others are forgotten.
_ENOUGH: Final = 100
_MOST_KEPT: Final = 3 * _ENOUGH
_HOUR: Final = timedelta(hours=1)


class Look(StrEnum):
    """What is held against the lines."""

    THRESHOLD = "threshold"
    RATE = "rate"
    DIFFERENCE = "difference"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Condition:
    """Another metric that must be so at the same time. at_least: else at most."""

    metric: int
    at_least: bool
    value: float

    def holds(self, value: float) -> bool:
        """Tell whether a value is as wanted."""
        return value >= self.value if self.at_least else value <= self.value


@dataclass(frozen=True, slots=True)
class Times:
    """When a rule looks, in the city's own time. season: first and last day as (month, day), both within.

    hours: from the first until before the second; over midnight where the first is later. None: always.
    """

    season: tuple[tuple[int, int], tuple[int, int]] | None = None
    hours: tuple[int, int] | None = None

    def hold(self, local: datetime) -> bool:
        """Tell whether a moment is among them."""
        return self._in_season(local) and self._in_hours(local)

    def _in_season(self, local: datetime) -> bool:
        if self.season is None:
            return True
        first, last = self.season
        day = local.month, local.day
        return first <= day <= last if first <= last else day >= first or day <= last

    def _in_hours(self, local: datetime) -> bool:
        if self.hours is None:
            return True
        first, end = self.hours
        return first <= local.hour < end if first < end else local.hour >= first or local.hour < end


ALWAYS: Final = Times()


def times_of(data: Mapping[str, object]) -> Times:
    """Return the times of a rule as written: {"season": ["11-01", "03-31"], "hours": [6, 22]}. Raises InvalidInput."""
    season, hours = data.get("season"), data.get("hours")
    return Times(
        None if season is None else _season(season), None if hours is None else _hours(hours)
    )


def _season(given: object) -> tuple[tuple[int, int], tuple[int, int]]:
    try:
        assert isinstance(given, list | tuple)
        first, last = (_day(str(text)) for text in given)
    except (AssertionError, ValueError) as exc:
        raise InvalidInput({"season": "季节应写作“月-日”至“月-日”，如 11-01 至 03-31。"}) from exc
    return first, last


def _day(text: str) -> tuple[int, int]:
    month, _, day = text.partition("-")
    # A leap year: 29 February is a day.
    return datetime(2024, int(month), int(day)).timetuple()[1:3]  # noqa: DTZ001 (a day of any year)


def _hours(given: object) -> tuple[int, int]:
    refused = InvalidInput({"hours": "时段应为 0 至 24 点之间的两个不同整点。"})
    if not isinstance(given, list | tuple) or len(given) != 2:
        raise refused
    first, end = given
    whole = all(isinstance(hour, int) and not isinstance(hour, bool) for hour in given)
    if not whole or not (0 <= first <= 23 and 1 <= end <= 24) or first == end:
        raise refused
    return first, end


@dataclass(frozen=True, slots=True)
class Looking:
    """How a rule looks at a reading. window: what a rate is taken over. minus: the metric subtracted."""

    look: Look = Look.THRESHOLD
    window: timedelta = _HOUR
    minus: int | None = None
    conditions: tuple[Condition, ...] = ()

    @property
    def others(self) -> frozenset[int]:
        """Return the other metrics that it needs to know."""
        also = frozenset(condition.metric for condition in self.conditions)
        return also if self.minus is None else also | {self.minus}

    @property
    def is_plain(self) -> bool:
        """Tell whether a reading is looked at as it is."""
        return self.look is Look.THRESHOLD and not self.conditions

    def see(
        self, reading: Reading, recent: tuple[Reading, ...], others: Mapping[int, Reading]
    ) -> tuple[Reading | None, tuple[Reading, ...]]:
        """Return what is held against the lines, None where nothing can be said, and what a rate remembers.

        others: the newest reading of each other metric up to this one's time.
        """
        seen: Reading | None = reading
        if self.look is Look.RATE:
            recent = self._remembered(reading, recent)
            seen = self._rate(reading, recent)
        elif self.look is Look.DIFFERENCE:
            assert self.minus is not None
            other = _fresh(others.get(self.minus), reading.at)
            seen = None if other is None else Reading(reading.at, reading.value - other.value)
        return (None if seen is None else self._conditioned(seen, others)), recent

    def _remembered(self, reading: Reading, recent: tuple[Reading, ...]) -> tuple[Reading, ...]:
        """Keep the window, and of what is before it the last: a rate is taken over at least the window."""
        kept = [*recent, reading]
        # A hundred readings tell a window, however often the device speaks.
        if len(kept) > 3 and kept[-1].at - kept[-3].at < self.window / _ENOUGH:
            del kept[-2]
        while len(kept) > 2 and kept[1].at <= reading.at - self.window:
            kept.pop(0)
        return tuple(kept[-_MOST_KEPT:])

    def _rate(self, reading: Reading, recent: tuple[Reading, ...]) -> Reading | None:
        """Return the change an hour over the window; None before half a window is known, or after a gap."""
        first = recent[0]
        span = reading.at - first.at
        if not self.window / 2 <= span <= 2 * self.window:
            return None
        return Reading(reading.at, (reading.value - first.value) / (span / _HOUR))

    def _conditioned(self, seen: Reading, others: Mapping[int, Reading]) -> Reading | None:
        for condition in self.conditions:
            other = _fresh(others.get(condition.metric), seen.at)
            if other is None:
                return None
            if not condition.holds(other.value):
                return Reading(seen.at, seen.value, quiet=True)
        return seen


def _fresh(other: Reading | None, at: datetime) -> Reading | None:
    return other if other is not None and at - other.at <= FRESH else None
