"""What is reported on a day: when, by which channel, where, what."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property
from random import Random
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.cases.commands import ReportCase
from app.clock import require_aware
from app.simulation.builders.plan import names
from app.simulation.habits import habits, happens, rate, weighted, words

SIMULATED: Final = "sim:"
"""What the source keys of simulated reports begin with."""
ARRIVED: Final = f"{SIMULATED}day:"
"""And of those that arrived on a day like any other."""

# Where no district of the city reaches, in degrees east of it.
_OUTSIDE: Final = 2.5
_COLLECTORS: Final = ("collector", "patrol")


@dataclass(frozen=True, slots=True)
class Spot:
    """A unit grid: its street and the box around it."""

    code: str
    district_code: str
    street: str
    west: float
    south: float
    east: float
    north: float

    def point(self, random: Random) -> tuple[float, float]:
        """Return a point in the middle part of the box, which is the grid's own but for slivers."""
        x, y = random.uniform(0.25, 0.75), random.uniform(0.25, 0.75)
        lon = self.west + x * (self.east - self.west)
        lat = self.south + y * (self.north - self.south)
        return round(lon, 6), round(lat, 6)


@dataclass(frozen=True, slots=True)
class Arrival:
    """One report to come. class_code: what it is, whether or not the report says so."""

    at: datetime
    by: str
    class_code: str
    report: ReportCase

    @property
    def key(self) -> str:
        """Return what tells it from all other reports."""
        assert self.report.source_key is not None
        return self.report.source_key


@dataclass(frozen=True)
class Town:
    """Where things are reported and what they may be: names of classes by code, wordings of conditions."""

    spots: Sequence[Spot]
    class_names: dict[str, str]
    wordings: dict[str, list[str]]
    zone: ZoneInfo

    @cached_property
    def shares(self) -> dict[str, float]:
        """Return how often each class is reported."""
        shares: dict[str, float] = {
            code: share for code, share in habits()["classes"].items() if code in self.class_names
        }
        others = [code for code in self.class_names if code not in shares and code[0] in "CE"]
        return shares | dict.fromkeys(others, habits()["others"] / max(len(others), 1))


def arrivals_of(town: Town, day: date, seed: int, per_day: float) -> list[Arrival]:
    """Return the reports of a day in order of time; the same ones for the same seed and day."""
    random = Random(f"{seed}/{day}")  # noqa: S311 (a city, not a secret)
    mean = per_day * habits()["weekdays"][day.weekday()]
    number = max(0, round(random.gauss(mean, math.sqrt(mean))))
    drawn = sorted(
        ((_time_of_day(random, channel), channel) for channel in _channels(random, number)),
    )
    midnight = datetime.combine(day, time(), town.zone)
    return [
        _arrival(town, random, midnight + moment, channel, f"{ARRIVED}{seed}:{day}:{n}")
        for n, (moment, channel) in enumerate(drawn)
    ]


def spots_of(session: Session) -> list[Spot]:
    """Return the unit grids of the city."""
    rows = session.execute(
        text(
            "SELECT g.code, g.district_code, s.name, g.outline::text FROM unit_grids g"
            " JOIN streets s ON s.code = g.street_code ORDER BY g.code"
        )
    )
    return [
        Spot(code, district, street, *_box(outline)) for code, district, street, outline in rows
    ]


def report_at(
    town: Town,
    random: Random,
    spot: Spot,
    *,
    channel: str,
    class_code: str,
    key: str,
    outside_city: bool = False,
    class_given: bool = True,
    self_handled: bool = False,
) -> ReportCase:
    """Return the report of something at a spot, in words."""
    lon, lat = spot.point(random)
    if outside_city:
        lon += _OUTSIDE
    place = words(random, "places")
    is_named = habits()["channels"][channel]["named"]
    wording = random.choice(town.wordings.get(class_code) or [town.class_names[class_code]])
    return ReportCase(
        channel=channel,
        title=f"{spot.street}{place}：{town.class_names[class_code]}",
        description=f"{spot.street}{place}，{wording}。",
        class_code=class_code if class_given else None,
        address=f"{spot.street}{place}",
        lon=lon,
        lat=lat,
        reporter_name=_citizen(random) if is_named else None,
        # 号段 100 is given to nobody.
        reporter_phone=f"100{random.randrange(10**8):08}" if is_named else None,
        self_handled=self_handled,
        source_key=key,
    )


def _channels(random: Random, number: int) -> list[str]:
    shares = {name: channel["share"] for name, channel in habits()["channels"].items()}
    return random.choices(list(shares), list(shares.values()), k=number)


def _time_of_day(random: Random, channel: str) -> timedelta:
    curve = habits()["hours"][habits()["channels"][channel]["hours"]]
    hour = random.choices(range(24), curve)[0]
    return timedelta(hours=hour, seconds=random.randrange(3600))


def _arrival(town: Town, random: Random, at: datetime, channel: str, key: str) -> Arrival:
    class_code = _class(town, random, channel)
    by_collector = channel in _COLLECTORS
    self_handled = habits()["self_handled"].get(class_code, 0) if by_collector else 0
    report = report_at(
        town,
        random,
        random.choice(town.spots),
        channel=channel,
        class_code=class_code,
        key=key,
        outside_city=happens(random, rate("outside_city")),
        class_given=by_collector or happens(random, rate("class_given")),
        self_handled=happens(random, self_handled),
    )
    return Arrival(require_aware(at), habits()["channels"][channel]["by"], class_code, report)


def _class(town: Town, random: Random, channel: str) -> str:
    if channel == "sensor":
        sensed: dict[str, float] = habits()["sensor_classes"]
        return weighted(random, sensed)
    return weighted(random, town.shares)


def _citizen(random: Random) -> str:
    surnames: str = names()["surnames"]
    return random.choice(surnames) + random.choice(["先生", "女士"])


def _box(outline: str) -> tuple[float, float, float, float]:
    """Return the box around the outer ring of a polygon: west, south, east, north."""
    ring: list[Any] = json.loads(outline)["coordinates"][0]
    xs, ys = [point[0] for point in ring], [point[1] for point in ring]
    return min(xs), min(ys), max(xs), max(ys)
