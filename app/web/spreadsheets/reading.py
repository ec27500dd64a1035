"""Workbooks read with suspicion: they come from outside, and a zip of a megabyte can unfold into a gigabyte."""

from __future__ import annotations

from io import BytesIO
from typing import Final
from zipfile import BadZipFile, ZipFile

from openpyxl import load_workbook

from app.errors import InvalidInput, Text
from app.web.spreadsheets.marks import unmarked

BYTES_LIMIT: Final = 5 * 2**20
UNPACKED_LIMIT: Final = 50 * 2**20
PARTS_LIMIT: Final = 200
ROWS_LIMIT: Final = 50_000
COLUMNS_LIMIT: Final = 50
_SIGNATURE: Final = b"PK\x03\x04"


def rows_of_workbook(content: bytes, *, rows_limit: int = ROWS_LIMIT) -> list[list[str]]:
    """Return the rows of the first sheet as texts, as long as they hold any; a formula is what it last gave.

    rows_limit: how many rows there may be below the first one, which holds the headings.
    Raises InvalidInput (field `file`) for what is no workbook, is too large, or would unpack to too much.
    """
    _check_archive(content)
    try:
        book = load_workbook(BytesIO(content), read_only=True, data_only=True, keep_links=False)
        sheet = book.worksheets[0]
        # What the file says of its own size may be wrong, and decides how far rows are filled up.
        sheet.reset_dimensions()
        rows = [
            _without_blanks([_text(value) for value in line])
            for line in sheet.iter_rows(
                max_row=rows_limit + 2, max_col=COLUMNS_LIMIT, values_only=True
            )
        ]
    except Exception as exc:  # the reader raises whatever the content makes it meet
        raise InvalidInput({"file": "文件无法读取：请用本页下载的表格填写"}) from exc
    if len(rows) > rows_limit + 1:
        raise InvalidInput({"file": Text("一次最多 %(n)s 行，请分几次上传", n=rows_limit)})
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


def _without_blanks(row: list[str]) -> list[str]:
    """Return a row up to its last text: the reader fills rows up to the columns it may have."""
    while row and not row[-1]:
        row.pop()
    return row


def _text(value: object) -> str:
    """Return a cell as text: a whole number without its decimal point, a formula's look-alike without its mark."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = str(value).replace("\0", "")
    # The mark goes first: the white space behind it is part of what was written.
    return unmarked(text) if text.startswith("'") else text.strip()
