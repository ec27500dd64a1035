"""Scores: what a scheme makes of a unit's figures, line by line, with the arithmetic in words.

Rates enter as published (rounded), so that a reader can recompute a score from the printed table. Each line's
points are rounded half up to the scheme's decimals and the score is the sum of the rounded lines, so that parts
add up to it. A score never falls below nought; what was added to lift it there stands beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Final

from sla.figures import POPULATIONS, Figure, Measure, Value, figure_key
from sla.indicators import Ranked, Row, rank
from sla.schemes import SCORE, ZERO, Better, Kind, Line, Missing, Scheme, written

HUNDRED: Final = Decimal(100)
Words = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Part:
    """What one line gave or took. value: its figure. points: None for a line without points."""

    line: Line
    value: Value
    points: Decimal | None
    said: Words
    parts: tuple[Part, ...] = ()

    def text(self, locale: str) -> str:
        """Say the line's arithmetic in the reader's language."""
        return self.said[0 if locale.startswith("zh") else 1]


@dataclass(frozen=True, slots=True)
class Scored:
    """A unit's score. total: None where there is no data. lifted: what raised a score below nought to it."""

    scheme: Scheme
    total: Decimal | None
    parts: tuple[Part, ...]
    lifted: Decimal = ZERO
    why: Words = ("", "")

    def why_no_data(self, locale: str) -> str:
        """Say why there is no score, in the reader's language."""
        return self.why[0 if locale.startswith("zh") else 1]

    def points_of(self, code: str) -> Decimal | None:
        """Return what the line of that code gave."""
        every = [one for part in self.parts for one in (part, *part.parts)]
        return next((part.points for part in every if part.line.code == code), None)


Figures = Mapping[str, Value]
"""Figures by key (`sla.figures.Figure.key`); points entered by hand stand under "entered:<code of the line>"."""


def entered_key(code: str) -> str:
    """Return the key that the points of a line are kept under when they are entered by hand."""
    return f"entered:{code}"


def score(scheme: Scheme, figures: Figures) -> Scored:
    """Score a unit by its figures. A unit with fewer due cases than the scheme's minimum has no data."""
    due, wanted = figures.get("due") or 0, max(scheme.minimum_cases, 1)
    if due < wanted:
        why = (
            f"应结案数 {due}，不足 {wanted} 件，不评分、不排名",
            f"{due} cases due, fewer than {wanted}: no score and no rank",
        )
        return Scored(scheme, None, (), why=why)
    with localcontext(prec=50):
        parts = tuple(_part(line, figures, scheme.decimals) for line in scheme.lines)
        total = sum((part.points for part in parts if part.points is not None), ZERO)
        lifted = max(-total, ZERO)
        return Scored(scheme, _rounded(total + lifted, scheme.decimals), parts, lifted)


def rank_key(scheme: Scheme, scored: Scored, figures: Figures) -> Decimal | int | None:
    """Return what a unit is ranked by; None where there is no data."""
    if scored.total is None:
        return None
    return scored.total if scheme.ranked_by == SCORE else figures.get(scheme.ranked_by)


def rank_scored(
    scheme: Scheme,
    rows: Iterable[Row],
    key: Callable[[Row], Decimal | int | None],
    within: Callable[[Row], Hashable],
) -> list[Ranked[Row]]:
    """Rank rows within their group by the scheme's direction; ties share a rank, no data has none."""
    return rank(rows, key, within, highest_first=scheme.highest_first)


def _part(line: Line, figures: Figures, decimals: int) -> Part:
    if line.kind is Kind.GROUP:
        return _group(line, figures, decimals)
    if line.kind is Kind.ENTERED:
        return _entered(line, figures, decimals)
    figure, value = Figure.of(line.figure), figures.get(line.figure)
    shown = (figure.text(value, "zh"), figure.text(value, "en"))
    if line.kind is Kind.COLUMN:
        return Part(line, value, None, shown)
    if value is None:
        return _without_data(line, decimals)
    if line.kind in (Kind.DEDUCTION, Kind.BONUS):
        return _by_case(line, figures, int(value), decimals)
    counted = _OF_VALUE[line.kind]
    return counted(line, figure, Decimal(value), shown, decimals)


