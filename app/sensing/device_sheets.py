"""Devices as a table: its columns, and what a file says by them."""

from __future__ import annotations

import csv
import io
from typing import Final

from app.accounts.spreadsheets import ROWS_LIMIT, rows_of
from app.errors import InvalidInput, Text

COLUMNS: Final = {
    "code": "编码",
    "name": "名称",
    "name_en": "英文名称",
    "kind": "设备类型",
    "scene": "点位类型",
    "site": "点位编码",
    "unit": "单位编码",
    "lon": "经度",
    "lat": "纬度",
    "silent_minutes": "失联分钟数",
}
_WORKBOOK: Final = b"PK\x03\x04"
# As Excel writes it here, and as everything else does.
_ENCODINGS: Final = ("utf-8-sig", "gb18030")


def devices_of(content: bytes) -> dict[int, dict[str, str]]:
    """Return the rows of a workbook or of a CSV file by their number. Raises InvalidInput (field `file`)."""
    if content.startswith(_WORKBOOK):
        return {row.number: row.cells for row in rows_of(content, COLUMNS)}
    return _rows_of_csv(_decoded(content))


def _decoded(content: bytes) -> str:
    for encoding in _ENCODINGS:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise InvalidInput({"file": "文件无法读取：请用 .xlsx，或 UTF-8 的 .csv"})


def _rows_of_csv(text: str) -> dict[int, dict[str, str]]:
    if "\0" in text:
        raise InvalidInput({"file": "文件无法读取：请用 .xlsx，或 UTF-8 的 .csv"})
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as exc:
        raise InvalidInput({"file": "文件无法读取：请用 .xlsx，或 UTF-8 的 .csv"}) from exc
    heading = [cell.strip() for cell in lines[0]] if lines else []
    missing = tuple(title for title in COLUMNS.values() if title not in heading)
    if missing:
        raise InvalidInput({"file": Text("第一行缺少列：%(columns)s", columns=missing)})
    if len(lines) > ROWS_LIMIT + 1:
        raise InvalidInput({"file": Text("一次最多 %(n)s 行，请分几次上传", n=ROWS_LIMIT)})
    rows = {}
    for number, line in enumerate(lines[1:], start=2):
        told = dict(zip(heading, line, strict=False))
        cells = {name: told.get(title, "").strip() for name, title in COLUMNS.items()}
        if any(cells.values()):
            rows[number] = cells
    if not rows:
        raise InvalidInput({"file": "表格中没有内容"})
    return rows
