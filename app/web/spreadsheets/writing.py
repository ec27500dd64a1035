"""Spreadsheets that are the same byte for byte whenever they hold the same, with formulas that show their values at once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from io import BytesIO
from pathlib import Path
from shutil import copyfileobj
from typing import Any, Final
from unicodedata import east_asian_width
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from openpyxl import Workbook
from openpyxl.cell import Cell, WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.chart import Reference
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.page import PageMargins
from openpyxl.writer.excel import ExcelWriter

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
TITLE_LIMIT: Final = 31
TEXT_LIMIT: Final = 32_767
"""The most characters that a cell holds."""
_EARLIEST_ZIP: Final = (1980, 1, 1, 0, 0, 0)

_LINK: Final = "0563C1"
_LINE: Final = Side(style="thin", color="999999")
_BOX: Final = Border(left=_LINE, right=_LINE, top=_LINE, bottom=_LINE)
_SHADE: Final = PatternFill("solid", fgColor="EDF1F6")
_FORMULA_CELL: Final = re.compile(
    rb'<c r="([A-Z]+[0-9]+)"((?: s="[0-9]+")?)><f>(.*?)</f><v(?:/>|></v>)</c>'
)
_CHUNK: Final = 2**20


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula, and what it comes to: shown by whatever opens the file without calculating."""

    text: str
    value: int | float | str

    @property
    def is_link(self) -> bool:
        """Tell whether it leads somewhere."""
        return self.text.startswith("HYPERLINK(")


Value = str | int | float | datetime | Formula | None


@dataclass(frozen=True, slots=True)
class Style:
    """How a row's cells look. formats: number formats by position, where a cell has one.

    numbers_right: a text in such a cell stands where its number would.
    """

    bold: bool = False
    size: int = 11
    boxed: bool = False
    shaded: bool = False
    wrapped: bool = False
    centred: bool = False
    right: bool = False
    numbers_right: bool = False
    colour: str | None = None
    formats: tuple[str | None, ...] = ()

    @property
    def look(self) -> Style:
        """Return what is left of it without the formats."""
        return replace(self, formats=()) if self.formats else self

    def format_at(self, place: int) -> str | None:
        """Return the number format of a cell by its position."""
        return self.formats[place - 1] if place <= len(self.formats) else None


PLAIN: Final = Style()
HEADER: Final = Style(bold=True, boxed=True, shaded=True, wrapped=True, centred=True)


@dataclass(frozen=True, slots=True)
class Paper:
    """How a sheet prints on A4. footer: where &P is the page's number and &N that of the last one."""

    landscape: bool = True
    centred: bool = False
    footer: str = ""
    margins: tuple[float, float, float, float] | None = None
    """Left, right, top, bottom, in inches."""


