"""Spreadsheets that are the same byte for byte whenever they hold the same, with formulas that show their values at once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from io import BytesIO
from typing import Final
from unicodedata import east_asian_width
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from openpyxl import Workbook
from openpyxl.cell import Cell, WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter

from app.clock import require_aware
from app.errors import InvalidInput, Text
from app.web.spreadsheets.marks import marked

MOST_ROWS: Final = 1_048_576
MADE_BY: Final = "经纬"
# What a spreadsheet program takes for a formula when somebody edits the cell or saves the sheet as CSV.
# "#N/A" and its like would become errors.
_RISKY: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "#")
_A4: Final = 9
_NARROWEST: Final = 10
_WIDEST: Final = 48
_ROWS_MEASURED: Final = 500
_TITLE_LIMIT: Final = 31
_EARLIEST_ZIP: Final = (1980, 1, 1, 0, 0, 0)

_LINE: Final = Side(style="thin", color="999999")
_BOX: Final = Border(left=_LINE, right=_LINE, top=_LINE, bottom=_LINE)
_SHADE: Final = PatternFill("solid", fgColor="EDF1F6")
_FORMULA_CELL: Final = re.compile(
    rb'<c r="([A-Z]+[0-9]+)"((?: s="[0-9]+")?)><f>(.*?)</f><v(?:/>|></v>)</c>'
)
_MODIFIED: Final = re.compile(rb"(<dcterms:modified[^>]*>)[^<]*")


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula, and what it comes to: shown by whatever opens the file without calculating."""

    text: str
    value: int | float | str


Value = str | int | float | datetime | Formula | None


@dataclass(frozen=True, slots=True)
class Style:
    """How a row's cells look. formats: number formats by position, where a cell has one."""

    bold: bool = False
    size: int = 11
    boxed: bool = False
    shaded: bool = False
    wrapped: bool = False
    centred: bool = False
    formats: tuple[str | None, ...] = ()


PLAIN: Final = Style()
HEADER: Final = Style(bold=True, boxed=True, shaded=True, wrapped=True, centred=True)


@dataclass(slots=True)
class Sheet:
    """One sheet, written row by row; its widths and settings must be known before the first row."""

    book: Workbook
    title: str
    widths: Sequence[float]
    freeze: str | None = None
    repeat_rows: str | None = None
    rows: int = 0
    shown: dict[str, int | float | str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        sheet = self.book.create_sheet(self.title)
        for number, width in enumerate(self.widths, start=1):
            sheet.column_dimensions[get_column_letter(number)].width = width
        sheet.freeze_panes = self.freeze
        sheet.print_title_rows = self.repeat_rows
        sheet.page_setup.orientation = "landscape"
        sheet.page_setup.paperSize = _A4
        sheet.page_setup.fitToHeight = 0
        sheet.sheet_properties.pageSetUpPr.fitToPage = True

    def add(self, values: Iterable[Value], style: Style = PLAIN) -> int:
        """Append a row and return its number. Raises InvalidInput when the sheet is full."""
        if self.rows == MOST_ROWS:
            fault = Text(
                "工作表“%(title)s”超过 %(most)s 行，请缩短统计期", title=self.title, most=MOST_ROWS
            )
            raise InvalidInput({"": fault})
        self.rows += 1
        cells = [self._cell(place, value, style) for place, value in enumerate(values, start=1)]
        self.book[self.title].append(cells)
        return self.rows

    def _cell(self, place: int, value: Value, style: Style) -> object:
        if style is PLAIN and not isinstance(value, Formula) and not _is_risky(value):
            return value
        sheet = self.book[self.title]
        cell = WriteOnlyCell(sheet)
        if isinstance(value, Formula):
            cell.value = f"={value.text}"
            self.shown[f"{get_column_letter(place)}{self.rows}"] = value.value
        elif isinstance(value, str):
            cell.value = ILLEGAL_CHARACTERS_RE.sub("", value)
            # Not what the text looks like: data from outside is never a formula.
            cell.data_type = "s"
            cell.quotePrefix = _is_risky(value)
        else:
            cell.value = value
        if style is not PLAIN:
            _dress(cell, place, style)
        return cell


def table_of(
    title: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[Value]],
    made_at: datetime,
    *,
    note: str | None = None,
) -> bytes:
    """Return a workbook of one sheet: headings that stay in sight, and rows as wide as what they hold.

    Texts carry the mark of marked(): such a sheet is saved as CSV and opened again, where no style says
    that a cell is text. note: a last row about the table itself.
    """
    told = [[marked(value) if isinstance(value, str) else value for value in row] for row in rows]
    widths = [
        _width([heading, *(row[place] for row in told[:_ROWS_MEASURED])])
        for place, heading in enumerate(columns)
    ]
    book = Spreadsheet(title, made_at)
    sheet = book.sheet(title[:_TITLE_LIMIT], widths, freeze="A2", repeat_rows="1:1")
    sheet.add([marked(heading) for heading in columns], HEADER)
    for row in told:
        sheet.add(row)
    if note is not None:
        sheet.add([note])
    return book.content()


