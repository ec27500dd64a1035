"""Play a history in several processes: cases do not touch each other, so each process takes its share."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from datetime import datetime
from multiprocessing.sharedctypes import Synchronized
from typing import Final

from app.run import Runtime, install
from app.settings import Settings
from app.simulation.replay.history import Request
from app.simulation.replay.playing import Played, play
from app.simulation.replay.preparing import Cast
from app.simulation.unhurried import unhurried

_LOOK_EVERY_S: Final = 0.2

_done: list[Synchronized[int]] = []


def play_shared(
    settings: Settings,
    requests: Sequence[Request],
    cast: Cast,
    as_of: datetime,
    *,
    history: str,
    processes: int,
    tick: Callable[[int], object],
) -> Played:
    """Play the requests in so many processes, each with a part of the time and the timers of its requests."""
    context = multiprocessing.get_context("spawn")
    done = context.Value("q", 0)
    whole, told = Played(), 0
    with ProcessPoolExecutor(
        processes, mp_context=context, initializer=_begin, initargs=(done,)
    ) as pool:
        running: set[Future[Played]] = {
            pool.submit(_play_share, settings, share, cast, as_of, history)
            for share in _shares(requests, processes)
        }
        while running:
            ended, running = wait(running, _LOOK_EVERY_S, FIRST_COMPLETED)
            for future in ended:
                whole.add(future.result())
            now = done.value
            tick(now - told)
            told = now
    return whole


def _shares(requests: Sequence[Request], number: int) -> list[Sequence[Request]]:
    """Divide the requests by time: two of one day would wait for each other, to get the day's numbers."""
    in_order = sorted(requests, key=lambda request: request.reported_at)
    size = -(-len(in_order) // number) or 1
    return [in_order[start : start + size] for start in range(0, len(in_order), size)]


def _begin(done: Synchronized[int]) -> None:
    _done[:] = [done]


def _play_share(
    settings: Settings, requests: Sequence[Request], cast: Cast, as_of: datetime, history: str
) -> Played:
    runtime = Runtime.of(settings)
    install(runtime)
    database = unhurried(runtime.database)
    try:
        return play(database, requests, cast, as_of, history=history, tick=_tick)
    finally:
        database.drop_connections()


def _tick(n: int) -> None:
    done = _done[0]
    with done.get_lock():
        done.value += n
