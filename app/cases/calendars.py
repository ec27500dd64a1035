"""The working calendar and the clock policies of this installation.

The calendar is the policy file's, with the years that the city entered itself. A year is entered once and
whole, and only where nobody published it: no due time can have been worked out in it before, so that a
process may learn of it a minute late and never disagrees with what another wrote. Working hours are entered
for a day to come; they are known a little after they were entered, and a clock that began before counts on
without them: a process that has not heard of them yet counts the same.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date, timedelta
from functools import lru_cache
from threading import Lock
from typing import Final

from app.catalogue.calendar_years import EnteredYears
from app.settings import Settings
from sla.calendar import DatedHours, Hours, WorkingCalendar
from sla.calendar_policy import load_calendar
from sla.clock_policies import ClockPolicy, load_clock_policies

LOOK_AGAIN_S: Final = 60
# Longer than any process takes to look again and to end the step it is in.
_HEARD_OF_AFTER: Final = timedelta(minutes=3)

_looking: Final = Lock()
_seen: Final[dict[str, tuple[float, EnteredYears]]] = {}


def working_calendar(
    settings: Settings, read: Callable[[], EnteredYears] | None = None
) -> WorkingCalendar:
    """Return the city's working calendar. read: how to look for entered years, asked once a minute at most."""
    return _calendar(settings.timezone_name, _entered(read))


def forget_years() -> None:
    """Look again at once: for whoever has just entered a year in this process."""
    _seen.clear()


@lru_cache(maxsize=1)
def clock_policies() -> dict[str, ClockPolicy]:
    """Return the policies of the named clocks."""
    return load_clock_policies()


def _entered(read: Callable[[], EnteredYears] | None) -> EnteredYears:
    looked_at, years = _seen.get("years", (0.0, EnteredYears()))
    now = time.monotonic()
    if read is None or (looked_at and now - looked_at < LOOK_AGAIN_S):
        return years
    with _looking:
        years = read()
        _seen["years"] = (now, years)
    return years


@lru_cache(maxsize=8)
def _calendar(zone: str, entered: EnteredYears) -> WorkingCalendar:
    overrides: dict[date, bool] = {day.on: day.working for day in entered.days}
    return load_calendar(
        zone=zone,
        overrides=overrides,
        uploaded_years=entered.years,
        names={day.on: day.name for day in entered.days if day.name},
        editions=tuple(
            DatedHours(
                one.valid_from,
                one.entered_at + _HEARD_OF_AFTER,
                tuple(Hours.parse(span) for span in one.spans),
            )
            for one in entered.hours
        ),
    )
