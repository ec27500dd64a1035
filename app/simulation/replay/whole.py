"""Replay a history from its files to its report."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from app.run import SYSTEM, Runtime, run
from app.simulation.replay.history import Problem, Request
from app.simulation.replay.playing import Played, play
from app.simulation.replay.preparing import PrepareHistory
from app.simulation.replay.report import report_of
from app.simulation.replay.shares import play_shared
from app.simulation.unhurried import unhurried


@dataclass(frozen=True)
class Replayed:
    """How a replay went and what its report says."""

    played: Played
    seconds: float
    report: list[dict[str, Any]]


def told_once(rows: Iterable[Request | Problem]) -> tuple[list[Request], list[Problem]]:
    """Part the requests from the problems; a request told twice is taken once, if both tell the same."""
    first: dict[str, Request] = {}
    problems: list[Problem] = []
    for row in rows:
        if isinstance(row, Problem):
            problems.append(row)
            continue
        other = first.setdefault(row.source_key, row)
        if replace(row, file=other.file, line=other.line) != other:
            reason = f"{row.source_key} says something else in {other.file}:{other.line}"
            problems.append(Problem(row.file, row.line, reason))
    return list(first.values()), problems


def replay(
    runtime: Runtime,
    history: str,
    rows: Iterable[Request | Problem],
    as_of: datetime,
    *,
    processes: int = 1,
    tick: Callable[[int], object] = lambda n: None,
) -> Replayed:
    """Live through a history until `as_of` and report on it; what stands already is not done again."""
    requests, problems = told_once(rows)
    began = time.monotonic()
    played = _played(runtime, history, requests, as_of, processes=processes, tick=tick)
    seconds = time.monotonic() - began
    played.problems[:] = sorted(
        [*problems, *played.problems], key=lambda problem: (problem.file, problem.line)
    )
    with runtime.database.sessions() as session:
        return Replayed(played, seconds, report_of(session, requests, as_of))


def _played(
    runtime: Runtime,
    history: str,
    requests: Sequence[Request],
    as_of: datetime,
    *,
    processes: int,
    tick: Callable[[int], object],
) -> Played:
    prepare = PrepareHistory(
        history,
        tuple(sorted({request.department for request in requests})),
        tuple(sorted({request.category for request in requests})),
    )
    cast = run(prepare, actor=SYSTEM, database=runtime.database)
    if processes == 1:
        database = unhurried(runtime.database)
        try:
            return play(database, requests, cast, as_of, history=history, tick=tick)
        finally:
            database.drop_connections()
    settings = runtime.services.settings
    return play_shared(
        settings, requests, cast, as_of, history=history, processes=processes, tick=tick
    )
