"""Files that people load: a workbook or CSV, its rows by field, and what is wrong in which row."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import StringIO
from typing import Final
from zoneinfo import ZoneInfo

from app.errors import InvalidInput, Text
from app.web.spreadsheets.marks import unmarked
from app.web.spreadsheets.reading import BYTES_LIMIT, rows_of_workbook

ROWS_LIMIT: Final = 20_000
FAULTS_LIMIT: Final = 20
# What begins a workbook, which is a ZIP file.
_WORKBOOK: Final = b"PK\x03\x04"
_FORMATS: Final = (
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%dT%H:%M",
)


@dataclass(frozen=True)
class FileRow:
    """One row that holds something: its number in the file and its cells by field."""

    number: int
    cells: Mapping[str, str]


class Faults:
    """What is wrong in the rows of a file, the first of each row."""

    def __init__(self) -> None:
        self._found: dict[str, Text | str] = {}

    def add(self, row: int, fault: Text | str) -> None:
        """Keep what is wrong in a row."""
        if len(self._found) < FAULTS_LIMIT:
            known = fault if isinstance(fault, Text) else Text(fault)
            said = Text("第 %(row)s 行：%(fault)s", row=row, fault=known)
            self._found.setdefault(f"row-{row}", said)

    def refuse(self) -> None:
        """Raise InvalidInput naming the rows, if anything is wrong."""
        if self._found:
            raise InvalidInput(self._found)


def rows_of_file(content: bytes, columns: Mapping[str, str]) -> list[FileRow]:
    """Return the rows of a workbook's first sheet or of a CSV file.

    columns: field -> heading, in any order in the file. Raises InvalidInput (field `file`).
    """
    lines = _lines(content)
    heading = [cell.strip() for cell in lines[0]] if lines else []
    missing = tuple(title for title in columns.values() if title not in heading)
    if missing:
        raise InvalidInput({"file": Text("第一行缺少列：%(columns)s", columns=missing)})
    places = {field: heading.index(title) for field, title in columns.items()}
    rows = []
    for number, line in enumerate(lines[1:], start=2):
        cells = {
            field: line[place].strip() if place < len(line) else ""
            for field, place in places.items()
        }
        if any(cells.values()):
            rows.append(FileRow(number, cells))
    if not rows:
        raise InvalidInput({"file": "表格中没有内容"})
    return rows


def moment_in(text: str, zone: ZoneInfo) -> datetime:
    """Read a moment in the city's time. Raises InvalidInput; also for an hour that the zone has not or has twice."""
    for pattern in _FORMATS:
        try:
            local = datetime.strptime(text, pattern).replace(tzinfo=zone)
        except ValueError:
            continue
        other = local.replace(fold=1)
        if other.utcoffset() == local.utcoffset():
            return local
    raise InvalidInput({"at": Text("时间“%(text)s”应写成 2025-07-29 18:00", text=text[:40])})


def number_in(text: str, *, most: float) -> float:
    """Read a number from zero up. Raises InvalidInput."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    # Also false for what is no number at all.
    if not 0 <= value <= most:
        fault = Text("“%(text)s”应为 0 到 %(most)s 的数", text=text[:40], most=f"{most:g}")
        raise InvalidInput({"number": fault})
    return value


def whole_hours(length: timedelta) -> int | None:
    """Return how many hours a length is, None where it is not whole hours."""
    hours, rest = divmod(length, timedelta(hours=1))
    return None if rest or hours < 1 else hours


def _lines(content: bytes) -> list[list[str]]:
    if content.startswith(_WORKBOOK):
        return rows_of_workbook(content, rows_limit=ROWS_LIMIT)
    if len(content) > BYTES_LIMIT:
        raise InvalidInput({"file": Text("文件超过 %(n)s MB", n=BYTES_LIMIT // 2**20)})
    try:
        lines = list(csv.reader(StringIO(_decoded(content), newline="")))
    except csv.Error as exc:
        raise InvalidInput({"file": "文件无法读取：请用 UTF-8 编码的 CSV 或 Excel 工作簿"}) from exc
    if len(lines) > ROWS_LIMIT + 1:
        raise InvalidInput({"file": Text("一次最多 %(n)s 行，请分几次上传", n=ROWS_LIMIT)})
    return [_unmarked(line) for line in lines]


def _unmarked(line: Sequence[str]) -> list[str]:
    return [unmarked(cell) if cell.startswith("'") else cell for cell in line]


def _decoded(content: bytes) -> str:
    """Return the text of a CSV file: UTF-8, or what Excel writes in Chinese."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding).replace("\0", "")
        except UnicodeDecodeError:
            continue
    raise InvalidInput({"file": "文件无法读取：请用 UTF-8 编码的 CSV 或 Excel 工作簿"})
