"""A unit's open cases go to another: batch by batch, with their log, their time and what counts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from app.assessment.rebuilding import differences
from app.cases.commands import AssignItem, ClaimItem, CompleteWork, ReassignUnit, RequestReturn
from app.cases.commands.reassigning import ReassignResult
from app.cases.log import verify_case
from app.clock import FixedClock
from app.errors import Forbidden, InvalidInput
from app.run import Actor, run
from tests.factories import Desk

HOUR = timedelta(hours=1)
REASON = "市编办〔2025〕12 号"


def reassign(desk: Desk, actor: Actor | None = None, **given: Any) -> ReassignResult:
    command = ReassignUnit(**{"from_unit_id": 11, "to_unit_id": 12, "reason": REASON, **given})
    result: ReassignResult = run(command, actor=actor or desk.city.supervisor)
    return result


def items(desk: Desk, case_id: int) -> list[dict[str, object]]:
    return desk.rows(
        "SELECT element, unit_id, assignee_id, claimed_at FROM work_items"
        " WHERE case_id = :id AND status = 'open' ORDER BY id",
        id=case_id,
    )


def disagreements(desk: Desk) -> list[str]:
    with desk.database.sessions() as session:
        return [str(one) for case in differences(session) for one in case.differences]


def test_case_goes_with_its_open_work_and_keeps_its_time(desk: Desk, clock: FixedClock) -> None:
    case_id = desk.dispatched_case()
    before = desk.case(case_id)
    clocks = desk.rows("SELECT * FROM sla_clocks WHERE case_id = :id ORDER BY id", id=case_id)
    clock.advance(HOUR)
    result = reassign(desk)
    assert (result.moved, result.released, result.finished) == (1, 0, True)
    after = desk.case(case_id)
    assert after["unit_id"] == 12
    for name in ("due_at", "dispatched_at", "dispatches", "stage", "overdue"):
        assert after[name] == before[name]
    assert (
        desk.rows("SELECT * FROM sla_clocks WHERE case_id = :id ORDER BY id", id=case_id) == clocks
    )
    assert [(item["element"], item["unit_id"]) for item in items(desk, case_id)] == [
        ("T_assign", 12)
    ]


def test_log_says_who_when_from_where_to_where_and_why(desk: Desk, clock: FixedClock) -> None:
    case_id = desk.dispatched_case()
    clock.advance(HOUR)
    reassign(desk)
    row = desk.rows("SELECT * FROM case_log WHERE case_id = :id ORDER BY seq", id=case_id)[-1]
    assert (row["kind"], row["actor_id"], row["at"]) == ("reassigned", 106, clock.now())
    told = {"from_unit_id": 11, "unit_id": 12, "reason": REASON, "released": 0}
    assert told.items() <= row["data"].items()
    with desk.database.sessions() as session:
        raw: Any = session.connection().connection.driver_connection
        assert verify_case(raw, case_id) is None


def test_claimant_of_the_old_unit_lets_go_and_the_new_unit_can_work(desk: Desk) -> None:
    case_id = desk.assigned_case()
    assert items(desk, case_id)[0]["assignee_id"] == 112
    assert reassign(desk).released == 1
    assert desk.case(case_id)["handler_id"] is None
    (item,) = items(desk, case_id)
    assert (item["unit_id"], item["assignee_id"], item["claimed_at"]) == (12, None, None)
    handle = desk.item(case_id, "T_handle")
    with pytest.raises(Forbidden):
        run(ClaimItem(handle), actor=desk.city.handler1)
    run(AssignItem(handle, 122), actor=desk.city.manager2)
    run(CompleteWork(handle, {"outcome": "done", "opinion": "已清除"}), actor=desk.city.handler2)
    assert desk.open_elements(case_id) == ["T_confirm"]


def test_claimant_who_moved_to_the_new_unit_keeps_the_item(desk: Desk) -> None:
    case_id = desk.assigned_case()
    with desk.database.sessions() as session:
        session.connection().exec_driver_sql("UPDATE people SET unit_id = 12 WHERE id = 112")
        session.commit()
    assert reassign(desk).released == 0
    assert items(desk, case_id)[0]["assignee_id"] == 112
    assert desk.case(case_id)["handler_id"] == 112


def test_fact_counts_for_the_new_unit_from_that_moment_and_the_log_tells_the_same(
    desk: Desk, clock: FixedClock
) -> None:
    case_id = desk.dispatched_case()
    clock.advance(HOUR)
    reassign(desk)
    moved_at = clock.now()
    rows = desk.rows("SELECT * FROM facts WHERE case_id = :id ORDER BY valid_from", id=case_id)
    assert [(row["unit_id"], row["dispatch_no"]) for row in rows] == [(11, 1), (12, 1)]
    assert (rows[0]["valid_to"], rows[1]["valid_from"], rows[1]["valid_to"]) == (
        moved_at,
        moved_at,
        None,
    )
    assert rows[0]["due_at"] == rows[1]["due_at"]
    clock.advance(HOUR)
    desk.do(case_id, "T_assign", desk.city.manager2, "direct", opinion="已清除")
    assert disagreements(desk) == []


def test_fact_of_the_very_moment_of_dispatch_is_the_new_unit_s(desk: Desk) -> None:
    case_id = desk.dispatched_case()
    reassign(desk)
    assert [fact["unit_id"] for fact in desk.facts(case_id)] == [12]
    assert disagreements(desk) == []


def test_return_after_reassignment_is_the_new_unit_s(desk: Desk, clock: FixedClock) -> None:
    case_id = desk.dispatched_case()
    clock.advance(HOUR)
    reassign(desk)
    clock.advance(HOUR)
    run(RequestReturn(case_id, "不属我单位"), actor=desk.city.manager2)
    clock.advance(HOUR)
    desk.do(case_id, "T_rule_return", desk.city.chief, "founded", opinion="属实")
    clock.advance(HOUR)
    desk.do(case_id, "T_dispatch", desk.city.dispatcher, "dispatch", unit_id=12)
    assert [(f["dispatch_no"], f["unit_id"]) for f in desk.facts(case_id)] == [(1, 12), (2, 12)]
    assert disagreements(desk) == []


def test_batches_follow_one_another_until_none_is_left(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.cases.commands.reassigning.BATCH", 2)
    case_ids = [desk.dispatched_case() for _ in range(3)]
    closed = desk.closed_case()
    first = reassign(desk)
    assert (first.moved, first.finished) == (2, False)
    second = reassign(desk, reassignment_id=first.reassignment_id)
    assert (second.reassignment_id, second.moved, second.finished) == (
        first.reassignment_id,
        1,
        True,
    )
    assert {desk.case(case_id)["unit_id"] for case_id in case_ids} == {12}
    assert desk.case(closed)["unit_id"] == 11
    assert len(desk.rows("SELECT id FROM reassigned_cases")) == 3


def test_only_the_class_and_grid_asked_for_go(desk: Desk) -> None:
    case_id = desk.dispatched_case()
    for narrowed in ({"class_code": "E-09-99"}, {"responsibility_code": "R9"}):
        with pytest.raises(InvalidInput):
            reassign(desk, None, **narrowed)
    assert reassign(desk, class_code="E-01-02", responsibility_code="R1").moved == 1
    assert desk.case(case_id)["unit_id"] == 12


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"reason": " "}, "reason"),
        ({"to_unit_id": 11}, "to_unit_id"),
        ({"to_unit_id": 1}, "to_unit_id"),
        ({"to_unit_id": 99}, "to_unit_id"),
        ({"from_unit_id": 12, "to_unit_id": 11}, "from_unit_id"),
    ],
)
def test_refuses_what_makes_no_sense(desk: Desk, given: dict[str, object], field: str) -> None:
    desk.dispatched_case()
    with pytest.raises(InvalidInput) as refused:
        reassign(desk, None, **given)
    assert list(refused.value.fields) == [field]


def test_neither_a_unit_nor_a_supervisor_within_one_may(desk: Desk) -> None:
    desk.dispatched_case()
    with pytest.raises(Forbidden):
        reassign(desk, desk.city.manager1)
    within = Actor(111, 11, "/1/11/", frozenset({"supervisor"}), "东区督察", ranked=True)
    with pytest.raises(Forbidden):
        reassign(desk, within)
