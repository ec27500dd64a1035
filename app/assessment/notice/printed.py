"""The table of a group as a newspaper prints it: its columns and rows, the same in every format."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from app.assessment.notice.items import ALWAYS, MOVE, RANK, Item, Items, Sort, group_tallies
from app.assessment.scored import ScoredGroup, ScoredUnit
from sla.figures import Figure
from sla.schemes import SCORE, Kind, Line, written

UNIT: str = "单位"


@dataclass(frozen=True, slots=True)
class Column:
    """One column. item: None for the unit's name. over: what stands above several columns together."""

    title: str
    item: Item | None
    over: str = ""

    @property
    def heading(self) -> str:
        """Return both headings in one."""
        return f"{self.over} {self.title}" if self.over else self.title


@dataclass(frozen=True, slots=True)
class Span:
    """A heading over columns, from one to another, both included."""

    title: str
    first: int
    last: int


@dataclass(frozen=True)
class Printed:
    """The columns that every group's table has."""

    items: Items
    columns: tuple[Column, ...]

    @classmethod
    def of(cls, items: Items) -> Printed:
        """Return the table's columns: place, unit, what is always told, then line by line, then the score."""
        columns = [Column("名次", RANK), Column(UNIT, None)]
        if items.before is not None:
            columns.append(Column("较上月", MOVE))
        columns += [_figure(items, key) for key in ALWAYS]
        for line in items.scheme.lines:
            columns += _columns_of(items, line)
        if items.total is not None:
            columns.append(Column("总分", items.total))
        by = items.scheme.ranked_by
        if by != SCORE and not any(one.item is not None and one.item.key == by for one in columns):
            columns.append(_figure(items, by))
        return cls(items, tuple(dict.fromkeys(columns)))

    @property
    def spans(self) -> tuple[Span, ...]:
        """Return the headings that stand over several columns."""
        found: list[Span] = []
        for place, column in enumerate(self.columns):
            last = found[-1] if found else None
            if last and column.over == last.title and last.last == place - 1:
                found[-1] = Span(last.title, last.first, place)
            elif column.over:
                found.append(Span(column.over, place, place))
        return tuple(found)

    def texts(self, group: ScoredGroup) -> Iterator[list[str]]:
        """Yield the rows of a group as texts, then that of its sum."""
        for row in group.rows:
            yield [self._text(column, row) for column in self.columns]
        tallies = group_tallies(group)
        yield [
            "合计"
            if column.item is None
            else column.item.text(self.items.of_tallies(column.item, tallies))
            if column.item.sort in (Sort.COUNT, Sort.FIGURE)
            else ""
            for column in self.columns
        ]

    def _text(self, column: Column, row: ScoredUnit) -> str:
        if column.item is None:
            return row.unit.name
        return column.item.text(self.items.value(column.item, row))


def _figure(items: Items, key: str, over: str = "", title: str = "") -> Column:
    return Column(title or Figure.of(key).label("zh"), items.figure(key), over)


def _columns_of(items: Items, line: Line) -> list[Column]:
    if line.kind is Kind.COLUMN:
        return [_figure(items, line.figure, title=line.name)]
    points = next(item for item in items.points if item.key == line.code)
    over = _over(line)
    given = Column(_given(line), points, over)
    if line.kind is Kind.ENTERED:
        return [given]
    if line.kind is Kind.GROUP:
        inner = [_figure(items, one.figure, over, one.name) for one in line.lines]
        return [*inner, given]
    return [_figure(items, line.figure, over, "数值"), given]


def _over(line: Line) -> str:
    most = line.points or line.cap
    taking = line.kind in (Kind.SHORTFALL, Kind.DEDUCTION) or (
        line.kind is Kind.GROUP and not line.points
    )
    limit = "最多扣" if taking else "最多加" if line.kind is Kind.BONUS or line.bonus else ""
    return f"{line.name}（{limit}{' ' if limit else ''}{written(most)} 分）" if most else line.name


def _given(line: Line) -> str:
    if line.kind in (Kind.SHORTFALL, Kind.DEDUCTION) or (
        line.kind is Kind.GROUP and not line.points
    ):
        return "扣分"
    return "加分" if line.kind is Kind.BONUS or line.bonus else "得分"
