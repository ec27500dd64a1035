"""The published figures: their definitions, percentages and ranks."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Generic, TypeVar

from app.errors import InvalidInput, Text
from sla.counting import (
    COUNTS,
    Fact,
    Membership,
    Period,
    Reason,
    Tally,
    counts_as,
    roll_up,
    tally,
    tally_by_unit,
)
from sla.counting_rules import CountingRules, NothingDue, Ratio, load_counting_rules

__all__ = [
    "COUNTS",
    "CountingRules",
    "Fact",
    "Indicator",
    "Membership",
    "Period",
    "Ranked",
    "Reason",
    "Tally",
    "counts_as",
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
}
RATE_NAMES: Final[Mapping[str, tuple[str, str]]] = {
    "closing_rate": ("结案率", "Closing rate"),
    "on_time_closing_rate": ("按期结案率", "On-time closing rate"),
    "extension_rate": ("延期率", "Extension rate"),
    "first_pass_rate": ("一次完成率", "First-pass rate"),
    "rework_rate": ("返工率", "Rework rate"),
}
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


@dataclass(frozen=True)
class Indicator:
    """One published figure; `ratio` is None for a plain count."""

    code: str
    name: str
    name_en: str
    source: str
    ratio: Ratio | None
    rules: CountingRules

    def label(self, locale: str) -> str:
        """Return the figure's name in the reader's language."""
        return self.name if locale.startswith("zh") else self.name_en

    def formula(self, locale: str) -> str:
        """Say how the figure is made, from the ratio itself, so that the words cannot differ from the sum."""
        language = 0 if locale.startswith("zh") else 1
        if self.ratio is None:
            return COUNT_NAMES[self.code][language]
        of, over = COUNT_NAMES[self.ratio.of][language], COUNT_NAMES[self.ratio.over][language]
        return f"{of} ÷ {over} × 100%"

    def value(self, counted: Tally) -> int | Decimal | None:
        """Return the figure of a tally: a count, a percentage, or None where there is no data."""
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
    made = {}
    for code in _ORDER:
        name, name_en = RATE_NAMES.get(code) or COUNT_NAMES[code]
        made[code] = Indicator(
            code, name, name_en, _SOURCES.get(code, _LOCAL), rules.rates.get(code), rules
        )
    return made


def rate(numerator: int, denominator: int, decimals: int = 2) -> Decimal | None:
    """Return a percentage, halves rounded up; None (无数据) when there is nothing below the line."""
    if numerator < 0 or denominator < 0:
        fault = Text("件数不能为负，现为 %(over)s 和 %(of)s", over=numerator, of=denominator)
        raise InvalidInput({"rate": fault})
    if denominator == 0:
        return None
    # In whole numbers: a decimal quotient is itself rounded, and a half might come to lie below the line.
    scaled = (2 * numerator * 100 * 10**decimals + denominator) // (2 * denominator)
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
