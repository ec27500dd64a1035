"""What a step costs after 0, 5, 20, 200 and 1,000 reworks."""

from __future__ import annotations

import statistics
import time

from sqlalchemy import URL

from app.cases.commands import CompleteWork
from app.run import run
from tests.bench.scratch import Scratch
from tests.factories import City, Desk

AFTER = (0, 5, 20, 200, 1000)
WATCHED = 4


def step_costs(scratch: Scratch, base: URL, city: City) -> tuple[dict[int, float], int]:
    """Return the median seconds of a step by the number of reworks before it, and the last state's bytes.

    A rework is four steps: handle, confirm, review, and the return to handling within the review.
    """
    with scratch.clone(base) as url:
        database = scratch.opened(url)
        desk = Desk(city, database)
        case_id = desk.assigned_case()
        costs: dict[int, float] = {}
        for number in range(AFTER[-1] + WATCHED):
            times = _rework(desk, case_id)
            for after in AFTER:
                if after <= number < after + WATCHED:
                    costs.setdefault(after, 0.0)
                    costs[after] += statistics.median(times) / WATCHED
        size = desk.rows(
            "SELECT length(state) AS size FROM process_instances WHERE case_id = :id", id=case_id
        )[0]["size"]
        database.drop_connections()
    return costs, size


def _rework(desk: Desk, case_id: int) -> list[float]:
    city = desk.city
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
    return times
