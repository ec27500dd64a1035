"""The month's workbook: a sheet for each group as cities print it, every counted case, and formulas that recompute both."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from openpyxl.utils import get_column_letter
from sqlalchemy.orm import Session

from app.accounts.tables import Unit
from app.assessment.queries import CountedCase, alike_facts, counted_cases, units_above
from app.assessment.ranking import Month, RankedGroup, Ranking, UnitRow
from app.assessment.wording import rule_sentences
from app.web.spreadsheets.writing import HEADER, Formula, Sheet, Spreadsheet, Style, Value
from sla.counting_rules import Count, NothingDue, Ratio
from sla.indicators import COUNT_NAMES, COUNTS, CountingRules, Indicator, Reason, Tally

CASES_SHEET: Final = "明细"
CHECK_SHEET: Final = "核对"
NOTES_SHEET: Final = "口径"
NO_DATA: Final = "无数据"
# Counts that are numbers to add rather than cases that are in or out.
_NUMBERS: Final = frozenset({"unfounded_returns", "media_supervisions", "self_handled"})
_FIRST_ROW: Final = 5  # of the units: title, period, an empty row and the header stand above
_TITLE: Final = Style(bold=True, size=16)
_BODY: Final = Style(boxed=True)
_NOTE: Final = Style(wrapped=True)
_CASE_COLUMNS: Final = (
    ("单位编号", 10),
    ("排名单位", 22),
    ("案卷号", 18),
    ("承办单位", 22),
    ("类别", 11),
    ("计入依据", 18),
    ("到期时间", 18),
    ("单位交回时间", 18),
    ("结案时间", 18),
)


@dataclass(frozen=True, slots=True)
class _Table:
    """The columns of a group's sheet, the same in every group: the unit, figures by code, the rank."""

    codes: tuple[str, ...]
    figures: dict[str, Indicator]
    ranked_by: str
    rules: CountingRules

    @classmethod
    def of(cls, ranking: Ranking) -> _Table:
        """Return the published figures in order; the counts that a rate is made of go before the rates."""
        figures = dict(ranking.figures)
        ratios = [figure.ratio for figure in figures.values() if figure.ratio is not None]
        parts = {name for ratio in ratios for name in (ratio.of, ratio.over)} - figures.keys()
        before = [name for name in COUNTS if name in parts]
        first_rate = next(code for code, figure in figures.items() if figure.ratio is not None)
        codes = list(figures)
        codes[codes.index(first_rate) : codes.index(first_rate)] = before
        return cls(tuple(codes), figures, ranking.ranked_by, ranking.basis.rules)

    @property
    def counts(self) -> tuple[str, ...]:
        """Return the columns that are counts."""
        return tuple(code for code in self.codes if self.ratio(code) is None)

    def ratio(self, code: str) -> Ratio | None:
        """Return what a column is made of; None for a count."""
        figure = self.figures.get(code)
        return None if figure is None else figure.ratio

    def letter(self, code: str) -> str:
        """Return the letter of a figure's column."""
        return get_column_letter(self.codes.index(code) + 2)

    def name(self, code: str) -> str:
        """Return what stands above a column."""
        return self.figures[code].name if code in self.figures else COUNT_NAMES[code][0]

    def value(self, code: str, tally: Tally) -> int | Decimal | None:
        """Return a figure of a tally."""
        return self.figures[code].value(tally) if code in self.figures else tally.count(code)


def workbook_of(session: Session, ranking: Ranking, month: Month, zone: ZoneInfo) -> bytes:
    """Return the workbook of a ranking; the same ranking gives the same bytes."""
    title = f"{month.year}年{month.month}月城市管理案件考核排名"
    file = Spreadsheet(title, ranking.basis.as_of)
    table = _Table.of(ranking)
    for group in ranking.groups:
        _group_sheet(file, ranking, group, table, title=title, zone=zone)
    last = _cases_sheet(file, session, ranking, zone)
    _check_sheet(file, ranking, table, last)
    _notes_sheet(file, ranking, table, zone)
    return file.content()


