"""The working calendar and the clock policies of this installation, read once a process."""

from __future__ import annotations

from functools import lru_cache

from app.settings import Settings
from sla.calendar import WorkingCalendar
from sla.calendar_policy import load_calendar
from sla.clock_policies import ClockPolicy, load_clock_policies


def working_calendar(settings: Settings) -> WorkingCalendar:
    """Return the city's working calendar."""
    return _calendar(settings.timezone_name)


@lru_cache(maxsize=1)
def clock_policies() -> dict[str, ClockPolicy]:
    """Return the policies of the named clocks."""
    return load_clock_policies()


@lru_cache(maxsize=8)
def _calendar(zone: str) -> WorkingCalendar:
    return load_calendar(zone=zone)
