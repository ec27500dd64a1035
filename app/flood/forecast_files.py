"""Forecasts as people and feeds hand them in: a file of periods, or JSON by the hour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from app.errors import InvalidInput, Text
from app.flood.sheets import Faults, FileRow, moment_in, number_in, rows_of_file, whole_hours

COLUMNS: Final = {
    "issued_at": "发布时间",
    "district_code": "区县代码",
    "from_at": "开始时间",
    "to_at": "结束时间",
    "mm": "雨量（毫米）",
    "source": "来源",
}
# What the file to fill in has for a source: nobody's forecast is replaced by its example.
EXAMPLE_SOURCE: Final = "示例，请改"
MOST_MM_AN_HOUR: Final = 300.0
MOST_HOURS: Final = 336
_HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True)
class NewForecast:
    """A forecast of one district, by the hour. row: where it begins in a file."""

    source: str
    issued_at: datetime
    district_code: str
    valid_from: datetime
    hours_mm: tuple[float, ...]
    row: int = 0

    @property
    def valid_to(self) -> datetime:
        """Return when it ends."""
        return self.valid_from + len(self.hours_mm) * _HOUR


@dataclass(frozen=True)
class _Period:
    row: int
    from_at: datetime
    to_at: datetime
    mm: float


def forecasts_in_file(content: bytes, zone: ZoneInfo) -> list[NewForecast]:
    """Return the forecasts of a workbook or CSV. Raises InvalidInput naming the rows.

    A row is a period of whole hours; its rain is spread evenly over them. The periods of one district follow
    one another without a gap.
    """
    faults = Faults()
    grouped: dict[tuple[str, datetime, str], list[_Period]] = {}
    for row in rows_of_file(content, COLUMNS):
        try:
            key, period = _period(row, zone)
        except InvalidInput as fault:
            faults.add(row.number, next(iter(fault.fields.values())))
            continue
        grouped.setdefault(key, []).append(period)
    found = [_joined(key, periods, faults) for key, periods in grouped.items()]
    faults.refuse()
    return found


def forecasts_in_json(content: Any, source: str) -> list[NewForecast]:
    """Return the forecasts of a feed. Raises InvalidInput naming the entry."""
    entries = content.get("forecasts") if isinstance(content, Mapping) else None
    if not isinstance(entries, list) or not entries:
        raise InvalidInput({"forecasts": "应为至少一项的列表"})
    return [_entry(f"forecasts[{n}]", one, source) for n, one in enumerate(entries)]


def _period(row: FileRow, zone: ZoneInfo) -> tuple[tuple[str, datetime, str], _Period]:
    cells = row.cells
    if not cells["source"] or not cells["district_code"]:
        raise InvalidInput({"source": "区县代码和来源必填"})
    if cells["source"] == EXAMPLE_SOURCE:
        raise InvalidInput({"source": "这是样表的示例行，请改成实际的预报和来源"})
    issued_at = moment_in(cells["issued_at"], zone)
    from_at, to_at = moment_in(cells["from_at"], zone), moment_in(cells["to_at"], zone)
    hours = whole_hours(to_at - from_at)
    if hours is None or hours > MOST_HOURS:
        raise InvalidInput({"to_at": "结束时间应比开始时间晚整数个小时"})
    mm = number_in(cells["mm"], most=MOST_MM_AN_HOUR * hours)
    key = (cells["source"][:100], issued_at, cells["district_code"])
    return key, _Period(row.number, from_at, to_at, mm)


def _joined(
    key: tuple[str, datetime, str], periods: Sequence[_Period], faults: Faults
) -> NewForecast:
    source, issued_at, district_code = key
    ordered = sorted(periods, key=lambda period: period.from_at)
    hours: list[float] = []
    for before, period in zip([None, *ordered], ordered, strict=False):
        if before is not None and period.from_at != before.to_at:
            faults.add(period.row, Text("这一时段与同一区县的上一时段不相接"))
        length = (period.to_at - period.from_at) // _HOUR
        hours += [period.mm / length] * length
    if len(hours) > MOST_HOURS:
        faults.add(ordered[0].row, Text("预报最长 %(n)s 小时", n=MOST_HOURS))
    first = ordered[0]
    return NewForecast(source, issued_at, district_code, first.from_at, tuple(hours), first.row)


def _entry(where: str, entry: Any, source: str) -> NewForecast:
    if not isinstance(entry, Mapping):
        raise InvalidInput({where: "应为一个对象"})
    hours = entry.get("hours_mm")
    if not isinstance(hours, list) or not 1 <= len(hours) <= MOST_HOURS:
        raise InvalidInput({f"{where}.hours_mm": Text("应为 1 到 %(n)s 个数", n=MOST_HOURS)})
    for mm in hours:
        is_number = isinstance(mm, int | float) and not isinstance(mm, bool)
        if not is_number or not 0 <= mm <= MOST_MM_AN_HOUR:
            fault = Text("每小时应为 0 到 %(most)s 毫米", most=f"{MOST_MM_AN_HOUR:g}")
            raise InvalidInput({f"{where}.hours_mm": fault})
    district = entry.get("district_code")
    if not isinstance(district, str) or not district:
        raise InvalidInput({f"{where}.district_code": "区县代码必填"})
    issued_at = _moment(where, entry, "issued_at")
    valid_from = _moment(where, entry, "valid_from")
    return NewForecast(source, issued_at, district, valid_from, tuple(map(float, hours)))


def _moment(where: str, entry: Mapping[str, Any], key: str) -> datetime:
    try:
        moment = datetime.fromisoformat(str(entry.get(key)))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or not 1970 <= moment.year < 2200:
        raise InvalidInput({f"{where}.{key}": "应为带时区的时间，如 2025-07-29T18:00:00+08:00"})
    return moment
