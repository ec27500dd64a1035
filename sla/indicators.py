"""The published figures: their definitions, percentages and ranks."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Generic, TypeVar

from app.errors import InvalidInput, Text
from sla.counting import (
    ALL_COUNTS,
    COUNTS,
    VOICED,
    Fact,
    Membership,
    Period,
    Reason,
    Tally,
    counts_as,
    in_population,
    roll_up,
    tally,
    tally_by_unit,
)
from sla.counting_rules import (
    SCHEME_RATES,
    CountingRules,
    NothingDue,
    Ratio,
    load_counting_rules,
)

__all__ = [
    "ALL_COUNTS",
    "COUNTS",
    "VOICED",
    "CountingRules",
    "Fact",
    "Indicator",
    "Membership",
    "Period",
    "Ranked",
    "Reason",
    "Tally",
    "counts_as",
    "every_indicator",
    "in_population",
    "indicators",
    "load_counting_rules",
    "rank",
    "rate",
    "roll_up",
    "tally",
    "tally_by_unit",
]

Row = TypeVar("Row")

COUNT_NAMES: Final[Mapping[str, tuple[str, str]]] = {
    "due": ("应结案数", "Cases due"),
    "closed": ("结案数", "Cases closed"),
    "on_time": ("按期结案数", "Cases closed on time"),
    "late": ("超期结案数", "Cases closed late"),
    "extended": ("延期案卷数", "Cases extended"),
    "first_pass": ("一次完成数", "Cases closed without rework"),
    "reworked": ("返工案卷数", "Cases reworked"),
    "closed_reworked": ("返工后结案数", "Cases closed after rework"),
    "overdue_open": ("超期未结", "Overdue and open"),
    "self_handled": ("自行处置", "Handled on the spot"),
    "unfounded_returns": ("推诿", "Unfounded returns"),
    "media_supervisions": ("媒体督办", "Media supervisions"),
    "filed": ("立案数", "Cases filed"),
    "unfounded": ("推诿案卷数", "Due cases returned without reason"),
    "many_reworked": ("多次返工案卷数", "Cases reworked many times"),
    "handled": ("已交回结案数", "Closed cases that were handed in"),
    "supervisions": ("督办数", "Supervisions"),
    "public_filed": ("公众举报立案数", "Cases filed from the public"),
    "worked_minutes": ("处置计时分钟数", "Minutes of handling"),
    "appeals": ("申诉数", "Appeals filed"),
    "appeals_upheld": ("申诉成立数", "Appeals upheld"),
    "rated": ("市民评价数", "Cases rated by citizens"),
    "satisfied": ("市民满意数", "Cases citizens were satisfied with"),
}
RATE_NAMES: Final[Mapping[str, tuple[str, str]]] = {
    "closing_rate": ("结案率", "Closing rate"),
    "on_time_closing_rate": ("按期结案率", "On-time closing rate"),
    "extension_rate": ("延期率", "Extension rate"),
    "first_pass_rate": ("一次完成率", "First-pass rate"),
    "rework_rate": ("返工率", "Rework rate"),
    "late_rate": ("超期结案率", "Late closing rate"),
    "unfounded_rate": ("推诿率", "Unfounded return rate"),
    "public_report_rate": ("监督举报率", "Public report rate"),
    "satisfaction_rate": ("市民满意率", "Citizen satisfaction"),
}
AVERAGE_NAMES: Final[Mapping[str, tuple[str, str]]] = {
    "average_handling": ("平均处置时长", "Average handling time"),
}
_AVERAGES: Final[Mapping[str, Ratio]] = {"average_handling": Ratio("worked_minutes", "handled")}
_PUBLISHED: Final = "天门、南通、许昌、太原等市公布的数字，以此复算一致"
_NAMED: Final = "太原市考核公告的栏目；口径由 counting.yml 定"
_LOCAL: Final = "各市口径不一，由 counting.yml 定"
_SOURCES: Final[Mapping[str, str]] = {
    "due": _NAMED,
    "closed": _NAMED,
    "closing_rate": _PUBLISHED,
    "on_time_closing_rate": _PUBLISHED,
    "extension_rate": _NAMED,
    "first_pass_rate": _NAMED,
    "unfounded_returns": _NAMED,
    "media_supervisions": _NAMED,
    "overdue_open": "南通、许昌公布的超时未结数：应结案数减结案数",
    "self_handled": "太原、南通单独公布，不入应结案数",
    "filed": "本期派遣到单位、没有收回也没有作废的案卷，不论何时到期",
    "unfounded": "应结案卷中，本期有退单被裁定不成立的",
    "unfounded_rate": "推诿案卷数与应结案数之比；各市多按件扣分",
    "many_reworked": "已结案卷中，返工次数达到 counting.yml 所定的",
    "handled": "已结案卷中，处置时钟在交回时停下的",
    "supervisions": "本期对单位的督办次数，各渠道合计",
    "public_filed": "立案数中，由 counting.yml 所列公众渠道上报的",
    "public_report_rate": "区域评价所用：公众举报占立案数之比",
    "late_rate": "超期结案数与结案数之比",
    "appeals": "本期单位提出的申诉",
    "appeals_upheld": "本期裁定成立的申诉；成立只改计数，不改案卷经过",
    "rated": "本期市民对已结案卷说过是否解决的，一案以最后一次为准",
    "satisfied": "其中说已解决的",
    "satisfaction_rate": "市民满意数与市民评价数之比",
    "average_handling": "处置时钟到交回时的计时：工作时限只计工作时间，紧急时限连续计，停表除外",
}
# In the order of a published table.
_ORDER: Final = (
    "due",
    "closed",
    "on_time",
    "closing_rate",
    "on_time_closing_rate",
    "extension_rate",
    "first_pass_rate",
    "rework_rate",
    "overdue_open",
    "unfounded_returns",
    "media_supervisions",
    "self_handled",
)
_OF_SCHEMES: Final = (
    "filed",
    "late",
    "extended",
    "first_pass",
    "closed_reworked",
    "many_reworked",
    "unfounded",
    "supervisions",
    "public_filed",
    "late_rate",
    "unfounded_rate",
    "public_report_rate",
    "average_handling",
    "appeals",
    "appeals_upheld",
    "rated",
    "satisfaction_rate",
)
EVERY: Final = (*_ORDER, *_OF_SCHEMES)
"""The indicators that a scheme may name, in the order they are offered."""


@dataclass(frozen=True)
class Indicator:
    """One figure; `ratio` is None for a plain count. average: of minutes, said in hours."""

    code: str
    name: str
    name_en: str
    source: str
    ratio: Ratio | None
    rules: CountingRules
    average: Ratio | None = None

    def label(self, locale: str) -> str:
        """Return the figure's name in the reader's language."""
        return self.name if locale.startswith("zh") else self.name_en

    def formula(self, locale: str) -> str:
        """Say how the figure is made, from the ratio itself, so that the words cannot differ from the sum."""
        language = 0 if locale.startswith("zh") else 1
        if self.average is not None:
            minutes, cases = COUNT_NAMES[self.average.of], COUNT_NAMES[self.average.over]
            return f"{minutes[language]} ÷ {cases[language]} ÷ 60"
        if self.ratio is None:
            return COUNT_NAMES[self.code][language]
        of, over = COUNT_NAMES[self.ratio.of][language], COUNT_NAMES[self.ratio.over][language]
        return f"{of} ÷ {over} × 100%"

    def value(self, counted: Tally) -> int | Decimal | None:
        """Return the figure of a tally: a count, a percentage, hours, or None where there is no data."""
        if self.average is not None:
            over = counted.count(self.average.over) * 60
            return _quotient(counted.count(self.average.of), over, self.rules.decimals)
        if self.ratio is None:
            return counted.count(self.code)
        of, over = counted.count(self.ratio.of), counted.count(self.ratio.over)
        if over == 0 and self.rules.nothing_due is NothingDue.FULL:
            return Decimal(100).quantize(Decimal(1).scaleb(-self.rules.decimals))
        return rate(of, over, self.rules.decimals)


@dataclass(frozen=True)
class Ranked(Generic[Row]):
    """A row with its rank in its group; None where there is no data to rank."""

    row: Row
    rank: int | None


def indicators(rules: CountingRules) -> dict[str, Indicator]:
    """Return the figures by code, in the order of a published table."""
    return {code: _indicator(code, rules) for code in _ORDER}


def every_indicator(rules: CountingRules) -> dict[str, Indicator]:
    """Return all figures by code: the published ones and those that schemes may look at besides."""
    return {code: _indicator(code, rules) for code in EVERY}


def _indicator(code: str, rules: CountingRules) -> Indicator:
    name, name_en = RATE_NAMES.get(code) or AVERAGE_NAMES.get(code) or COUNT_NAMES[code]
    ratio = rules.rates.get(code) or SCHEME_RATES.get(code)
    source = _SOURCES.get(code, _LOCAL)
    return Indicator(code, name, name_en, source, ratio, rules, _AVERAGES.get(code))


def rate(numerator: int, denominator: int, decimals: int = 2) -> Decimal | None:
    """Return a percentage, halves rounded up; None (无数据) when there is nothing below the line."""
    if numerator < 0 or denominator < 0:
        fault = Text("件数不能为负，现为 %(over)s 和 %(of)s", over=numerator, of=denominator)
        raise InvalidInput({"rate": fault})
    return _quotient(numerator * 100, denominator, decimals)


def _quotient(numerator: int, denominator: int, decimals: int) -> Decimal | None:
    """Divide, halves rounded up; None when there is nothing below the line."""
    if denominator == 0:
        return None
    # In whole numbers: a decimal quotient is itself rounded, and a half might come to lie below the line.
    scaled = (2 * numerator * 10**decimals + denominator) // (2 * denominator)
    return Decimal(scaled).scaleb(-decimals)


def rank(
    rows: Iterable[Row],
    key: Callable[[Row], Decimal | int | None],
    within: Callable[[Row], Hashable] = lambda _: None,
    *,
    highest_first: bool = True,
) -> list[Ranked[Row]]:
    """Rank rows within their group, in the order given: equal keys share a rank (1, 2, 2, 4), None has none."""
    keyed = [(row, within(row), key(row)) for row in rows]
    by_group: dict[Hashable, list[Decimal | int]] = {}
    for _, group, value in keyed:
        if value is not None:
            by_group.setdefault(group, []).append(value)
    places: dict[tuple[Hashable, Decimal | int], int] = {}
    for group, values in by_group.items():
        for place, value in enumerate(sorted(values, reverse=highest_first), start=1):
            places.setdefault((group, value), place)
    return [
        Ranked(row, None if value is None else places[group, value]) for row, group, value in keyed
    ]
