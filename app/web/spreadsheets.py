"""Workbooks from and for people: what comes in is hostile, what goes out must not run."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Sequence
from io import BytesIO
from typing import Final

from flask import Response
from openpyxl import Workbook, load_workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

from app.errors import InvalidInput, Text

MEDIA_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
BYTES_LIMIT: Final = 5 * 2**20
# A zip of a megabyte can unfold into a gigabyte.
UNFOLDED_LIMIT: Final = 50 * 2**20
ROWS_LIMIT: Final = 50_000
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


def safe_text(value: object) -> object:
    """Return a cell's value that no program takes for a formula; numbers and moments stay what they are."""
    if not isinstance(value, str):
        return value
    plain = ILLEGAL_CHARACTERS_RE.sub("", value)
    return f"'{plain}" if plain.startswith(_FORMULA) else plain


def workbook_bytes(title: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """Return a workbook of one sheet."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(title[:31])
    sheet.freeze_panes = "A2"
    for row in (header, *rows):
        sheet.append([safe_text(value) for value in row])
    written = BytesIO()
    book.save(written)
    return written.getvalue()


def as_download(content: bytes, file_name: str) -> Response:
    """Return a workbook as an answer. file_name: in ASCII."""
    answer = Response(content, mimetype=MEDIA_TYPE)
    answer.headers["Content-Disposition"] = f'attachment; filename="{file_name}"'
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


def rows_of_workbook(content: bytes) -> list[list[str]]:
    """Return the rows of the first sheet as texts; formulas are read as what they last gave.

    Raises InvalidInput (field `file`) for what is no workbook, too large, or unfolds beyond the limit.
    """
    if len(content) > BYTES_LIMIT:
        raise InvalidInput({"file": Text("文件超过 %(n)s MB", n=BYTES_LIMIT // 2**20)})
    try:
        with zipfile.ZipFile(BytesIO(content)) as packed:
            parts = {entry.filename: entry.file_size for entry in packed.infolist()}
    except Exception as exc:
        raise _not_a_workbook() from exc
    if not {"[Content_Types].xml", "xl/workbook.xml"} <= parts.keys():
        raise _not_a_workbook()
    if sum(parts.values()) > UNFOLDED_LIMIT:
        raise InvalidInput({"file": "文件解压后过大"})
    try:
        book = load_workbook(BytesIO(content), read_only=True, data_only=True, keep_links=False)
        found = [
            [_plain_text(value) for value in row]
            for row in book.worksheets[0].iter_rows(max_row=ROWS_LIMIT + 1, values_only=True)
        ]
    except Exception as exc:
        raise _not_a_workbook() from exc
    if len(found) > ROWS_LIMIT:
        raise InvalidInput({"file": Text("超过 %(n)s 行", n=ROWS_LIMIT)})
    return found


def _plain_text(value: object) -> str:
    """Return a cell as text, without the mark that safe_text() put before it."""
    text = "" if value is None else str(value).strip()
    return text[1:] if text.startswith("'") and text[1:].startswith(_FORMULA) else text


def _not_a_workbook() -> InvalidInput:
    return InvalidInput({"file": "不是 Excel 工作簿（.xlsx），或已损坏"})
