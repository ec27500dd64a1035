"""A draft run dry: the engine and effects of real cases, and not a row more in the database."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.cases.calendars import working_calendar
from app.errors import InvalidInput, StateChanged
from app.modeling.bundles import shipped_files
from app.run import SYSTEM
from app.settings import Settings
from app.tryouts.dry import DryCase, World, version_of
from app.tryouts.trial import (
    Beginning,
    Choice,
    Trial,
    begun,
    carried_out,
    read_choices,
    take,
    written,
)
from tests.factories import Desk

# 09:00 of a working Tuesday in Shanghai.
BEGIN = datetime(2025, 11, 25, 1, 0, tzinfo=UTC)
REPORTED = Beginning("collector", BEGIN, district_code="140106")


@pytest.fixture
def world(desk: Desk, session: Session, settings: Settings) -> World:
    connection: Any = session.connection().connection.driver_connection
    return World(connection, working_calendar(settings), SYSTEM)


@pytest.fixture
def dry(world: World) -> DryCase:
    return begun(version_of(shipped_files()), world, REPORTED)


def do(dry: DryCase, element: str, outcome: str, **answers: Any) -> None:
    token = next(item.token for item in dry.items.values() if item.element == element)
    take(dry, Choice("complete", str(token), {"outcome": outcome, **answers}))


def let_come(dry: DryCase, element: str) -> None:
    token = next(timer.token for timer in dry.timers if timer.element == element)
    take(dry, Choice("fire", str(token), {}))


def open_elements(dry: DryCase) -> list[str]:
    return sorted(item.element for item in dry.items.values())


def dispatched(dry: DryCase) -> DryCase:
    do(dry, "T_accept", "accept")
    do(dry, "T_file", "file", class_code="E-01-02", condition_seq=1)
    do(dry, "T_dispatch", "dispatch", unit_id=11)
    return dry


def rows(session: Session) -> list[Any]:
    tables = ("cases", "process_instances", "work_items", "timers", "case_log", "outbox", "facts")
    return [session.scalar(text(f"SELECT count(*) FROM {table}")) for table in tables]


def test_case_runs_to_its_end_and_writes_nothing(dry: DryCase, session: Session) -> None:
    before = rows(session)
    dispatched(dry)
    assert dry.case["unit_id"] == 11
    do(dry, "T_assign", "assign", handler_id=112)
    do(dry, "T_handle", "done", opinion="已清除")
    do(dry, "T_confirm", "hand_in")
    do(dry, "T_review", "pass_by_photo")
    do(dry, "T_close", "close")
    assert dry.ended
    assert dry.case["closed_as"] == "closed"
    assert rows(session) == before


def test_service_tells_what_it_would_have_sent(dry: DryCase) -> None:
    dispatched(dry)
    deed = next(deed for deed in dry.deeds if deed.topic == "case.dispatch")
    assert ("notice", "dispatched") in [(topic, body.get("template")) for topic, body in deed.sent]


def test_timer_moves_the_time_and_marks_the_case_overdue(dry: DryCase) -> None:
    dispatched(dry)
    let_come(dry, "B_due")
    # Four working hours from 09:00 with a rest at noon: see the calendar's own tests; the clock says the same.
    assert dry.now == dry.case["due_at"]
    assert dry.case["overdue"]
    assert {"S_near_due", "S_overdue"} <= {one.element for one in dry.passed}


def test_request_goes_its_way_to_the_approver(dry: DryCase) -> None:
    dispatched(dry)
    due_at = dry.case["due_at"]
    take(dry, Choice("send", "extension_requested", {"reason": "下雨", "amount": ""}))
    item = next(item for item in dry.items.values() if item.form_key == "approve_extension")
    take(dry, Choice("complete", str(item.token), {"outcome": "grant"}))
    assert dry.case["due_at"] > due_at
    assert dry.requests == []


def test_refused_choice_leaves_the_case_as_it_was(dry: DryCase) -> None:
    do(dry, "T_accept", "accept")
    with pytest.raises(InvalidInput):
        do(dry, "T_file", "file", class_code="none", condition_seq=1)
    assert open_elements(dry) == ["T_file"]
    do(dry, "T_file", "file", class_code="E-01-02", condition_seq=1)
    assert open_elements(dry) == ["T_dispatch"]


def test_same_choices_give_the_same_case(world: World) -> None:
    trial = Trial(REPORTED)
    version = version_of(shipped_files())
    first = carried_out(version, world, trial)
    token = str(next(iter(first.items)))
    trial = trial.then(Choice("complete", token, {"outcome": "accept"}))
    trial = Trial(REPORTED, read_choices(written(trial.choices)))
    one, other = (carried_out(version, world, trial) for _ in range(2))
    assert (one.case, one.passed, one.items) == (other.case, other.passed, other.items)
    assert open_elements(carried_out(version, world, trial.back())) == ["T_accept"]


@pytest.mark.parametrize(
    "text",
    [
        "[", "{}", '["complete"]', '[["complete","1"]]', '[["run","1",{}]]', '[["complete",1,{}]]',
        '[["complete","1",[]]]', "[" * 5000, "[" + '["fire","1",{}],' * 200 + "0]",
    ],
)  # fmt: skip
def test_what_no_page_of_ours_sends_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        read_choices(text)


@pytest.mark.parametrize(
    "choice",
    [
        Choice("complete", "999", {}), Choice("complete", "١", {}), Choice("fire", "-1", {}),
        Choice("send", "no such", {}), Choice("fire", "9" * 400, {}),
    ],
)  # fmt: skip
def test_choice_that_is_not_there_is_refused(dry: DryCase, choice: Choice) -> None:
    with pytest.raises(StateChanged):
        take(dry, choice)
