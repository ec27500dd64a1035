"""What a city adds to the working calendar itself: years that nobody has published, and other working hours."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

from psycopg import Connection
from psycopg.rows import tuple_row

from app.errors import InvalidInput, Text

# 上班 and 休息 are what a notice says; the rest is what people type.
_WORKED: Final = {"上班": True, "班": True, "work": True, "休息": False, "休": False, "off": False}
_HOURS: Final = "SELECT valid_from, entered_at, spans FROM working_hours ORDER BY valid_from"
_LINE: Final = re.compile(r"[\s,，;；]+")


@dataclass(frozen=True, slots=True, order=True)
class SpecialDay:
    """A date that is worked or not against what its day of the week says."""

    on: date
    working: bool
    name: str = ""


@dataclass(frozen=True, slots=True)
class EnteredHours:
    """Working hours from a day on: spans such as 08:30-12:00."""

    valid_from: date
    entered_at: datetime
    spans: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EnteredYears:
    """The years entered and their special days, and the editions of the working hours in order."""

    years: frozenset[int] = frozenset()
    days: tuple[SpecialDay, ...] = field(default=())
    hours: tuple[EnteredHours, ...] = field(default=())


def entered_years(connection: Connection[Any]) -> EnteredYears:
    """Return the years and the hours this city entered."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        hours = tuple(
            EnteredHours(on, at, tuple(spans)) for on, at, spans in cursor.execute(_HOURS)
        )
        years = frozenset(row[0] for row in cursor.execute("SELECT year FROM calendar_years"))
        if not years:
            return EnteredYears(hours=hours)
        rows = cursor.execute("SELECT day_on, working, name FROM calendar_days ORDER BY day_on")
        return EnteredYears(years, tuple(SpecialDay(*row) for row in rows), hours)


def days_of_text(text: str, year: int) -> tuple[SpecialDay, ...]:
    """Read special days, one to a line: 2027-01-01 休息 元旦. Raises InvalidInput naming the line."""
    days: dict[date, SpecialDay] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        parts = [part for part in _LINE.split(line.strip(), maxsplit=2) if part]
        if not parts:
            continue
        day = _day(parts, number, year)
        if day.on in days:
            raise InvalidInput({"days": Text("第 %(n)s 行：%(on)s 重复", n=number, on=str(day.on))})
        days[day.on] = day
    if not any(not day.working for day in days.values()):
        raise InvalidInput({"days": "至少要有一个休息日：没有节假日的年份不是真的日历"})
    return tuple(sorted(days.values()))


def _day(parts: list[str], number: int, year: int) -> SpecialDay:
    try:
        on = date.fromisoformat(parts[0].replace("/", "-"))
    except ValueError as exc:
        fault = Text("第 %(n)s 行：“%(text)s”不是日期，应写作 2027-01-01", n=number, text=parts[0])
        raise InvalidInput({"days": fault}) from exc
    if on.year != year:
        fault = Text("第 %(n)s 行：%(on)s 不在 %(year)s 年", n=number, on=str(on), year=year)
        raise InvalidInput({"days": fault})
    working = _WORKED.get(parts[1].lower()) if len(parts) > 1 else None
    if working is None:
        fault = Text("第 %(n)s 行：日期后面应写“上班”或“休息”", n=number)
        raise InvalidInput({"days": fault})
    return SpecialDay(on, working, parts[2] if len(parts) > 2 else "")
