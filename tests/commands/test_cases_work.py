"""Work items: who may complete, claim, hand back and assign them, and what follows."""

from __future__ import annotations

import pytest

from app.cases.commands import AssignItem, ClaimItem, CompleteWork, HandBackItem, SaveDraft
from app.errors import Forbidden, InvalidInput, NotFound, StateChanged
from app.run import run


def test_whole_life_leads_to_a_closed_case(desk):
    case_id = desk.assigned_case()
    city = desk.city
    desk.do(case_id, "T_handle", city.handler1, "done", opinion="已清除")
    desk.do(case_id, "T_confirm", city.manager1, "hand_in")
    desk.do(case_id, "T_review", city.dispatcher, "pass")
    desk.do(case_id, "T_check", city.collector, "pass")
    result = desk.do(case_id, "T_close", city.chief, "close")
    assert result.closed_as == "closed"
    case = desk.case(case_id)
    assert (case["closed_as"], case["stage"], case["overdue"]) == ("closed", "closed", False)
    assert desk.open_elements(case_id) == []
    assert desk.rows("SELECT * FROM timers") == []
    assert desk.rows("SELECT ended_at FROM process_instances")[0]["ended_at"] is not None


def test_completed_item_keeps_who_when_and_outcome(desk, clock):
    case_id = desk.accepted_case()
    item = desk.rows("SELECT * FROM work_items WHERE element = 'T_accept'")[0]
    assert (item["status"], item["outcome"]) == ("done", "accept")
    assert (item["finished_by"], item["finished_at"]) == (102, clock.now())
    assert desk.case(case_id)["stage"] == "filing"


def test_answers_stand_in_the_log(desk):
    case_id = desk.reported_case()
    desk.do(case_id, "T_accept", desk.city.intake, "reject", opinion="不在职责范围")
    rows = desk.rows("SELECT kind, element, actor_id, data FROM case_log ORDER BY seq")
    completed = next(row for row in rows if row["kind"] == "completed")
    assert completed["element"] == "T_accept"
    assert completed["actor_id"] == 102
    assert completed["data"] == {"outcome": "reject", "opinion": "不在职责范围"}


def test_second_completion_says_who_did_it_and_when(desk):
    case_id = desk.reported_case()
    item_id = desk.item(case_id, "T_accept")
    run(CompleteWork(item_id, {"outcome": "accept"}), actor=desk.city.intake)
    with pytest.raises(StateChanged) as refused:
        run(CompleteWork(item_id, {"outcome": "accept"}), actor=desk.city.intake2)
    assert "受理员甲" in str(refused.value)
    assert "2025-11-25 09:00:00" in str(refused.value)  # the city's time
    assert desk.open_elements(case_id) == ["T_file"]


def test_wrong_role_is_forbidden(desk):
    case_id = desk.reported_case()
    with pytest.raises(Forbidden):
        desk.do(case_id, "T_accept", desk.city.dispatcher, "accept")


def test_manager_of_another_unit_is_forbidden(desk):
    case_id = desk.dispatched_case()
    with pytest.raises(Forbidden):
        desk.do(case_id, "T_assign", desk.city.manager2, "direct", opinion="已清除")


def test_unknown_item_is_not_found(desk):
    with pytest.raises(NotFound):
        run(CompleteWork(987654, {}), actor=desk.city.intake)


def test_version_seen_must_be_the_present_one(desk):
    case_id = desk.reported_case()
    item_id = desk.item(case_id, "T_accept")
    with pytest.raises(StateChanged):
        run(CompleteWork(item_id, {"outcome": "accept"}, version=7), actor=desk.city.intake)
    run(CompleteWork(item_id, {"outcome": "accept"}, version=1), actor=desk.city.intake)


def test_faulty_answers_name_each_field_and_change_nothing(desk):
    case_id = desk.accepted_case()
    with pytest.raises(InvalidInput) as refused:
        desk.do(case_id, "T_file", desk.city.intake, "file", condition_seq="first", colour="red")
    assert set(refused.value.fields) == {"class_code", "condition_seq", "colour"}
    assert desk.open_elements(case_id) == ["T_file"]


def test_filing_without_condition_or_limit_is_refused(desk):
    case_id = desk.accepted_case()
    with pytest.raises(InvalidInput) as refused:
        desk.do(case_id, "T_file", desk.city.intake, "file", class_code="E-01-02", condition_seq=9)
    assert "condition_seq" in refused.value.fields


def test_claimed_item_is_its_claimants(desk):
    case_id = desk.reported_case()
    item_id = desk.item(case_id, "T_accept")
    run(ClaimItem(item_id), actor=desk.city.intake)
    with pytest.raises(StateChanged):
        run(ClaimItem(item_id), actor=desk.city.intake2)
    with pytest.raises(Forbidden):
        run(CompleteWork(item_id, {"outcome": "accept"}), actor=desk.city.intake2)
    run(CompleteWork(item_id, {"outcome": "accept"}), actor=desk.city.intake)
    assert desk.open_elements(case_id) == ["T_file"]


