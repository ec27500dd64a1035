"""Load a year of finished histories into a city, day by day, each day in one transaction."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any, Final
from zoneinfo import ZoneInfo

from psycopg import Connection
from sqlalchemy.orm import Session

from app.cases.channels import channel_of
from app.cases.commands.report import ReportCase
from app.clock import require_aware
from app.settings import Settings
from app.simulation.arrivals import Arrival, arrivals_of
from app.simulation.fates import Fate, fate_of
from app.simulation.habits import habits
from app.simulation.histories.course import Course
from app.simulation.histories.crowd import Crowd
from app.simulation.histories.drawing import Drawn, is_dispatched, live
from app.simulation.histories.ground import Ground
from app.simulation.histories.writing import Batch
from app.simulation.world import World

LOADED: Final = "year:"
"""What the source keys of loaded cases begin with: no simulation goes on with them."""

_LAST_NUMBERS: Final = """
INSERT INTO case_numbers (day, last) VALUES (%s, %s)
ON CONFLICT (day) DO UPDATE SET last = greatest(case_numbers.last, excluded.last)
"""
_LAST_NUMBER: Final = "SELECT coalesce(max(last), 0) FROM case_numbers WHERE day = %s"


@dataclass(frozen=True, slots=True)
class DayPlan:
    """A day to load: so many of its cases are dispatched, and their ids begin there."""

    day: date
    dispatched: int
    first_id: int


@dataclass(frozen=True, slots=True)
class YearPlan:
    """A year to load. until: what would happen later has not happened yet."""

    seed: int
    until: datetime
    days: tuple[DayPlan, ...]

    @classmethod
    def of(cls, year: int, cases: int, seed: int, zone: ZoneInfo, first_id: int) -> YearPlan:
        """Spread the dispatched cases over the days of a year, as many to each as its weekday is used to."""
        begin, end = date(year, 1, 1), date(year + 1, 1, 1)
        days = [begin + timedelta(days=n) for n in range((end - begin).days)]
        weights = [habits()["weekdays"][day.weekday()] for day in days]
        numbers = _apportioned(cases, weights)
        # Ids are handed out before anything is drawn, so that the processes need not wait for each other.
        room = 2 * max(numbers) + 50
        until = require_aware(datetime.combine(end, time(), zone))
        plans = (
            DayPlan(day, number, first_id + n * room)
            for n, (day, number) in enumerate(zip(days, numbers, strict=True))
        )
        return cls(seed, until, tuple(plans))


def _apportioned(whole: int, weights: Sequence[float]) -> list[int]:
    """Divide a number by weights: the parts are whole numbers and add up."""
    total, given, passed = sum(weights), 0, 0.0
    parts = []
    for weight in weights:
        passed += weight
        upto = round(whole * passed / total)
        parts.append(upto - given)
        given = upto
    return parts


class Loader:
    """Draws, plays and writes the cases of a day."""

    course_of = Course

    def __init__(self, session: Session, settings: Settings, plan: YearPlan) -> None:
        self._plan = plan
        world = World.of(session, settings, plan.until - timedelta(days=1), plan.seed)
        self._town = world.town
        self._ground = Ground.of(session, settings)
        self._crowd = Crowd.of(world, self._ground.connection)

    def load(self, plan: DayPlan, connection: Connection[Any]) -> int:
        """Write the cases of a day and return how many there are; the caller commits."""
        self._ground.connection.use(connection)
        batch, number = Batch(), _numbered_until(connection, plan.day)
        chosen = self._chosen(plan)
        for n, (arrival, fate, random) in enumerate(chosen):
            course = self.course_of(
                self._ground, plan.first_id + n, f"{plan.day:%Y%m%d}{number + n + 1:06}"
            )
            by = self._crowd.staff.anyone(random, arrival.by, arrival.at)
            assert by is not None, f"a city has somebody to report: {arrival.by}"
            course.report(arrival.report, arrival.at, by)
            live(course, Drawn(self._crowd, course, arrival, fate, random), self._plan.until)
            batch.add(course)
        batch.write(connection)
        connection.execute(_LAST_NUMBERS, (plan.day, number + len(chosen)))
        return len(chosen)

    def _chosen(self, plan: DayPlan) -> list[tuple[Arrival, Fate, Random]]:
        """Return the reports of a day in order of time, each with its fate; so many of them come to be dispatched."""
        seed, wanted = self._plan.seed, plan.dispatched
        more = wanted * 1.3 + 6 * math.sqrt(wanted) + 20
        per_day = more / habits()["weekdays"][plan.day.weekday()]
        arrivals = arrivals_of(self._town, plan.day, seed, per_day)
        random = Random(f"{LOADED}{seed}/{plan.day}")  # noqa: S311 (a city, not a secret)
        chosen: dict[int, tuple[Arrival, Fate, Random]] = {}
        for n in random.sample(range(len(arrivals)), len(arrivals)):
            if wanted == 0:
                break
            key = f"{LOADED}{seed}:{plan.day}:{n}"
            arrival = replace(arrivals[n], report=replace(arrivals[n].report, source_key=key))
            own = Random(key)  # noqa: S311 (a city, not a secret)
            fate = fate_of(own)
            wanted -= is_dispatched(arrival, fate, looked_at=self._is_looked_at(arrival.report))
            chosen[n] = arrival, fate, own
        return [chosen[n] for n in sorted(chosen)]

    def _is_looked_at(self, report: ReportCase) -> bool:
        """Tell whether somebody verifies a report before it is accepted."""
        assert report.lon is not None, "what is drawn lies somewhere"
        assert report.lat is not None
        outside = self._ground.locate(report.lon, report.lat).outside_city
        return outside or channel_of(report.channel).verify


def _numbered_until(connection: Connection[Any], day: date) -> int:
    row = connection.execute(_LAST_NUMBER, (day,)).fetchone()
    return 0 if row is None else int(row[0])
