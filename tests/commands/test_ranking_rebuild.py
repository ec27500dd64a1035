"""The facts that steps wrote are those that the log tells of, and a changed one shows."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import text

from app.assessment.rebuild import Checked, differences
from app.cases.commands import (
    FireTimers,
    RaiseSupervision,
    ReleaseHold,
    RequestExtension,
    RequestHold,
    RequestReturn,
)
from app.clock import FixedClock
from app.run import SYSTEM, run
from sla.indicators import Period
from tests.factories import Desk

HOUR = timedelta(hours=1)


def checked(desk: Desk, period: Period | None = None) -> list[Checked]:
    with desk.database.sessions() as session:
        return list(differences(session, period))


def assert_agrees(desk: Desk) -> None:
    found = checked(desk)
    assert found
    assert [str(one) for case in found for one in case.differences] == []


def versions(desk: Desk) -> int:
    return int(desk.rows("SELECT count(*) AS n FROM facts")[0]["n"])


def fire(desk: Desk, case_id: int) -> None:
    instance = desk.rows("SELECT id FROM process_instances WHERE case_id = :id", id=case_id)[0]
    run(FireTimers(instance["id"]), actor=SYSTEM)


def test_closed_case(desk: Desk, clock: FixedClock) -> None:
    case_id = desk.dispatched_case()
    clock.advance(HOUR)
    desk.hand_in(case_id)
    clock.advance(HOUR)
    desk.do(case_id, "T_review", desk.city.dispatcher, "pass_by_photo")
    clock.advance(HOUR)
    desk.do(case_id, "T_close", desk.city.chief, "close")
    assert versions(desk) == 3
    assert_agrees(desk)


def test_steps_at_one_moment(desk: Desk) -> None:
    desk.closed_case()
    assert versions(desk) == 1
    assert_agrees(desk)


def test_extension_and_media_supervision(desk: Desk, clock: FixedClock) -> None:
    case_id = desk.dispatched_case()
    clock.advance(HOUR)
    run(RequestExtension(case_id, "下雨"), actor=desk.city.manager1)
    clock.advance(HOUR)
    desk.do(case_id, "T_approve_extension", desk.city.chief, "grant")
    clock.advance(HOUR)
    run(RaiseSupervision(case_id, "media", "报纸登了"), actor=desk.city.supervisor)
    run(RaiseSupervision(case_id, "leader", "催办"), actor=desk.city.chief)
    assert versions(desk) == 3
    assert_agrees(desk)


def test_urgent_case_and_supervisions_by_leaders(desk: Desk, clock: FixedClock) -> None:
    with desk.database.sessions() as session, session.begin():
        session.execute(text("UPDATE filing_conditions SET limit_unit = 'urgent_hour'"))
    case_id = desk.dispatched_case()
    clock.advance(timedelta(minutes=5))
    run(RaiseSupervision(case_id, "leader", "催办"), actor=desk.city.chief)
    clock.advance(timedelta(minutes=5))
    desk.hand_in(case_id)
    fact = desk.facts(case_id)[0]
    assert (fact["urgent"], fact["supervisions"], fact["worked_minutes"]) == (True, 1, 10)
    assert_agrees(desk)


def test_hold_and_release(desk: Desk, clock: FixedClock) -> None:
    case_id = desk.dispatched_case()
    clock.advance(HOUR)
    until = clock.now() + timedelta(days=9)
    run(RequestHold(case_id, until, "等材料"), actor=desk.city.manager1)
    clock.advance(HOUR)
    desk.do(case_id, "T_approve_hold", desk.city.chief, "grant")
    assert desk.facts(case_id)[0]["due_at"] is None
    assert_agrees(desk)
    clock.advance(3 * HOUR)
    run(ReleaseHold(case_id), actor=desk.city.chief)
    assert_agrees(desk)


def test_founded_return_to_another_unit(desk: Desk, clock: FixedClock) -> None:
    case_id = desk.dispatched_case()
    clock.advance(HOUR)
    run(RequestReturn(case_id, "不归我管"), actor=desk.city.manager1)
    clock.advance(HOUR)
    desk.do(case_id, "T_rule_return", desk.city.chief, "founded", opinion="属实")
    clock.advance(HOUR)
    desk.do(case_id, "T_dispatch", desk.city.dispatcher, "dispatch", unit_id=12)
    assert [fact["unit_id"] for fact in desk.facts(case_id)] == [11, 12]
    assert_agrees(desk)


def test_unfounded_return_then_the_same_unit_again(desk: Desk, clock: FixedClock) -> None:
    case_id = desk.dispatched_case()
    for ruling in ("unfounded", "founded"):
        clock.advance(timedelta(minutes=10))
        run(RequestReturn(case_id, "不归我管"), actor=desk.city.manager1)
        clock.advance(timedelta(minutes=10))
        desk.do(case_id, "T_rule_return", desk.city.chief, ruling, opinion="看过")
    desk.do(case_id, "T_dispatch", desk.city.dispatcher, "dispatch", unit_id=11)
    assert [fact["unfounded_returns"] for fact in desk.facts(case_id)] == [1, 1]
    assert_agrees(desk)


def test_late_case_with_rework_and_timers(desk: Desk, clock: FixedClock) -> None:
    case_id = desk.dispatched_case()
    clock.advance(HOUR)
    desk.hand_in(case_id)
    clock.advance(HOUR)
    desk.do(case_id, "T_review", desk.city.dispatcher, "rework", opinion="没扫干净")
    clock.advance(timedelta(days=1))
    fire(desk, case_id)
    assert desk.case(case_id)["overdue"]
    clock.advance(HOUR)
    desk.hand_in(case_id)
    assert desk.facts(case_id)[0]["on_time"] is False
    assert_agrees(desk)


def test_host_whose_clock_is_behind(desk: Desk, clock: FixedClock) -> None:
    case_id = desk.dispatched_case()
    clock.advance(timedelta(milliseconds=-5))
    desk.hand_in(case_id)
    assert_agrees(desk)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("UPDATE facts SET unit_id = 12", "unit_id is 12, the log says 11"),
        ("UPDATE facts SET on_time = FALSE WHERE on_time", "on_time is False, the log says True"),
        ("DELETE FROM facts", "the row is missing, the log says there"),
        (
            "UPDATE facts SET valid_from = valid_from + interval '1 s'",
            "the row is there, the log says missing",
        ),
        ("UPDATE facts SET valid_to = valid_from + interval '1 s'", "valid_to is 2025-11-25"),
    ],
)
def test_changed_fact_is_named(desk: Desk, change: str, said: str) -> None:
    case_id = desk.closed_case()
    with desk.database.sessions() as session:
        session.execute(text(change))
        session.commit()
    found = checked(desk)
    assert [case.case_id for case in found] == [case_id]
    assert any(said in str(one) for one in found[0].differences)


def test_month_picks_the_cases_that_were_open_in_it(desk: Desk, clock: FixedClock) -> None:
    desk.closed_case()
    now = clock.now()
    assert len(checked(desk, Period(now - HOUR, now + HOUR))) == 1
    assert checked(desk, Period(now + HOUR, now + 2 * HOUR)) == []
    assert checked(desk, Period(now - 2 * HOUR, now - HOUR)) == []


def test_command_names_the_difference_and_fails(desk: Desk, app: Flask) -> None:
    case_id = desk.closed_case()
    runner = app.test_cli_runner()
    good = runner.invoke(args=["facts", "check", "--month", "2025-11"])
    assert (good.exit_code, good.output) == (0, "1 cases checked, 0 differences.\n")
    with desk.database.sessions() as session:
        session.execute(text("UPDATE facts SET reworks = 7"))
        session.commit()
    bad = runner.invoke(args=["facts", "check"])
    assert bad.exit_code == 1
    number = desk.case(case_id)["number"]
    assert f"{number}: dispatch 1 from 2025-11-25" in bad.output
    assert "reworks is 7, the log says 0" in bad.output
    assert runner.invoke(args=["facts", "check", "--month", "2025-14"]).exit_code == 1
