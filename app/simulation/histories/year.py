"""A year of cases for a city, loaded by several processes: days do not touch each other."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Engine, text

from app.db.session import Database, engine_for, place_of
from app.db.transaction import Transaction
from app.errors import StateChanged
from app.run import Runtime
from app.settings import Settings
from app.simulation.city import Progress, build_city
from app.simulation.equipping import equip
from app.simulation.histories.loading import DayPlan, Loader, YearPlan

Tick = Callable[[int], object]

_NEXT_ID: Final = "SELECT coalesce(max(id), 0) + 1 FROM cases"
_HAS_UNITS: Final = "SELECT EXISTS (SELECT FROM units)"
_NUMBERED_ON: Final = """
SELECT setval(pg_get_serial_sequence('cases', 'id'), greatest(max(id), 1)) FROM cases
"""


@dataclass(frozen=True, slots=True)
class YearLoaded:
    """How many cases were loaded, and how long it took."""

    cases: int
    seconds: float


def settle(runtime: Runtime, size: str, seed: int, progress: Progress) -> None:
    """Build a city where there are no units, with the shipped catalogue and diagrams."""
    equip(runtime)
    with runtime.database.sessions() as session:
        if not session.scalar(text(_HAS_UNITS)):
            build_city(session, size, seed, runtime.clock.now(), progress)
            session.commit()  # because a bulk load runs no command


def load_year(
    runtime: Runtime,
    year: int,
    cases: int,
    seed: int,
    *,
    processes: int = 1,
    tick: Tick = lambda loaded: None,
    anyway: bool = False,
) -> YearLoaded:
    """Load a year in which so many cases are dispatched. tick: called with how many cases were loaded.

    anyway: also into a database that has cases. Raises StateChanged where it has.
    """
    database, settings = runtime.database, runtime.services.settings
    with database.sessions() as session:
        first_id = session.execute(text(_NEXT_ID)).scalar_one()
    if first_id > 1 and not anyway:
        raise StateChanged("数据库中已有案件，不能再载入一年的案件。")
    plan = YearPlan.of(year, cases, seed, settings.timezone, first_id)
    began = time.monotonic()
    if processes == 1 or not isinstance(database.writing, Engine):
        loaded = _load_all(database, settings, plan, tick)
    else:
        loaded = _load_shared(database, settings, plan, processes, tick)
    with database.sessions() as session:
        session.execute(text(_NUMBERED_ON))
        session.execute(text("ANALYZE"))
        session.commit()  # because a bulk load runs no command
    return YearLoaded(loaded, time.monotonic() - began)


def _load_all(database: Database, settings: Settings, plan: YearPlan, tick: Tick) -> int:
    share, whole = _Share(database, settings, plan), 0
    for day in plan.days:
        loaded = share.load(day)
        whole += loaded
        tick(loaded)
    return whole


def _load_shared(
    database: Database, settings: Settings, plan: YearPlan, processes: int, tick: Tick
) -> int:
    context = multiprocessing.get_context("spawn")
    whole = 0
    with ProcessPoolExecutor(
        processes,
        mp_context=context,
        initializer=_begin,
        initargs=(place_of(database, settings), settings, plan),
    ) as pool:
        for future in as_completed([pool.submit(_load_day, day) for day in plan.days]):
            whole += future.result()
            tick(future.result())
    return whole


class _Share:
    """What one process loads, each day in a transaction."""

    def __init__(self, database: Database, settings: Settings, plan: YearPlan) -> None:
        self._database = database
        with database.sessions() as session:
            self._loader = Loader(session, settings, plan)

    def load(self, day: DayPlan) -> int:
        transaction = Transaction(self._database)
        try:
            loaded = self._loader.load(day, transaction.connection)
            transaction.commit()  # because a bulk load runs no command: a day is one transaction
        except BaseException:
            transaction.abandon()
            raise
        transaction.close()
        return loaded


_shares: Final[list[_Share]] = []


def _begin(place: Settings | str, settings: Settings, plan: YearPlan) -> None:
    # What a power cut takes away is loaded again: a commit need not wait for the disk.
    engine = engine_for(place, options="-c synchronous_commit=off")
    _shares[:] = [_Share(Database.on(engine, engine), settings, plan)]


def _load_day(day: DayPlan) -> int:
    return _shares[0].load(day)
