"""When a sensor's readings raise an alert: lines with hysteresis, walked sample by sample.

Each line is a switch: on once `samples` readings in a row are at or above its rise, off once as many are
below its fall. The level is the highest line that is on. Since neither rise nor fall goes down from one line
to the next, a line that is on has every lower one on as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from app.errors import InvalidInput


class Level(IntEnum):
    """How grave an alert is; the colours of Chinese warnings."""

    NONE = 0
    BLUE = 1
    YELLOW = 2
    ORANGE = 3
    RED = 4


@dataclass(frozen=True, slots=True)
class Line:
    """A line that a value may cross. fall: below it the line no longer holds."""

    level: Level
    rise: float
    fall: float


@dataclass(frozen=True, slots=True)
class Threshold:
    """Lines from the lowest to the highest, and how many readings in a row make a crossing."""

    lines: tuple[Line, ...]
    samples: int = 1

    def __post_init__(self) -> None:
        """Refuse lines that do not go up. Raises InvalidInput."""
        if not self.lines or self.samples < 1:
            raise InvalidInput({"lines": "至少要有一条警戒线，连续次数至少为 1。"})
        if any(line.fall > line.rise or line.level == Level.NONE for line in self.lines):
            raise InvalidInput({"lines": "解除值不能高于触发值。"})
        for lower, higher in zip(self.lines, self.lines[1:], strict=False):
            if not (
                lower.level < higher.level
                and lower.rise <= higher.rise
                and lower.fall <= higher.fall
            ):
                raise InvalidInput({"lines": "警戒线要由低到高排列。"})


@dataclass(frozen=True, slots=True)
class State:
    """Where the walk stands. on: how many lines are on, from the lowest.

    streaks: for each line, how many readings in a row spoke for switching it.
    """

    on: int
    streaks: tuple[int, ...]

    @classmethod
    def idle(cls, threshold: Threshold) -> State:
        """Return the state before any reading."""
        return cls(0, (0,) * len(threshold.lines))


@dataclass(frozen=True, slots=True)
class Reading:
    """A value at a moment."""

    at: datetime
    value: float


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
        following = step(threshold, state, reading.value)
        if following.on != state.on:
            before, after = level_of(threshold, state), level_of(threshold, following)
            changes.append(Change(reading.at, reading.value, before, after))
        state = following
    return state, changes


def step(threshold: Threshold, state: State, value: float) -> State:
    """Return the state after one more reading."""
    lines = threshold.lines
    if state.on == 0 and value < lines[0].rise:
        # By far the most readings are of dry ground.
        return state if not any(state.streaks) else State.idle(threshold)
    streaks, on = [], 0
    for place, line in enumerate(lines):
        is_on = place < state.on
        speaks = value < line.fall if is_on else value >= line.rise
        streak = state.streaks[place] + 1 if speaks else 0
        if streak >= threshold.samples:
            is_on, streak = not is_on, 0
        streaks.append(streak)
        on += is_on
    return State(on, tuple(streaks))


def level_of(threshold: Threshold, state: State) -> Level:
    """Return the level of a state."""
    return threshold.lines[state.on - 1].level if state.on else Level.NONE


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
        if changes:
            peak = reading if peak is None or reading.value > peak.value else peak
        if changes and changes[-1].after == Level.NONE:
            assert peak is not None
            found.append(Episode(tuple(changes), peak, reading.at))
            changes, peak = [], None
    if changes and peak is not None:
        found.append(Episode(tuple(changes), peak, None))
    return found
