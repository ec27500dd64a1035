"""Moving running cases to another version: what changes, what stays, what is taken back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from app.cases.commands import (
    ClaimItem,
    FireTimers,
    MoveCases,
    RaiseSupervision,
    RequestExtension,
    RequestHold,
    RequestReturn,
    SaveDraft,
    UndoMove,
)
from app.cases.effects import topics
from app.cases.log import verify_case
from app.cases.queries.moving import DryRun, MovedLine, dry_run, moved_cases, versions_in_use
from app.engine.move_plans import Verdict
from app.errors import Forbidden, InvalidInput, StateChanged
from app.modeling.bundles import shipped_files
from app.modeling.commands import DeployBundle
from app.run import SYSTEM, run
from tests.edited_diagrams import (
    edited,
    with_a_look_before_closing,
    with_a_reminder_to_assign,
    with_the_review_renamed,
)
from tests.factories import Desk

_ITEMS = """
SELECT id, token, element, name, form_key, stage, role, unit_id, assignee_id, status, created_at, due_at, claimed_at
FROM work_items ORDER BY id
"""
_CLOCKS = "SELECT * FROM sla_clocks ORDER BY id"
_FACTS = "SELECT * FROM facts ORDER BY case_id, dispatch_no, valid_from"
_TIMERS = (
    "SELECT id, instance_id, token, element, due_at, try_at FROM timers ORDER BY instance_id, token"
)


def deploy(files: dict[str, bytes]) -> str:
    return str(run(DeployBundle("case", files, topics()), actor=SYSTEM))


def tried(desk: Desk, to_hash: str, mapping: dict[str, str]) -> DryRun:
    with desk.database.sessions() as session:
        return dry_run(session, desk.city.definition_hash, to_hash, mapping)


def moved(desk: Desk, move_id: int) -> list[MovedLine]:
    with desk.database.sessions() as session:
        return moved_cases(session, move_id)[0]


def held_case(desk: Desk) -> int:
    case_id = desk.dispatched_case()
    until = desk.rows("SELECT now() AS now")[0]["now"] + timedelta(days=3650)
    run(RequestHold(case_id, until, "等材料"), actor=desk.city.manager1)
    desk.do(case_id, "T_approve_hold", desk.city.chief, "grant")
    return case_id


def extending_case(desk: Desk) -> int:
    case_id = desk.dispatched_case()
    run(RequestExtension(case_id, "下雨"), actor=desk.city.manager1)
    return case_id


def returned_case(desk: Desk) -> int:
    case_id = desk.dispatched_case()
    run(RequestReturn(case_id, "不是我们的"), actor=desk.city.manager1)
    return case_id


def supervised_case(desk: Desk) -> int:
    case_id = desk.dispatched_case()
    run(RaiseSupervision(case_id, "duty", "请尽快"), actor=desk.city.chief)
    return case_id


_MAKERS: tuple[Callable[[Desk], int], ...] = (
    Desk.reported_case, Desk.accepted_case, Desk.filed_case, Desk.dispatched_case, Desk.assigned_case,
    Desk.handed_in_case, Desk.closing_case, held_case, extending_case, returned_case,
    supervised_case,
)  # fmt: skip


def running_cases(desk: Desk) -> list[int]:
    """Return thirty-three cases that stand at eleven places."""
    return [make(desk) for _ in range(3) for make in _MAKERS]


def finish(desk: Desk, case_id: int) -> None:
    """Bring a case from wherever it stands to its end."""
    city = desk.city
    acts: dict[str, tuple[Any, str, dict[str, Any]]] = {
        "T_accept": (city.intake, "accept", {}),
        "T_file": (city.intake, "file", {"class_code": "E-01-02", "condition_seq": 1}),
        "T_dispatch": (city.dispatcher, "dispatch", {"unit_id": 11}),
        "T_assign": (city.manager1, "direct", {"opinion": "已清除"}),
        "T_handle": (city.handler1, "done", {"opinion": "已清除"}),
        "T_confirm": (city.manager1, "hand_in", {}),
        "T_review": (city.dispatcher, "pass_by_photo", {}),
        "T_feedback": (city.dispatcher, "pass_by_photo", {}),
        "T_look": (city.dispatcher, "close", {}),
        "T_close": (city.chief, "close", {}),
        "T_approve_extension": (city.chief, "grant", {}),
        "T_answer_supervision": (city.manager1, "answered", {}),
        "T_rule_return": (city.chief, "unfounded", {}),
    }
    for _ in range(20):
        open_now = desk.open_elements(case_id)
        if not open_now:
            break
        element = open_now[-1]
        actor, outcome, answers = acts[element]
        desk.do(case_id, element, actor, outcome, **{"opinion": "同意", **answers})
    assert desk.case(case_id)["closed_as"] == "closed"


def test_cases_at_every_place_move_and_only_what_the_edit_asked_for_is_retimed(desk):
    case_ids = running_cases(desk)
    items, timers = desk.rows(_ITEMS), desk.rows(_TIMERS)
    clocks, facts = desk.rows(_CLOCKS), desk.rows(_FACTS)
    new = deploy(with_a_look_before_closing())
    result = run(MoveCases(tuple(case_ids), new), actor=SYSTEM)
    assert result.moved == tuple(sorted(case_ids))
    assert desk.rows(_ITEMS) == items
    assert (desk.rows(_CLOCKS), desk.rows(_FACTS)) == (clocks, facts)
    after = desk.rows(_TIMERS)
    unasked = [row for row in timers if row["element"] != "B_near_due"]
    assert [row for row in after if row["element"] != "B_near_due"] == unasked
    near = [row for row in after if row["element"] == "B_near_due"]
    was = {row["id"]: row["due_at"] for row in timers}
    assert near
    # Due at 15:00 with a rest from 12:00 to 14:00: one working hour before it is 14:00, two are 11:00.
    assert {row["due_at"] - was[row["id"]] for row in near} == {timedelta(hours=3)}


def test_moved_cases_come_by_the_new_step_and_to_their_end(desk):
    case_ids = [make(desk) for make in _MAKERS if make is not held_case]
    new = deploy(with_a_look_before_closing())
    run(MoveCases(tuple(case_ids), new), actor=SYSTEM)
    for case_id in case_ids:
        closing = desk.open_elements(case_id) == ["T_close"]
        finish(desk, case_id)
        looked = desk.rows(
            "SELECT 1 FROM work_items WHERE case_id = :id AND element = 'T_look'", id=case_id
        )
        assert len(looked) == (not closing)
        assert verify_case(desk.database.writing.connection.driver_connection, case_id) is None


def test_drafts_and_assignees_stay(desk):
    case_id = desk.reported_case()
    item_id = desk.item(case_id, "T_accept")
    run(ClaimItem(item_id), actor=desk.city.intake)
    run(SaveDraft(item_id, {"opinion": "看过"}), actor=desk.city.intake)
    drafts = desk.rows("SELECT * FROM drafts")
    items = desk.rows(_ITEMS)
    run(MoveCases((case_id,), deploy(with_a_look_before_closing())), actor=SYSTEM)
    assert desk.rows("SELECT * FROM drafts") == drafts
    assert desk.rows(_ITEMS) == items
    assert items[0]["assignee_id"] == desk.city.intake.person_id


def test_a_new_timer_of_a_live_task_is_armed_fires_and_goes_with_an_undo(desk, clock):
    case_id = desk.dispatched_case()
    before = desk.rows(_TIMERS)
    result = run(MoveCases((case_id,), deploy(with_a_reminder_to_assign())), actor=SYSTEM)
    idle = [row for row in desk.rows(_TIMERS) if row["element"] == "B_idle"]
    # Due at 15:00 with a rest from 12:00 to 14:00: three working hours before it is 10:00.
    assert [row["due_at"] for row in idle] == [clock.now() + timedelta(hours=1)]
    run(UndoMove(result.move_id, case_id), actor=SYSTEM)
    assert desk.rows(_TIMERS) == before
    run(MoveCases((case_id,), deploy(with_a_reminder_to_assign())), actor=SYSTEM)
    clock.advance(timedelta(hours=1))
    instance_id = idle[0]["instance_id"]
    assert run(FireTimers(instance_id), actor=SYSTEM) == 1
    assert "late" in desk.log_kinds(case_id)
    finish(desk, case_id)


def test_a_removed_element_needs_mapping_and_then_is_fine(desk):
    case_id, other = desk.handed_in_case(), desk.reported_case()
    new = deploy(with_the_review_renamed())
    found = tried(desk, new, {})
    assert (found.total, found.counts[Verdict.NEEDS_MAPPING], found.counts[Verdict.FINE]) == (
        2,
        1,
        1,
    )
    assert [(g.obstacle.element, g.count) for g in found.groups if g.obstacle] == [("T_review", 1)]
    refused = run(MoveCases((case_id, other), new), actor=SYSTEM)
    assert (refused.moved, [case for case, _ in refused.refused]) == ((other,), [case_id])
    mapping = {"T_review": "T_feedback"}
    assert tried(desk, new, mapping).counts[Verdict.FINE] == 1
    item_id = desk.item(case_id, "T_review")
    assert run(MoveCases((case_id,), new, mapping), actor=SYSTEM).moved == (case_id,)
    assert desk.item(case_id, "T_feedback") == item_id
    finish(desk, case_id)


def test_undo_restores_the_case_as_it_was(desk):
    case_id = desk.dispatched_case()
    was = desk.rows("SELECT definition_hash, state FROM process_instances")
    items, timers = desk.rows(_ITEMS), desk.rows(_TIMERS)
    result = run(MoveCases((case_id,), deploy(with_a_look_before_closing())), actor=SYSTEM)
    lines = moved(desk, result.move_id)
    assert [line.can_undo for line in lines] == [True]
    run(UndoMove(result.move_id, case_id), actor=SYSTEM)
    assert desk.rows("SELECT definition_hash, state FROM process_instances") == was
    assert (desk.rows(_ITEMS), desk.rows(_TIMERS)) == (items, timers)
    assert desk.log_kinds(case_id)[-2:] == ["moved", "move_undone"]
    lines = moved(desk, result.move_id)
    assert [line.can_undo for line in lines] == [False]
    finish(desk, case_id)


def test_undo_of_a_mapped_case_renames_its_item_back(desk):
    case_id = desk.handed_in_case()
    new = deploy(with_the_review_renamed())
    result = run(MoveCases((case_id,), new, {"T_review": "T_feedback"}), actor=SYSTEM)
    run(UndoMove(result.move_id, case_id), actor=SYSTEM)
    assert desk.open_elements(case_id) == ["T_review"]
    finish(desk, case_id)


def test_undo_is_refused_once_something_has_happened(desk):
    case_id = desk.dispatched_case()
    result = run(MoveCases((case_id,), deploy(with_a_look_before_closing())), actor=SYSTEM)
    desk.do(case_id, "T_assign", desk.city.manager1, "assign", handler_id=112)
    with pytest.raises(StateChanged):
        run(UndoMove(result.move_id, case_id), actor=SYSTEM)
    assert desk.open_elements(case_id) == ["T_handle"]


def test_a_completion_that_came_first_lets_the_case_move_from_where_it_is(desk):
    case_id = desk.reported_case()
    new = deploy(with_a_look_before_closing())
    desk.do(case_id, "T_accept", desk.city.intake, "accept")
    assert run(MoveCases((case_id,), new), actor=SYSTEM).moved == (case_id,)
    assert desk.open_elements(case_id) == ["T_file"]


def test_an_ended_case_and_one_already_there_are_refused_and_no_move_is_begun(desk):
    ended = desk.closed_case()
    new = deploy(with_a_look_before_closing())
    there = desk.reported_case()
    result = run(MoveCases((ended, there), new), actor=SYSTEM)
    assert (result.moved, result.move_id) == ((), None)
    assert [case_id for case_id, _ in result.refused] == sorted([ended, there])
    assert desk.rows("SELECT * FROM case_moves") == []


def test_batches_of_one_move_are_kept_together(desk):
    first, second = desk.reported_case(), desk.reported_case()
    new = deploy(with_a_look_before_closing())
    move_id = run(MoveCases((first,), new), actor=SYSTEM).move_id
    assert run(MoveCases((second,), new, {}, move_id), actor=SYSTEM).move_id == move_id
    assert len(moved(desk, move_id)) == 2
    with pytest.raises(InvalidInput):
        run(MoveCases((first,), desk.city.definition_hash, {}, move_id), actor=SYSTEM)
    with desk.database.sessions() as session:
        assert versions_in_use(session) == {new: 2}


def test_only_the_analyst_and_the_administrator_move_cases(desk):
    case_id = desk.reported_case()
    for actor in (desk.city.chief, desk.city.dispatcher):
        with pytest.raises(Forbidden):
            run(MoveCases((case_id,), desk.city.definition_hash), actor=actor)


def test_the_log_names_both_versions(desk):
    case_id = desk.reported_case()
    new = deploy(with_a_look_before_closing())
    run(MoveCases((case_id,), new), actor=SYSTEM)
    row = desk.rows("SELECT data FROM case_log WHERE kind = 'moved'")[0]
    assert (row["data"]["old"], row["data"]["new"]) == (desk.city.definition_hash, new)


def test_a_changed_due_date_of_an_open_item_is_worked_out_again_and_goes_back_with_an_undo(desk):
    case_id = desk.reported_case()
    was = desk.rows(_ITEMS)
    sooner = edited(
        shipped_files(),
        "case.bpmn",
        ("due(&quot;accept&quot;)", "before_due(&quot;accept&quot;, &quot;1 minute&quot;)"),
    )
    result = run(MoveCases((case_id,), deploy(sooner)), actor=SYSTEM)
    (item,) = desk.rows(_ITEMS)
    assert item["due_at"] == was[0]["due_at"] - timedelta(minutes=1)
    assert {**item, "due_at": was[0]["due_at"]} == was[0]
    run(UndoMove(result.move_id, case_id), actor=SYSTEM)
    assert desk.rows(_ITEMS) == was


def test_an_item_whose_role_and_form_changed_follows_the_new_version(desk):
    case_id = desk.handed_in_case()
    other = edited(
        shipped_files(),
        "case.bpmn",
        (
            'name="反馈" camunda:formKey="review" camunda:candidateGroups="dispatcher"',
            'name="回访" camunda:formKey="close" camunda:candidateGroups="duty_chief"',
        ),
    )
    run(MoveCases((case_id,), deploy(other)), actor=SYSTEM)
    item = desk.rows("SELECT name, form_key, role FROM work_items WHERE status = 'open'")
    assert item == [{"name": "回访", "form_key": "close", "role": "duty_chief"}]
