"""The month's notice as PDF: A4, the Chinese font embedded, the same bytes for the same notice."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Any, Final
from xml.sax.saxutils import escape
from zoneinfo import ZoneInfo

from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_CENTER, TA_RIGHT
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import CondPageBreak, Flowable, Paragraph, SimpleDocTemplate, Spacer, Table

from app.assessment.notice.around import Around
from app.assessment.notice.fonts import BOLD, REGULAR, register_fonts
from app.assessment.notice.group_sheets import widths_of
from app.assessment.notice.imprint import PREVIEW, Imprint, is_preview
from app.assessment.notice.items import items_of
from app.assessment.notice.printed import Printed
from app.assessment.ranking import Month
from app.assessment.scored import ScoredGroup, ScoredRanking
from app.web.spreadsheets.writing import MADE_BY

_PAGE: Final = landscape(A4)
_MARGIN: Final = 12 * mm
# Room for a heading, both rows of headings and a few units; with less a group begins on the next page.
_TABLE_BEGINS: Final = 50 * mm
_GREY: Final = HexColor("#999999")
_SHADE: Final = HexColor("#EDF1F6")
_RED: Final = HexColor("#C00000")
_FAINT: Final = HexColor("#F3D9D9")
_MOST_POINTS: Final = 9.0
# So many points of type for each millimetre of an average column; more columns want smaller type.
_POINTS_A_MM: Final = 0.5


def notice_pdf(
    ranking: ScoredRanking,
    month: Month,
    zone: ZoneInfo,
    *,
    imprint: Imprint | None = None,
    earlier: Sequence[ScoredRanking] = (),
) -> bytes:
    """Return the printed tables of a month's notice. imprint, earlier: as for the workbook.

    Raises AssetsMissing where the pages' files were not built.
    """
    register_fonts()
    printed = Printed.of(items_of(ranking, tuple(earlier)))
    around = Around(printed, month, zone, imprint)
    made = BytesIO()
    document = SimpleDocTemplate(
        made,
        pagesize=_PAGE,
        leftMargin=_MARGIN,
        rightMargin=_MARGIN,
        topMargin=_MARGIN,
        bottomMargin=_MARGIN + 4 * mm,
        title=around.title,
        author=MADE_BY,
        invariant=1,
    )
    begin = _write_preview if is_preview(imprint) else _leave_bare
    document.build(
        _story(printed, around),
        onFirstPage=begin,
        onLaterPages=begin,
        canvasmaker=_NumberedCanvas,
    )
    return made.getvalue()


def _style(size: float, **more: Any) -> ParagraphStyle:
    font = BOLD if more.pop("bold", False) else REGULAR
    return ParagraphStyle(
        font, fontName=font, fontSize=size, leading=size * 1.4, wordWrap="CJK", **more
    )


def _text(text: str, style: ParagraphStyle) -> Paragraph:
    # A paragraph makes one space of several, but not of those that hold words together.
    return Paragraph(escape(text).replace("\u3000", "\u00a0\u00a0"), style)


def _story(printed: Printed, around: Around) -> list[Flowable]:
    """Return what the pages hold, in order."""
    title = _style(16, bold=True, alignment=TA_CENTER, spaceAfter=4)
    warning = _style(12, bold=True, alignment=TA_CENTER, textColor=_RED)
    heading = _style(12, bold=True, spaceBefore=8, spaceAfter=3)
    line, signed = _style(9), _style(10, bold=True, alignment=TA_RIGHT, spaceBefore=6)
    story: list[Flowable] = [_text(around.title, title)]
    story += [_text(one, warning if one.startswith(PREVIEW) else line) for one in around.above]
    for group in printed.items.ranking.groups:
        # Not "kept with the next": a table is as long as its group, and would begin a page of its own.
        story += [CondPageBreak(_TABLE_BEGINS)]
        story += [_text(group.name("zh"), heading), _table(printed, group)]
    story.append(Spacer(1, 4))
    story += [_text(one, line) for one in around.below]
    story.append(_text(around.signature, signed))
    return story


def _table(printed: Printed, group: ScoredGroup) -> Table:
    columns = printed.columns
    widths = widths_of(columns)
    room = _PAGE[0] - 2 * _MARGIN
    share = room / sum(widths)
    size = min(_MOST_POINTS, room / len(columns) / mm * _POINTS_A_MM)
    centred, head = (
        _style(size, alignment=TA_CENTER),
        _style(size, bold=True, alignment=TA_CENTER),
    )
    header = [
        [_text(column.over or column.title, head) for column in columns],
        [_text(column.title if column.over else "", head) for column in columns],
    ]
    rows = list(printed.texts(group))
    body = [[_text(cell, centred) for cell in row] for row in rows[:-1]]
    body.append([_text(cell, head) for cell in rows[-1]])
    table = Table(
        [*header, *body], colWidths=[width * share for width in widths], repeatRows=len(header)
    )
    table.setStyle(_table_style(printed))
    return table


def _table_style(printed: Printed) -> list[tuple[Any, ...]]:
    """Return the lines and shades; what has nothing over it stands in both rows of headings."""
    commands: list[tuple[Any, ...]] = [
        ("GRID", (0, 0), (-1, -1), 0.5, _GREY),
        ("BACKGROUND", (0, 0), (-1, 1), _SHADE),
        ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
        ("LEFTPADDING", (0, 0), (-1, -1), 2),
        ("RIGHTPADDING", (0, 0), (-1, -1), 2),
        ("TOPPADDING", (0, 0), (-1, -1), 2),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
    ]
    commands += [("SPAN", (span.first, 0), (span.last, 0)) for span in printed.spans]
    commands += [
        ("SPAN", (place, 0), (place, 1))
        for place, column in enumerate(printed.columns)
        if not column.over
    ]
    return commands


class _NumberedCanvas(Canvas):
    """Pages that know how many there are: they are kept until the last is drawn."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._kept: list[dict[str, Any]] = []

    def showPage(self) -> None:  # noqa: N802 because the library calls it so
        """Keep a page instead of writing it."""
        self._kept.append(dict(self.__dict__))
        self._startPage()  # type: ignore[attr-defined] # the library's types leave it out

    def save(self) -> None:
        """Write the pages with their numbers."""
        for page in self._kept:
            self.__dict__.update(page)
            self._number(len(self._kept))
            super().showPage()
        super().save()

    def _number(self, pages: int) -> None:
        self.setFont(REGULAR, 9)
        said = f"第 {self.getPageNumber()} 页，共 {pages} 页"
        self.drawCentredString(_PAGE[0] / 2, 8 * mm, said)


def _write_preview(canvas: Canvas, _document: SimpleDocTemplate) -> None:
    """Write under the page that it is a preview."""
    canvas.saveState()
    canvas.setFont(BOLD, 60)
    canvas.setFillColor(_FAINT)
    canvas.translate(_PAGE[0] / 2, _PAGE[1] / 2)
    canvas.rotate(30)
    canvas.drawCentredString(0, 0, PREVIEW)
    canvas.restoreState()


def _leave_bare(_canvas: Canvas, _document: SimpleDocTemplate) -> None:
    """Write nothing under the page."""
