"""The sheet 计算: of each unit the counts, rates, points, score and rank, every one a formula down to the cases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from openpyxl.utils import get_column_letter

from app.assessment.notice.cases import Ranked
from app.assessment.notice.formulas import (
    NO,
    YES,
    average_formula,
    if_takes_part,
    move_formula,
    points_formula,
    rank_formula,
    rate_formula,
    takes_part_formula,
    total_formula,
)
from app.assessment.notice.items import BEFORE, RANK, Item, Items, Sort, group_tallies
from app.assessment.scored import ScoredGroup, ScoredUnit
from app.web.spreadsheets.writing import HEADER, Formula, Sheet, Spreadsheet, Style, Value
from sla.figures import Figure, figure_key
from sla.indicators import VOICED
from sla.schemes import Kind

TITLE: Final = "计算"
FIRST_ROW: Final = 4
_HEADER_ROW: Final = FIRST_ROW - 1
_BEFORE_ITEMS: Final = (("单位编号", 10), ("单位", 26), ("分组", 14), ("参评", 7))
_HINT_OF_INNER: Final = (
    "“明细”中一件案卷只列一次，归最直接的参评单位；上级参评单位的件数另加其下属参评单位的件数。"
)
_HINT: Final = "各数按“明细”逐件汇总，比率、得分、总分、名次都是公式；人工录入的分和上月名次是录入值。改动“明细”后，这里与“核对”随之变化。"


@dataclass(slots=True)
class Calculation:
    """Where each figure of each unit stands on the sheet."""

    items: Items
    sheet: Sheet
    cells: Mapping[str, str]
    """Of the columns of the list of cases that are to be added, the range by code or population."""

    units: str
    """The range of the list's ranked units."""

    ranked: Ranked
    rows: dict[int, int] = field(default_factory=dict)
    totals: dict[str, int] = field(default_factory=dict)
    columns: dict[tuple[Sort, str], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for place, item in enumerate(self.items, start=len(_BEFORE_ITEMS) + 1):
            self.columns[item.sort, item.key] = get_column_letter(place)
        row = FIRST_ROW
        for group in self.items.ranking.groups:
            for unit in group.rows:
                self.rows[unit.unit.id] = row
                row += 1
            self.totals[group.code] = row
            row += 1

    @property
    def last_row(self) -> int:
        """Return the last row that is filled."""
        return max(self.totals.values(), default=FIRST_ROW)

    def letter(self, item: Item) -> str:
        """Return the column of an item."""
        return self.columns[item.sort, item.key]

    def cell_of(self, item: Item, row: ScoredUnit) -> str:
        """Name an item's cell of a unit from another sheet."""
        return f"{self.sheet.reference}${self.letter(item)}${self.rows[row.unit.id]}"

    def total_of(self, item: Item, group: ScoredGroup) -> str:
        """Name an item's cell of a group's sum from another sheet."""
        return f"{self.sheet.reference}${self.letter(item)}${self.totals[group.code]}"

    def write(self) -> None:
        """Write the sheet."""
        self.sheet.add(["计算过程"], Style(bold=True, size=14))
        inner = any(self.ranked.inner.values())
        self.sheet.add([_HINT + (_HINT_OF_INNER if inner else "")])
        titles = [title for title, _ in _BEFORE_ITEMS] + [item.title for item in self.items]
        self.sheet.add(titles, HEADER, height=48)
        formats = (None,) * len(_BEFORE_ITEMS) + tuple(item.format for item in self.items)
        body, foot = (
            Style(boxed=True, numbers_right=True, formats=formats),
            Style(boxed=True, numbers_right=True, bold=True, formats=formats),
        )
        for group in self.items.ranking.groups:
            first = self.sheet.rows + 1
            rows = [_Row(self, group, row, first) for row in group.rows]
            for one in rows:
                self.sheet.add(one.values(), body)
            self.sheet.add(list(self._sums(group, first)), foot)
        last = get_column_letter(len(_BEFORE_ITEMS) + len(self.columns))
        self.sheet.filter(f"A{_HEADER_ROW}:{last}{self.last_row}")

    def _sums(self, group: ScoredGroup, first: int) -> Iterator[Value]:
        at, tallies = self.totals[group.code], group_tallies(group)
        yield from (None, f"{group.name('zh')}合计", group.name("zh"), None)
        for item in self.items:
            if item.sort is Sort.COUNT:
                letter = self.letter(item)
                value = item.cell(self.items.of_tallies(item, tallies))
                yield Formula(f"SUM({letter}{first}:{letter}{at - 1})", value)
            elif item.sort is Sort.FIGURE:
                value = item.cell(self.items.of_tallies(item, tallies))
                yield Formula(self.figure_formula(item, at), value)
            else:
                yield None

    def count_cell(self, key: str, row: int) -> str:
        """Name the cell of a count in a row of the sheet itself."""
        return f"{self.columns[Sort.COUNT, key]}{row}"

    def figure_formula(self, item: Item, row: int) -> str:
        """Write a rate or an average over the counts in the same row."""
        figure = Figure.of(item.key)
        of, over = (
            self.count_cell(figure_key(code, figure.population), row)
            for code in self.items.counts_of(item.key)
        )
        rules = self.items.ranking.counted.basis.rules
        if self.items.indicator(item.key).average is not None:
            return average_formula(of, over, rules.decimals)
        return rate_formula(of, over, rules)


@dataclass(frozen=True, slots=True)
class _Row:
    """One unit's row; names its own cells for the formulas."""

    whole: Calculation
    group: ScoredGroup
    unit: ScoredUnit
    first: int

    @property
    def at(self) -> int:
        return self.whole.rows[self.unit.unit.id]

    @property
    def takes_part(self) -> str:
        return f"$D{self.at}"

    def figure(self, key: str) -> str:
        """Name the cell of a figure by its key."""
        return f"{self.whole.letter(self.whole.items.figure(key))}{self.at}"

    def points(self, code: str) -> str:
        """Name the cell of a line's points."""
        return f"{self.whole.columns[Sort.POINTS, code]}{self.at}"

    def mark(self, code: str) -> str:
        """Name the cell of the points that people entered."""
        return f"{self.whole.columns[Sort.MARK, code]}{self.at}"

    def values(self) -> list[Value]:
        """Return the row's cells."""
        unit, items = self.unit.unit, self.whole.items
        takes_part = takes_part_formula(self.figure("due"), items.scheme)
        said = NO if self.unit.total is None else YES
        return [
            unit.id,
            unit.name,
            self.group.name("zh"),
            Formula(takes_part, said),
            *(self._value(item) for item in items),
        ]

    def _value(self, item: Item) -> Value:
        value = item.cell(self.whole.items.value(item, self.unit))
        formula = self._formula(item)
        return value if formula is None else Formula(formula, value)

    def _formula(self, item: Item) -> str | None:
        """Return an item's formula; None for what is entered, or said of no listed case."""
        if item.sort is Sort.COUNT and Figure.of(item.key).indicator in VOICED:
            return None
        made = {
            Sort.COUNT: self._count,
            Sort.FIGURE: lambda item: self.whole.figure_formula(item, self.at),
            Sort.POINTS: self._points,
            Sort.TOTAL: self._total,
            Sort.PLACED_BY: lambda item: if_takes_part(self.takes_part, self.figure(item.key)),
            Sort.RANK: self._rank,
            Sort.MOVE: self._move,
        }.get(item.sort)
        return made(item) if made is not None else None

    def _points(self, item: Item) -> str:
        items = self.whole.items
        line = next(line for line in items.scheme.every_line() if line.code == item.key)
        formula = points_formula(line, self, items.scheme, items.places)
        return if_takes_part(self.takes_part, formula)

    def _move(self, _item: Item) -> str:
        before, rank = (self.whole.letter(item) for item in (BEFORE, RANK))
        return move_formula(f"{before}{self.at}", f"{rank}{self.at}")

    def _count(self, item: Item) -> str:
        """Count the unit's own cases and add the ranked units that lie in it."""
        figure = Figure.of(item.key)
        listed = f"{self.whole.cells[figure.indicator]},{self.whole.units},$A{self.at}"
        if figure.population in self.whole.cells:
            listed += f",{self.whole.cells[figure.population]},1"
        inner = [
            self.whole.count_cell(item.key, self.whole.rows[unit_id])
            for unit_id in self.whole.ranked.inner[self.unit.unit.id]
        ]
        return "+".join((f"SUMIFS({listed})", *inner))

    def _total(self, _item: Item) -> str:
        items = self.whole.items
        giving = (line for line in items.scheme.lines if line.kind is not Kind.COLUMN)
        given = [self.points(line.code) for line in giving]
        return if_takes_part(self.takes_part, total_formula(given, items.scheme.decimals))

    def _rank(self, _item: Item) -> str:
        whole, items = self.whole, self.whole.items
        letter = whole.letter(items.ranked_by)
        values = f"{letter}${self.first}:{letter}${whole.totals[self.group.code] - 1}"
        highest_first = items.scheme.highest_first
        return rank_formula(f"{letter}{self.at}", values, highest_first=highest_first)


def calculation_sheet(file: Spreadsheet, items: Items) -> Sheet:
    """Add the sheet, to be written once the cases are listed."""
    widths = [width for _, width in _BEFORE_ITEMS] + [12 for _ in items]
    return file.sheet(
        TITLE, widths, freeze=f"E{FIRST_ROW}", repeat_rows=f"{_HEADER_ROW}:{_HEADER_ROW}"
    )
