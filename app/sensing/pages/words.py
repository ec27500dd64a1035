"""What devices, kinds, metrics and levels are called in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.cases.pages import words as case_words
from app.sensing.beyond import Beyond
from app.sensing.rules import shipped_metrics
from app.sensing.tables import SensorRule
from app.sensing.wording import LEVEL_NAMES, metrics_by_number, value_text
from app.web.language import language_code
from sla.looking import Look
from sla.sites import kind_named, shipped_trades

# Shape beside word and colour: a filled circle for the worst.
LEVEL_MARKS: Final[Mapping[int, str]] = {0: "○", 1: "◇", 2: "▲", 3: "◆", 4: "●"}
# Kinds of device that the product brings; those of a site's kind are called after it.
DEVICE_KINDS: Final = {
    "depth": _l("水位计"),
    "rain_gauge": _l("雨量计"),
    "siren": _l("声光报警"),
    "barrier": _l("道闸"),
}

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


def metric_named(name: str) -> str:
    """Return what a metric is called, by the name that rules use."""
    found = shipped_metrics().by_name.get(name)
    return name if found is None else name_of(found)


def metric_value(metric: int | None, value: float | None) -> str:
    """Return a value with its unit."""
    return "—" if value is None else value_text(metric, value)


def rule_value(rule: SensorRule, value: float | None) -> str:
    """Return a value that a rule looked at, with its unit: of a rate, what it is an hour."""
    shown = metric_value(rule.metric, value)
    return f"{shown}/h" if rule.kind == Look.RATE and value is not None else shown


def rule_terms(rule: SensorRule) -> list[str]:
    """Return what a crossing must be like before the rule raises an alert, and when the rule looks."""
    data = rule.data
    terms = [_("连续 %(n)s 次", n=rule.samples)] if rule.samples > 1 else []
    if data.get("lasting_minutes"):
        terms.append(_("持续 %(n)s 分钟", n=data["lasting_minutes"]))
    if data.get("season"):
        first, last = data["season"]
        terms.append(_("每年限 %(first)s 至 %(last)s", first=first, last=last))
    if data.get("hours"):
        first, end = data["hours"]
        terms.append(_("每日 %(first)s 至 %(end)s 点", first=first, end=end))
    return terms + [_condition(one) for one in data.get("conditions") or ()]


def _condition(given: Mapping[str, Any]) -> str:
    metric = shipped_metrics().by_name[given["metric"]]
    sign = "≥" if given["op"] == "at_least" else "≤"
    value = metric_value(metric.number, given["value"])
    return str(_("且%(metric)s %(sign)s %(value)s", metric=name_of(metric), sign=sign, value=value))


def beyond_text(one: Beyond) -> str:
    """Say which line a value is beyond, and when that will raise an alert."""
    level = level_name(one.level).lower()
    if one.lasting:
        minutes = int(one.lasting.total_seconds()) // 60
        return str(_("越过%(level)s线，持续满 %(n)s 分钟后报警", level=level, n=minutes))
    return str(_("越过%(level)s线，连续满 %(n)s 次后报警", level=level, n=one.samples))


def device_kind_name(code: str) -> str:
    """Return what a kind of device is called; one that a city made up stays as it was typed."""
    if code in DEVICE_KINDS:
        return str(DEVICE_KINDS[code])
    found = kind_named(code)
    return code if found is None else str(_("%(site)s监测终端", site=name_of(found)))


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
