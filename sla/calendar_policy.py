"""Build a working calendar from sla/policies/calendar.yml and the days a city has entered."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from app.errors import InvalidInput
from sla.calendar import CalendarRules, DatedHours, Hours, Season, WorkingCalendar
from sla.holidays import HolidaySource
from sla.policy_files import POLICIES, Section, read_policy

CALENDAR_FILE = POLICIES / "calendar.yml"
_KEYS = ("zone", "hours", "seasons", "weekdays", "holidays", "working_day_hours")


def load_calendar(
    path: Path = CALENDAR_FILE,
    *,
    zone: str | None = None,
    overrides: Mapping[date, bool] | None = None,
    uploaded_years: Collection[int] = (),
    names: Mapping[date, str] | None = None,
    editions: tuple[DatedHours, ...] = (),
) -> WorkingCalendar:
    """Build the calendar of a file; `zone` from the settings goes before the file's, `editions` before its hours."""
    rules = replace(read_rules(path, zone=zone), editions=editions)
    return WorkingCalendar(rules, overrides=overrides, uploaded_years=uploaded_years, names=names)


def read_rules(path: Path = CALENDAR_FILE, *, zone: str | None = None) -> CalendarRules:
    """Read and check the file. Raises DefinitionError naming the key and what to write instead."""
    file = read_policy(path)
    file.refuse_unknown(_KEYS)
    try:
        return CalendarRules(
            zone=_zone(file, zone or file.text("zone", "Asia/Shanghai")),
            hours=_hours(file, "hours", file.get("hours")),
            seasons=_seasons(file, file.get("seasons", [])),
            weekdays=_weekdays(file, file.get("weekdays", [1, 2, 3, 4, 5])),
            holidays=file.choice("holidays", HolidaySource, HolidaySource.CHINA),
            working_day=_working_day(file, file.get("working_day_hours", 8)),
        )
    except InvalidInput as exc:
        key, reason = next(iter(exc.fields.items()))
        raise file.refusal(
            key, reason, "see the comment beside the key in the shipped file"
        ) from exc


def _zone(file: Section, name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as exc:
        remedy = "write an IANA name such as Asia/Shanghai"
        raise file.refusal("zone", f"no zone {name!r}", remedy) from exc


def _hours(file: Section, key: str, value: object) -> tuple[Hours, ...]:
    if not isinstance(value, list) or not value:
        remedy = 'write a list such as ["08:00-12:00", "14:00-18:00"]'
        raise file.refusal(key, f"is {value!r}", remedy)
    return tuple(Hours.parse(str(written)) for written in value)


def _seasons(file: Section, value: object) -> tuple[Season, ...]:
    if not isinstance(value, list):
        raise file.refusal("seasons", f"is {value!r}", "write a list, or [] for none")
    seasons = []
    for number, entry in enumerate(value):
        key = f"seasons[{number}]"
        if not isinstance(entry, dict) or set(entry) != {"from", "to", "hours"}:
            remedy = 'write {from: "06-01", to: "09-30", hours: [...]}'
            raise file.refusal(key, f"is {entry!r}", remedy)
        first, last = (_month_day(file, key, entry[end]) for end in ("from", "to"))
        seasons.append(Season(first, last, _hours(file, f"{key}.hours", entry["hours"])))
    return tuple(seasons)


def _month_day(file: Section, key: str, value: object) -> tuple[int, int]:
    try:
        on = date.fromisoformat(f"2000-{value}")  # a leap year, so that 02-29 can be written
    except ValueError as exc:
        raise file.refusal(key, f"no day {value!r}", 'write month and day such as "06-01"') from exc
    return on.month, on.day


def _weekdays(file: Section, value: object) -> frozenset[int]:
    if not isinstance(value, list) or not all(isinstance(day, int) for day in value):
        raise file.refusal("weekdays", f"is {value!r}", "write a list such as [1, 2, 3, 4, 5]")
    return frozenset(value)


def _working_day(file: Section, value: object) -> timedelta:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise file.refusal(
            "working_day_hours", f"is {value!r}", "write a number of hours such as 8"
        )
    return timedelta(hours=value)
