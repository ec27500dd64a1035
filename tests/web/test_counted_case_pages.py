"""A case that people worked on: its clock's arithmetic and its appeal, as the figures tell them."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.assessment.history import shown_in, standings_of
from app.assessment.ranking import Month
from app.clock import FixedClock
from app.run import Actor
from tests.commands.test_appeals import DAY, SHANGHAI, appeal, decide, late_case, person
from tests.commands.test_month_runs import published
from tests.factories import Desk
from tests.web.conftest import SignIn
from tests.web.test_explaining_pages import words

NOVEMBER = Month(2025, 11)


@pytest.fixture
def assessor(desk: Desk, session: Session) -> Actor:
    return person(session, "assessor9", "assessor")


def page_of(signed: SignIn, desk: Desk, reader: Actor, case_id: int) -> str:
    number = desk.case(case_id)["number"]
    answer = signed(reader).get(f"/ranking/2025-11/D1/cases/{number}")
    assert answer.status_code == 200
    return words(answer.text)


def test_clock_explains_its_due_time(desk: Desk, signed: SignIn, clock: FixedClock) -> None:
    case_id = late_case(desk, clock)
    page = page_of(signed, desk, desk.city.supervisor, case_id)
    # Dispatched on Tuesday at nine with four working hours: three until noon, one after two.
    assert "11月25日 15:00" in page
    assert "晚于 11月25日 15:00 到期，计为超期" in page
    assert "on_time_by: handed_in" in page
    assert "超期结案数 +1" in page


def test_ruling_of_an_appeal_is_told_as_of_the_figures(
    desk: Desk, signed: SignIn, clock: FixedClock
) -> None:
    case_id = late_case(desk, clock)
    before = clock.now()
    clock.advance(DAY)
    filed = appeal(desk, case_id)
    assert "申诉还没有裁定" in page_of(signed, desk, desk.city.supervisor, case_id)
    decide(desk, filed, desk.city.dispatcher)
    decide(desk, filed, desk.city.intake)
    page = page_of(signed, desk, desk.city.supervisor, case_id)
    assert "裁定成立，这一项已从数字中扣除" in page
    assert "裁定免责，计为按期" in page
    assert "按期结案数 +1" in page
    number = desk.case(case_id)["number"]
    path = f"/ranking/2025-11/D1/cases/{number}?as_of={before.isoformat().replace('+', '%2B')}"
    earlier = words(signed(desk.city.supervisor).get(path).text)
    assert "这里还没有计入" in earlier
    assert "超期结案数 +1" in earlier


def test_case_of_an_appeal_stands_on_its_unit_s_page(
    desk: Desk, signed: SignIn, clock: FixedClock
) -> None:
    case_id = late_case(desk, clock)
    appeal(desk, case_id)
    page = words(signed(desk.city.manager1).get("/ranking/2025-11/units/D1").text)
    assert f"{desk.case(case_id)['number']} 路边垃圾" in page
    assert "待裁定" in page


def test_other_unit_is_told_nothing_of_the_case(
    desk: Desk, signed: SignIn, clock: FixedClock
) -> None:
    number = desk.case(late_case(desk, clock))["number"]
    path = f"/ranking/2025-11/D1/cases/{number}"
    assert signed(desk.city.manager2).get(path).status_code == 403
    assert signed(desk.city.handler1).get(path).status_code == 200


def test_earlier_month_is_taken_from_its_edition(
    desk: Desk, clock: FixedClock, assessor: Actor, session: Session
) -> None:
    late_case(desk, clock)
    published(desk, clock, assessor)
    # What is done to the facts behind its back does not change what was published.
    session.execute(text("UPDATE facts SET on_time = TRUE"))
    shown = shown_in(session, [date(2025, 11, 1)])
    standings = standings_of(session, NOVEMBER, shown[date(2025, 11, 1)], SHANGHAI)
    assert str(standings[11].rate) == "0.00"
    counted = standings_of(session, NOVEMBER, None, SHANGHAI)
    assert str(counted[11].rate) == "100.00"


def test_pages_of_a_published_month_show_its_edition(
    desk: Desk, signed: SignIn, clock: FixedClock, assessor: Actor
) -> None:
    late_case(desk, clock)
    published(desk, clock, assessor)
    reader = signed(desk.city.supervisor)
    assert "第 1 版" in words(reader.get("/ranking/2025-11/units/D1").text)
