"""Two people, one work item: one wins, the other is told who."""

from __future__ import annotations

from concurrent.futures import wait
from threading import Barrier

import pytest
from sqlalchemy.exc import OperationalError

from app.cases.commands import ClaimItem, CompleteWork, RaiseSupervision, ReportCase
from app.cases.effects import topics
from app.cases.log import verify_case
from app.errors import StateChanged
from app.modeling.bundles import shipped_files
from app.modeling.commands import DeployBundle
from app.run import SYSTEM, run

NOWAIT = "SELECT 1 FROM process_instances WHERE case_id = :id FOR UPDATE NOWAIT"


def test_step_holds_its_instance(desk, stage):
    case_id = desk.reported_case()
    command = CompleteWork(desk.item(case_id, "T_accept"), {"outcome": "accept"})
    with (
        stage.standing_before_commit(command, desk.city.intake),
        pytest.raises(OperationalError, match="could not obtain lock"),
    ):
        desk.rows(NOWAIT, id=case_id)
    assert len(desk.rows(NOWAIT, id=case_id)) == 1


def test_loser_waits_then_hears_who_was_first(desk, stage, aside):
    case_id = desk.reported_case()
    command = CompleteWork(desk.item(case_id, "T_accept"), {"outcome": "accept"})
    with stage.standing_before_commit(command, desk.city.intake) as won:
        loser = aside(run, command, actor=desk.city.intake2)
        stage.wait_until_somebody_waits()
    assert won.opened == ("T_file",)
    with pytest.raises(StateChanged, match="受理员甲"):
        loser.result(timeout=10)
    assert desk.open_elements(case_id) == ["T_file"]
    assert desk.log_kinds(case_id) == ["reported", "completed"]


def test_winner_that_rolls_back_leaves_the_item_to_the_other(desk, stage, aside):
    case_id = desk.reported_case()
    command = CompleteWork(desk.item(case_id, "T_accept"), {"outcome": "accept"})
    others = []

    def meanwhile():
        others.append(aside(run, command, actor=desk.city.intake2))
        stage.wait_until_somebody_waits()

    stage.run_and_roll_back(command, desk.city.intake, meanwhile)
    assert others[0].result(timeout=10).opened == ("T_file",)
    item = desk.rows("SELECT finished_by FROM work_items WHERE element = 'T_accept'")
    assert item == [{"finished_by": 103}]


def test_claim_and_completion_meet(desk, stage, aside):
    item_id = desk.item(desk.reported_case(), "T_accept")
    with stage.standing_before_commit(ClaimItem(item_id), desk.city.intake):
        other = aside(run, ClaimItem(item_id), actor=desk.city.intake2)
        stage.wait_until_somebody_waits()
    with pytest.raises(StateChanged):
        other.result(timeout=10)


def test_steps_of_different_items_of_one_case_both_count(desk, stage, aside):
    case_id = desk.dispatched_case()
    supervision = RaiseSupervision(case_id, "duty", "慢")
    assign = CompleteWork(desk.item(case_id, "T_assign"), {"outcome": "assign", "handler_id": 112})
    with stage.standing_before_commit(supervision, desk.city.chief):
        other = aside(run, assign, actor=desk.city.manager1)
        stage.wait_until_somebody_waits()
    other.result(timeout=10)
    assert sorted(desk.open_elements(case_id)) == ["T_answer_supervision", "T_handle"]
    with desk.database.sessions() as session:
        raw = session.connection().connection.driver_connection
        assert verify_case(raw, case_id) is None


def test_reports_at_once_get_numbers_of_their_own(desk, aside):
    together = Barrier(4)

    def report():
        together.wait(timeout=10)
        command = ReportCase(channel="collector", title="垃圾")
        return [run(command, actor=desk.city.collector).number for _ in range(5)]

    futures = [aside(report) for _ in range(4)]
    wait(futures, timeout=60)
    numbers = [number for future in futures for number in future.result()]
    assert sorted(numbers) == [f"20251125{n:06}" for n in range(1, 21)]


def test_second_case_of_the_day_waits_for_the_first_ones_number(desk, stage, aside):
    command = ReportCase(channel="collector", title="垃圾")
    with stage.standing_before_commit(command, desk.city.collector) as first:
        other = aside(run, command, actor=desk.city.collector)
        stage.wait_until_somebody_waits()
    assert first.number == "20251125000001"
    assert other.result(timeout=10).number == "20251125000002"


def test_second_report_of_one_source_waits_then_hears_of_the_first(desk, stage, aside):
    command = ReportCase(channel="collector", title="垃圾", source_key="boston311:7")
    with stage.standing_before_commit(command, desk.city.collector) as first:
        other = aside(run, command, actor=desk.city.intake)
        stage.wait_until_somebody_waits()
    with pytest.raises(StateChanged, match=first.number):
        other.result(timeout=10)
    assert desk.rows("SELECT number FROM cases") == [{"number": first.number}]


def test_report_whose_twin_rolls_back_becomes_the_case(desk, stage, aside):
    command = ReportCase(channel="collector", title="垃圾", source_key="boston311:7")
    others = []

    def meanwhile():
        others.append(aside(run, command, actor=desk.city.intake))
        stage.wait_until_somebody_waits()

    stage.run_and_roll_back(command, desk.city.collector, meanwhile)
    number = others[0].result(timeout=10).number
    assert desk.rows("SELECT number FROM cases") == [{"number": number}]


def test_deployments_come_one_by_one(desk, stage, aside):
    files = shipped_files()
    first, second = (
        DeployBundle(
            "case", {**files, "handling.bpmn": files["handling.bpmn"] + b" " * n}, topics()
        )
        for n in (1, 2)
    )
    with stage.standing_before_commit(first, SYSTEM):
        other = aside(run, second, actor=SYSTEM)
        stage.wait_until_somebody_waits()
    newest = other.result(timeout=10)
    active = desk.rows("SELECT hash FROM definition_versions WHERE active")
    assert active == [{"hash": newest}]
