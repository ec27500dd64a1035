"""Periods as they are written on a command line: a month, a year, or from one to another."""

from __future__ import annotations

import re
from typing import Final
from zoneinfo import ZoneInfo

from app.assessment.ranking import Month
from app.errors import InvalidInput
from sla.indicators import Period

_YEAR: Final = re.compile(r"[0-9]{4}")
_TO: Final = ".."


def parse_period(written: str, zone: ZoneInfo) -> Period:
    """Read "2025-10", "2025", or "2025-07..2025-12" with both ends in it. Raises InvalidInput."""
    first, to, last = written.partition(_TO)
    try:
        begin, end = _months(first)[0], _months(last if to else first)[1]
    except InvalidInput as exc:
        raise InvalidInput(
            {"period": "统计期应写作 2025-10、2025 或 2025-07..2025-12 的样子"}
        ) from exc
    return Period(begin.period(zone).start, end.period(zone).end)


def _months(written: str) -> tuple[Month, Month]:
    """Return the first and the last month of a month or a year."""
    if _YEAR.fullmatch(written):
        return Month.parse(f"{written}-01"), Month.parse(f"{written}-12")
    month = Month.parse(written)
    return month, month
