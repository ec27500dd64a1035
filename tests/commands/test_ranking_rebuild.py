"""The facts that steps wrote are those that the log tells of, and a changed one shows."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import text

from app.assessment.periods import parse_period
from app.assessment.rebuilding import Checked, differences
from app.cases.commands import (
    FireTimers,
    RaiseSupervision,
    ReleaseHold,
    RequestExtension,
    RequestHold,
    RequestReturn,
)
from app.clock import FixedClock
from app.errors import InvalidInput
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


def spoil(desk: Desk, change: str) -> None:
    with desk.database.sessions() as session:
        session.execute(text(change))
        session.commit()


def without(row: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}


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


def returned_case(desk: Desk, clock: FixedClock) -> int:
    """Return a case that the western unit has, and the eastern one had, with several versions of both."""
    case_id = desk.dispatched_case()
    clock.advance(HOUR)
    run(RequestReturn(case_id, "不归我管"), actor=desk.city.manager1)
    clock.advance(HOUR)
    desk.do(case_id, "T_rule_return", desk.city.chief, "founded", opinion="属实")
    clock.advance(HOUR)
    desk.do(case_id, "T_dispatch", desk.city.dispatcher, "dispatch", unit_id=12)
    return case_id


def test_founded_return_to_another_unit(desk: Desk, clock: FixedClock) -> None:
    case_id = returned_case(desk, clock)
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
    spoil(desk, change)
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
    good = runner.invoke(args=["assessment", "rebuild", "2025-11"])
    assert (good.exit_code, good.stdout) == (0, "1 cases checked, 0 differences.\n")
    spoil(desk, "UPDATE facts SET reworks = 7")
    bad = runner.invoke(args=["assessment", "rebuild", "2025"])
    assert bad.exit_code == 1
    number = desk.case(case_id)["number"]
    assert f"{number}: dispatch 1 from 2025-11-25" in bad.output
    assert "reworks is 7, the log says 0" in bad.output
    other = runner.invoke(args=["assessment", "rebuild", "2025-12..2026-02"])
    assert (other.exit_code, other.stdout) == (0, "0 cases checked, 0 differences.\n")
    assert runner.invoke(args=["assessment", "rebuild", "2025-14"]).exit_code == 1


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE facts SET reworks = 7, exempt = TRUE",
        "UPDATE facts SET valid_to = valid_from + interval '1 s' WHERE valid_to IS NULL",
        "DELETE FROM facts WHERE dispatch_no = 1",
        "DELETE FROM facts",
    ],
)
def test_wrong_facts_are_written_anew_from_the_log(
    desk: Desk, app: Flask, clock: FixedClock, change: str
) -> None:
    case_id = returned_case(desk, clock)
    untouched = desk.dispatched_case()
    query = "SELECT * FROM facts WHERE case_id = :id ORDER BY dispatch_no, valid_from"
    right, kept = desk.rows(query, id=case_id), desk.rows(query, id=untouched)
    spoil(desk, f"{change} {'AND' if 'WHERE' in change else 'WHERE'} case_id = {case_id}")
    runner = app.test_cli_runner()
    done = runner.invoke(args=["assessment", "rebuild", "2025-11", "--write"])
    assert done.exit_code == 0, done.output
    assert f"{desk.case(case_id)['number']}: {len(right)} versions written" in done.output
    assert "The facts of 1 cases were written anew." in done.output
    now = desk.rows(query, id=case_id)
    assert [without(row, "id") for row in now] == [without(row, "id") for row in right]
    assert desk.rows(query, id=untouched) == kept
    assert_agrees(desk)


@pytest.mark.parametrize(
    ("written", "months"),
    [
        ("2025-10", ("2025-10-01", "2025-11-01")),
        ("2025", ("2025-01-01", "2026-01-01")),
        ("2025-11..2026-02", ("2025-11-01", "2026-03-01")),
        ("2024..2025", ("2024-01-01", "2026-01-01")),
    ],
)
def test_period_is_read_as_it_is_written(written: str, months: tuple[str, str]) -> None:
    period = parse_period(written, ZoneInfo("Asia/Shanghai"))
    assert (period.start.isoformat(), period.end.isoformat()) == tuple(
        f"{day}T00:00:00+08:00" for day in months
    )


@pytest.mark.parametrize("written", ["", "2025-13", "25", "2025..", "..2025", "2025-10..2025-09"])
def test_what_is_no_period_is_refused(written: str) -> None:
    with pytest.raises(InvalidInput):
        parse_period(written, ZoneInfo("Asia/Shanghai"))
