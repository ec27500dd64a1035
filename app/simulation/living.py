"""Live through a span of days from its beginning, or from where it was interrupted."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.clock import FixedClock
from app.run import SYSTEM, Runtime, run
from app.simulation.arrivals import ARRIVED, SIMULATED, Arrival, arrivals_of
from app.simulation.commands import FinishRun
from app.simulation.days import Days
from app.simulation.fates import Fate, fate_of
from app.simulation.habits import habits
from app.simulation.known import known_cases
from app.simulation.tables import SimulationRun
from app.simulation.unhurried import unhurried
from app.simulation.virtual import VirtualTime
from app.simulation.world import World

Tick = Callable[[datetime], object]
Staging = Callable[[World, datetime], list[tuple[Arrival, Fate]]]


@dataclass(frozen=True)
class Lived:
    """What was done, what people were refused, and how long it took."""

    counted: Counter[str]
    refused: Counter[str]
    seconds: float


def last_run(session: Session) -> SimulationRun | None:
    """Return the span begun last; without an end it was interrupted."""
    return session.scalar(select(SimulationRun).order_by(SimulationRun.id.desc()).limit(1))


def live_through(
    runtime: Runtime,
    span: SimulationRun,
    *,
    staged: Staging = lambda world, until: [],
    tick: Tick = lambda at: None,
) -> Lived:
    """Live through a span; cases that stand already, of this span or before it, go on from where they stand.

    staged: returns further reports, given the city and the end of the span.
    """
    began = time.monotonic()
    database = unhurried(runtime.database)
    virtual = VirtualTime(database, FixedClock(span.from_at))
    try:
        with database.sessions() as session:
            world = World.of(session, runtime.services.settings, span.until_at, span.seed)
        known = known_cases(virtual.connection, SIMULATED)
        expected = [*_arrivals(world, span), *staged(world, span.until_at)]
        days = Days(virtual, world.planner, world.conditions, known)
        days.expect(expected)
        _go_on_with_others(days, {arrival.key for arrival, _ in expected})
        days.live(span.until_at, tick)
    finally:
        virtual.close()
        database.drop_connections()
    run(FinishRun(span.id), actor=SYSTEM, database=runtime.database)
    return Lived(days.counted, days.refused, time.monotonic() - began)


def _arrivals(world: World, span: SimulationRun) -> Iterator[tuple[Arrival, Fate]]:
    """Return what is reported in a span, each with its fate."""
    zone = world.calendar.zone
    day, last = (at.astimezone(zone).date() for at in (span.from_at, span.until_at))
    while day <= last:
        for arrival in arrivals_of(world.town, day, span.seed, span.per_day):
            if span.from_at <= arrival.at < span.until_at:
                yield arrival, _fate(arrival.key)
        day += timedelta(days=1)


def _go_on_with_others(days: Days, expected: Set[str]) -> None:
    """Take over the open cases of the days before; what was staged for people is left to them."""
    others = {
        key: known
        for key, known in days.known.items()
        if known.closed_as is None and key not in expected and key.startswith(ARRIVED)
    }
    if others:
        clock = days.time.clock
        clock.move_to(min(clock.now(), *(known.last_at for known in others.values())))
    for key, known in others.items():
        code = known.class_code or next(iter(habits()["classes"]))
        days.adopt(key, code, _fate(key), known)


def _fate(key: str) -> Fate:
    return fate_of(Random(f"{key}/fate"))  # noqa: S311 (a city, not a secret)
