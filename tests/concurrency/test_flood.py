"""Several workers see the same rain, and a phone sends over two lines at once: each thing happens once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from app.clock import FixedClock
from app.db.session import Database
from app.errors import StateChanged
from app.flood.commands.duty import Position, SignOn
from app.flood.commands.events import JudgeRainEvent, OpenRainEvent
from app.flood.commands.orders import IssueOrder, StepOrder
from app.run import SYSTEM, run
from tests.factories import IN_GRID, Desk, build_city
from tests.flood.conftest import COMMANDER, STAFF, Flood, flooded_city, key

AT_ONCE = 4


@pytest.fixture
def flood(database: Database, clock: FixedClock) -> Flood:
    with database.sessions() as session:
        return flooded_city(Desk(build_city(session), database), clock)


def at_once(do: Callable[[], Any]) -> list[Any]:
    def tried() -> Any:
        try:
            return do()
        except StateChanged:
            return StateChanged

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return [future.result() for future in [pool.submit(tried) for _ in range(AT_ONCE)]]


def test_many_workers_open_one_event(flood: Flood) -> None:
    flood.rain(12)
    opened = at_once(lambda: run(OpenRainEvent(), actor=SYSTEM))
    assert sum(one is not None for one in opened) == 1
    assert [row["kind"] for row in flood.rows("SELECT kind FROM rain_reports")] == ["before"]


def test_many_workers_close_an_event_once(flood: Flood) -> None:
    flood.rain(12)
    event = run(OpenRainEvent(), actor=SYSTEM)
    flood.later(hours=4)
    closed = at_once(lambda: run(JudgeRainEvent(event), actor=SYSTEM))
    assert closed.count(True) == 1
    assert flood.open_items() == ["T_review_rain"]


def test_one_key_sent_at_once_takes_one_step_with_one_answer(flood: Flood) -> None:
    order = run(IssueOrder("抽水", person_id=STAFF.person_id), actor=COMMANDER)["order_id"]
    command = StepOrder(order, "T_acknowledge", {"outcome": "acknowledge"}, key(1))
    answers = at_once(lambda: run(command, actor=STAFF))
    assert answers == [{"order_id": order, "next": "T_on_way"}] * AT_ONCE
    assert flood.open_items() == ["T_on_way"]


def test_many_clicks_without_a_key_take_one_step(flood: Flood) -> None:
    order = run(IssueOrder("抽水", person_id=STAFF.person_id), actor=COMMANDER)["order_id"]
    command = StepOrder(order, "T_acknowledge", {"outcome": "acknowledge"})
    answers = at_once(lambda: run(command, actor=STAFF))
    assert answers.count(StateChanged) == AT_ONCE - 1


def test_one_person_signs_on_once(flood: Flood) -> None:
    here = Position(IN_GRID["lon"], IN_GRID["lat"], 5.0)
    answers = at_once(lambda: run(SignOn(here), actor=STAFF))
    assert answers.count(StateChanged) == AT_ONCE - 1
    assert len(flood.rows("SELECT * FROM duty_sign_ons")) == 1
