"""Units and people as spreadsheets: their columns, and what a sheet says by them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.errors import InvalidInput, Text
from app.web.spreadsheets.reading import rows_of_workbook

ROWS_LIMIT: Final = 2000

UNIT_COLUMNS: Final = {
    "code": "编码",
    "name": "名称",
    "name_en": "英文名称",
    "parent": "上级编码",
    "rank_group": "考核组",
    "district_code": "区县代码",
    "duties": "职责",
}
PERSON_COLUMNS: Final = {
    "login": "登录名",
    "name": "姓名",
    "unit": "单位编码",
    "phone": "电话",
    "roles": "角色",
    "password": "初始密码",
}
STATE_COLUMN: Final = "状态"


@dataclass(frozen=True)
class SheetRow:
    """One row that holds something: its number in the sheet and its cells by field."""

    number: int
    cells: dict[str, str]


def rows_of(content: bytes, columns: dict[str, str]) -> list[SheetRow]:
    """Return the rows of a workbook's first sheet. columns: field -> heading, in any order in the sheet.

    Raises: InvalidInput when the content is no workbook, too large, or without the columns.
    """
    lines = rows_of_workbook(content, rows_limit=ROWS_LIMIT)
    places = _places(lines[0] if lines else [], columns)
    rows = []
    for number, line in enumerate(lines[1:], start=2):
        cells = {field: line[place] if place < len(line) else "" for field, place in places.items()}
        if any(cells.values()):
            rows.append(SheetRow(number, cells))
    if not rows:
        raise InvalidInput({"file": "表格中没有内容"})
    return rows


def _places(heading: Sequence[str], columns: dict[str, str]) -> dict[str, int]:
    missing = tuple(title for title in columns.values() if title not in heading)
    if missing:
        raise InvalidInput({"file": Text("第一行缺少列：%(columns)s", columns=missing)})
    return {field: heading.index(title) for field, title in columns.items()}
