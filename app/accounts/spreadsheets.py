"""Units and people as spreadsheets: written so that no cell is taken for a formula, read with suspicion."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Final
from zipfile import BadZipFile, ZipFile

from openpyxl import Workbook, load_workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

from app.errors import InvalidInput, Text

XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
BYTES_LIMIT: Final = 5 * 2**20
UNPACKED_LIMIT: Final = 50 * 2**20
PARTS_LIMIT: Final = 200
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

# What a spreadsheet program takes for a formula, in a cell or in the CSV saved from it.
_RISKY: Final = ("=", "+", "-", "@", "\t", "\r")
_SIGNATURE: Final = b"PK\x03\x04"


@dataclass(frozen=True)
class SheetRow:
    """One row that holds something: its number in the sheet and its cells by field."""

    number: int
    cells: dict[str, str]


def workbook_of(title: str, columns: Sequence[str], rows: Iterable[Sequence[str | None]]) -> bytes:
    """Return a workbook of one sheet whose cells are all text."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(title)
    sheet.freeze_panes = "A2"
    for number in range(len(columns)):
        sheet.column_dimensions["ABCDEFGHIJ"[number]].width = 22
    for row in (columns, *rows):
        cells = []
        for value in row:
            cell = WriteOnlyCell(sheet)
            cell.value = _harmless(value or "")
            cell.data_type = "s"
            cells.append(cell)
        sheet.append(cells)
    file = BytesIO()
    book.save(file)
    return file.getvalue()


def rows_of(content: bytes, columns: dict[str, str]) -> list[SheetRow]:
    """Return the rows of a workbook's first sheet. columns: field -> heading, in any order in the sheet.

    Raises: InvalidInput when the content is no workbook, too large, or without the columns.
    """
    _check_archive(content)
    try:
        book = load_workbook(BytesIO(content), read_only=True, data_only=True, keep_links=False)
        sheet = book.worksheets[0]
        # What the file says of its own size may be wrong, and decides how far rows are filled up.
        sheet.reset_dimensions()
        lines = [
            [_text(value) for value in line]
            for line in sheet.iter_rows(max_row=ROWS_LIMIT + 2, max_col=20, values_only=True)
        ]
    except Exception as exc:  # the reader raises whatever the content makes it meet
        raise InvalidInput({"file": "文件无法读取：请用本页下载的表格填写"}) from exc
    places = _places(lines[0] if lines else [], columns)
    if len(lines) > ROWS_LIMIT + 1:
        raise InvalidInput({"file": Text("一次最多 %(n)s 行，请分几次上传", n=ROWS_LIMIT)})
    rows = []
    for number, line in enumerate(lines[1:], start=2):
        cells = {field: line[place] if place < len(line) else "" for field, place in places.items()}
        if any(cells.values()):
            rows.append(SheetRow(number, cells))
    if not rows:
        raise InvalidInput({"file": "表格中没有内容"})
    return rows


def _check_archive(content: bytes) -> None:
    """Refuse what is no workbook by its content, or would unpack to too much."""
    if len(content) > BYTES_LIMIT:
        raise InvalidInput({"file": Text("文件超过 %(n)s MB", n=BYTES_LIMIT // 2**20)})
    not_a_workbook = InvalidInput({"file": "文件不是 Excel 工作簿（.xlsx）"})
    if not content.startswith(_SIGNATURE):
        raise not_a_workbook
    try:
        with ZipFile(BytesIO(content)) as archive:
            parts = archive.infolist()
            # zipfile unpacks no more of a part than the directory says, so the sum holds.
            if len(parts) > PARTS_LIMIT or sum(part.file_size for part in parts) > UNPACKED_LIMIT:
                raise InvalidInput(
                    {"file": Text("文件解开后超过 %(n)s MB", n=UNPACKED_LIMIT // 2**20)}
                )
            if not {"[Content_Types].xml", "xl/workbook.xml"} <= {part.filename for part in parts}:
                raise not_a_workbook
            for part in parts:
                if b"<!DOCTYPE" in archive.read(part).replace(b"\0", b""):
                    raise not_a_workbook
    except (BadZipFile, EOFError, NotImplementedError, RuntimeError, OSError, ValueError) as exc:
        raise not_a_workbook from exc


def _places(heading: Sequence[str], columns: dict[str, str]) -> dict[str, int]:
    missing = tuple(title for title in columns.values() if title not in heading)
    if missing:
        raise InvalidInput({"file": Text("第一行缺少列：%(columns)s", columns=missing)})
    return {field: heading.index(title) for field, title in columns.items()}


def _text(value: object) -> str:
    """Return a cell as text: a number without its decimal point, and without the mark that makes it harmless."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = str(value).replace("\0", "").strip()
    return text[1:] if text.startswith("'") and text[1:].startswith(_RISKY) else text


def _harmless(value: str) -> str:
    text = ILLEGAL_CHARACTERS_RE.sub("", value)
    return f"'{text}" if text.startswith(_RISKY) else text
