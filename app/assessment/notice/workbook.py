"""The month's notice as a workbook: the printed tables, and formulas down to every case, for whoever checks them."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from app.assessment.notice.calculation import TITLE as CALCULATION
from app.assessment.notice.calculation import Calculation, calculation_sheet
from app.assessment.notice.cases import Ranked, cases_of, listed_counts, listed_populations
from app.assessment.notice.cases_sheet import TITLE as CASES
from app.assessment.notice.cases_sheet import cases_sheet
from app.assessment.notice.check_sheet import TITLE as CHECK
from app.assessment.notice.check_sheet import check_sheet, write_check
from app.assessment.notice.contents import TITLE as CONTENTS
from app.assessment.notice.contents import Entry, contents_sheet, write_contents
from app.assessment.notice.drawn import Drawn
from app.assessment.notice.group_sheets import group_sheet, write_group
from app.assessment.notice.imprint import Imprint
from app.assessment.notice.indicator_sheets import indicator_sheet, short_label, write_indicator
from app.assessment.notice.items import Items, items_of
from app.assessment.notice.names import SheetNames
from app.assessment.notice.notes_sheet import TITLE as NOTES
from app.assessment.notice.notes_sheet import notes_sheet, write_notes
from app.assessment.notice.printed import Printed
from app.assessment.notice.trend_sheet import TITLE as TREND
from app.assessment.notice.trend_sheet import trend_sheet, write_trend
from app.assessment.notice.unit_sheets import unit_sheet, write_unit
from app.assessment.notice.words import title_of
from app.assessment.ranking import Month
from app.assessment.scored import ScoredRanking
from app.web.spreadsheets.writing import Spreadsheet
from sla.figures import Figure

_SAID = {
    CALCULATION: "各单位的件数、比率、得分、总分、名次，都是公式",
    TREND: "逐月的得分、比率、名次和图",
    CHECK: "平台算出的每个数与公式数的差",
    CASES: "计入的每件案卷，一件一行",
    NOTES: "考核方案各项的计分办法、统计规则、计入依据",
}


def notice_workbook(
    session: Session,
    ranking: ScoredRanking,
    month: Month,
    zone: ZoneInfo,
    *,
    imprint: Imprint | None = None,
    earlier: Sequence[ScoredRanking] = (),
    address: str = "",
) -> bytes:
    """Return the workbook of a month's notice; the same ranking and imprint give the same bytes.

    imprint: None for a preview. earlier: the months before, oldest first, five at most. address: of the
    installation, such as "https://city.example", for links to the cases; "" for no links.
    """
    items = items_of(ranking, tuple(earlier))
    file = Spreadsheet(title_of(month), ranking.counted.basis.as_of)
    book = _Book(file, items)
    ranked = Ranked.of(session, ranking)
    # The cases first: how many rows there are stands in every formula.
    counts = book.cases.counts
    book.cases.write(cases_of(session, ranking, ranked, counts), ranked, zone)
    calculation = Calculation(items, book.calculation, book.cases.ranges, book.cases.units, ranked)
    book.write(Drawn(items, month, zone, imprint, address, tuple(earlier), calculation))
    return file.content()


class _Book:
    """The sheets in the order they stand in; a spreadsheet's sheets may be written in any."""

    def __init__(self, file: Spreadsheet, items: Items) -> None:
        names, ranking = SheetNames(), items.ranking
        # The names that formulas know are taken first.
        for name in (CONTENTS, CALCULATION, TREND, CHECK, CASES, NOTES):
            names.name(name)
        self.printed = Printed.of(items)
        self.contents = contents_sheet(file)
        self.groups = {
            group.code: group_sheet(file, names.name(group.name("zh")), self.printed)
            for group in ranking.groups
        }
        self.calculation = calculation_sheet(file, items)
        self.trend = trend_sheet(file)
        self.check = check_sheet(file)
        self.cases = cases_sheet(file, items, listed_counts(items), listed_populations(items))
        self.notes = notes_sheet(file)
        self.indicators = {
            key: indicator_sheet(file, names.name(short_label(key))) for key in items.figure_keys
        }
        self.units = {
            row.unit.id: unit_sheet(file, names.name(row.unit.name)) for row in ranking.rows
        }

    def write(self, drawn: Drawn) -> None:
        """Write every sheet but the list of cases."""
        ranking = drawn.ranking
        for group in ranking.groups:
            write_group(self.groups[group.code], group, self.printed, drawn)
        drawn.calculation.write()
        write_trend(self.trend, drawn)
        write_check(self.check, drawn.calculation)
        write_notes(self.notes, drawn)
        for key, sheet in self.indicators.items():
            write_indicator(sheet, key, drawn)
        for row in ranking.rows:
            write_unit(self.units[row.unit.id], row, self.cases.lists.get(row.unit.id), drawn)
        write_contents(self.contents, drawn, list(self._sections(drawn)))

    def _sections(self, drawn: Drawn) -> list[tuple[str, list[Entry]]]:
        groups = drawn.ranking.groups
        printed = [
            Entry(
                self.groups[group.code].title, f"{group.name('zh')}排名，{len(group.rows)} 个单位"
            )
            for group in groups
        ]
        figures = [
            Entry(sheet.title, Figure.of(key).label("en")) for key, sheet in self.indicators.items()
        ]
        units = [
            Entry(
                self.units[row.unit.id].title,
                f"{group.name('zh')}　" + ("不排名" if row.rank is None else f"第 {row.rank} 名"),
            )
            for group in groups
            for row in group.rows
        ]
        basis = [Entry(name, said) for name, said in _SAID.items()]
        return [("通报", printed), ("依据", basis), ("指标", figures), ("单位", units)]
