"""The sheet 趋势: each unit's figures over the months, with charts, and the change against the month before."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from openpyxl.chart import LineChart
from openpyxl.chart.legend import Legend
from openpyxl.utils import get_column_letter

from app.assessment.notice.contents import add_way_back
from app.assessment.notice.drawn import HEADING, Drawn, add_text
from app.assessment.notice.items import NONE, RANK, Item, Sort
from app.assessment.ranking import Month
from app.assessment.scored import ScoredGroup, ScoredRanking, ScoredUnit
from app.web.spreadsheets.writing import HEADER, Formula, Sheet, Spreadsheet, Style, Value

TITLE: Final = "趋势"
ON_TIME: Final = "on_time_closing_rate"
_MOST_MONTHS: Final = 6
_WIDTHS: Final = (26.0, *(11.0,) * _MOST_MONTHS, 11.0)
# More lines on one chart cannot be told apart.
_LINES_A_CHART: Final = 8
_CHART_WIDTH_CM: Final = 19
_CHART_HEIGHT_CM: Final = 8
# Rows that a chart of that height covers.
_ROWS_A_CHART: Final = 19
_BY_SCORE: Final = Style(bold=True)


def trend_sheet(file: Spreadsheet) -> Sheet:
    """Add the sheet."""
    return file.sheet(TITLE, _WIDTHS, freeze="B1")


def write_trend(sheet: Sheet, drawn: Drawn) -> None:
    """Write for each group what it is ranked by and its places, month by month."""
    add_text(sheet, "各单位逐月情况", len(_WIDTHS), HEADING)
    add_way_back(sheet)
    if not drawn.earlier:
        sheet.add(["没有更早月份的数据。"])
    schemes = [*(one.scheme.scheme.name for one in drawn.earlier), drawn.items.scheme.name]
    if len(set(schemes)) > 1:
        sheet.add(["考核方案", *schemes], Style(wrapped=True), height=34)
        add_text(sheet, "各月考核方案不同，得分不可直接比较。", len(_WIDTHS))
    for group in drawn.ranking.groups:
        for item in _items_of(drawn):
            sheet.add([])
            _write_block(sheet, drawn, group, item)


def _items_of(drawn: Drawn) -> Iterator[Item]:
    """Return what is followed: what units are ranked by, the rate everybody knows, the place."""
    items = drawn.items
    if items.ranked_by.sort is Sort.TOTAL:
        yield items.ranked_by
    else:
        yield items.figure(items.scheme.ranked_by)
    if items.scheme.ranked_by != ON_TIME and ON_TIME in items.figure_keys:
        yield items.figure(ON_TIME)
    yield RANK


def _write_block(sheet: Sheet, drawn: Drawn, group: ScoredGroup, item: Item) -> None:
    months = [_month_of(ranking) for ranking in drawn.earlier] + [str(drawn.month)]
    sheet.add([f"{group.name('zh')}：{item.title}"], _BY_SCORE)
    compared = ["较上月"] if drawn.items.before is not None else []
    header = sheet.add(["单位", *months, *compared], HEADER)
    formats = (None, *(item.format,) * len(months), _change_format(item))
    for row in group.rows:
        style = Style(boxed=True, numbers_right=True, formats=formats)
        sheet.add(list(_line(sheet, drawn, item, row)), style)
    lines = _lines_of(drawn, group) if item is not RANK else None
    if lines:
        _draw(sheet, group, item, header, lines)


def _lines_of(drawn: Drawn, group: ScoredGroup) -> tuple[int, int] | None:
    """Return how many units of a group have a line to draw, and over how many months; those without stand last."""
    before = {row.unit.id for one in drawn.earlier for row in one.rows if row.rank is not None}
    if not any(row.unit.id in before for row in group.rows):
        return None
    known = (
        place
        for place, row in enumerate(group.rows, start=1)
        if row.rank is not None or row.unit.id in before
    )
    return max(known), len(drawn.earlier) + 1


def _line(sheet: Sheet, drawn: Drawn, item: Item, row: ScoredUnit) -> Iterator[Value]:
    yield row.unit.name
    earlier = [_value(item, ranking, row) for ranking in drawn.earlier]
    # An empty cell is a gap in the chart's line; a text would be a nought.
    yield from (None if value is None else item.cell(value) for value in earlier)
    now = drawn.items.value(item, row)
    yield None if now is None else Formula(drawn.calculation.cell_of(item, row), item.cell(now))
    if drawn.items.before is None:
        return
    at, last = sheet.rows + 1, len(drawn.earlier) + 1
    before, this = (f"{get_column_letter(place)}{at}" for place in (last, last + 1))
    formula = f"{before}-{this}" if item is RANK else f"{this}-{before}"
    known = f"AND(ISNUMBER({before}),ISNUMBER({this}))"
    then = earlier[-1]
    change: int | float | str = NONE
    if then is not None and now is not None:
        change = item.cell(then - now if item is RANK else now - then)
    yield Formula(f'IF({known},ROUND({formula},9),"{NONE}")', change)


def _value(item: Item, ranking: ScoredRanking, row: ScoredUnit) -> int | Decimal | None:
    """Return what a unit had in an earlier month; a score under a scheme that ranked by one."""
    found = ranking.row_of(row.unit.id)
    if found is None:
        return None
    if item.sort is Sort.RANK:
        return found.rank
    if item.sort is Sort.TOTAL:
        return found.total if ranking.scheme.scheme.has_score else None
    return found.value(item.key)


def _change_format(item: Item) -> str:
    if item is RANK:
        return '"↑"0;"↓"0;"平"'
    return f"+{item.format};-{item.format};{item.format}"


def _month_of(ranking: ScoredRanking) -> str:
    start = ranking.counted.period.start
    return str(Month(start.year, start.month))


def _draw(
    sheet: Sheet, group: ScoredGroup, item: Item, header: int, lines: tuple[int, int]
) -> None:
    """Draw the lines beside the table, so many on a chart, and leave the rows that the charts cover.

    lines: how many units have one, and over how many months.
    """
    units, months = lines
    at = get_column_letter(months + 4)
    first, last = header + 1, header + units
    for number, start in enumerate(range(first, last + 1, _LINES_A_CHART)):
        end = min(start + _LINES_A_CHART - 1, last)
        chart = LineChart()
        chart.title = f"{group.name('zh')}：{item.title}" + (f"（{number + 1}）" if number else "")
        chart.width, chart.height = _CHART_WIDTH_CM, _CHART_HEIGHT_CM
        chart.add_data(
            sheet.area((1, start), (months + 1, end)), from_rows=True, titles_from_data=True
        )
        chart.set_categories(sheet.area((2, header), (months + 1, header)))
        chart.y_axis.number_format = item.format
        # Without these two a program leaves the axes out.
        chart.x_axis.delete = chart.y_axis.delete = False
        # A program would else lay them over the lines.
        chart.legend = Legend(legendPos="r", overlay=False)
        assert chart.title is not None, "it was given above"
        chart.title.overlay = False
        for series in chart.series:
            series.smooth = False
            series.marker.symbol = "circle"
        sheet.draw(chart, f"{at}{header - 1 + number * _ROWS_A_CHART}")
    charts = -(-(last - first + 1) // _LINES_A_CHART)
    while sheet.rows < header - 1 + charts * _ROWS_A_CHART:
        sheet.add([])
