"""Two standings side by side: two units in a month, or one unit in two months."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from app.assessment.scored import ScoredUnit
from sla.figures import Value
from sla.indicators import EVERY
from sla.schemes import Line
from sla.scoring import Part


@dataclass(frozen=True, slots=True)
class FigureRow:
    """One figure of both; difference: the second less the first, None where either has no data."""

    key: str
    first: Value
    second: Value
    difference: Value


@dataclass(frozen=True, slots=True)
class LineRow:
    """One line of the scheme of both; a line that only one month's scheme has is missing in the other."""

    line: Line
    first: Part | None
    second: Part | None
    difference: Decimal | None

    def weight(self) -> Decimal:
        """Return how much difference it makes, whichever way."""
        return abs(self.difference or Decimal(0))


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs. decisive: the line that makes the most difference; None where none does."""

    figures: tuple[FigureRow, ...]
    lines: tuple[LineRow, ...]
    decisive: LineRow | None
    total: Value


def compare(first: ScoredUnit, second: ScoredUnit) -> Comparison:
    """Hold one standing against another."""
    figures = tuple(_figure(code, first.value(code), second.value(code)) for code in EVERY)
    lines = _lines(first, second)
    decisive = max(lines, key=LineRow.weight, default=None)
    if decisive is not None and not decisive.weight():
        decisive = None
    return Comparison(figures, lines, decisive, _difference(first.total, second.total))


def _figure(key: str, first: Value, second: Value) -> FigureRow:
    return FigureRow(key, first, second, _difference(first, second))


def _lines(first: ScoredUnit, second: ScoredUnit) -> tuple[LineRow, ...]:
    ours = {part.line.code: part for part in first.scored.parts}
    theirs = {part.line.code: part for part in second.scored.parts}
    return tuple(_line(ours.get(code), theirs.get(code)) for code in {**ours, **theirs})


def _line(first: Part | None, second: Part | None) -> LineRow:
    part = first or second
    assert part is not None, "a line is of one of them"
    points = [None if one is None else one.points for one in (first, second)]
    difference = _difference(*points)
    assert not isinstance(difference, int), "points are decimal"
    return LineRow(part.line, first, second, difference)


def _difference(first: Value, second: Value) -> Value:
    if first is None or second is None:
        return None
    return second - first
