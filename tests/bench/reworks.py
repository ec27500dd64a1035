"""What a step costs after 5, 50, 200 and 1,000 reworks, beside a case that has none."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import URL

from app.cases.commands import CompleteWork
from app.clock import FixedClock
from app.run import installed_runtime, run
from tests.bench.scratch import Scratch
from tests.factories import City, Desk

AFTER = (5, 50, 200, 1000)
WATCHED = 40
PAUSE = timedelta(minutes=1)


@dataclass(frozen=True)
class StepCost:
    """Median seconds of a step of the case sent back so often, and of cases with no rework at that time."""

    seconds: float
    fresh_seconds: float


def step_costs(scratch: Scratch, base: URL, city: City) -> tuple[dict[int, StepCost], int]:
    """Return what steps cost by the number of reworks before them, and the bytes of the last state.

    The steps of a rework are handle, confirm and review, a minute apart. Old and new are measured in turn: the
    machine is no more busy with the one than with the other.
    """
    with scratch.clone(base) as url:
        desk = Desk(city, scratch.opened(url))
        case_id = desk.assigned_case()
        _rework(desk, desk.assigned_case())
        costs: dict[int, StepCost] = {}
        done = 0
        for after in AFTER:
            while done < after:
                _rework(desk, case_id)
                done += 1
            old, fresh = [], []
            for _ in range(WATCHED):
                old.append(_rework(desk, case_id))
                fresh.append(_rework(desk, desk.assigned_case()))
                done += 1
            costs[after] = StepCost(statistics.median(old), statistics.median(fresh))
        size = desk.rows(
            "SELECT length(state) AS size FROM process_instances WHERE case_id = :id", id=case_id
        )[0]["size"]
        desk.database.drop_connections()
    return costs, size


def _rework(desk: Desk, case_id: int) -> float:
    """Send the case back once and return the mean seconds of the steps."""
    city, clock = desk.city, installed_runtime().clock
    assert isinstance(clock, FixedClock), "Scratch.opened installs one"
    times = []
    for element, actor, answers in (
        ("T_handle", city.handler1, {"outcome": "done", "opinion": "已清理"}),
        ("T_confirm", city.manager1, {"outcome": "hand_in", "opinion": "属实"}),
        ("T_review", city.dispatcher, {"outcome": "rework", "opinion": "仍有残留"}),
    ):
        command = CompleteWork(desk.item(case_id, element), answers)
        begin = time.perf_counter()
        run(command, actor=actor)
        times.append(time.perf_counter() - begin)
        clock.advance(PAUSE)
    return statistics.mean(times)
