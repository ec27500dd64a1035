"""What good service of heat, water and gas is: read from sla/policies/utilities.yml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Final

from sla.metrics import load_metrics
from sla.policy_files import POLICIES, Section, read_policy
from sla.sites import kind_named

UTILITIES_FILE: Final = POLICIES / "utilities.yml"


@dataclass(frozen=True, slots=True)
class Service:
    """What a trade promises; each field is a key of the file, explained there."""

    metric: str
    kinds: tuple[str, ...]
    service: float
    breach: float
    low_is_bad: bool
    classes: tuple[str, ...]
    serving: str


@dataclass(frozen=True)
class Utilities:
    """The trades by code, and how far from an alert complaints belong to it."""

    trades: Mapping[str, Service]
    linked: timedelta

    @property
    def classes(self) -> tuple[str, ...]:
        """Return the classes of every trade's complaints."""
        return tuple(code for trade in self.trades.values() for code in trade.classes)

    def trade_of_class(self, code: str | None) -> str | None:
        """Return the trade that a case of a class complains about."""
        return next((name for name, trade in self.trades.items() if code in trade.classes), None)


def load_utilities(path: Path = UTILITIES_FILE) -> Utilities:
    """Read and check the file. Raises DefinitionError naming the key and what to write instead."""
    file = read_policy(path)
    file.refuse_unknown(("trades", "linked_hours"))
    listed = file.section("trades")
    trades = {code: _service(code, listed.section(code)) for code in listed.content}
    return Utilities(trades, timedelta(hours=file.whole_number("linked_hours", 48)))


@cache
def shipped_utilities() -> Utilities:
    """Return what the shipped file says; read once in a process."""
    return load_utilities()


def _service(trade: str, given: Section) -> Service:
    given.refuse_unknown(entry.name for entry in fields(Service))
    metric = given.text("metric")
    if metric not in load_metrics().by_name:
        raise given.refusal("metric", f"is {metric!r}", "name a metric of metrics.yml")
    kinds = tuple(_kind(given, trade, kind) for kind in _texts(given, "kinds"))
    serving = _kind(given, trade, given.text("serving"))
    low_is_bad = given.get("low_is_bad", True)
    if not isinstance(low_is_bad, bool):
        raise given.refusal("low_is_bad", f"is {low_is_bad!r}", "write true or false")
    service, breach = _number(given, "service"), _number(given, "breach")
    if (service < breach) == low_is_bad and service != breach:
        raise given.refusal("breach", f"is {breach}", "it lies beyond service, on the bad side")
    return Service(metric, kinds, service, breach, low_is_bad, _texts(given, "classes"), serving)


def _kind(given: Section, trade: str, code: str) -> str:
    kind = kind_named(code)
    if kind is None or kind.trade != trade:
        raise given.refusal("kinds", f"names {code!r}", f"name kinds of {trade} in sites.yml")
    return code


def _texts(given: Section, key: str) -> tuple[str, ...]:
    value = given.get(key, [])
    if not isinstance(value, list) or not value or not all(isinstance(one, str) for one in value):
        raise given.refusal(key, f"is {value!r}", "write a list of names")
    return tuple(value)


def _number(given: Section, key: str) -> float:
    value = given.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise given.refusal(key, f"is {value!r}", "write a number")
    return float(value)
