"""A sheet for each figure that a notice looks at: what it means, where it comes from, its value of each unit."""

from __future__ import annotations

from app.assessment.notice.calculation import Calculation
from app.assessment.notice.contents import add_way_back
from app.assessment.notice.drawn import HEADING, Drawn, add_text
from app.assessment.notice.items import Item
from app.assessment.notice.words import definition_of
from app.assessment.scored import ScoredGroup, ScoredUnit
from app.assessment.wording import rule_sentences
from app.web.spreadsheets.writing import HEADER, Formula, Paper, Sheet, Spreadsheet, Style, Value
from sla.figures import ALL, POPULATIONS, Figure, figure_key
from sla.indicators import COUNT_NAMES

_WIDTHS = (26.0, 14.0, 16.0, 16.0, 16.0)
_TERM = Style(bold=True)


def indicator_sheet(file: Spreadsheet, name: str) -> Sheet:
    """Add the sheet of a figure."""
    return file.sheet(name, _WIDTHS, paper=Paper(landscape=False, footer="第 &P 页，共 &N 页"))


def write_indicator(sheet: Sheet, key: str, drawn: Drawn) -> None:
    """Write what a figure is and what it comes to."""
    items, figure = drawn.items, Figure.of(key)
    indicator = items.indicator(key)
    add_text(sheet, figure.label("zh"), len(_WIDTHS), HEADING)
    add_way_back(sheet)
    population = POPULATIONS[figure.population][0]
    for term, said in (
        ("英文名", figure.label("en")),
        ("算法", indicator.formula("zh")),
        ("案卷范围", population),
        ("依据", indicator.source),
    ):
        _explain(sheet, term, said)
    rules = drawn.ranking.counted.basis.rules
    for code in items.counts_of(key):
        _explain(sheet, COUNT_NAMES[code][0], definition_of(code, rules))
    sheet.add([])
    sheet.add(["统计规则"], _TERM)
    for sentence in rule_sentences(rules, "zh"):
        add_text(sheet, sentence, len(_WIDTHS))
    sheet.add([])
    _write_values(sheet, key, drawn)


def _explain(sheet: Sheet, term: str, said: str) -> None:
    add_text(sheet, f"{term}：{said}", len(_WIDTHS))


def _write_values(sheet: Sheet, key: str, drawn: Drawn) -> None:
    """Write each unit's counts and the figure made of them."""
    shown = _items_shown(key, drawn)
    sheet.add(["单位", "分组", *(item.title for item in shown)], HEADER, height=34)
    style = Style(
        boxed=True, numbers_right=True, formats=(None, None, *(item.format for item in shown))
    )
    for group in drawn.ranking.groups:
        for row in group.rows:
            sheet.add(_values(drawn.calculation, group, row, shown), style)


def _items_shown(key: str, drawn: Drawn) -> list[Item]:
    """Return the counts a figure is made of, and the figure where it is no count itself."""
    items, population = drawn.items, Figure.of(key).population
    counts = [items.figure(figure_key(code, population)) for code in items.counts_of(key)]
    return counts if counts[0].key == key else [*counts, items.figure(key)]


def _values(
    calculation: Calculation, group: ScoredGroup, row: ScoredUnit, shown: list[Item]
) -> list[Value]:
    items = calculation.items
    return [
        row.unit.name,
        group.name("zh"),
        *(
            Formula(calculation.cell_of(item, row), item.cell(items.value(item, row)))
            for item in shown
        ),
    ]


def short_label(key: str) -> str:
    """Return a figure's name as the tab of its sheet shows it."""
    figure = Figure.of(key)
    name = Figure(figure.indicator).label("zh")
    if figure.population == ALL:
        return f"指标-{name}"
    return f"指标-{name}-{POPULATIONS[figure.population][0].removesuffix('案卷')}"
