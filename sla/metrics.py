"""What sensors measure and which readings count: read from sla/policies/metrics.yml."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Final

from sla.policy_files import POLICIES, Section, read_policy

METRICS_FILE: Final = POLICIES / "metrics.yml"
# What a smallint holds.
_LAST_NUMBER: Final = 32767


class Refusal(StrEnum):
    """Why a reading does not count."""

    DUPLICATE = "duplicate"
    UNKNOWN_DEVICE = "unknown_device"
    UNKNOWN_METRIC = "unknown_metric"
    WRONG_UNIT = "wrong_unit"
    IMPOSSIBLE = "impossible"
    FUTURE = "future"
    TOO_OLD = "too_old"
    MALFORMED = "malformed"


@dataclass(frozen=True, slots=True)
class Metric:
    """One thing that is measured; each field is a key of the file, explained there."""

    number: int
    quantity: str
    unit: str
    low: float
    high: float
    name: str
    name_en: str


@dataclass(frozen=True)
class Metrics:
    """All that is measured, by name, and how far from now a reading may be dated."""

    by_name: Mapping[str, Metric]
    ahead: timedelta
    behind: timedelta

    def judge(self, name: str, value: float, at: datetime, now: datetime) -> Metric | Refusal:
        """Return the metric of a reading that counts, or why it does not."""
        metric = self.by_name.get(name)
        if metric is None:
            return self._unknown(name)
        if at > now + self.ahead:
            return Refusal.FUTURE
        if at < now - self.behind:
            return Refusal.TOO_OLD
        # Also false for what is no number.
        return metric if metric.low <= value <= metric.high else Refusal.IMPOSSIBLE

    def _unknown(self, name: str) -> Refusal:
        quantity = name.rpartition("_")[0] or name
        return Refusal.WRONG_UNIT if quantity in self._quantities else Refusal.UNKNOWN_METRIC

    @cached_property
    def _quantities(self) -> frozenset[str]:
        return frozenset(metric.quantity for metric in self.by_name.values())


def load_metrics(path: Path = METRICS_FILE) -> Metrics:
    """Read and check the file. Raises DefinitionError naming the key and what to write instead."""
    file = read_policy(path)
    file.refuse_unknown(("accepted", "metrics"))
    accepted, listed = file.section("accepted"), file.section("metrics")
    accepted.refuse_unknown(("ahead_s", "behind_days"))
    found: dict[str, Metric] = {}
    for name in listed.content:
        metric = _metric(listed.section(name))
        if any(metric.number == other.number for other in found.values()):
            raise listed.refusal(name, f"number {metric.number} is taken", "give it one of its own")
        found[name] = metric
    return Metrics(
        found,
        timedelta(seconds=accepted.whole_number("ahead_s", 300)),
        timedelta(days=accepted.whole_number("behind_days", 400)),
    )


def _metric(given: Section) -> Metric:
    given.refuse_unknown(entry.name for entry in fields(Metric))
    number = given.whole_number("number", 0)
    if not 0 < number <= _LAST_NUMBER:
        raise given.refusal("number", f"is {number}", f"write a whole number, 1 to {_LAST_NUMBER}")
    low, high = _bound(given, "low"), _bound(given, "high")
    if low >= high:
        raise given.refusal("low", f"is {low}", f"write a number below high, which is {high}")
    return Metric(
        number,
        given.text("quantity"),
        given.text("unit"),
        low,
        high,
        given.text("name"),
        given.text("name_en"),
    )


def _bound(given: Section, key: str) -> float:
    value = given.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise given.refusal(key, f"is {value!r}", "write a number")
    return float(value)
