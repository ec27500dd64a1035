"""The sheets that the newspaper prints: one for each group, a page wide."""

from __future__ import annotations

from collections.abc import Sequence

from openpyxl.utils import get_column_letter

from app.assessment.notice.around import Around
from app.assessment.notice.drawn import (
    HEADLINE,
    LINE,
    LINE_HEIGHT,
    PRINTED,
    WARNING,
    Drawn,
    add_text,
    lines_of,
)
from app.assessment.notice.imprint import PREVIEW
from app.assessment.notice.items import Sort, group_tallies
from app.assessment.notice.printed import Column, Printed
from app.assessment.scored import ScoredGroup, ScoredUnit
from app.web.spreadsheets.writing import HEADER, Formula, Sheet, Spreadsheet, Style, Value

HEADER_ROWS = (5, 6)
FIRST_ROW = HEADER_ROWS[1] + 1
_FOOT = Style(bold=True, right=True)
_WIDTHS = {None: 24.0, Sort.RANK: 6.5, Sort.MOVE: 7.5}
_USUAL_WIDTH = 9.5
_ROW_HEIGHT = 19.0


def group_sheet(file: Spreadsheet, name: str, printed: Printed) -> Sheet:
    """Add the sheet of a group."""
    return file.sheet(
        name,
        widths_of(printed.columns),
        freeze=f"C{FIRST_ROW}",
        repeat_rows=f"{HEADER_ROWS[0]}:{HEADER_ROWS[1]}",
        paper=PRINTED,
    )


def widths_of(columns: Sequence[Column]) -> list[float]:
    """Return how wide the columns are, in digits."""
    return [
        _WIDTHS.get(column.item.sort if column.item is not None else None, _USUAL_WIDTH)
        for column in columns
    ]


def write_group(sheet: Sheet, group: ScoredGroup, printed: Printed, drawn: Drawn) -> None:
    """Write a group's table with all that stands around it."""
    columns = len(printed.columns)
    around = Around(printed, drawn.month, drawn.zone, drawn.imprint)
    add_text(sheet, f"{around.title}（{group.name('zh')}）", columns, HEADLINE)
    for line in around.above:
        add_text(sheet, line, columns, WARNING if line.startswith(PREVIEW) else LINE)
    _write_header(sheet, printed)
    formats = tuple(column.item.format if column.item else None for column in printed.columns)
    body = Style(boxed=True, centred=True, wrapped=True, formats=formats)
    for row in group.rows:
        cells = [_cell(column, row, drawn) for column in printed.columns]
        lines = lines_of(row.unit.name, _WIDTHS[None])
        sheet.add(cells, body, height=_ROW_HEIGHT + (lines - 1) * LINE_HEIGHT)
    foot = Style(boxed=True, centred=True, bold=True, formats=formats)
    sheet.add(_sums(group, printed, drawn), foot, height=_ROW_HEIGHT)
    sheet.add([])
    for line in around.below:
        add_text(sheet, line, columns)
    add_text(sheet, around.signature, columns, _FOOT)
    sheet.print_only(f"A1:{get_column_letter(columns)}{sheet.rows}")


def _write_header(sheet: Sheet, printed: Printed) -> None:
    """Write the two rows of headings; what has nothing over it stands in both."""
    columns = printed.columns
    first, second = HEADER_ROWS
    sheet.add([column.over or column.title for column in columns], HEADER, height=34)
    sheet.add([column.title if column.over else None for column in columns], HEADER, height=34)
    for span in printed.spans:
        if span.last > span.first:
            left, right = get_column_letter(span.first + 1), get_column_letter(span.last + 1)
            sheet.merge(f"{left}{first}:{right}{first}")
    for place, column in enumerate(columns, start=1):
        if not column.over:
            letter = get_column_letter(place)
            sheet.merge(f"{letter}{first}:{letter}{second}")


def _cell(column: Column, row: ScoredUnit, drawn: Drawn) -> Value:
    if column.item is None:
        return row.unit.name
    value = column.item.cell(drawn.items.value(column.item, row))
    return Formula(drawn.calculation.cell_of(column.item, row), value)


def _sums(group: ScoredGroup, printed: Printed, drawn: Drawn) -> list[Value]:
    tallies = group_tallies(group)
    cells: list[Value] = []
    for column in printed.columns:
        item = column.item
        if item is None:
            cells.append("合计")
        elif item.sort in (Sort.COUNT, Sort.FIGURE):
            value = item.cell(printed.items.of_tallies(item, tallies))
            cells.append(Formula(drawn.calculation.total_of(item, group), value))
        else:
            cells.append(None)
    return cells
