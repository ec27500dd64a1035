"""The sheet 核对: what the platform computed beside what the formulas come to, and their difference."""

from __future__ import annotations

from typing import Final

from app.assessment.notice.calculation import Calculation
from app.assessment.notice.formulas import difference_formula
from app.assessment.notice.items import Item, Sort, group_tallies
from app.assessment.scored import ScoredGroup, ScoredUnit
from app.web.spreadsheets.writing import HEADER, Formula, Sheet, Spreadsheet, Style, Value

TITLE: Final = "核对"
FIRST_ROW: Final = 4
_HINT: Final = "“平台数”是平台算出并写定的值，“公式数”由本工作簿的公式从“明细”算出；差都为 0，表内数字即与案卷一致。"
_ENTERED: Final = frozenset({Sort.MARK, Sort.BEFORE})
_SUMMED: Final = frozenset({Sort.COUNT, Sort.FIGURE})


def check_sheet(file: Spreadsheet) -> Sheet:
    """Add the sheet."""
    return file.sheet(TITLE, [10, 26, 30, 13, 13, 10], freeze=f"A{FIRST_ROW}", repeat_rows="3:3")


def write_check(sheet: Sheet, calculation: Calculation) -> None:
    """Write a line for each item of each unit and of each group's sum."""
    items = calculation.items
    computed = [item for item in items if item.sort not in _ENTERED]
    summed = [item for item in items if item.sort in _SUMMED]
    lines = sum(len(group.rows) * len(computed) + len(summed) for group in items.ranking.groups)
    last = max(FIRST_ROW + lines - 1, FIRST_ROW)
    sheet.add([_HINT])
    count = Formula(f'COUNTIF(F{FIRST_ROW}:F{last},"<>0")', 0 if lines else 1)
    sheet.add(["不一致项数", count], Style(bold=True))
    sheet.add(["单位编号", "单位", "项目", "平台数", "公式数", "差"], HEADER)
    for group in items.ranking.groups:
        for row in group.rows:
            for item in computed:
                _write_unit(sheet, calculation, item, row)
        for item in summed:
            _write_sum(sheet, calculation, item, group)
    sheet.filter(f"A{FIRST_ROW - 1}:F{last}")


def _write_unit(sheet: Sheet, calculation: Calculation, item: Item, row: ScoredUnit) -> None:
    value = item.cell(calculation.items.value(item, row))
    _write(sheet, [row.unit.id, row.unit.name], item, value, calculation.cell_of(item, row))


def _write_sum(sheet: Sheet, calculation: Calculation, item: Item, group: ScoredGroup) -> None:
    value = item.cell(calculation.items.of_tallies(item, group_tallies(group)))
    of = calculation.total_of(item, group)
    _write(sheet, [None, f"{group.name('zh')}合计"], item, value, of)


def _write(
    sheet: Sheet, told: list[Value], item: Item, value: int | float | str, cell: str
) -> None:
    at = sheet.rows + 1
    style = Style(
        boxed=True,
        numbers_right=True,
        formats=(None, None, None, item.format, item.format, "General"),
    )
    difference = Formula(difference_formula(f"D{at}", f"E{at}"), 0)
    sheet.add([*told, item.title, value, Formula(cell, value), difference], style)
