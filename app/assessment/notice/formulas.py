"""The arithmetic of a notice as spreadsheet formulas, of functions that Excel and LibreOffice share.

Every formula says what sla.indicators and sla.scoring say. Halves are rounded up by ROUND, as there; a sum of
decimal fractions is first rounded to nine places, because binary ones miss a half by a hair.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Final, Protocol

from app.assessment.notice.items import NO_DATA, NONE
from sla.counting_rules import CountingRules, NothingDue
from sla.figures import Figure, Measure, figure_key
from sla.schemes import ZERO, Better, Kind, Line, Missing, Scheme, written
from sla.scoring import HUNDRED

YES: Final = "是"
NO: Final = "否"
_CLEAN_PLACES: Final = 9


class At(Protocol):
    """Names cells of a unit's row."""

    def figure(self, key: str) -> str:
        """Name the cell of a figure by its key."""

    def points(self, code: str) -> str:
        """Name the cell of a line's points."""

    def mark(self, code: str) -> str:
        """Name the cell of the points that people entered."""


def quoted(text: str) -> str:
    """Write a text as a formula holds it."""
    doubled = text.replace('"', '""')
    return f'"{doubled}"'


def link_formula(address: str, shown: str) -> str:
    """Write a link to an address, or to a sheet of this file when it begins with #."""
    return f"HYPERLINK({quoted(address)},{quoted(shown)})"


def rate_formula(of: str, over: str, rules: CountingRules) -> str:
    """Write a rate, as a fraction, of two cells."""
    otherwise = "1" if rules.nothing_due is NothingDue.FULL else quoted(NO_DATA)
    return f"IF({over}=0,{otherwise},ROUND({of}/{over},{rules.decimals + 2}))"


def average_formula(minutes: str, cases: str, decimals: int) -> str:
    """Write an average in hours of the cells of minutes and of cases."""
    return f"IF({cases}=0,{quoted(NO_DATA)},ROUND({minutes}/({cases}*60),{decimals}))"


def takes_part_formula(due: str, scheme: Scheme) -> str:
    """Write whether a unit has cases enough for a score and a rank."""
    return f'IF({due}>={max(scheme.minimum_cases, 1)},"{YES}","{NO}")'


def if_takes_part(takes_part: str, formula: str) -> str:
    """Write a formula for the units that have cases enough."""
    return f'IF({takes_part}="{YES}",{formula},{quoted(NO_DATA)})'


def total_formula(points: Sequence[str], decimals: int) -> str:
    """Write a score: the sum of the lines' points, never below nought."""
    return _rounded(f"MAX({'+'.join(points) or '0'},0)", decimals)


def rank_formula(value: str, values: str, *, highest_first: bool) -> str:
    """Write a rank among the cells of a group; equal values share it, a text has none."""
    order = 0 if highest_first else 1
    return f"IF(ISNUMBER({value}),RANK({value},{values},{order}),{quoted(NONE)})"


def move_formula(before: str, now: str) -> str:
    """Write how many places a unit went up."""
    return f"IF(AND(ISNUMBER({before}),ISNUMBER({now})),{before}-{now},{quoted(NONE)})"


def difference_formula(ours: str, theirs: str) -> str:
    """Write by how much two cells differ; 1 where they do and one is a text."""
    numbers = f"AND(ISNUMBER({ours}),ISNUMBER({theirs}))"
    return f"IF({numbers},ROUND({theirs}-{ours},{_CLEAN_PLACES}),IF({ours}={theirs},0,1))"


def points_formula(line: Line, at: At, scheme: Scheme, rate_places: int) -> str:
    """Write what a line of a scheme gives or takes.

    rate_places: decimals of a published percentage; percentages stand in cells as fractions.
    """
    if line.kind is Kind.GROUP:
        return _group(line, at, scheme.decimals)
    if line.kind is Kind.ENTERED:
        return _entered(line, at, scheme.decimals)
    cell = at.figure(line.figure)
    if line.kind in (Kind.DEDUCTION, Kind.BONUS):
        return _by_case(line, at, scheme.decimals)
    value = _as_published(cell, line, rate_places)
    given = _OF_VALUE[line.kind](line, value, scheme.decimals)
    return f"IF(ISNUMBER({cell}),{given},{_without_data(line)})"


def _as_published(cell: str, line: Line, places: int) -> str:
    """Write a figure as the scheme's numbers mean it: 93.72 for 93.72%."""
    if Figure.of(line.figure).measure is Measure.PERCENT:
        return f"ROUND({cell}*100,{places})"
    return cell


def _against_target(line: Line, value: str, decimals: int) -> str:
    assert line.target is not None
    target, start = written(line.target), line.points or ZERO
    short = f"{value}-{target}" if line.better is Better.LOWER else f"{target}-{value}"
    taken = _times(f"MAX({short},0)", line)
    most = line.cap if line.kind is Kind.SHORTFALL else start
    kept = taken if most is None else f"MIN({taken},{written(most)})"
    return _rounded(f"{written(start)}-{kept}", decimals)


def _weighted(line: Line, value: str, decimals: int) -> str:
    share = f"100-{value}" if line.better is Better.LOWER else value
    return _rounded(f"{written(line.points or ZERO)}*MIN(MAX({share},0),100)/100", decimals)


def _banded(line: Line, value: str, decimals: int) -> str:
    starts = ",".join(written(band.start) for band in line.bands)
    scores = ",".join(written(band.score) for band in line.bands)
    found = f"LOOKUP({value},{{{starts}}},{{{scores}}})"
    return _rounded(f"{written(line.points or ZERO)}*{found}/{HUNDRED}", decimals)


def _by_case(line: Line, at: At, decimals: int) -> str:
    counted = at.figure(line.figure)
    if line.double_for:
        counted += f"+{at.figure(figure_key(line.indicator, line.double_for))}"
    if line.free:
        counted = f"MAX({counted}-{line.free},0)"
    elif line.double_for:
        counted = f"({counted})"
    amount = _times(counted, line)
    kept = amount if line.cap is None else f"MIN({amount},{written(line.cap)})"
    return _rounded(kept if line.kind is Kind.BONUS else f"0-{kept}", decimals)


def _group(line: Line, at: At, decimals: int) -> str:
    assert line.cap is not None
    taken = "+".join(at.points(one.code) for one in line.lines)
    kept = f"MIN(0-({taken}),{written(line.cap)})"
    return _rounded(f"{written(line.points or ZERO)}-{kept}", decimals)


def _entered(line: Line, at: At, decimals: int) -> str:
    points, mark = written(line.points or ZERO), at.mark(line.code)
    given = _rounded(f"MIN(MAX({mark},0),{points})", decimals)
    return f"IF(ISNUMBER({mark}),{given},{_without_data(line)})"


def _without_data(line: Line) -> str:
    if line.kind in (Kind.SHORTFALL, Kind.BONUS) or line.bonus:
        return "0"
    return written(line.points or ZERO) if line.missing is Missing.FULL else "0"


_OF_VALUE: Final[dict[Kind, Callable[[Line, str, int], str]]] = {
    Kind.RATE: _against_target,
    Kind.SHORTFALL: _against_target,
    Kind.WEIGHTED: _weighted,
    Kind.BANDS: _banded,
}


def _times(amount: str, line: Line) -> str:
    """Write points for an amount: so many for each `per` of it."""
    each = written(line.each or Decimal(1))
    return f"{each}*{amount}" + (f"/{written(line.per)}" if line.per != 1 else "")


def _rounded(formula: str, decimals: int) -> str:
    return f"ROUND(ROUND({formula},{_CLEAN_PLACES}),{decimals})"
