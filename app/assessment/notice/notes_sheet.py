"""The sheet 口径: the scheme's lines, the rules of counting, and the reasons why a case counts."""

from __future__ import annotations

from typing import Final

from app.assessment.notice.contents import add_way_back
from app.assessment.notice.drawn import HEADING, Drawn, add_text
from app.assessment.notice.words import decimals_line, ranked_by_line, terms_of
from app.assessment.wording import rule_sentences
from app.web.spreadsheets.writing import HEADER, Sheet, Spreadsheet, Style
from sla.indicators import Reason

TITLE: Final = "口径"
_WIDTHS: Final = (26.0, 34.0, 70.0)
_ROW: Final = Style(boxed=True, wrapped=True)


def notes_sheet(file: Spreadsheet) -> Sheet:
    """Add the sheet."""
    return file.sheet(TITLE, _WIDTHS)


def write_notes(sheet: Sheet, drawn: Drawn) -> None:
    """Write how points and counts are made."""
    scheme, columns = drawn.items.scheme, len(_WIDTHS)
    add_text(sheet, "考核方案与统计口径", columns, HEADING)
    add_way_back(sheet)
    add_text(sheet, ranked_by_line(drawn.items), columns)
    add_text(sheet, f"{decimals_line(drawn.items)}。{scheme.note}", columns)
    sheet.add([])
    sheet.add(["项目", "英文名", "计分办法"], HEADER)
    for line in scheme.lines:
        sheet.add([line.name, line.name_en, terms_of(line)], _ROW)
        for one in line.lines:
            sheet.add([f"　{one.name}", one.name_en, terms_of(one)], _ROW)
    sheet.add([])
    sheet.add(["统计规则"], Style(bold=True))
    for sentence in rule_sentences(drawn.ranking.counted.basis.rules, "zh"):
        add_text(sheet, sentence, columns)
    sheet.add([])
    sheet.add(["计入依据", "英文"], HEADER)
    for reason in Reason:
        sheet.add([reason.label("zh"), reason.label("en")], _ROW)