def _group_sheet(
    file: Spreadsheet,
    ranking: Ranking,
    group: RankedGroup,
    table: _Table,
    *,
    title: str,
    zone: ZoneInfo,
) -> None:
    sheet = file.sheet(
        group.name("zh"),
        [26, *[11] * len(table.codes), 8],
        freeze=f"B{_FIRST_ROW}",
        repeat_rows=f"{_FIRST_ROW - 1}:{_FIRST_ROW - 1}",
    )
    sheet.add([f"{title}（{group.name('zh')}）"], _TITLE)
    sheet.add([_period_line(ranking, table, zone)])
    sheet.add([])
    sheet.add(["单位", *[table.name(code) for code in table.codes], "名次"], HEADER)
    places = table.rules.decimals
    percent = f"0.{'0' * places}%" if places else "0%"
    formats = (None, *[percent if table.ratio(code) else "0" for code in table.codes], "0")
    body, foot = Style(boxed=True, formats=formats), Style(bold=True, boxed=True, formats=formats)
    last = _FIRST_ROW + len(group.rows) - 1
    for row in group.rows:
        figures = _figures(table, row.tally, sheet.rows + 1)
        sheet.add([row.unit.name, *figures, _rank(row, table, sheet.rows + 1, last)], body)
    sheet.add(["合计", *_totals(table, group, last)], foot)


def _figures(table: _Table, tally: Tally, row: int) -> list[Value]:
    return [
        tally.count(code) if table.ratio(code) is None else _rate(table, code, tally, row)
        for code in table.codes
    ]


def _rate(table: _Table, code: str, tally: Tally, row: int) -> Formula:
    """Return a rate as a formula over the counts beside it, rounded as the published one."""
    ratio, places = table.ratio(code), table.rules.decimals
    assert ratio is not None, "only rates come here"
    of, over = f"{table.letter(ratio.of)}{row}", f"{table.letter(ratio.over)}{row}"
    otherwise = "1" if table.rules.nothing_due is NothingDue.FULL else f'"{NO_DATA}"'
    value = table.value(code, tally)
    return Formula(
        f"IF({over}=0,{otherwise},ROUND({of}/{over},{places + 2}))",
        NO_DATA if value is None else float(Decimal(value).scaleb(-2)),
    )


def _rank(row: UnitRow, table: _Table, at: int, last: int) -> Formula:
    letter = table.letter(table.ranked_by)
    return Formula(
        f'IF(ISNUMBER({letter}{at}),RANK({letter}{at},{letter}${_FIRST_ROW}:{letter}${last}),"")',
        "" if row.rank is None else row.rank,
    )


def _totals(table: _Table, group: RankedGroup, last: int) -> list[Value]:
    total = group.total
    return [
        Formula(
            f"SUM({table.letter(code)}{_FIRST_ROW}:{table.letter(code)}{last})", total.count(code)
        )
        if table.ratio(code) is None
        else _rate(table, code, total, last + 1)
        for code in table.codes
    ] + [None]


def _cases_sheet(file: Spreadsheet, session: Session, ranking: Ranking, zone: ZoneInfo) -> int:
    """List every case that enters a count, once for each ranked unit it counts for; return the last row."""
    widths = [width for _, width in _CASE_COLUMNS] + [11] * len(COUNTS)
    sheet = file.sheet(CASES_SHEET, widths, freeze="D2", repeat_rows="1:1")
    names = [name for name, _ in _CASE_COLUMNS] + [COUNT_NAMES[code][0] for code in COUNTS]
    sheet.add(names, HEADER)
    for unit, case in _cases_by_ranked_unit(session, ranking):
        fact, membership = case.fact, case.membership
        sheet.add(
            [
                unit.id,
                unit.name,
                case.number,
                case.unit_name,
                case.class_code,
                membership.reason.label("zh"),
                _local(fact.due_at, zone),
                _local(fact.stopped_at, zone),
                _local(fact.closed_at, zone),
                # An empty cell is a nought, and a third of the file.
                *[int(getattr(membership, code)) or None for code in COUNTS],
            ]
        )
    return sheet.rows


def _cases_by_ranked_unit(session: Session, ranking: Ranking) -> Iterator[tuple[Unit, CountedCase]]:
    basis = ranking.basis
    ranked = {row.unit.id: row.unit for row in ranking.rows}
    above = units_above(session)
    if basis.rules.descendants is Count.LEAVE_OUT:
        above = {unit_id: (unit_id,) for unit_id in above}
    counted_for = {
        unit_id: [ranked[one] for one in path if one in ranked] for unit_id, path in above.items()
    }
    concerned = [unit_id for unit_id, units in counted_for.items() if units]
    alike = [
        one for one in alike_facts(session, basis, concerned) if _is_counted(one.membership(basis))
    ]
    for case in counted_cases(session, basis, concerned, alike):
        assert case.fact.unit_id is not None, "only cases of these units were asked for"
        for unit in counted_for[case.fact.unit_id]:
            yield unit, case


