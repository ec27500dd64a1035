"""A report as a Word document."""

from __future__ import annotations

from io import BytesIO
from typing import Any, Final
from zipfile import ZIP_DEFLATED, ZipFile

from docx import Document
from docx.document import Document as WordDocument
from docx.enum.section import WD_ORIENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

from app.flood.documents.contents import Contents, Part
from app.web.spreadsheets.writing import MADE_BY, untimed

_FONT: Final = "宋体"
_WIDTH_MM: Final = 270


def report_word(contents: Contents) -> bytes:
    """Return the document; the same contents give the same bytes."""
    document = Document()
    _prepare(document, contents)
    _add(document, contents.title, size=18, bold=True, align=WD_ALIGN_PARAGRAPH.CENTER)
    for line in contents.above:
        _add(document, line)
    for part in contents.parts:
        _add_part(document, part)
    return _packed(document)


def _prepare(document: WordDocument, contents: Contents) -> None:
    section = document.sections[0]
    section.orientation = WD_ORIENT.LANDSCAPE
    section.page_width, section.page_height = Mm(297), Mm(210)
    section.left_margin = section.right_margin = Mm(13)
    section.top_margin = section.bottom_margin = Mm(14)
    usual = document.styles["Normal"]
    usual.font.name, usual.font.size = _FONT, Pt(10.5)
    usual.element.rPr.rFonts.set(qn("w:eastAsia"), _FONT)
    usual.paragraph_format.space_after = Pt(3)
    said = document.core_properties
    said.title, said.author, said.last_modified_by, said.comments = contents.title, MADE_BY, "", ""
    said.created = said.modified = contents.made_at.replace(microsecond=0)
    footer = section.footer.paragraphs[0]
    footer.alignment = WD_ALIGN_PARAGRAPH.CENTER
    field: Any = OxmlElement("w:fldSimple")
    field.set(qn("w:instr"), "PAGE")
    footer._p.append(field)  # noqa: SLF001 because the library knows no fields


def _add(
    document: WordDocument,
    text: str,
    *,
    size: float = 10.5,
    bold: bool = False,
    align: WD_ALIGN_PARAGRAPH | None = None,
) -> Any:
    paragraph = document.add_paragraph()
    if align is not None:
        paragraph.alignment = align
    run = paragraph.add_run(_storable(text))
    run.bold, run.font.size = bold, Pt(size)
    return paragraph


def _add_part(document: WordDocument, part: Part) -> None:
    heading = _add(document, part.heading, size=12, bold=True)
    heading.paragraph_format.keep_with_next = True
    heading.paragraph_format.space_before = Pt(8)
    for line in part.sentence.split("\n"):
        _add(document, line)
    if part.rows:
        _add_table(document, part)
    if part.left_out:
        _add(document, f"另有 {part.left_out} 行，见平台页面。", size=9)


def _add_table(document: WordDocument, part: Part) -> None:
    table = document.add_table(len(part.rows) + 1, len(part.columns), "Table Grid")
    table.autofit = False
    width = Mm(_WIDTH_MM / len(part.columns))
    for row, texts in zip(table.rows, (part.columns, *part.rows), strict=True):
        for cell, text in zip(row.cells, texts, strict=True):
            cell.width = width
            run = cell.paragraphs[0].add_run(_storable(text))
            run.font.size, run.bold = Pt(9), texts is part.columns
            cell.paragraphs[0].paragraph_format.space_after = Pt(0)
    header = table.rows[0]._tr.get_or_add_trPr()  # noqa: SLF001 because the library has no word for it
    header.append(OxmlElement("w:tblHeader"))


def _storable(text: str) -> str:
    """Return a text without the characters that XML cannot hold."""
    return ILLEGAL_CHARACTERS_RE.sub("", text)


def _packed(document: WordDocument) -> bytes:
    """Return the file without the time of its packing."""
    raw, fixed = BytesIO(), BytesIO()
    document.save(raw)
    with ZipFile(raw) as source, ZipFile(fixed, "w", ZIP_DEFLATED) as target:
        for name in source.namelist():
            target.writestr(untimed(name), source.read(name))
    return fixed.getvalue()
