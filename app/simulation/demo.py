"""The city to try: a month of a small city, ending with something to do for everyone."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, Final

import yaml

from app.errors import CalendarMissing
from app.simulation.arrivals import SIMULATED, Arrival, report_at
from app.simulation.builders.plan import plan
from app.simulation.fates import Fate
from app.simulation.habits import habits
from app.simulation.world import World
from sla.calendar import WorkingCalendar
from sla.limits import Limit, moment_before

SIZE: Final = "demo"
SEED: Final = 1

_FILE: Final = Path(__file__).parent / "data" / "demo.yml"
_STAGED: Final = f"{SIMULATED}show:"


@cache
def _cases() -> list[dict[str, Any]]:
    loaded: list[dict[str, Any]] = yaml.safe_load(_FILE.read_text(encoding="utf-8"))["cases"]
    return loaded


def demo_span(now: datetime, calendar: WorkingCalendar) -> tuple[datetime, datetime]:
    """Return from when until when the demo city lives: the calendar month before this one, and until now.

    In a year whose holidays nobody has loaded no limit can be counted: then it ends in the last year
    that is known.
    """
    until = now.astimezone(calendar.zone).replace(microsecond=0)
    while not _is_known(until.year, calendar):
        until = until.replace(year=until.year - 1, month=11, day=25)
    before = until.replace(day=1) - timedelta(days=1)
    start = datetime.combine(before.date().replace(day=1), time(), calendar.zone)
    return start.astimezone(now.tzinfo), until.astimezone(now.tzinfo)


def staged_cases(world: World, until: datetime) -> list[tuple[Arrival, Fate]]:
    """Return the reports of the cases that stop, each in a place of its own, when the demo's span ends."""
    return [_staged(world, entry, until) for entry in _cases()]


def _staged(world: World, entry: dict[str, Any], until: datetime) -> tuple[Arrival, Fate]:
    random = Random(f"{_STAGED}{entry['key']}")  # noqa: S311 (a city, not a secret)
    channel = entry.get("channel", "collector")
    own_spots = [spot for spot in world.town.spots if spot.district_code == plan()["demo_unit"]]
    report = report_at(
        world.town,
        random,
        random.choice(own_spots or world.town.spots),
        channel=channel,
        class_code=entry["class"],
        key=f"{_STAGED}{until:%Y%m%d%H%M}:{entry['key']}",
        outside_city=entry.get("outside_city", False),
    )
    at = moment_before(until, Limit.parse(entry["reported"]), world.calendar)
    by = habits()["channels"][channel]["by"]
    return Arrival(at, by, entry["class"], report), _fate(entry)


def _fate(entry: dict[str, Any]) -> Fate:
    return Fate(
        returned=entry.get("returned"),
        held=entry.get("held"),
        extensions=entry.get("extensions", 0),
        longer=entry.get("longer", False),
        reworked=entry.get("reworked", False),
        by_photo=entry.get("by_photo", False),
        supervised=entry.get("supervised"),
        stops_at=frozenset(entry["stops_at"]),
        account=entry.get("account"),
        prompt=True,
    )


def _is_known(year: int, calendar: WorkingCalendar) -> bool:
    try:
        calendar.day(datetime(year, 1, 1, tzinfo=calendar.zone).date())
    except CalendarMissing:
        return False
    return True
