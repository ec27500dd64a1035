"""Ended cases replayed: on the version they ran on they go as they went; a draft shows what it would change."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from app.cases.commands import RequestExtension, RequestReturn
from app.clock import FixedClock
from app.errors import DefinitionError, InvalidInput, StateChanged
from app.modeling.bundles import shipped_files
from app.modeling.draft_commands import SaveDraftFile, StartDraft
from app.run import Actor, run
from app.tryouts.commands import AdvanceReplay, StartReplay
from app.tryouts.queries import figures_of
from tests.commands.test_modeling_drafts import person
from tests.factories import Desk

NOVEMBER = date(2025, 11, 1)
# A step before the hand-in, which no case of November ever answered.
WITH_A_STEP = (
    shipped_files()["handling.bpmn"]
    .replace(
        b'<bpmn:sequenceFlow id="F_T_handle_T_confirm" sourceRef="T_handle" targetRef="T_confirm"/>',
        b'<bpmn:userTask id="T_look" name="look" camunda:formKey="confirm"'
        b' camunda:candidateGroups="unit_manager@unit"><bpmn:incoming>F_in</bpmn:incoming>'
        b"<bpmn:outgoing>F_T_handle_T_confirm</bpmn:outgoing></bpmn:userTask>"
        b'<bpmn:sequenceFlow id="F_in" sourceRef="T_handle" targetRef="T_look"/>'
        b'<bpmn:sequenceFlow id="F_T_handle_T_confirm" sourceRef="T_look" targetRef="T_confirm"/>',
    )
    .replace(
        b"<bpmn:outgoing>F_T_handle_T_confirm</bpmn:outgoing>",
        b"<bpmn:outgoing>F_in</bpmn:outgoing>",
        1,
    )
)


@pytest.fixture
def maker(desk: Desk) -> Actor:
    return person("maker")


@pytest.fixture
def draft(maker: Actor) -> int:
    return int(run(StartDraft("case", "改处置"), actor=maker))


def replay(draft: int, maker: Actor, assumed: str = "2 working_hour") -> int:
    replay_id = int(run(StartReplay(draft, NOVEMBER, 50, assumed), actor=maker))
    while run(AdvanceReplay(replay_id), actor=maker):
        pass
    return replay_id


def outcomes(desk: Desk, replay_id: int) -> list[dict[str, Any]]:
    return desk.rows(
        "SELECT case_id, before, after, failure FROM draft_replay_cases WHERE replay_id = :id ORDER BY case_id",
        id=replay_id,
    )


def lived(desk: Desk, clock: FixedClock) -> int:
    """Return a case that ended today, forty minutes for each of its steps."""
    case_id = desk.reported_case()
    city, step = desk.city, timedelta(minutes=40)
    for element, actor, outcome, answers in (
        ("T_accept", city.intake, "accept", {}),
        ("T_file", city.intake, "file", {"class_code": "E-01-02", "condition_seq": 1}),
        ("T_dispatch", city.dispatcher, "dispatch", {"unit_id": 11}),
        ("T_assign", city.manager1, "assign", {"handler_id": 112}),
        ("T_handle", city.handler1, "done", {"opinion": "已清除"}),
        ("T_confirm", city.manager1, "hand_in", {}),
        ("T_review", city.dispatcher, "pass_by_photo", {}),
        ("T_close", city.chief, "close", {}),
    ):
        clock.advance(step)
        desk.do(case_id, element, actor, outcome, **answers)
    return case_id


def test_case_goes_as_it_went_on_its_own_version(
    desk: Desk, clock: FixedClock, draft: int, maker: Actor
) -> None:
    case_id = lived(desk, clock)
    [row] = outcomes(desk, replay(draft, maker))
    case = desk.case(case_id)
    assert row["failure"] is None
    assert row["before"] == row["after"]
    assert row["before"]["seconds"] == 8 * 40 * 60
    assert datetime.fromisoformat(row["before"]["due_at"]) == case["due_at"]
    assert row["before"]["late"] == case["overdue"]
    assert row["before"]["assumed"] == row["before"]["unheard"] == []
    done = desk.rows("SELECT element FROM work_items WHERE case_id = :id ORDER BY id", id=case_id)
    assert row["before"]["tasks"] == [item["element"] for item in done]


def test_extension_and_return_are_asked_for_again(
    desk: Desk, clock: FixedClock, draft: int, maker: Actor
) -> None:
    case_id, city = desk.dispatched_case(), desk.city
    clock.advance(timedelta(minutes=20))
    run(RequestExtension(case_id, "下雨"), actor=city.manager1)
    clock.advance(timedelta(minutes=10))
    desk.do(case_id, "T_approve_extension", city.chief, "grant")
    clock.advance(timedelta(minutes=10))
    run(RequestReturn(case_id, "不是我们的"), actor=city.manager1)
    clock.advance(timedelta(minutes=10))
    desk.do(case_id, "T_rule_return", city.chief, "unfounded", opinion="是你们的")
    clock.advance(timedelta(minutes=10))
    desk.hand_in(case_id)
    desk.do(case_id, "T_review", city.dispatcher, "pass_by_photo")
    desk.do(case_id, "T_close", city.chief, "close")
    [row] = outcomes(desk, replay(draft, maker))
    assert row["failure"] is None
    assert row["before"]["unheard"] == []
    assert datetime.fromisoformat(row["before"]["due_at"]) == desk.case(case_id)["due_at"]
    assert row["before"]["passed"]["T_rule_return"] == 1
    assert row["before"]["passed"]["S_count_unfounded"] == 1


def test_two_replays_say_the_same(desk: Desk, clock: FixedClock, draft: int, maker: Actor) -> None:
    for _ in range(3):
        lived(desk, clock)
    one, other = (outcomes(desk, replay(draft, maker)) for _ in range(2))
    assert one == other
    assert len(one) == 3


def test_changed_draft_or_faulty_draft_is_not_replayed(
    desk: Desk, clock: FixedClock, draft: int, maker: Actor
) -> None:
    lived(desk, clock)
    replay_id = int(run(StartReplay(draft, NOVEMBER, 50, "2 working_hour"), actor=maker))
    changed = shipped_files()["check.bpmn"].replace("现场核查".encode(), "到场核查".encode())
    run(SaveDraftFile(draft, "check.bpmn", changed, 1), actor=maker)
    with pytest.raises(StateChanged):
        run(AdvanceReplay(replay_id), actor=maker)
    run(SaveDraftFile(draft, "check.bpmn", b"<half", 2), actor=maker)
    with pytest.raises(DefinitionError):
        run(StartReplay(draft, NOVEMBER, 50, "2 working_hour"), actor=maker)


@pytest.mark.parametrize(
    ("month", "wanted", "assumed", "field"),
    [
        (date(2025, 10, 1), 50, "2 working_hour", "month"),
        (NOVEMBER, 7, "2 working_hour", "wanted"),
        (NOVEMBER, 50, "soon", "assumed"),
    ],
)
def test_what_cannot_be_replayed_is_said(
    draft: int, maker: Actor, month: date, wanted: int, assumed: str, field: str
) -> None:
    with pytest.raises(InvalidInput) as raised:
        run(StartReplay(draft, month, wanted, assumed), actor=maker)
    assert field in raised.value.fields


def test_new_step_takes_what_is_assumed_and_makes_cases_late(
    desk: Desk, clock: FixedClock, draft: int, maker: Actor, session: Session
) -> None:
    lived(desk, clock)
    run(SaveDraftFile(draft, "handling.bpmn", WITH_A_STEP, 1), actor=maker)
    replay_id = replay(draft, maker, "3 working_hour")
    found = figures_of(session, replay_id)
    assert found.lists["failed"] == ()
    [line] = found.lists["newly-late"]
    # Handed in 2 h after the dispatch then; now three working hours later, which is beyond the four of its limit.
    assert line.after["assumed"] == ["T_look"]
    assert "T_look" in line.gained
    assert line.lost == ()
    [group] = found.groups
    assert group.lines == (line,)


def test_answer_that_the_draft_no_longer_takes_is_a_reason(
    desk: Desk, clock: FixedClock, draft: int, maker: Actor, session: Session
) -> None:
    lived(desk, clock)
    changed = shipped_files()["review.json"].replace(b'"pass_by_photo"', b'"pass_by_sight"')
    run(SaveDraftFile(draft, "review.json", changed, 1), actor=maker)
    [line] = figures_of(session, replay(draft, maker)).lists["failed"]
    assert line.failure is not None
    assert line.failure["on"] == "after"
    assert line.failure["fields"] == ["outcome"]
