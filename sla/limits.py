"""Limits as filing conditions state them, and the due times they lead to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from enum import StrEnum
from typing import Final

from app.clock import require_aware
from app.errors import InvalidInput, Text
from sla.calendar import Measure, WorkingCalendar
from sla.instants import DAY, HOUR, from_us, to_us

# Keeps every due time within what a datetime can hold, and catches a limit typed in minutes or seconds.
LARGEST_VALUE: Final = Decimal(100_000)


class LimitUnit(StrEnum):
    """The five units of a limit, spelled as stored in filing_conditions.limit_unit."""

    URGENT_HOUR = "urgent_hour"
    URGENT_DAY = "urgent_day"
    WORKING_HOUR = "working_hour"
    WORKING_DAY = "working_day"
    DAY = "day"

    @property
    def measure(self) -> Measure:
        """How the unit's time is counted."""
        return _MEASURES[self]

    def label(self, locale: str) -> str:
        """Return the unit's name in the reader's language."""
        return _CHINESE[self] if locale.startswith("zh") else _ENGLISH[self]

    def microseconds(self, calendar: WorkingCalendar) -> int:
        """Return the length of one unit in its own measure."""
        if self is LimitUnit.WORKING_DAY:
            return calendar.working_day_us
        return HOUR if self in (LimitUnit.URGENT_HOUR, LimitUnit.WORKING_HOUR) else DAY


_MEASURES: Final = {
    LimitUnit.URGENT_HOUR: Measure.ELAPSED,
    LimitUnit.URGENT_DAY: Measure.ELAPSED,
    LimitUnit.WORKING_HOUR: Measure.WORKING,
    LimitUnit.WORKING_DAY: Measure.WORKING,
    LimitUnit.DAY: Measure.WALL,
}
_CHINESE: Final = {
    LimitUnit.URGENT_HOUR: "紧急工作时",
    LimitUnit.URGENT_DAY: "紧急工作日",
    LimitUnit.WORKING_HOUR: "工作时",
    LimitUnit.WORKING_DAY: "工作日",
    LimitUnit.DAY: "天",
}
_ENGLISH: Final = {
    LimitUnit.URGENT_HOUR: "urgent hour",
    LimitUnit.URGENT_DAY: "urgent day",
    LimitUnit.WORKING_HOUR: "working hour",
    LimitUnit.WORKING_DAY: "working day",
    LimitUnit.DAY: "day",
}

# A bare 小时 is left out on purpose: published tables mean working hours by it, people mean hours.
_SPELLINGS: Final[dict[str, tuple[LimitUnit, Decimal]]] = {
    **{unit.value: (unit, Decimal(1)) for unit in LimitUnit},
    **{label: (unit, Decimal(1)) for unit, label in _CHINESE.items()},
    **{label.replace(" ", "_"): (unit, Decimal(1)) for unit, label in _ENGLISH.items()},
    "紧急工作小时": (LimitUnit.URGENT_HOUR, Decimal(1)),
    "工作小时": (LimitUnit.WORKING_HOUR, Decimal(1)),
    "自然日": (LimitUnit.DAY, Decimal(1)),
    "日": (LimitUnit.DAY, Decimal(1)),
    "minute": (LimitUnit.URGENT_HOUR, Decimal(60)),
    "分钟": (LimitUnit.URGENT_HOUR, Decimal(60)),
}
_WRITTEN = re.compile(r"\s*(?P<value>[0-9]+(?:\.[0-9]+)?)\s*(?P<unit>[^\s0-9.].*?)\s*")