@dataclass(slots=True)
class Sheet:
    """One sheet, written row by row; its widths and settings must be known before the first row."""

    book: Workbook
    title: str
    widths: Sequence[float]
    freeze: str | None = None
    repeat_rows: str | None = None
    paper: Paper = Paper()
    rows: int = 0
    shown: dict[str, int | float | str] = field(default_factory=dict)
    _sheet: Any = None
    _dressed: dict[tuple[Style, str | None, bool], Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        sheet = self._sheet = self.book.create_sheet(self.title)
        for number, width in enumerate(self.widths, start=1):
            sheet.column_dimensions[get_column_letter(number)].width = width
        sheet.freeze_panes = self.freeze
        sheet.print_title_rows = self.repeat_rows
        sheet.page_setup.orientation = "landscape" if self.paper.landscape else "portrait"
        sheet.page_setup.paperSize = _A4
        sheet.page_setup.fitToHeight = 0
        sheet.sheet_properties.pageSetUpPr.fitToPage = True
        sheet.print_options.horizontalCentered = self.paper.centred or None
        if self.paper.footer:
            sheet.oddFooter.center.text = self.paper.footer
        if self.paper.margins:
            left, right, top, bottom = self.paper.margins
            sheet.page_margins = PageMargins(left, right, top, bottom, 0.3, 0.3)

    @property
    def reference(self) -> str:
        """Return the sheet as formulas name it, with its exclamation mark."""
        quoted = self.title.replace("'", "''")
        return f"'{quoted}'!"

    def add(self, values: Iterable[Value], style: Style = PLAIN, *, height: float = 0) -> int:
        """Append a row and return its number. height: in points, else as tall as its text.

        Raises InvalidInput when the sheet is full.
        """
        if self.rows == MOST_ROWS:
            fault = Text(
                "工作表“%(title)s”超过 %(most)s 行，请缩短统计期", title=self.title, most=MOST_ROWS
            )
            raise InvalidInput({"": fault})
        self.rows += 1
        if height:
            self._sheet.row_dimensions[self.rows].height = height
        look = style.look
        cells = [
            self._cell(place, value, look, style.format_at(place))
            for place, value in enumerate(values, start=1)
        ]
        self._sheet.append(cells)
        return self.rows

    def merge(self, area: str) -> None:
        """Merge cells, such as A1:H1."""
        self._sheet.merged_cells.add(area)

    def filter(self, area: str) -> None:
        """Put the buttons of a filter on the first row of an area."""
        self._sheet.auto_filter.ref = area

    def print_only(self, area: str) -> None:
        """Print nothing but this area."""
        self._sheet.print_area = area

    def draw(self, chart: Any, at: str) -> None:
        """Put a chart of openpyxl's with its upper left corner on a cell."""
        self._sheet.add_chart(chart, at)

    def area(self, first: tuple[int, int], last: tuple[int, int]) -> Reference:
        """Return the cells from one (column, row) to another as a chart takes them."""
        return Reference(
            self._sheet, min_col=first[0], min_row=first[1], max_col=last[0], max_row=last[1]
        )

    def _cell(self, place: int, value: Value, look: Style, wanted: str | None) -> object:
        risky, bare = _is_risky(value), look == PLAIN
        if value is None and bare:
            return None
        if bare and wanted is None and not risky and not isinstance(value, Formula):
            return value
        cell: Any = WriteOnlyCell(self._sheet)
        if isinstance(value, Formula):
            cell.value = f"={value.text}"
            self.shown[f"{get_column_letter(place)}{self.rows}"] = value.value
            if value.is_link:
                look, bare = replace(look, colour=_LINK), False
        elif isinstance(value, str):
            cell.value = ILLEGAL_CHARACTERS_RE.sub("", value)[:TEXT_LIMIT]
            # Not what the text looks like: data from outside is never a formula.
            cell.data_type = "s"
        else:
            cell.value = value
        if risky or not bare or wanted is not None:
            cell._style = self._dress(look, wanted, risky=risky)  # noqa: SLF001 because the public way makes every style anew for every cell
        return cell

    def _dress(self, look: Style, wanted: str | None, *, risky: bool) -> Any:
        """Return the style of a cell as the file keeps it, made once."""
        key = (look, wanted, risky)
        if key not in self._dressed:
            sample: Any = WriteOnlyCell(self._sheet)
            if look != PLAIN:
                _dress(sample, look, right=look.numbers_right and wanted is not None)
            if wanted is not None:
                sample.number_format = wanted
            sample.quotePrefix = risky
            self._dressed[key] = sample._style  # noqa: SLF001 as above
        return self._dressed[key]


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
    sheet = book.sheet(title[:TITLE_LIMIT], widths, freeze="A2", repeat_rows="1:1")
    sheet.add([marked(heading) for heading in columns], HEADER)
    for row in told:
        sheet.add(row)
    if note is not None:
        sheet.add([note])
    return book.content()


def text_width(text: str) -> int:
    """Return how wide a text is, in digits."""
    return sum(2 if east_asian_width(letter) in "WFA" else 1 for letter in text)


def _width(values: Iterable[Value]) -> float:
    """Return how wide a column is, in digits: a Chinese character takes two of them."""
    longest = max(text_width(_shown(value)) for value in values)
    return min(max(longest + 2, _NARROWEST), _WIDEST)


def _shown(value: Value) -> str:
    return "" if value is None else str(value)


class Spreadsheet:
    """A workbook under construction."""

    def __init__(self, title: str, made_at: datetime) -> None:
        """made_at: what the file says of its making; the moment of its content, for two of the same to be equal."""
        self._book = Workbook(write_only=True)
        self._sheets: list[Sheet] = []
        properties = self._book.properties
        properties.title, properties.creator = title, MADE_BY
        properties.created = properties.modified = require_aware(made_at).replace(
            tzinfo=None, microsecond=0
        )

    def sheet(
        self,
        title: str,
        widths: Sequence[float],
        *,
        freeze: str | None = None,
        repeat_rows: str | None = None,
        paper: Paper = Paper(),
    ) -> Sheet:
        """Add a sheet; those added first stand first, whenever they are written."""
        added = Sheet(self._book, title, widths, freeze, repeat_rows, paper)
        self._sheets.append(added)
        return added

    def content(self) -> bytes:
        """Return the finished file."""
        made = BytesIO()
        shown = {
            f"xl/worksheets/sheet{number}.xml": sheet.shown
            for number, sheet in enumerate(self._sheets, start=1)
        }
        ExcelWriter(self._book, _Parts(made, shown)).save()
        return made.getvalue()


class _Parts(ZipFile):
    """The parts of a workbook as they are packed: without a time of their own, the values beside the formulas."""

    def __init__(self, file: BytesIO, shown: Mapping[str, dict[str, int | float | str]]) -> None:
        super().__init__(file, "w", ZIP_DEFLATED)
        self._shown = shown

    def writestr(self, zinfo_or_arcname: Any, data: Any, *_compression: Any) -> None:
        """Pack a part that is at hand."""
        super().writestr(untimed(zinfo_or_arcname), data)

    def write(self, filename: Any, arcname: Any = None, *_compression: Any) -> None:
        """Pack a sheet from where it was written: piece by piece where it has no formulas, it may be large."""
        with Path(filename).open("rb") as part:
            if self._shown.get(arcname):
                self.writestr(arcname, _with_values(part.read(), self._shown[arcname]))
                return
            with self.open(untimed(arcname), "w") as packed:
                copyfileobj(part, packed, _CHUNK)


def _is_risky(value: Value) -> bool:
    """Tell whether a text would be taken for something else, or cannot be written as it is."""
    return isinstance(value, str) and (
        value.startswith(_RISKY) or ILLEGAL_CHARACTERS_RE.search(value) is not None
    )


def _dress(cell: Cell, style: Style, *, right: bool) -> None:
    cell.font = Font(name="宋体", size=style.size, bold=style.bold, color=style.colour)
    if style.boxed:
        cell.border = _BOX
    if style.shaded:
        cell.fill = _SHADE
    across = "center" if style.centred else "right" if style.right or right else None
    cell.alignment = Alignment(horizontal=across, vertical="center", wrap_text=style.wrapped)


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


def untimed(name: str) -> ZipInfo:
    """Return the entry of a part in an archive that says nothing of when it was packed."""
    entry = ZipInfo(name, _EARLIEST_ZIP)
    entry.compress_type = ZIP_DEFLATED
    entry.create_system, entry.external_attr = 3, 0o644 << 16
    return entry
