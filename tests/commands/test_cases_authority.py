"""Who may act on a case: the centre for the whole city, a unit for itself, nobody for a role they lost."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.orm import Session

from app.accounts.sign_in import actor_of
from app.cases.commands import (
    AddPhoto,
    CompleteWork,
    RaiseSupervision,
    ReleaseHold,
    RequestExtension,
    RequestHold,
    RequestReturn,
)
from app.clock import FixedClock
from app.db.session import Database
from app.errors import Forbidden, InvalidInput
from app.run import Actor, run
from tests.factories import Desk, build_city

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
    "0000000d49444154789c6360000002000001e221bc330000000049454e44ae426082"
)


@pytest.fixture
def desk(session: Session, open_database: Database) -> Desk:
    return Desk(build_city(session), open_database)


def in_unit(desk: Desk, role: str, unit_id: int) -> Actor:
    manager = desk.city.manager1 if unit_id == 11 else desk.city.manager2
    return replace(manager, roles=frozenset({role}), ranked=True)


def test_a_person_of_a_ranked_unit_is_told_from_the_centre(desk, session):
    assert actor_of(session, desk.city.manager1.person_id).ranked
    assert actor_of(session, desk.city.handler1.person_id).ranked
    assert not actor_of(session, desk.city.chief.person_id).ranked


def test_a_units_own_duty_chief_does_not_rule_on_its_return(desk):
    case_id = desk.dispatched_case()
    run(RequestReturn(case_id, "不属本单位"), actor=desk.city.manager1)
    command = CompleteWork(
        desk.item(case_id, "T_rule_return"), {"outcome": "founded", "opinion": "属实"}
    )
    with pytest.raises(Forbidden):
        run(command, actor=in_unit(desk, "duty_chief", 11))
    run(command, actor=desk.city.chief)


def test_another_units_leader_raises_no_supervision(desk):
    case_id = desk.dispatched_case()
    with pytest.raises(Forbidden):
        run(RaiseSupervision(case_id, "media", "报道"), actor=in_unit(desk, "leader", 12))
    run(RaiseSupervision(case_id, "media", "报道"), actor=in_unit(desk, "leader", 11))


def test_another_units_dispatcher_releases_no_hold(desk, clock: FixedClock):
    case_id = desk.dispatched_case()
    until = clock.now() + timedelta(days=3)
    run(RequestHold(case_id, until, "待材料"), actor=desk.city.manager1)
    desk.do(case_id, "T_approve_hold", desk.city.chief, "grant", opinion="同意")
    with pytest.raises(Forbidden):
        run(ReleaseHold(case_id), actor=in_unit(desk, "dispatcher", 12))
    run(ReleaseHold(case_id), actor=desk.city.dispatcher)


def test_who_lost_the_role_completes_nothing(desk):
    case_id = desk.assigned_case()
    command = CompleteWork(
        desk.item(case_id, "T_handle"), {"outcome": "done", "opinion": "已清理完毕"}
    )
    with pytest.raises(Forbidden):
        run(command, actor=replace(desk.city.handler1, roles=frozenset({"auditor"})))
    moved = replace(desk.city.handler1, unit_id=12, unit_path="/1/12/")
    with pytest.raises(Forbidden):
        run(command, actor=moved)
    run(command, actor=desk.city.handler1)


def test_a_reporter_puts_no_photo_on_anothers_item(desk):
    case_id = desk.assigned_case()
    item_id = desk.item(case_id, "T_handle")
    with pytest.raises(Forbidden):
        run(AddPhoto(case_id, PNG, "after", item_id), actor=desk.city.collector)
    run(AddPhoto(case_id, PNG, "after", item_id), actor=desk.city.handler1)


def test_an_extension_asked_for_in_time_is_granted_after_a_later_return(desk, clock: FixedClock):
    case_id = desk.dispatched_case()  # 4 working hours from 09:00: due at 15:00
    run(RequestExtension(case_id, "需更多时间"), actor=desk.city.manager1)
    clock.advance(timedelta(hours=7))  # 16:00
    run(RequestReturn(case_id, "不属本单位"), actor=desk.city.manager1)
    desk.do(case_id, "T_approve_extension", desk.city.chief, "grant", opinion="同意")
    assert desk.case(case_id)["extensions"] == 1


def test_a_case_filed_anew_without_a_limit_is_not_judged_by_its_old_clock(desk):
    case_id = desk.dispatched_case()
    run(RequestReturn(case_id, "不属本单位"), actor=desk.city.manager1)
    desk.do(case_id, "T_rule_return", desk.city.chief, "founded", opinion="属实")
    desk.do(case_id, "T_dispatch", desk.city.dispatcher, "back", opinion="重新立案")
    desk.do(case_id, "T_accept", desk.city.intake, "accept")
    desk.do(
        case_id, "T_file", desk.city.intake, "file",
        class_code="E-01-02", condition_seq=None, limit="none",
    )  # fmt: skip
    desk.do(case_id, "T_dispatch", desk.city.dispatcher, "dispatch", unit_id=12)
    desk.do(case_id, "T_assign", desk.city.manager2, "direct", opinion="已清除")
    fact = desk.facts(case_id)[-1]
    assert (fact["unit_id"], fact["due_at"], fact["on_time"]) == (12, None, None)


def test_a_moment_no_calendar_holds_names_its_field(desk):
    case_id = desk.dispatched_case()
    beyond = datetime(1, 1, 1, tzinfo=ZoneInfo("Asia/Shanghai"))
    with pytest.raises(InvalidInput) as caught:
        run(RaiseSupervision(case_id, "duty", "催办", beyond), actor=desk.city.chief)
    assert set(caught.value.fields) == {"due_at"}