@dataclass(frozen=True, slots=True)
class Limit:
    """So much time of one unit."""

    value: Decimal
    unit: LimitUnit

    def __post_init__(self) -> None:
        if not isinstance(self.value, Decimal) or not self.value.is_finite():
            raise InvalidInput({"limit_value": _no_number(self.value)})
        if not 0 < self.value <= LARGEST_VALUE:
            fault = Text(
                "时限须大于 0，且不超过 %(most)s，现为 %(value)s",
                most=LARGEST_VALUE,
                value=self.value,
            )
            raise InvalidInput({"limit_value": fault})

    @classmethod
    def of(cls, value: int | str | Decimal, unit: str) -> Limit:
        """Build a limit from plain values, as two columns hold them. Raises InvalidInput naming the field."""
        try:
            return cls(Decimal(value), LimitUnit(unit))
        except InvalidOperation as exc:
            raise InvalidInput({"limit_value": _no_number(value)}) from exc
        except ValueError as exc:
            raise InvalidInput({"limit_unit": _unknown(unit, tuple(LimitUnit))}) from exc

    @classmethod
    def parse(cls, written: str) -> Limit:
        """Read "2 working_hour", "5 working days", "15 minutes", "2工作时" or "5工作日"."""
        match = _WRITTEN.fullmatch(written)
        if match is None:
            fault = Text("时限应写作“2 工作时”的样子，现为“%(written)s”", written=written)
            raise InvalidInput({"limit": fault})
        spelled = match["unit"].lower().replace(" ", "_")
        known = _SPELLINGS.get(spelled) or _SPELLINGS.get(spelled.removesuffix("s"))
        if known is None:
            names = tuple(map(Text, _CHINESE.values()))
            raise InvalidInput({"limit": _unknown(match["unit"], names)})
        unit, part = known
        return cls(Decimal(match["value"]) / part, unit)

    def __str__(self) -> str:
        return f"{_plain(self.value)} {self.unit.value}"

    def text(self, locale: str) -> str:
        """Say the limit to a reader; less than an urgent hour is said in minutes."""
        chinese = locale.startswith("zh")
        if self.unit is LimitUnit.URGENT_HOUR and self.value < 1:
            minutes = (self.value * 60).quantize(Decimal("0.01"), ROUND_HALF_UP)
            return f"{_plain(minutes)} 分钟" if chinese else f"{_plain(minutes)} min"
        plural = "" if chinese or self.value == 1 else "s"
        return f"{_plain(self.value)} {self.unit.label(locale)}{plural}"

    def times(self, factor: Decimal) -> Limit:
        """Return the limit so many times over."""
        return Limit(self.value * factor, self.unit)

    def microseconds(self, calendar: WorkingCalendar) -> int:
        """Return the limit's length in the measure of its unit."""
        length = self.value * self.unit.microseconds(calendar)
        return int(length.to_integral_value(ROUND_HALF_UP))


@dataclass(frozen=True, slots=True)
class Until:
    """An absolute limit: the moment that was promised, whatever the calendar says."""

    at: datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "at", require_aware(self.at))

    def __str__(self) -> str:
        return f"until {self.at.isoformat()}"


AnyLimit = Limit | Until


def parse_limit(written: str) -> AnyLimit:
    """Read a limit of either sort as `str` writes it."""
    if not written.startswith("until "):
        return Limit.parse(written)
    try:
        return Until(datetime.fromisoformat(written.removeprefix("until ")))
    except ValueError as exc:
        fault = Text("“%(written)s”中没有带时区的时间", written=written)
        raise InvalidInput({"limit": fault}) from exc


def due_at(start: datetime, limit: AnyLimit, calendar: WorkingCalendar) -> datetime:
    """Return the earliest moment at which the limit's time has passed since the start.

    A working limit that ends with the day is due at the day's end, not at the next day's beginning.
    Raises CalendarMissing when it runs into a year nobody has loaded.
    """
    if isinstance(limit, Until):
        return limit.at
    return from_us(calendar.advance(to_us(start), limit.microseconds(calendar), limit.unit.measure))


def moment_before(due: datetime, limit: Limit, calendar: WorkingCalendar) -> datetime:
    """Return the latest moment from which the limit's time is left until the due time."""
    return from_us(calendar.retreat(to_us(due), limit.microseconds(calendar), limit.unit.measure))


def _no_number(value: object) -> Text:
    return Text("时限须为数字，现为“%(value)s”", value=value)


def _unknown(unit: str, wanted: tuple[str, ...]) -> Text:
    return Text("没有“%(unit)s”这种时限单位，应为%(wanted)s之一", unit=unit, wanted=wanted)


def _plain(value: Decimal) -> str:
    written = format(value, "f")
    return written.rstrip("0").rstrip(".") if "." in written else written
