"""The items of a notice: what is shown of each unit, with its value, its words and its place in the arithmetic."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import Final

from app.assessment.scored import ScoredGroup, ScoredRanking, ScoredUnit
from sla.figures import ALL, Figure, Measure, figure_key
from sla.indicators import COUNT_NAMES, Indicator, Tally
from sla.schemes import SCORE, Kind, Scheme, figures_of
from sla.scoring import entered_key

NO_DATA: Final = "无数据"
NONE: Final = "—"
NOT_ENTERED: Final = "未录入"
ALWAYS: Final = ("due", "closed")
"""The figures that every notice prints first."""


class Sort(StrEnum):
    """What an item is."""

    COUNT = "count"
    FIGURE = "figure"
    MARK = "mark"
    POINTS = "points"
    TOTAL = "total"
    PLACED_BY = "placed_by"
    RANK = "rank"
    BEFORE = "before"
    MOVE = "move"


@dataclass(frozen=True, slots=True)
class Item:
    """One item. key: of a count or figure with its population, or the code of a line. places: decimals shown."""

    sort: Sort
    key: str
    title: str
    places: int = 0
    measure: Measure = Measure.CASES

    @property
    def format(self) -> str:
        """Return the number format of its cells."""
        if self.sort is Sort.MOVE:
            return '"↑"0;"↓"0;"平"'
        digits = f"0.{'0' * self.places}" if self.places else "0"
        return f"{digits}%" if self.measure is Measure.PERCENT else digits

    @property
    def nothing(self) -> str:
        """Return what is said where there is no value."""
        if self.sort is Sort.MARK:
            return NOT_ENTERED
        return NONE if self.sort in (Sort.RANK, Sort.BEFORE, Sort.MOVE) else NO_DATA

    def cell(self, value: int | Decimal | None) -> int | float | str:
        """Return a value as a cell holds it: a percentage as a fraction."""
        if value is None:
            return self.nothing
        if self.measure is Measure.PERCENT:
            return float(Decimal(value).scaleb(-2))
        return value if isinstance(value, int) else float(value)

    def text(self, value: int | Decimal | None) -> str:
        """Write a value for a reader."""
        if value is None:
            return self.nothing
        if self.sort is Sort.MOVE:
            return "平" if value == 0 else f"{'↑' if value > 0 else '↓'}{abs(value)}"
        return f"{value}%" if self.measure is Measure.PERCENT else str(value)


RANK: Final = Item(Sort.RANK, "rank", "名次")
BEFORE: Final = Item(Sort.BEFORE, "before", "上月名次")
MOVE: Final = Item(Sort.MOVE, "move", "较上月")


@dataclass(frozen=True)
class Items:
    """Everything that a notice shows of a ranking. before: the ranking of the month just before, if it is known."""

    ranking: ScoredRanking
    before: ScoredRanking | None = None

    @property
    def scheme(self) -> Scheme:
        """Return the scheme that the month is ranked by."""
        return self.ranking.scheme.scheme

    @property
    def places(self) -> int:
        """Return the decimals of rates."""
        return self.ranking.counted.basis.rules.decimals

    @cached_property
    def figure_keys(self) -> tuple[str, ...]:
        """Return the keys of the figures that are printed, scored or ranked by, each once."""
        keys = [*ALWAYS, *(figure.key for figure in figures_of(self.scheme))]
        keys += [
            figure_key(line.indicator, line.double_for)
            for line in self.scheme.every_line()
            if line.double_for
        ]
        if self.scheme.ranked_by != SCORE:
            keys.append(self.scheme.ranked_by)
        return tuple(dict.fromkeys(keys))

    @cached_property
    def counts(self) -> tuple[Item, ...]:
        """Return the counts that the figures are made of."""
        keys = []
        for key in self.figure_keys:
            figure = Figure.of(key)
            keys += [figure_key(code, figure.population) for code in self.counts_of(key)]
        return tuple(self.figure(key) for key in sorted(dict.fromkeys(keys), key=_order))

    @cached_property
    def rates(self) -> tuple[Item, ...]:
        """Return the figures that are no plain counts."""
        return tuple(
            self.figure(key)
            for key in self.figure_keys
            if Figure.of(key).measure is not Measure.CASES
        )

    @cached_property
    def marks(self) -> tuple[Item, ...]:
        """Return the points that people enter."""
        return tuple(
            Item(Sort.MARK, line.code, f"{line.name}（录入）", self.scheme.decimals)
            for line in self.scheme.lines
            if line.kind is Kind.ENTERED
        )

    @cached_property
    def points(self) -> tuple[Item, ...]:
        """Return what each line gives or takes; those of a group stand before it."""
        return tuple(
            Item(Sort.POINTS, one.code, f"{one.name}得分", self.scheme.decimals)
            for line in self.scheme.lines
            for one in (*line.lines, line)
            if one.kind is not Kind.COLUMN
        )

    @cached_property
    def total(self) -> Item | None:
        """Return the score; None under a scheme that gives no points."""
        if not self.scheme.has_score:
            return None
        return Item(Sort.TOTAL, SCORE, "总分", self.scheme.decimals)

    @cached_property
    def ranked_by(self) -> Item:
        """Return what the units are ranked by."""
        if self.scheme.ranked_by == SCORE and self.total is not None:
            return self.total
        figure = self.figure(self.scheme.ranked_by)
        # A unit with too few cases has the figure, and no place.
        return replace(figure, sort=Sort.PLACED_BY, title=f"排名依据：{figure.title}")

    def __iter__(self) -> Iterator[Item]:
        yield from self.counts
        yield from self.rates
        yield from self.marks
        yield from self.points
        if self.total is not None:
            yield self.total
        if self.ranked_by != self.total:
            yield self.ranked_by
        yield RANK
        if self.before is not None:
            yield BEFORE
            yield MOVE

    def figure(self, key: str) -> Item:
        """Return a figure by its key; a plain count is an item of that sort."""
        figure = Figure.of(key)
        if figure.measure is Measure.CASES:
            return Item(Sort.COUNT, key, figure.label("zh"))
        return Item(Sort.FIGURE, key, figure.label("zh"), self.places, figure.measure)

    def indicator(self, key: str) -> Indicator:
        """Return the definition behind a figure."""
        return self.ranking.counted.indicators[Figure.of(key).indicator]

    def counts_of(self, key: str) -> tuple[str, ...]:
        """Return the counts that a figure is made of: itself, or what stands above and below its line."""
        indicator = self.indicator(key)
        parts = indicator.ratio or indicator.average
        return (indicator.code,) if parts is None else (parts.of, parts.over)

    def value(self, item: Item, row: ScoredUnit) -> int | Decimal | None:
        """Return what was computed for a unit."""
        if item.sort in (Sort.COUNT, Sort.FIGURE):
            return self.of_tallies(item, row.figures.tallies)
        if item.sort in (Sort.RANK, Sort.BEFORE, Sort.MOVE):
            return self._place(item, row)
        if item.sort is Sort.MARK:
            return row.value(entered_key(item.key))
        if item.sort is Sort.POINTS:
            return row.scored.points_of(item.key)
        figure = item.sort is Sort.PLACED_BY and row.total is not None
        return row.value(item.key) if figure else row.total

    def _place(self, item: Item, row: ScoredUnit) -> int | None:
        found = self.before.row_of(row.unit.id) if self.before is not None else None
        before = None if found is None else found.rank
        if item.sort is Sort.BEFORE:
            return before
        if item.sort is Sort.RANK:
            return row.rank
        return None if before is None or row.rank is None else before - row.rank

    def of_tallies(self, item: Item, tallies: Mapping[str, Tally]) -> int | Decimal | None:
        """Return a count or a figure of counts by population."""
        key, _at, population = item.key.partition("@")
        tally = tallies[population or ALL]
        return (
            tally.count(key) if item.sort is Sort.COUNT else self.indicator(item.key).value(tally)
        )


def items_of(ranking: ScoredRanking, earlier: tuple[ScoredRanking, ...]) -> Items:
    """Return the items of a ranking; earlier: oldest first, the last counts if it is the month just before."""
    last = earlier[-1] if earlier else None
    follows = last is not None and last.counted.period.end == ranking.counted.period.start
    return Items(ranking, last if follows else None)


def group_tallies(group: ScoredGroup) -> dict[str, Tally]:
    """Return the counts of a whole group by population."""
    populations = group.rows[0].figures.tallies
    return {
        name: sum((row.figures.tallies[name] for row in group.rows), Tally())
        for name in populations
    }


def _order(key: str) -> tuple[str, int]:
    code, _at, population = key.partition("@")
    return population, list(COUNT_NAMES).index(code)