def _against_target(
    line: Line, figure: Figure, value: Decimal, shown: Words, decimals: int
) -> Part:
    """Take points for what a rate, or an average, falls short of the target."""
    assert line.target is not None
    assert line.each is not None
    lower = line.better is Better.LOWER
    short = max(value - line.target if lower else line.target - value, ZERO)
    target = (_threshold(line.target, figure, "zh"), _threshold(line.target, figure, "en"))
    start = line.points or ZERO
    taken = line.each * short / line.per
    most = line.cap if line.kind is Kind.SHORTFALL else start
    kept = taken if most is None else min(taken, most)
    points = _rounded(start - kept, decimals)
    if not short:
        met = ("不高于", "not above") if lower else ("不低于", "not below")
        given = written(points)
        return Part(
            line,
            value,
            points,
            (
                f"{shown[0]}，{met[0]} {target[0]}：" + (f"得 {given} 分" if start else "不扣分"),
                f"{shown[1]}, {met[1]} {target[1]}: "
                + (f"{given} points" if start else "nothing taken"),
            ),
        )
    unit = ("小时", "h") if figure.measure is Measure.HOURS else ("个百分点", "percentage points")
    by = ("高", "above") if lower else ("低", "below")
    rate = f"{written(short)} × {written(line.each)}"
    if line.per != 1:
        rate += f" ÷ {written(line.per)}"
    limited = most is not None and taken > most
    said = (
        f"{shown[0]}，比 {target[0]} {by[0]} {written(short)} {unit[0]}，扣 {rate} = {_short(taken)} 分"
        + (f"，以 {written(most)} 分为限" if limited and most is not None else ""),
        f"{shown[1]}, {written(short)} {unit[1]} {by[1]} {target[1]}, less {rate} = {_short(taken)}"
        + (f", {written(most)} at most" if limited and most is not None else ""),
    )
    return Part(line, value, points, _with_result(said, start, kept, points))


def _threshold(value: Decimal, figure: Figure, locale: str) -> str:
    return figure.text(Decimal(written(value)), locale)


def _weighted(line: Line, _figure: Figure, value: Decimal, shown: Words, decimals: int) -> Part:
    assert line.points is not None
    lower = line.better is Better.LOWER
    share = min(max(HUNDRED - value if lower else value, ZERO), HUNDRED)
    points = _rounded(line.points * share / HUNDRED, decimals)
    sum_ = f"{written(line.points)} × " + (f"(100% − {value}%)" if lower else f"{value}%")
    said = (f"{shown[0]}：{sum_} = {points} 分", f"{shown[1]}: {sum_} = {points} points")
    return Part(line, value, points, said)


def _banded(line: Line, _figure: Figure, value: Decimal, shown: Words, decimals: int) -> Part:
    assert line.points is not None
    band = next(band for band in line.bands if band.holds(value))
    points = _rounded(line.points * band.score / HUNDRED, decimals)
    start = written(band.start)
    zh = f"{start} 以上" if band.below is None else f"{start} 至不足 {written(band.below)}"
    en = f"{start} or more" if band.below is None else f"{start} to below {written(band.below)}"
    sum_ = f"{written(line.points)} × {written(band.score)}% = {points}"
    said = (
        f"{shown[0]}，在“{zh}”一档：{sum_} 分",
        f'{shown[1]}, in the band "{en}": {sum_} points',
    )
    return Part(line, value, points, said)


