"""When a sensor's readings raise an alert: lines with hysteresis, walked sample by sample.

Each line is a switch: on once `samples` readings in a row are at or above its rise, off once as many are
below its fall. The level is the highest line that is on. Since neither rise nor fall goes down from one line
to the next, a line that is on has every lower one on as well. Where low values are the bad ones, lines and
values change their sign on the way in.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Final

from app.errors import InvalidInput

# Enough for any rule to count to, and what a smallint holds.
_LONGEST_STREAK: Final = 10_000
_QUIET: Final = float("-inf")


class Level(IntEnum):
    """How grave an alert is; the colours of Chinese warnings."""

    NONE = 0
    BLUE = 1
    YELLOW = 2
    ORANGE = 3
    RED = 4


@dataclass(frozen=True, slots=True)
class Line:
    """A line that a value may cross. fall: below it (or, where low is bad, above it) the line no longer holds."""

    level: Level
    rise: float
    fall: float


@dataclass(frozen=True, slots=True)
class Threshold:
    """Lines from the mildest to the gravest, as signals: values, or their negatives where low is bad.

    samples: how many readings in a row make a crossing. lasting: for how long they must have spoken for it.
    """

    lines: tuple[Line, ...]
    samples: int = 1
    lasting: timedelta = timedelta(0)
    low_is_bad: bool = False

    def __post_init__(self) -> None:
        """Refuse lines that do not go up. Raises InvalidInput."""
        if not self.lines or not 1 <= self.samples <= _LONGEST_STREAK:
            raise InvalidInput({"lines": "至少要有一条警戒线，连续次数至少为 1。"})
        if any(line.fall > line.rise or line.level == Level.NONE for line in self.lines):
            raise InvalidInput({"lines": "解除值不能高于触发值。"})
        for lower, higher in zip(self.lines, self.lines[1:], strict=False):
            if not (
                lower.level < higher.level
                and lower.rise <= higher.rise
                and lower.fall <= higher.fall
            ):
                raise InvalidInput({"lines": "警戒线要由轻到重排列。"})

    @classmethod
    def of(
        cls,
        lines: Iterable[Line],
        samples: int = 1,
        lasting: timedelta = timedelta(0),
        *,
        low_is_bad: bool = False,
    ) -> Threshold:
        """Return a threshold of lines as people write them. Raises InvalidInput."""
        sign = -1 if low_is_bad else 1
        signals = tuple(Line(line.level, sign * line.rise, sign * line.fall) for line in lines)
        return cls(signals, samples, lasting, low_is_bad)

    def signal(self, reading: Reading) -> float:
        """Return what the lines are held against."""
        if reading.quiet:
            return _QUIET
        return -reading.value if self.low_is_bad else reading.value


@dataclass(frozen=True, slots=True)
class State:
    """Where the walk stands. on: how many lines are on, from the lowest.

    streaks: for each line, how many readings in a row spoke for switching it; since: when the first of them
    was, where a rule asks for how long. recent: the readings that a rate still looks back to.
    """

    on: int
    streaks: tuple[int, ...]
    since: tuple[datetime | None, ...] = ()
    recent: tuple[Reading, ...] = ()

    @classmethod
    def idle(cls, threshold: Threshold) -> State:
        """Return the state before any reading."""
        return cls(0, (0,) * len(threshold.lines))


@dataclass(frozen=True, slots=True)
class Reading:
    """A value at a moment. quiet: whatever it is, the rule does not look at it now: no line holds."""

    at: datetime
    value: float
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """The level has changed: from NONE an alert opens, to NONE it closes."""

    at: datetime
    value: float
    before: Level
    after: Level


def walk(
    threshold: Threshold, state: State, readings: Iterable[Reading]
) -> tuple[State, list[Change]]:
    """Return the state after the readings, which are in order of time, and each change of level."""
    changes: list[Change] = []
    for reading in readings:
        following = step(threshold, state, reading)
        if following.on != state.on:
            before, after = level_of(threshold, state), level_of(threshold, following)
            changes.append(Change(reading.at, reading.value, before, after))
        state = following
    return state, changes


def step(threshold: Threshold, state: State, reading: Reading) -> State:
    """Return the state after one more reading."""
    lines, signal = threshold.lines, threshold.signal(reading)
    if state.on == 0 and signal < lines[0].rise:
        # By far the most readings are of dry ground.
        if not any(state.streaks):
            return state
        return State(0, (0,) * len(lines), recent=state.recent)
    streaks, since, on = [], [], 0
    for place, line in enumerate(lines):
        is_on = place < state.on
        speaks = signal < line.fall if is_on else signal >= line.rise
        streak = min(state.streaks[place] + 1, _LONGEST_STREAK) if speaks else 0
        begin = _begin(state, place, streak, reading.at)
        lasted = is_on or begin is None or reading.at - begin >= threshold.lasting
        if streak >= threshold.samples and lasted:
            is_on, streak, begin = not is_on, 0, None
        streaks.append(streak)
        since.append(begin)
        on += is_on
    kept = tuple(since) if threshold.lasting else ()
    return State(on, tuple(streaks), kept, state.recent)


def _begin(state: State, place: int, streak: int, at: datetime) -> datetime | None:
    """Return when the present streak of a line began."""
    if streak > 1 and state.since:
        return state.since[place]
    return at if streak else None


def level_of(threshold: Threshold, state: State) -> Level:
    """Return the level of a state."""
    return threshold.lines[state.on - 1].level if state.on else Level.NONE


def graver(threshold: Threshold, reading: Reading, than: Reading) -> bool:
    """Tell whether a reading is further beyond the lines than another."""
    return threshold.signal(reading) > threshold.signal(than)


@dataclass(frozen=True, slots=True)
class Episode:
    """One alert from its opening to its closing. closed_at: None while it lasts."""

    changes: tuple[Change, ...]
    peak: Reading
    closed_at: datetime | None

    @property
    def opened_at(self) -> datetime:
        """Return when the first line was crossed."""
        return self.changes[0].at

    @property
    def top(self) -> Level:
        """Return the highest level reached."""
        return max(change.after for change in self.changes)


def episodes(threshold: Threshold, readings: Sequence[Reading]) -> list[Episode]:
    """Return the alerts of a whole history, oldest first."""
    found: list[Episode] = []
    state, changes, peak = State.idle(threshold), [], None
    for reading in readings:
        state, new = walk(threshold, state, (reading,))
        changes += new
        if changes and not reading.quiet:
            peak = reading if peak is None or graver(threshold, reading, peak) else peak
        if changes and changes[-1].after == Level.NONE:
            assert peak is not None
            found.append(Episode(tuple(changes), peak, reading.at))
            changes, peak = [], None
    if changes and peak is not None:
        found.append(Episode(tuple(changes), peak, None))
    return found
