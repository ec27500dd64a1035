"""What devices, kinds, metrics and levels are called in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

from app.cases.pages import words as case_words
from app.sensing.tables import SensorRule
from app.sensing.wording import LEVEL_NAMES, metrics_by_number, value_text
from app.web.language import language_code
from sla.looking import Look
from sla.sites import kind_named, shipped_trades

# Shape beside word and colour: a filled circle for the worst.
LEVEL_MARKS: Final[Mapping[int, str]] = {0: "○", 1: "◇", 2: "▲", 3: "◆", 4: "●"}


# As the forms of every process say them.
element_word = case_words.element_word
role_word = case_words.role_word


class Named(Protocol):
    """What has a Chinese name and perhaps an English one."""

    @property
    def name(self) -> str: ...

    @property
    def name_en(self) -> str: ...


def is_chinese() -> bool:
    """Tell whether the reader reads Chinese."""
    return language_code().startswith("zh")


def name_of(thing: Named) -> str:
    """Return the name of a thing."""
    return thing.name if is_chinese() else thing.name_en or thing.name


def either(chinese: str | None, english: str | None) -> str:
    """Return the name that the reader reads."""
    return (chinese if is_chinese() else english or chinese) or "—"


def level_name(level: int) -> str:
    """Return what a level is called."""
    return LEVEL_NAMES[level][0 if is_chinese() else 1]


def level_mark(level: int) -> str:
    """Return the shape of a level."""
    return LEVEL_MARKS[level]


def metric_name(metric: int | None) -> str:
    """Return what a metric is called."""
    found = metrics_by_number().get(metric or 0)
    return "—" if found is None else name_of(found)


def metric_value(metric: int | None, value: float | None) -> str:
    """Return a value with its unit."""
    return "—" if value is None else value_text(metric, value)


def rule_value(rule: SensorRule, value: float | None) -> str:
    """Return a value that a rule looked at, with its unit: of a rate, what it is an hour."""
    shown = metric_value(rule.metric, value)
    return f"{shown}/h" if rule.kind == Look.RATE and value is not None else shown


def kind_name(code: str) -> str:
    """Return what a kind of site is called."""
    found = kind_named(code)
    return (name_of(found) if found else code) or "—"


def trade_choices() -> list[tuple[str, str]]:
    """Return the trades."""
    return [(trade.code, name_of(trade)) for trade in shipped_trades().values()]


def kind_choices() -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the kinds of site by trade."""
    return [
        (name_of(trade), [(kind.code, name_of(kind)) for kind in trade.kinds.values()])
        for trade in shipped_trades().values()
    ]
