"""Curves as the server draws them: points of an SVG, without script or style of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from sla.figures import Value

Point = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Axis:
    """A line across the chart and what it stands for."""

    y: str
    label: str


@dataclass(frozen=True, slots=True)
class Curve:
    """A drawn row of values. lines: points of each stretch without a gap. dots: the points that are marked.

    said: the values in words, for who does not see it.
    """

    width: int
    height: int
    lines: tuple[str, ...]
    dots: tuple[Point, ...]
    said: str = ""
    axes: tuple[Axis, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a curve is drawn: its size, the room around it, and the values at its foot and its head."""

    width: int
    height: int
    left: int
    right: int
    top: int
    bottom: int
    low: Decimal
    high: Decimal

    def x(self, at: int, number: int) -> str:
        """Return where the value of that place stands among so many."""
        room = self.width - self.left - self.right
        return f"{self.left + room * at / max(number - 1, 1):.1f}"

    def y(self, value: Decimal) -> str:
        """Return how far down a value stands."""
        room = self.height - self.top - self.bottom
        share = (self.high - value) / (self.high - self.low)
        return f"{self.top + room * float(share):.1f}"


def points_of(values: Sequence[Value], frame: Frame) -> list[Point | None]:
    """Return where each value stands; None where there is none."""
    return [
        None if value is None else (frame.x(at, len(values)), frame.y(Decimal(value)))
        for at, value in enumerate(values)
    ]


def stretches(points: Sequence[Point | None]) -> tuple[str, ...]:
    """Return the points of each stretch without a gap, as a polyline takes them."""
    found: list[list[Point]] = [[]]
    for point in points:
        if point is None:
            found.append([])
        else:
            found[-1].append(point)
    return tuple(" ".join(f"{x},{y}" for x, y in run) for run in found if len(run) > 1)


def foot_below(values: Sequence[Value]) -> Decimal:
    """Return a round percentage that no value lies below, and well below the highest."""
    known = [Decimal(value) for value in values if value is not None]
    lowest = min(known, default=Decimal(0))
    return max(min(lowest // 10 * 10, Decimal(90)), Decimal(0))