def _width(values: Iterable[Value]) -> float:
    """Return how wide a column is, in digits: a Chinese character takes two of them."""
    longest = max(
        sum(2 if east_asian_width(letter) in "WFA" else 1 for letter in _shown(value))
        for value in values
    )
    return min(max(longest + 2, _NARROWEST), _WIDEST)


def _shown(value: Value) -> str:
    return "" if value is None else str(value)


class Spreadsheet:
    """A workbook under construction."""

    def __init__(self, title: str, made_at: datetime) -> None:
        """made_at: what the file says of its making; the moment of its content, for two of the same to be equal."""
        self._book = Workbook(write_only=True)
        self._made_at = require_aware(made_at)
        self._sheets: list[Sheet] = []
        properties = self._book.properties
        properties.title, properties.creator = title, MADE_BY
        properties.created = self._made_at.replace(tzinfo=None, microsecond=0)

    def sheet(
        self,
        title: str,
        widths: Sequence[float],
        *,
        freeze: str | None = None,
        repeat_rows: str | None = None,
    ) -> Sheet:
        """Add a sheet."""
        added = Sheet(self._book, title, widths, freeze, repeat_rows)
        self._sheets.append(added)
        return added

    def content(self) -> bytes:
        """Return the finished file."""
        raw, fixed = BytesIO(), BytesIO()
        self._book.save(raw)
        shown = {
            f"xl/worksheets/sheet{number}.xml": sheet.shown
            for number, sheet in enumerate(self._sheets, start=1)
        }
        with ZipFile(raw) as source, ZipFile(fixed, "w", ZIP_DEFLATED) as target:
            for name in source.namelist():
                part = source.read(name)
                if name == "docProps/core.xml":
                    part = self._dated(part)
                if shown.get(name):
                    part = _with_values(part, shown[name])
                target.writestr(_entry(name), part)
        return fixed.getvalue()

    def _dated(self, part: bytes) -> bytes:
        moment = self._made_at.strftime("%Y-%m-%dT%H:%M:%SZ").encode()
        return _MODIFIED.sub(lambda match: match[1] + moment, part)


def _is_risky(value: Value) -> bool:
    """Tell whether a text would be taken for something else, or cannot be written as it is."""
    return isinstance(value, str) and (
        value.startswith(_RISKY) or ILLEGAL_CHARACTERS_RE.search(value) is not None
    )


def _dress(cell: Cell, place: int, style: Style) -> None:
    cell.font = Font(name="宋体", size=style.size, bold=style.bold)
    if style.boxed:
        cell.border = _BOX
    if style.shaded:
        cell.fill = _SHADE
    cell.alignment = Alignment(
        horizontal="center" if style.centred else None, vertical="center", wrap_text=style.wrapped
    )
    wanted = style.formats[place - 1] if place <= len(style.formats) else None
    if wanted is not None:
        cell.number_format = wanted


def _with_values(part: bytes, shown: dict[str, int | float | str]) -> bytes:
    """Put the value of each formula beside it: openpyxl writes only the formula."""

    def filled(match: re.Match[bytes]) -> bytes:
        value = shown[match[1].decode()]
        kind = b' t="str"' if isinstance(value, str) else b""
        content = escape(value) if isinstance(value, str) else repr(value)
        return b'<c r="%b"%b%b><f>%b</f><v>%b</v></c>' % (
            match[1], match[2], kind, match[3], content.encode(),
        )  # fmt: skip

    return _FORMULA_CELL.sub(filled, part)


def _entry(name: str) -> ZipInfo:
    entry = ZipInfo(name, _EARLIEST_ZIP)
    entry.compress_type = ZIP_DEFLATED
    entry.create_system, entry.external_attr = 3, 0o644 << 16
    return entry
