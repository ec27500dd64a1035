"""A report as PDF: A4, the Chinese font embedded, the same bytes for the same report."""

from __future__ import annotations

from io import BytesIO
from typing import Any, Final
from xml.sax.saxutils import escape

from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_CENTER
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import CondPageBreak, Flowable, Paragraph, SimpleDocTemplate, Table

from app.assessment.notice.fonts import BOLD, REGULAR, register_fonts
from app.flood.documents.contents import Contents, Part
from app.web.spreadsheets.writing import MADE_BY

_PAGE: Final = landscape(A4)
_MARGIN: Final = 13 * mm
# Room for a heading and a few rows; with less a part begins on the next page.
_PART_BEGINS: Final = 35 * mm
_GREY: Final = HexColor("#999999")
_SHADE: Final = HexColor("#EDF1F6")


def report_pdf(contents: Contents) -> bytes:
    """Return the document. Raises AssetsMissing where the pages' files were not built."""
    register_fonts()
    made = BytesIO()
    document = SimpleDocTemplate(
        made,
        pagesize=_PAGE,
        leftMargin=_MARGIN,
        rightMargin=_MARGIN,
        topMargin=_MARGIN,
        bottomMargin=_MARGIN + 4 * mm,
        title=contents.title,
        author=MADE_BY,
        invariant=1,
    )
    title = _style(18, bold=True, alignment=TA_CENTER, spaceAfter=6)
    story: list[Flowable] = [_text(contents.title, title)]
    story += [_text(line, _style(10)) for line in contents.above]
    for part in contents.parts:
        story += _part(part)
    document.build(story, onFirstPage=_number, onLaterPages=_number)
    return made.getvalue()


def _part(part: Part) -> list[Flowable]:
    heading = _style(12, bold=True, spaceBefore=8, spaceAfter=3)
    story: list[Flowable] = [CondPageBreak(_PART_BEGINS), _text(part.heading, heading)]
    story += [_text(line, _style(10, spaceAfter=3)) for line in part.sentence.split("\n")]
    if part.rows:
        story.append(_table(part))
    if part.left_out:
        story.append(_text(f"另有 {part.left_out} 行，见平台页面。", _style(9)))
    return story


def _table(part: Part) -> Table:
    plain, bold = _style(8.5), _style(8.5, bold=True)
    rows = [[_text(cell, bold) for cell in part.columns]]
    rows += [[_text(cell, plain) for cell in row] for row in part.rows]
    width = (_PAGE[0] - 2 * _MARGIN) / len(part.columns)
    table = Table(rows, colWidths=[width] * len(part.columns), repeatRows=1)
    table.setStyle(
        [
            ("GRID", (0, 0), (-1, -1), 0.5, _GREY),
            ("BACKGROUND", (0, 0), (-1, 0), _SHADE),
            ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
            ("TOPPADDING", (0, 0), (-1, -1), 2),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
        ]
    )
    return table


def _style(size: float, **more: Any) -> ParagraphStyle:
    font = BOLD if more.pop("bold", False) else REGULAR
    return ParagraphStyle(
        font, fontName=font, fontSize=size, leading=size * 1.4, wordWrap="CJK", **more
    )


def _text(text: str, style: ParagraphStyle) -> Paragraph:
    return Paragraph(escape(text), style)


def _number(canvas: Canvas, document: SimpleDocTemplate) -> None:
    """Write the page's number under it."""
    canvas.saveState()
    canvas.setFont(REGULAR, 9)
    canvas.drawCentredString(_PAGE[0] / 2, 8 * mm, f"第 {canvas.getPageNumber()} 页")
    canvas.restoreState()
