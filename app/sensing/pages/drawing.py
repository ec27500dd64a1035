"""A curve as the points of an SVG line: drawn by the server, it needs no script."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

WIDTH: Final = 640
HEIGHT: Final = 180
LEFT: Final = 36
BOTTOM: Final = 22
_TOP: Final = 8
# Steps of the axis: the first that gives five lines at most.
_STEPS: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
# A device that was silent for longer than this leaves a gap in the line.
_GAP: Final = timedelta(minutes=30)


@dataclass(frozen=True)
class Chart:
    """What is drawn: pieces of the line, marks of both axes as (place, text), and the values as a table.

    limits: lines that values may cross, as (place, level, value).
    """

    pieces: list[str]
    heights: list[tuple[float, str]]
    times: list[tuple[float, str]]
    values: list[tuple[datetime, float]]
    peak: tuple[datetime, float]
    limits: list[tuple[float, int, float]] = field(default_factory=list)


def chart(
    values: Sequence[tuple[datetime, float]],
    from_at: datetime,
    to_at: datetime,
    zone: ZoneInfo,
    *,
    least: float = 5.0,
    limits: Sequence[tuple[int, float]] = (),
) -> Chart | None:
    """Return the drawing of values between two moments; none where there are no values.

    least: how high the axis is at least, in the unit of the values: noise is not to fill the picture.
    limits: lines that values may cross, as (level, value).
    """
    if not values:
        return None
    shown = [value for _, value in values] + [value for _, value in limits]
    most, low = max(*shown, least), min(shown)
    step = next((one for one in _STEPS if (most - min(low, 0.0)) / one <= 5), 5000)
    top, bottom = step * -(-most // step), step * min(low // step, 0)
    span = (to_at - from_at).total_seconds()

    def across(at: datetime) -> float:
        return round(LEFT + (WIDTH - LEFT) * (at - from_at).total_seconds() / span, 1)

    def up(value: float) -> float:
        return round(_TOP + (HEIGHT - BOTTOM - _TOP) * (1 - (value - bottom) / (top - bottom)), 1)

    pieces: list[list[str]] = []
    before: datetime | None = None
    for at, value in values:
        if before is None or at - before > _GAP:
            pieces.append([])
        pieces[-1].append(f"{across(at)},{up(value)}")
        before = at
    # A lone value would draw nothing.
    lines = [" ".join(piece if len(piece) > 1 else piece * 2) for piece in pieces]
    first, last = round(bottom / step), round(top / step)
    marks = [(up(n * step), f"{n * step:g}") for n in range(first, last + 1)]
    quarters = [from_at + n * (to_at - from_at) / 4 for n in range(5)]
    times = [(across(at), f"{at.astimezone(zone):%H:%M}") for at in quarters]
    crossed = [(up(value), level, value) for level, value in limits]
    peak = max(values, key=lambda one: one[1])
    return Chart(lines, marks, times, list(values), peak, crossed)
