"""A sheet for each ranked unit: its figures, how its points were made, and the cases that cost it something."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final
from zoneinfo import ZoneInfo

from app.assessment.notice.cases import LATE, LISTS, RETURNED, REWORKED, UnitLists
from app.assessment.notice.cases_sheet import TIME_FORMAT
from app.assessment.notice.contents import add_way_back
from app.assessment.notice.drawn import HEADING, Drawn, add_text
from app.assessment.notice.formulas import link_formula
from app.assessment.notice.items import Item, Sort
from app.assessment.notice.words import local
from app.assessment.queries import CountedCase
from app.assessment.scored import ScoredUnit
from app.web.spreadsheets.writing import HEADER, Formula, Sheet, Spreadsheet, Style, Value
from sla.figures import Figure
from sla.scoring import Part

_COLUMNS: Final = (
    ("案卷号", 19),
    ("标题", 30),
    ("承办单位", 20),
    ("类别", 11),
    ("计入依据", 17),
    ("到期时间", 17),
    ("单位交回时间", 17),
    ("结案时间", 17),
    ("说明", 44),
)
_WIDTHS: Final = tuple(float(width) for _, width in _COLUMNS)
_CASE: Final = Style(boxed=True, formats=(None,) * 5 + (TIME_FORMAT,) * 3)
_SHOWN: Final = (Sort.COUNT, Sort.FIGURE, Sort.MARK, Sort.POINTS, Sort.TOTAL, Sort.RANK, Sort.MOVE)
_MINUTES_A_DAY: Final = 24 * 60


def unit_sheet(file: Spreadsheet, name: str) -> Sheet:
    """Add the sheet of a unit."""
    return file.sheet(name, _WIDTHS)


def write_unit(sheet: Sheet, row: ScoredUnit, lists: UnitLists | None, drawn: Drawn) -> None:
    """Write a unit's figures and its lists of cases."""
    columns = len(_WIDTHS)
    group = drawn.group_of(row)
    rank = "不排名" if row.rank is None else f"第 {row.rank} 名"
    add_text(sheet, f"{row.unit.name}　{group} {rank}", columns, HEADING)
    add_way_back(sheet)
    add_text(sheet, f"{drawn.title}　{drawn.edition}", columns)
    if row.total is None:
        add_text(sheet, row.scored.why_no_data("zh"), columns)
    _write_figures(sheet, row, drawn)
    for name in LISTS:
        cases = lists.lists[name] if lists is not None else []
        sheet.add([])
        sheet.add([f"{name}（{len(cases)} 件）"], Style(bold=True))
        if cases:
            sheet.add([title for title, _ in _COLUMNS], HEADER)
            for case in cases:
                sheet.add(_case(case, name, drawn), _CASE)


def _write_figures(sheet: Sheet, row: ScoredUnit, drawn: Drawn) -> None:
    sheet.add(["项目", None, "数值", "怎样得出"], HEADER)
    _merge(sheet, "A{0}:B{0}", "D{0}:I{0}")
    said = {part.line.code: part.text("zh") for part in _every(row.scored.parts)}
    for item in drawn.items:
        if item.sort in _SHOWN:
            value = Formula(
                drawn.calculation.cell_of(item, row), item.cell(drawn.items.value(item, row))
            )
            style = Style(
                boxed=True, wrapped=True, numbers_right=True, formats=(None, None, item.format)
            )
            told = [item.title, None, value, _how(item, said, drawn), *[None] * 5]
            sheet.add(told, style)
            _merge(sheet, "A{0}:B{0}", "D{0}:I{0}")


def _merge(sheet: Sheet, *areas: str) -> None:
    for area in areas:
        sheet.merge(area.format(sheet.rows))


def _how(item: Item, said: Mapping[str, str], drawn: Drawn) -> str | None:
    if item.sort is Sort.FIGURE:
        return drawn.items.indicator(Figure.of(item.key).indicator).formula("zh")
    if item.sort is Sort.POINTS:
        return said.get(item.key)
    if item.sort is Sort.TOTAL:
        return "各项得分之和，不低于 0 分"
    return None


def _every(parts: tuple[Part, ...]) -> Iterator[Part]:
    for part in parts:
        yield part
        yield from part.parts


def _case(case: CountedCase, name: str, drawn: Drawn) -> list[Value]:
    fact, zone = case.fact, drawn.zone
    number: Value = case.number
    if drawn.address:
        number = Formula(link_formula(drawn.case_address(case.number), case.number), case.number)
    return [
        number,
        case.title,
        case.unit_name,
        case.class_code,
        case.membership.reason.label("zh"),
        local(fact.due_at, zone),
        local(fact.stopped_at, zone),
        local(fact.closed_at, zone),
        why(case, name, zone),
    ]


def why(case: CountedCase, name: str, zone: ZoneInfo) -> str:
    """Say why a case stands in a list."""
    fact = case.fact
    if name == LATE:
        return _why_late(case, zone)
    if name == REWORKED:
        return f"返工 {fact.reworks} 次" + ("，已结案" if case.membership.closed else "，未结案")
    if name == RETURNED:
        return f"本期退单被裁定不成立 {fact.unfounded_returns} 次"
    media = f"，其中媒体督办 {fact.media_supervisions} 次" if fact.media_supervisions else ""
    return f"本期被督办 {fact.supervisions} 次{media}"


def _why_late(case: CountedCase, zone: ZoneInfo) -> str:
    fact = case.fact
    extended = f"（已延期 {fact.extensions} 次）" if fact.extensions else ""
    if case.membership.overdue_open:
        return f"到期未结{extended}"
    if fact.stopped_at is None or fact.due_at is None or fact.stopped_at <= fact.due_at:
        return f"超期结案{extended}"
    minutes = int((fact.stopped_at - fact.due_at).total_seconds() // 60)
    days, rest = divmod(minutes, _MINUTES_A_DAY)
    late = f"{days} 天 {rest // 60} 小时" if days else f"{rest // 60} 小时 {rest % 60} 分"
    return f"交回晚于到期时间 {late}{extended}"