def test_completion_of_an_item_the_winner_had_claimed_is_a_conflict_not_forbidden(desk):
    item_id = desk.item(desk.reported_case(), "T_accept")
    run(ClaimItem(item_id), actor=desk.city.intake)
    run(CompleteWork(item_id, {"outcome": "accept"}), actor=desk.city.intake)
    with pytest.raises(StateChanged):
        run(CompleteWork(item_id, {"outcome": "accept"}), actor=desk.city.intake2)


def test_handed_back_item_is_free_again(desk):
    case_id = desk.reported_case()
    item_id = desk.item(case_id, "T_accept")
    run(ClaimItem(item_id), actor=desk.city.intake)
    run(HandBackItem(item_id), actor=desk.city.intake)
    run(ClaimItem(item_id), actor=desk.city.intake2)
    assert desk.log_kinds(case_id)[-3:] == ["claimed", "handed_back", "claimed"]


def test_wrong_role_may_not_claim(desk):
    item_id = desk.item(desk.reported_case(), "T_accept")
    with pytest.raises(Forbidden):
        run(ClaimItem(item_id), actor=desk.city.handler1)


def test_duty_chief_assigns_within_the_centre(desk):
    item_id = desk.item(desk.reported_case(), "T_accept")
    run(AssignItem(item_id, 103), actor=desk.city.chief)
    assert desk.rows("SELECT assignee_id FROM work_items")[0]["assignee_id"] == 103


def test_assignee_must_hold_the_role(desk):
    item_id = desk.item(desk.reported_case(), "T_accept")
    with pytest.raises(InvalidInput) as refused:
        run(AssignItem(item_id, 104), actor=desk.city.chief)
    assert "person_id" in refused.value.fields


def test_intake_officer_may_not_assign(desk):
    item_id = desk.item(desk.reported_case(), "T_accept")
    with pytest.raises(Forbidden):
        run(AssignItem(item_id, 103), actor=desk.city.intake)


def test_handler_named_by_the_manager_gets_the_work(desk):
    case_id = desk.assigned_case()
    item = desk.rows("SELECT * FROM work_items WHERE element = 'T_handle'")[0]
    assert (item["assignee_id"], item["unit_id"]) == (112, 11)
    assert desk.case(case_id)["handler_id"] == 112
    with pytest.raises(Forbidden):
        desk.do(case_id, "T_handle", desk.city.handler2, "done", opinion="已清除")


def test_handler_of_another_unit_is_refused(desk):
    case_id = desk.dispatched_case()
    with pytest.raises(InvalidInput) as refused:
        desk.do(case_id, "T_assign", desk.city.manager1, "assign", handler_id=122)
    assert "handler_id" in refused.value.fields


def test_redone_work_goes_to_the_same_handler(desk):
    case_id = desk.assigned_case()
    desk.do(case_id, "T_handle", desk.city.handler1, "done", opinion="已清除")
    desk.do(case_id, "T_confirm", desk.city.manager1, "redo", opinion="没有清干净")
    item = desk.rows(
        "SELECT assignee_id FROM work_items WHERE element = 'T_handle' AND status = 'open'"
    )
    assert item == [{"assignee_id": 112}]


def test_merged_case_names_the_other(desk):
    main, case_id = desk.filed_case(), desk.reported_case()
    number = desk.case(main)["number"]
    desk.do(case_id, "T_accept", desk.city.intake, "merge", merged_into=number)
    case = desk.case(case_id)
    assert (case["closed_as"], case["merged_into_id"]) == ("merged", main)


def test_merging_into_an_unknown_case_is_refused(desk):
    case_id = desk.reported_case()
    with pytest.raises(InvalidInput) as refused:
        desk.do(
            case_id, "T_accept", desk.city.intake, "merge", merged_into=desk.case(case_id)["number"]
        )
    assert "merged_into" in refused.value.fields


def test_verified_as_absent_is_rejected(desk):
    case_id = desk.reported_case(channel="public")
    desk.do(case_id, "T_verify", desk.city.collector, "absent", opinion="现场没有")
    assert desk.case(case_id)["closed_as"] == "rejected"


def test_dispatch_form_begins_with_the_responsible_unit(desk):
    case_id = desk.filed_case()
    item_id = desk.item(case_id, "T_dispatch")
    found = desk.rows("SELECT defaults FROM work_items WHERE id = :id", id=item_id)
    assert found[0]["defaults"] == {"unit_id": 11}


def test_dispatch_to_the_city_itself_is_refused(desk):
    case_id = desk.filed_case()
    with pytest.raises(InvalidInput) as refused:
        desk.do(case_id, "T_dispatch", desk.city.dispatcher, "dispatch", unit_id=1)
    assert "unit_id" in refused.value.fields


def test_draft_is_kept_for_its_writer(desk):
    item_id = desk.item(desk.reported_case(), "T_accept")
    run(SaveDraft(item_id, {"opinion": "待查"}), actor=desk.city.intake)
    run(SaveDraft(item_id, {"opinion": "待查清"}), actor=desk.city.intake)
    found = desk.rows("SELECT person_id, answers FROM drafts")
    assert found == [{"person_id": 102, "answers": {"opinion": "待查清"}}]


def test_draft_of_somebody_elses_work_is_forbidden(desk):
    item_id = desk.item(desk.reported_case(), "T_accept")
    with pytest.raises(Forbidden):
        run(SaveDraft(item_id, {"opinion": "待查"}), actor=desk.city.handler1)
