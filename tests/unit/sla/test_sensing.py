"""Lines with hysteresis: what opens, raises, lowers and closes an alert."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import InvalidInput
from sla.sensing import Level, Line, Reading, State, Threshold, episodes, level_of, walk

BEGIN = datetime(2025, 10, 30, 9, 0, tzinfo=UTC)
STREET = (
    Line(Level.BLUE, 5, 3),
    Line(Level.YELLOW, 15, 13),
    Line(Level.ORANGE, 27, 25),
    Line(Level.RED, 40, 38),
)


def _readings(*values: float) -> list[Reading]:
    return [Reading(BEGIN + timedelta(minutes=n), value) for n, value in enumerate(values)]


def _levels(threshold: Threshold, *values: float) -> list[Level]:
    """Return the level after each value."""
    state, found = State.idle(threshold), []
    for reading in _readings(*values):
        state, _ = walk(threshold, state, (reading,))
        found.append(level_of(threshold, state))
    return found


def test_level_is_the_highest_line_crossed() -> None:
    found = _levels(Threshold(STREET), 0, 5, 20, 30, 41, 39, 0)
    assert found == [
        Level.NONE, Level.BLUE, Level.YELLOW, Level.ORANGE, Level.RED, Level.RED, Level.NONE,
    ]  # fmt: skip


def test_between_fall_and_rise_nothing_changes() -> None:
    one = Threshold((Line(Level.YELLOW, 15, 13),))
    # 13 is not below 13.
    assert _levels(one, 14, 15, 14, 13, 12.9, 14) == [0, 2, 2, 2, 0, 0]


def test_two_in_a_row_are_wanted_both_ways() -> None:
    two = Threshold((Line(Level.YELLOW, 15, 13),), samples=2)
    assert _levels(two, 20, 0, 20, 20, 0, 20, 0, 0) == [0, 0, 0, 2, 2, 2, 2, 0]


@pytest.mark.parametrize(
    "lines",
    [
        (),
        (Line(Level.YELLOW, 15, 16),),
        (Line(Level.YELLOW, 15, 13), Line(Level.BLUE, 27, 25)),
        (Line(Level.YELLOW, 15, 13), Line(Level.RED, 14, 13)),
        (Line(Level.NONE, 15, 13),),
    ],
)
def test_lines_that_do_not_go_up_are_refused(lines) -> None:
    with pytest.raises(InvalidInput):
        Threshold(lines)


def _oracle(threshold: Threshold, values: list[float]) -> list[Level]:
    """Return the levels by looking at every line alone, back to the beginning, each time."""
    levels = []
    for end in range(1, len(values) + 1):
        level = Level.NONE
        for line in threshold.lines:
            on, streak = False, 0
            for value in values[:end]:
                streak = streak + 1 if (value < line.fall if on else value >= line.rise) else 0
                if streak == threshold.samples:
                    on, streak = not on, 0
            level = line.level if on else level
        levels.append(level)
    return levels


@st.composite
def _thresholds(draw) -> Threshold:
    rises = sorted(draw(st.lists(st.integers(1, 20), min_size=1, max_size=4)))
    falls = sorted(draw(st.lists(st.integers(0, 20), min_size=len(rises), max_size=len(rises))))
    lines = zip(Level, [None, *rises], [None, *falls], strict=False)
    return Threshold(
        tuple(Line(level, rise, min(rise, fall)) for level, rise, fall in lines if level),
        draw(st.integers(1, 3)),
    )


VALUES = st.lists(st.integers(-1, 22).map(float), max_size=40)


@given(_thresholds(), VALUES)
def test_levels_agree_with_each_line_looked_at_alone(threshold: Threshold, values) -> None:
    assert _levels(threshold, *values) == _oracle(threshold, values)


@given(_thresholds(), VALUES)
def test_never_two_open_and_every_opening_closes_once(threshold: Threshold, values) -> None:
    _, changes = walk(threshold, State.idle(threshold), _readings(*values))
    level = Level.NONE
    for change in changes:
        assert change.before == level != change.after
        level = change.after


@given(_thresholds(), VALUES, st.integers(0, 40))
def test_walking_in_two_parts_is_walking_once(threshold: Threshold, values, cut: int) -> None:
    readings = _readings(*values)
    whole = walk(threshold, State.idle(threshold), readings)
    state, first = walk(threshold, State.idle(threshold), readings[:cut])
    state, second = walk(threshold, state, readings[cut:])
    assert (state, first + second) == whole


@given(_thresholds(), VALUES)
def test_episodes_tell_the_same_as_the_walk(threshold: Threshold, values) -> None:
    readings = _readings(*values)
    _, changes = walk(threshold, State.idle(threshold), readings)
    found = episodes(threshold, readings)
    assert [change for episode in found for change in episode.changes] == changes
    for episode in found:
        end = episode.closed_at or readings[-1].at
        within = [r.value for r in readings if episode.opened_at <= r.at <= end]
        assert episode.peak.value == max(within)
        assert all(e.closed_at is not None for e in found[:-1])
