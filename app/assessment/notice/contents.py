"""The sheet 目录: where everything stands, with links there and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.assessment.notice.drawn import (
    HEADLINE,
    LINE,
    LINE_HEIGHT,
    WARNING,
    Drawn,
    add_text,
    lines_of,
)
from app.assessment.notice.formulas import link_formula
from app.assessment.notice.imprint import PREVIEW, changes_of, is_preview, signature_line
from app.assessment.notice.words import period_line, ranked_by_line
from app.web.spreadsheets.writing import HEADER, Formula, Paper, Sheet, Spreadsheet, Style

TITLE: Final = "目录"
_WIDTHS: Final = (34.0, 66.0)
_ROW: Final = Style(boxed=True, wrapped=True)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the contents."""

    sheet: str
    said: str


def contents_sheet(file: Spreadsheet) -> Sheet:
    """Add the sheet."""
    return file.sheet(TITLE, _WIDTHS, paper=Paper(landscape=False, footer="第 &P 页，共 &N 页"))


def write_contents(sheet: Sheet, drawn: Drawn, sections: Sequence[tuple[str, list[Entry]]]) -> None:
    """Write what the notice is and every sheet by section."""
    columns = len(_WIDTHS)
    add_text(sheet, drawn.title, columns, HEADLINE)
    if is_preview(drawn.imprint):
        add_text(sheet, PREVIEW, columns, WARNING)
    else:
        add_text(sheet, drawn.edition, columns)
    add_text(sheet, period_line(drawn.ranking, drawn.zone), columns)
    add_text(sheet, ranked_by_line(drawn.items), columns)
    if drawn.imprint is not None and drawn.imprint.facts_hash:
        add_text(sheet, f"数据指纹：{drawn.imprint.facts_hash}", columns)
    for sentence in changes_of(drawn.imprint):
        add_text(sheet, f"更正：{sentence}", columns)
    add_text(sheet, signature_line(drawn.imprint, drawn.zone), columns, LINE)
    for name, entries in sections:
        if entries:
            sheet.add([])
            sheet.add([name, "内容"], HEADER)
            for entry in entries:
                height = lines_of(entry.sheet, _WIDTHS[0]) * LINE_HEIGHT
                sheet.add([_link_to(entry.sheet), entry.said], _ROW, height=height)


def add_way_back(sheet: Sheet) -> None:
    """Add a link to the contents."""
    sheet.add([Formula(link_formula(f"#'{TITLE}'!A1", f"返回{TITLE}"), f"返回{TITLE}")])


def _link_to(name: str) -> Formula:
    quoted = name.replace("'", "''")
    return Formula(link_formula(f"#'{quoted}'!A1", name), name)