def _is_counted(membership: object) -> bool:
    return any(getattr(membership, code) for code in COUNTS)


def _check_sheet(file: Spreadsheet, ranking: Ranking, table: _Table, last: int) -> None:
    """Count every figure once more from the listed cases, by formula."""
    sheet = file.sheet(CHECK_SHEET, [10, 26, 16, 12, 12, 10], freeze="A4", repeat_rows="3:3")
    lines = sum(len(group.rows) for group in ranking.groups) * len(table.counts)
    sheet.add(["各数按“明细”重算；“差”都为 0，表内数字即与案卷一致。"])
    sheet.add(["不一致项数", Formula(f'COUNTIFS(F4:F{lines + 3},"<>0")', 0)], Style(bold=True))
    sheet.add(["单位编号", "单位", "项目", "表内数", "明细重算", "差"], HEADER)
    for group in ranking.groups:
        for place, row in enumerate(group.rows):
            for code in table.counts:
                of_group = f"'{group.name('zh')}'!"
                _check_line(sheet, table, code, row, of_group=of_group, place=place, last=last)


def _check_line(
    sheet: Sheet, table: _Table, code: str, row: UnitRow, *, of_group: str, place: int, last: int
) -> None:
    at, count = sheet.rows + 1, row.tally.count(code)
    units = f"{CASES_SHEET}!$A$2:$A${max(last, 2)}"
    letter = get_column_letter(len(_CASE_COLUMNS) + COUNTS.index(code) + 1)
    flags = f"{CASES_SHEET}!${letter}$2:${letter}${max(last, 2)}"
    again = (
        f"SUMIFS({flags},{units},A{at})"
        if code in _NUMBERS
        else f"COUNTIFS({units},A{at},{flags},1)"
    )
    sheet.add(
        [
            row.unit.id,
            row.unit.name,
            table.name(code),
            Formula(f"{of_group}{table.letter(code)}{_FIRST_ROW + place}", count),
            Formula(again, count),
            Formula(f"E{at}-D{at}", 0),
        ]
    )


def _notes_sheet(file: Spreadsheet, ranking: Ranking, table: _Table, zone: ZoneInfo) -> None:
    sheet = file.sheet(NOTES_SHEET, [18, 30, 46, 52])
    sheet.add(["统计口径"], _TITLE)
    sheet.add([_period_line(ranking, table, zone)])
    sheet.add([])
    sheet.add(["指标", "英文名", "算法", "依据"], HEADER)
    for figure in table.figures.values():
        formula = figure.formula("zh") if figure.ratio is not None else "见下列规则"
        sheet.add([figure.name, figure.name_en, formula, figure.source], _BODY)
    sheet.add([])
    sheet.add(["规则"], Style(bold=True))
    for sentence in rule_sentences(ranking.basis.rules, "zh"):
        sheet.add([sentence])
    places = table.rules.decimals
    sheet.add(
        [
            f"百分数保留 {places} 位小数，四舍五入；“{table.figures[table.ranked_by].name}”相同的单位名次并列"
        ]
    )
    sheet.add([])
    sheet.add(["计入依据", "英文"], HEADER)
    for reason in Reason:
        sheet.add([reason.label("zh"), reason.label("en")], _BODY)


def _period_line(ranking: Ranking, table: _Table, zone: ZoneInfo) -> str:
    start, end = (
        moment.astimezone(zone) for moment in (ranking.period.start, ranking.basis.period.end)
    )
    seen = "" if ranking.is_final else "（统计期未完）"
    return (
        f"统计期：{start:%Y-%m-%d %H:%M} 至 {end:%Y-%m-%d %H:%M}{seen}　"
        f"数据截至：{_known_at(ranking, zone)}　"
        f"排名依据：{table.figures[table.ranked_by].name}"
    )


def _known_at(ranking: Ranking, zone: ZoneInfo) -> str:
    """Return the moment as of which the figures are: the period's end rather than the tick before it."""
    as_of = (
        max(ranking.basis.as_of, ranking.basis.period.end)
        if ranking.is_final
        else ranking.basis.as_of
    )
    return f"{as_of.astimezone(zone):%Y-%m-%d %H:%M}"


def _local(moment: datetime | None, zone: ZoneInfo) -> datetime | None:
    """Return a moment as the city's clock showed it: a spreadsheet knows no time zones."""
    return None if moment is None else moment.astimezone(zone).replace(tzinfo=None, microsecond=0)
