"""Appeals, freezes and signatures that meet: nothing is lost, nothing is done twice."""

from __future__ import annotations

import time
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.assessment.commands import BeginRun, ConfirmMonth, FileAppeal
from app.assessment.editions import ranking_of_run
from app.assessment.published import faults_of
from app.assessment.tables import Run
from app.cases.commands import CompleteWork
from app.errors import StateChanged
from app.processes.commands import CompleteProcessItem
from app.run import run
from tests.commands.test_appeals import late_case

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOV = date(2025, 11, 1)
HOUR = timedelta(hours=1)


def items(desk, table, which):
    query = (
        "SELECT i.id FROM process_items i JOIN {} a ON a.process_id = i.process_id"
        " WHERE a.id = :id AND i.status = 'open'"
    )
    return [row["id"] for row in desk.rows(query.format(table), id=which)]


def laid_out(desk, clock):
    clock.move_to(datetime(2025, 12, 1, 9, tzinfo=SHANGHAI))
    return run(BeginRun(NOV), actor=desk.city.supervisor)


def frozen(desk, clock):
    run_id = laid_out(desk, clock)
    run(ConfirmMonth(run_id, 11), actor=desk.city.manager1)
    run(ConfirmMonth(run_id, 12), actor=desk.city.manager2)
    return run_id


def signing(desk, run_id, outcome="sign"):
    answers = {"outcome": outcome, "opinion": "核对"}
    return CompleteProcessItem(items(desk, "assessment_runs", run_id)[0], answers)


def test_a_case_is_appealed_once_by_two_at_once(desk, stage, aside, clock):
    command = FileAppeal(late_case(desk, clock), "late", "封路")
    with stage.standing_before_commit(command, desk.city.manager1):
        other = aside(run, command, actor=desk.city.manager1)
        stage.wait_until_somebody_waits()
    with pytest.raises(StateChanged, match="只能申诉一次"):
        other.result(timeout=10)
    assert desk.rows("SELECT count(*) AS n FROM appeals") == [{"n": 1}]


def test_a_month_is_begun_once_by_two_at_once(desk, stage, aside, clock):
    clock.move_to(datetime(2025, 12, 1, 9, tzinfo=SHANGHAI))
    with stage.standing_before_commit(BeginRun(NOV), desk.city.supervisor):
        other = aside(run, BeginRun(NOV), actor=desk.city.supervisor)
        stage.wait_until_somebody_waits()
    with pytest.raises(StateChanged, match="正在进行"):
        other.result(timeout=10)


def test_a_notice_is_signed_once_by_two_at_once(desk, stage, aside, clock):
    command = signing(desk, frozen(desk, clock))
    with stage.standing_before_commit(command, desk.city.supervisor):
        other = aside(run, command, actor=desk.city.supervisor)
        stage.wait_until_somebody_waits()
    with pytest.raises(StateChanged, match="已由督察员甲于"):
        other.result(timeout=10)


def test_signing_waits_for_a_decision_and_then_refuses(desk, stage, aside, clock):
    case_id = late_case(desk, clock)
    run_id = frozen(desk, clock)
    clock.advance(HOUR)
    appeal_id = run(FileAppeal(case_id, "late", "封路"), actor=desk.city.manager1)
    uphold = {"outcome": "uphold"}
    run(
        CompleteProcessItem(items(desk, "appeals", appeal_id)[0], uphold),
        actor=desk.city.dispatcher,
    )
    final = CompleteProcessItem(items(desk, "appeals", appeal_id)[0], uphold)
    with stage.standing_before_commit(final, desk.city.intake):
        other = aside(run, signing(desk, run_id), actor=desk.city.supervisor)
        stage.wait_until_somebody_waits()
    with pytest.raises(StateChanged, match="1 件申诉成立"):
        other.result(timeout=10)


def test_a_freeze_waits_for_the_step_that_is_being_written(desk, stage, aside, clock):
    desk.dispatched_case()
    case_id = desk.closing_case()
    run_id = frozen(desk, clock)
    # Put back to November, as a step whose host is slow to commit.
    clock.move_to(datetime(2025, 11, 28, 9, tzinfo=SHANGHAI))
    closing = CompleteWork(desk.item(case_id, "T_close"), {"outcome": "close"})
    with stage.standing_before_commit(closing, desk.city.chief):
        clock.move_to(datetime(2025, 12, 2, 9, tzinfo=SHANGHAI))
        other = aside(run, signing(desk, run_id, "redraw"), actor=desk.city.supervisor)
        time.sleep(0.5)
        assert not other.done()
    other.result(timeout=20)
    run(signing(desk, run_id), actor=desk.city.supervisor)
    with desk.database.sessions() as session:
        kept = session.get_one(Run, run_id)
        row = ranking_of_run(kept, SHANGHAI).row_of(11)
        assert row.figures.tally.closed == 1
        assert list(faults_of(session, kept, SHANGHAI)) == []
