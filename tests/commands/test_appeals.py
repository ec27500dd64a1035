"""A unit appeals, two approvers decide, and what counts changes while what happened stays."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.orm import Session

from app.accounts.commands import CreatePerson
from app.accounts.sign_in import signed_in
from app.assessment.commands import FileAppeal
from app.assessment.ranking import Month, ranking_of
from app.assessment.rebuilding import differences
from app.cases.commands import RaiseSupervision, RequestReturn
from app.cases.log import verify_case
from app.clock import FixedClock
from app.errors import Forbidden, InvalidInput, StateChanged
from app.processes.commands import CompleteProcessItem
from app.run import SYSTEM, Actor, run
from tests.factories import Desk

SHANGHAI = ZoneInfo("Asia/Shanghai")
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
PDF = b"%PDF-1.4 a receipt"


def person(session: Session, login: str, *roles: str, unit_id: int = 1) -> Actor:
    run(
        CreatePerson(unit_id, login, login, roles=roles, password="a long enough one"), actor=SYSTEM
    )
    row = session.connection().exec_driver_sql("SELECT id FROM people WHERE login = %s", (login,))
    reader = signed_in(session, row.scalar_one())
    assert reader is not None
    return reader.actor


def decide(desk: Desk, appeal_id: int, actor: Actor, outcome: str = "uphold") -> None:
    rows = desk.rows(
        "SELECT i.id FROM process_items i JOIN appeals a ON a.process_id = i.process_id"
        " WHERE a.id = :id AND i.status = 'open'",
        id=appeal_id,
    )
    answers = {"outcome": outcome, "opinion": "查实" if outcome == "uphold" else "理由不足"}
    run(CompleteProcessItem(rows[0]["id"], answers), actor=actor)


def late_case(desk: Desk, clock: FixedClock) -> int:
    case_id = desk.dispatched_case()
    clock.advance(2 * DAY)
    desk.hand_in(case_id)
    desk.do(case_id, "T_review", desk.city.dispatcher, "pass_by_photo")
    desk.do(case_id, "T_close", desk.city.chief, "close")
    return case_id


def appeal(desk: Desk, case_id: int, ground: str = "late", **given: object) -> int:
    command = FileAppeal(case_id, ground, "当日道路封闭，无法进场", **given)  # type: ignore[arg-type]
    return int(run(command, actor=desk.city.manager1))


def counts(desk: Desk, at: datetime) -> dict[str, int]:
    period = Month.of(at, SHANGHAI).period(SHANGHAI)
    with desk.database.sessions() as session:
        row = next(one for one in ranking_of(session, period, at).rows if one.unit.id == 11)
        return {name: row.tally.count(name) for name in ("due", "closed", "on_time", "late")}


def rebuilt_alike(desk: Desk) -> bool:
    with desk.database.sessions() as session:
        return not any(case.differences for case in differences(session))


def test_two_approvers_take_the_lateness_away(desk: Desk, clock: FixedClock) -> None:
    case_id = late_case(desk, clock)
    before = desk.case(case_id)
    assert counts(desk, clock.now()) == {"due": 1, "closed": 1, "on_time": 0, "late": 1}
    clock.advance(DAY)
    filed = appeal(desk, case_id, evidence=(("封路通知.pdf", PDF),))
    decide(desk, filed, desk.city.dispatcher)
    assert counts(desk, clock.now())["late"] == 1, "one word is not enough"
    clock.advance(DAY)
    decide(desk, filed, desk.city.intake)
    assert counts(desk, clock.now()) == {"due": 1, "closed": 1, "on_time": 1, "late": 0}
    after = desk.case(case_id)
    assert after["exempt"]
    assert after["withdrawn"] == "late"
    assert [after[one] for one in ("overdue", "closed_at", "due_at")] == [
        before[one] for one in ("overdue", "closed_at", "due_at")
    ], "what happened stays"
    assert desk.log_kinds(case_id)[-2:] == ["appealed", "ruled"]
    assert rebuilt_alike(desk)
    with desk.database.sessions() as session:
        raw = session.connection().connection.dbapi_connection
        assert verify_case(raw, case_id) is None  # type: ignore[arg-type]
    notices = desk.rows("SELECT payload FROM outbox WHERE key LIKE 'process-%'")
    assert [one["payload"]["template"] for one in notices] == ["appeal_upheld"]


def test_the_first_no_ends_it(desk: Desk, clock: FixedClock) -> None:
    case_id = late_case(desk, clock)
    filed = appeal(desk, case_id)
    decide(desk, filed, desk.city.dispatcher, "refuse")
    found = desk.rows("SELECT decision, decided_at FROM appeals")[0]
    assert found["decision"] == "refused"
    assert found["decided_at"] == clock.now()
    assert counts(desk, clock.now())["late"] == 1
    assert desk.log_kinds(case_id)[-1] == "appeal_refused"
    with pytest.raises(StateChanged, match="每案只能申诉一次"):
        appeal(desk, case_id)


def test_one_person_does_not_approve_twice(desk: Desk, clock: FixedClock, session: Session) -> None:
    both = person(session, "both", "dispatcher", "intake_officer")
    filed = appeal(desk, late_case(desk, clock))
    decide(desk, filed, both)
    with pytest.raises(Forbidden, match="两人"):
        decide(desk, filed, both)
    decide(desk, filed, desk.city.intake)


def test_only_the_unit_and_only_in_time(desk: Desk, clock: FixedClock) -> None:
    case_id = late_case(desk, clock)
    command = FileAppeal(case_id, "late", "理由")
    for actor in (desk.city.manager2, desk.city.handler1, desk.city.supervisor):
        with pytest.raises(Forbidden):
            run(command, actor=actor)
    with pytest.raises(StateChanged, match="没有可以申诉"):
        appeal(desk, case_id, "media_supervision")
    with pytest.raises(InvalidInput, match="reason"):
        run(FileAppeal(case_id, "late", "  "), actor=desk.city.manager1)
    with pytest.raises(InvalidInput, match="evidence"):
        appeal(desk, case_id, evidence=(("a.exe", b"MZ"),))
    # Five working days from Thursday the 27th: until the end of the same time on Thursday the 4th.
    clock.advance(7 * DAY)
    assert desk.rows("SELECT count(*) AS n FROM appeals")[0]["n"] == 0
    with_time = clock.now()
    clock.advance(timedelta(minutes=1))
    with pytest.raises(StateChanged, match="申诉期限已过"):
        appeal(desk, case_id)
    clock.move_to(with_time)
    assert appeal(desk, case_id)


def test_a_case_on_time_has_nothing_to_appeal(desk: Desk) -> None:
    with pytest.raises(StateChanged, match="没有可以申诉"):
        appeal(desk, desk.closed_case())


def test_an_unfounded_return_is_taken_back_in_its_own_month(
    desk: Desk, clock: FixedClock, session: Session
) -> None:
    case_id = desk.dispatched_case()
    run(RequestReturn(case_id, "不归我管"), actor=desk.city.manager1)
    desk.do(case_id, "T_rule_return", desk.city.chief, "unfounded", opinion="职责明确")
    november = clock.now()
    leader = person(session, "leader9", "leader")
    filed = appeal(desk, case_id, "unfounded_return")
    clock.advance(14 * DAY)
    decide(desk, filed, desk.city.supervisor)
    decide(desk, filed, leader)
    period = Month.of(november, SHANGHAI).period(SHANGHAI)
    with desk.database.sessions() as reading:
        seen = [
            ranking_of(reading, period, at).rows[0].tally.unfounded_returns
            for at in (clock.now() - DAY, clock.now())
        ]
    assert seen == [1, 0], "known in December, taken back in November"
    assert desk.case(case_id)["unfounded_returns"] == 1, "it was ruled so, and that stays"
    assert rebuilt_alike(desk)


def test_the_ruler_of_the_return_does_not_decide(
    desk: Desk, clock: FixedClock, session: Session
) -> None:
    ruler = person(session, "ruler", "duty_chief", "supervisor")
    case_id = desk.dispatched_case()
    run(RequestReturn(case_id, "不归我管"), actor=desk.city.manager1)
    desk.do(case_id, "T_rule_return", ruler, "unfounded", opinion="职责明确")
    filed = appeal(desk, case_id, "unfounded_return")
    with pytest.raises(Forbidden, match="您作出的裁定"):
        decide(desk, filed, ruler)


def test_a_media_deduction(desk: Desk, clock: FixedClock, session: Session) -> None:
    leader = person(session, "leader9", "leader")
    case_id = desk.dispatched_case()
    run(RaiseSupervision(case_id, "media", "电视台曝光"), actor=desk.city.chief)
    filed = appeal(desk, case_id, "media_supervision")
    decide(desk, filed, desk.city.supervisor)
    decide(desk, filed, leader)
    period = Month.of(clock.now(), SHANGHAI).period(SHANGHAI)
    with desk.database.sessions() as reading:
        assert ranking_of(reading, period, clock.now()).rows[0].tally.media_supervisions == 0
    assert rebuilt_alike(desk)


def test_who_raised_the_supervision_does_not_decide(desk: Desk) -> None:
    case_id = desk.dispatched_case()
    run(RaiseSupervision(case_id, "media", "电视台曝光"), actor=desk.city.supervisor)
    filed = appeal(desk, case_id, "media_supervision")
    with pytest.raises(Forbidden, match="您作出的裁定"):
        decide(desk, filed, desk.city.supervisor)


def test_a_ruling_is_for_the_unit_that_appealed_wherever_the_case_is_now(
    desk: Desk, clock: FixedClock, session: Session
) -> None:
    leader = person(session, "leader9", "leader")
    case_id = desk.dispatched_case()
    run(RequestReturn(case_id, "不归我管"), actor=desk.city.manager1)
    desk.do(case_id, "T_rule_return", desk.city.chief, "unfounded", opinion="职责明确")
    filed = appeal(desk, case_id, "unfounded_return")
    clock.advance(HOUR)
    run(RequestReturn(case_id, "区划已调整"), actor=desk.city.manager1)
    desk.do(case_id, "T_rule_return", desk.city.chief, "founded", opinion="属实")
    desk.do(case_id, "T_dispatch", desk.city.dispatcher, "dispatch", unit_id=12)
    run(RequestReturn(case_id, "不归我管"), actor=desk.city.manager2)
    desk.do(case_id, "T_rule_return", desk.city.chief, "unfounded", opinion="职责明确")
    clock.advance(HOUR)
    decide(desk, filed, desk.city.supervisor)
    decide(desk, filed, leader)
    found = {one["unit_id"]: one["withdrawn"] for one in desk.facts(case_id)}
    assert found == {11: "unfounded_return", 12: None}
    assert desk.case(case_id)["withdrawn"] is None
    assert rebuilt_alike(desk)


def test_another_unit_begins_with_a_clean_slate(
    desk: Desk, clock: FixedClock, session: Session
) -> None:
    leader = person(session, "leader9", "leader")
    case_id = desk.dispatched_case()
    run(RequestReturn(case_id, "不归我管"), actor=desk.city.manager1)
    desk.do(case_id, "T_rule_return", desk.city.chief, "unfounded", opinion="职责明确")
    filed = appeal(desk, case_id, "unfounded_return")
    decide(desk, filed, desk.city.supervisor)
    decide(desk, filed, leader)
    assert desk.case(case_id)["withdrawn"] == "unfounded_return"
    clock.advance(HOUR)
    run(RequestReturn(case_id, "区划已调整"), actor=desk.city.manager1)
    desk.do(case_id, "T_rule_return", desk.city.chief, "founded", opinion="属实")
    desk.do(case_id, "T_dispatch", desk.city.dispatcher, "dispatch", unit_id=12)
    assert desk.case(case_id)["withdrawn"] is None
    assert desk.facts(case_id)[-1]["withdrawn"] is None
    assert rebuilt_alike(desk)
