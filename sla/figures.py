"""Figures by key: an indicator of all cases or of a population of them, such as "closing_rate@urgent"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

from app.errors import InvalidInput, Text
from sla.indicators import AVERAGE_NAMES, COUNT_NAMES, RATE_NAMES

ALL: Final = "all"
POPULATIONS: Final[Mapping[str, tuple[str, str]]] = {
    ALL: ("全部案卷", "All cases"),
    "urgent": ("紧急案卷", "Urgent cases"),
    "supervised": ("督办案卷", "Supervised cases"),
    "public": ("公众诉求案卷", "Cases reported by the public"),
    "sensed": ("监测预警案卷", "Cases raised by sensors"),
}

Value = int | Decimal | None


class Measure(StrEnum):
    """What a figure is measured in."""

    CASES = "cases"
    PERCENT = "percent"
    HOURS = "hours"


MEASURES: Final[Mapping[str, Measure]] = {
    **dict.fromkeys(COUNT_NAMES, Measure.CASES),
    **dict.fromkeys(RATE_NAMES, Measure.PERCENT),
    **dict.fromkeys(AVERAGE_NAMES, Measure.HOURS),
}
"""Every indicator and what it is measured in."""


@dataclass(frozen=True, slots=True)
class Figure:
    """An indicator of a population of cases."""

    indicator: str
    population: str = ALL

    @classmethod
    def of(cls, key: str) -> Figure:
        """Read a key. Raises InvalidInput for an unknown one."""
        indicator, _at, population = key.partition("@")
        if indicator not in MEASURES or (population or ALL) not in POPULATIONS:
            raise InvalidInput({"figure": Text("没有“%(key)s”这个指标", key=key)})
        return cls(indicator, population or ALL)

    @property
    def key(self) -> str:
        """Return the key that figures are kept by."""
        return figure_key(self.indicator, self.population)

    @property
    def measure(self) -> Measure:
        """Return what it is measured in."""
        return MEASURES[self.indicator]

    def label(self, locale: str) -> str:
        """Return its name in the reader's language: 按期结案率（紧急案卷）."""
        language = 0 if locale.startswith("zh") else 1
        name = figure_name(self.indicator)[language]
        if self.population == ALL:
            return name
        population = POPULATIONS[self.population][language]
        return f"{name}（{population}）" if language == 0 else f"{name} ({population.lower()})"

    def text(self, value: Value, locale: str) -> str:
        """Write a value of it."""
        chinese = locale.startswith("zh")
        if value is None:
            return "无数据" if chinese else "no data"
        if self.measure is Measure.PERCENT:
            return f"{value}%"
        if self.measure is Measure.HOURS:
            return f"{value} 小时" if chinese else f"{value} h"
        return str(value)


def figure_key(indicator: str, population: str = ALL) -> str:
    """Return the key of an indicator of a population."""
    return indicator if population == ALL else f"{indicator}@{population}"


def figure_name(indicator: str) -> tuple[str, str]:
    """Return an indicator's name in Chinese and in English."""
    return RATE_NAMES.get(indicator) or AVERAGE_NAMES.get(indicator) or COUNT_NAMES[indicator]