def _by_case(line: Line, figures: Figures, value: int, decimals: int) -> Part:
    """Take, or give, points for each case; those of one population may count twice."""
    assert line.each is not None
    again = (
        int(figures.get(figure_key(line.indicator, line.double_for)) or 0) if line.double_for else 0
    )
    counted = max(value + again - line.free, 0)
    amount = line.each * counted / line.per
    limited = line.cap is not None and amount > line.cap
    kept = line.cap if limited and line.cap is not None else amount
    gives = line.kind is Kind.BONUS
    points = _rounded(kept if gives else -kept, decimals)
    number = f"{value}"
    zh, en = f"{value} 件", f"{value} cases"
    if again:
        population = POPULATIONS[line.double_for]
        zh += f"，其中{population[0]} {again} 件加倍"
        en += f", of which {again} {population[1].lower()} count twice"
        number = f"({value} + {again})"
    if line.free:
        zh, en = f"{zh}，前 {line.free} 件不计", f"{en}, the first {line.free} left out"
        number = f"{counted}"
    sum_ = f"{number} × {written(line.each)}"
    if line.per != 1:
        sum_ += f" ÷ {written(line.per)}"
    zh += f"：{'加' if gives else '扣'} {sum_} = {_short(amount)} 分"
    en += f": {'plus' if gives else 'less'} {sum_} = {_short(amount)} points"
    if limited and line.cap is not None:
        zh, en = f"{zh}，以 {written(line.cap)} 分为限", f"{en}, {written(line.cap)} at most"
    return Part(line, value, points, (zh, en))


def _group(line: Line, figures: Figures, decimals: int) -> Part:
    """Take together what the lines of a group take, up to the cap."""
    assert line.cap is not None
    start = line.points or ZERO
    parts = tuple(_part(one, figures, decimals) for one in line.lines)
    taken = -sum((part.points for part in parts if part.points is not None), ZERO)
    kept = min(taken, line.cap)
    points = _rounded(start - kept, decimals)
    limited = kept < taken
    said = (
        f"共扣 {written(taken)} 分" + (f"，以 {written(line.cap)} 分为限" if limited else ""),
        f"{written(taken)} taken" + (f", {written(line.cap)} at most" if limited else ""),
    )
    return Part(line, None, points, _with_result(said, start, kept, points), parts)


def _entered(line: Line, figures: Figures, decimals: int) -> Part:
    assert line.points is not None
    value = figures.get(entered_key(line.code))
    if value is None:
        full = line.missing is Missing.FULL and not line.bonus
        points = _rounded(line.points if full else ZERO, decimals)
        said = (
            f"没有录入，计 {written(points)} 分",
            f"nothing entered: {written(points)} points",
        )
        return Part(line, None, points, said)
    points = _rounded(min(max(Decimal(value), ZERO), line.points), decimals)
    most = written(line.points)
    said = (f"录入 {points} 分，满分 {most} 分", f"{points} points entered of {most}")
    return Part(line, value, points, said)


def _without_data(line: Line, decimals: int) -> Part:
    if line.kind is Kind.SHORTFALL:
        said = ("无此类案卷，不扣分", "no such cases: nothing taken")
        return Part(line, None, _rounded(ZERO, decimals), said)
    full = line.missing is Missing.FULL and line.kind is not Kind.BONUS
    points = _rounded((line.points or ZERO) if full else ZERO, decimals)
    said = (f"无此类案卷，计 {written(points)} 分", f"no such cases: {written(points)} points")
    return Part(line, None, points, said)


_OF_VALUE: Final[Mapping[Kind, Callable[[Line, Figure, Decimal, Words, int], Part]]] = {
    Kind.RATE: _against_target,
    Kind.SHORTFALL: _against_target,
    Kind.WEIGHTED: _weighted,
    Kind.BANDS: _banded,
}


def _with_result(said: Words, start: Decimal, kept: Decimal, points: Decimal) -> Words:
    if not start:
        return said
    sum_ = f"{written(start)} − {_short(kept)} = {points}"
    return f"{said[0]}：{sum_} 分", f"{said[1]}: {sum_} points"


def _short(value: Decimal) -> str:
    """Write a product for a reader: to four places where it has more."""
    return written(value.quantize(Decimal("0.0001"), ROUND_HALF_UP))


def _rounded(value: Decimal, decimals: int) -> Decimal:
    """Round half away from nought, so that a deduction rounds as its amount does; a nought has no sign."""
    rounded = value.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
    return abs(rounded) if rounded == 0 else rounded
