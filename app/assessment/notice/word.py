"""The month's notice as a Word document, its tables ready to be pasted into another."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Any, Final
from zipfile import ZIP_DEFLATED, ZipFile
from zoneinfo import ZoneInfo

from docx import Document
from docx.document import Document as WordDocument
from docx.enum.section import WD_ORIENT
from docx.enum.table import WD_CELL_VERTICAL_ALIGNMENT, WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor
from docx.table import Table, _Cell
from docx.text.paragraph import Paragraph

from app.assessment.notice.around import Around
from app.assessment.notice.group_sheets import widths_of
from app.assessment.notice.imprint import PREVIEW, Imprint
from app.assessment.notice.items import items_of
from app.assessment.notice.printed import Printed
from app.assessment.ranking import Month
from app.assessment.scored import ScoredGroup, ScoredRanking
from app.web.spreadsheets.writing import MADE_BY, untimed

_FONT: Final = "宋体"
_WIDTH_MM: Final = 273
_MOST_POINTS: Final = 9.0
# So many points of type for each millimetre of an average column; more columns want smaller type.
_POINTS_A_MM: Final = 0.52
# Of a cell to its left and right, in twentieths of a point: the usual eight points break a percentage.
_EDGE: Final = "30"
_CENTRE: Final = WD_ALIGN_PARAGRAPH.CENTER
_WARNING: Final = RGBColor(0xC0, 0x00, 0x00)


def notice_word(
    ranking: ScoredRanking,
    month: Month,
    zone: ZoneInfo,
    *,
    imprint: Imprint | None = None,
    earlier: Sequence[ScoredRanking] = (),
) -> bytes:
    """Return the printed tables of a month's notice. imprint, earlier: as for the workbook."""
    printed = Printed.of(items_of(ranking, tuple(earlier)))
    around = Around(printed, month, zone, imprint)
    document = Document()
    _prepare(document, around, ranking)
    _add(document, around.title, size=16, bold=True, align=_CENTRE)
    for line in around.above:
        if line.startswith(PREVIEW):
            _add(document, line, size=12, bold=True, align=_CENTRE, colour=_WARNING)
        else:
            _add(document, line)
    for group in ranking.groups:
        heading = _add(document, group.name("zh"), size=12, bold=True)
        heading.paragraph_format.keep_with_next = True
        heading.paragraph_format.space_before = Pt(8)
        _add_table(document, printed, group)
    for line in around.below:
        _add(document, line).paragraph_format.space_before = Pt(4)
    _add(document, around.signature, size=11, bold=True, align=WD_ALIGN_PARAGRAPH.RIGHT)
    return _packed(document)


def _prepare(document: WordDocument, around: Around, ranking: ScoredRanking) -> None:
    """Set the paper, the font and what the file says of itself; that it was made is as of its figures."""
    section = document.sections[0]
    section.orientation = WD_ORIENT.LANDSCAPE
    section.page_width, section.page_height = Mm(297), Mm(210)
    section.left_margin = section.right_margin = Mm(12)
    section.top_margin = section.bottom_margin = Mm(14)
    usual = document.styles["Normal"]
    usual.font.name, usual.font.size = _FONT, Pt(10)
    usual.element.rPr.rFonts.set(qn("w:eastAsia"), _FONT)
    usual.paragraph_format.space_after = Pt(3)
    said = document.core_properties
    said.title, said.author, said.last_modified_by, said.comments = around.title, MADE_BY, "", ""
    said.created = said.modified = ranking.counted.basis.as_of.replace(microsecond=0)
    footer = section.footer.paragraphs[0]
    footer.alignment = _CENTRE
    _add_field(footer, "PAGE")


def _add(
    document: WordDocument,
    text: str,
    *,
    size: float = 10,
    bold: bool = False,
    align: WD_ALIGN_PARAGRAPH | None = None,
    colour: RGBColor | None = None,
) -> Paragraph:
    paragraph = document.add_paragraph()
    if align is not None:
        paragraph.alignment = align
    run = paragraph.add_run(text)
    run.bold, run.font.size = bold, Pt(size)
    if colour is not None:
        run.font.color.rgb = colour
    return paragraph


def _add_field(paragraph: Paragraph, code: str) -> None:
    field: Any = OxmlElement("w:fldSimple")
    field.set(qn("w:instr"), code)
    paragraph._p.append(field)  # noqa: SLF001 because the library knows no fields


def _add_table(document: WordDocument, printed: Printed, group: ScoredGroup) -> None:
    columns, rows = printed.columns, list(printed.texts(group))
    table = document.add_table(len(rows) + 2, len(columns), "Table Grid")
    table.alignment = WD_TABLE_ALIGNMENT.CENTER
    table.autofit = False
    widths = widths_of(columns)
    share = _WIDTH_MM / sum(widths)
    _set_edges(table)
    for column, width in zip(table.columns, widths, strict=True):
        column.width = Mm(width * share)
    # Asked for row by row: a table looks for all its cells each time one is asked for.
    lines = [row.cells for row in table.rows]
    for cells in lines:
        for cell, width in zip(cells, widths, strict=True):
            cell.width = Mm(width * share)
    size = min(_MOST_POINTS, _WIDTH_MM / len(columns) * _POINTS_A_MM)
    _fill_header(lines, printed, size)
    for number, (cells, texts) in enumerate(zip(lines[2:], rows, strict=True), start=1):
        for cell, text in zip(cells, texts, strict=True):
            _write(cell, text, size, bold=number == len(rows))
    for row in table.rows[:2]:
        _repeat(row)


def _set_edges(table: Table) -> None:
    edges: Any = OxmlElement("w:tblCellMar")
    for side in ("left", "right"):
        edge: Any = OxmlElement(f"w:{side}")
        edge.set(qn("w:w"), _EDGE)
        edge.set(qn("w:type"), "dxa")
        edges.append(edge)
    # Word wants the properties in their order, and this one before the look.
    table._tbl.tblPr.insert_element_before(edges, "w:tblLook")  # noqa: SLF001 because the library knows no edges


def _fill_header(lines: list[tuple[_Cell, ...]], printed: Printed, size: float) -> None:
    """Write the two rows of headings; what has nothing over it stands in both."""
    first, second = lines[0], lines[1]
    for span in printed.spans:
        _write(first[span.first].merge(first[span.last]), span.title, size, bold=True)
    for place, column in enumerate(printed.columns):
        cell = second[place] if column.over else first[place].merge(second[place])
        _write(cell, column.title, size, bold=True)


def _write(cell: _Cell, text: str, size: float, *, bold: bool) -> None:
    cell.vertical_alignment = WD_CELL_VERTICAL_ALIGNMENT.CENTER
    paragraph = cell.paragraphs[0]
    paragraph.alignment = _CENTRE
    paragraph.paragraph_format.space_after = Pt(0)
    run = paragraph.add_run(text)
    run.bold, run.font.size = bold, Pt(size)


def _repeat(row: Any) -> None:
    """Let a row of headings stand on every page of its table."""
    row._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))  # noqa: SLF001 because the library has no word for it


def _packed(document: WordDocument) -> bytes:
    """Return the file without the time of its packing."""
    raw, fixed = BytesIO(), BytesIO()
    document.save(raw)
    with ZipFile(raw) as source, ZipFile(fixed, "w", ZIP_DEFLATED) as target:
        for name in source.namelist():
            target.writestr(untimed(name), source.read(name))
    return fixed.getvalue()
