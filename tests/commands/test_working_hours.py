"""Working hours entered for a day to come: running limits keep their due times, later ones count the new hours."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from app.cases.calendars import forget_years
from app.catalogue.commands import EnterWorkingHours
from app.errors import Forbidden, InvalidInput
from app.run import Actor, run
from tests.factories import Desk, build_city

ADMIN = Actor(101, 1, "/1/", frozenset({"administrator"}), "管理员")
# From Wednesday 26 November 2025: 08:30-12:00 and 13:30-17:00.
WINTER = EnterWorkingHours(date(2025, 11, 26), ("08:30-12:00", "13:30-17:00"), "通知")


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    forget_years()
    yield
    forget_years()


@pytest.fixture
def desk(session, open_database) -> Desk:
    return Desk(build_city(session), open_database)


def _enter(clock) -> None:
    run(WINTER, actor=ADMIN)
    forget_years()
    clock.advance(timedelta(minutes=5))


def test_running_limit_keeps_its_due_time_through_whatever_happens(desk, clock):
    # Tuesday, 15:00 in Shanghai: three of four working hours that day, the fourth until 09:00 of the next.
    clock.move_to(datetime(2025, 11, 25, 7, 0, tzinfo=UTC))
    case_id = desk.dispatched_case()
    due = datetime(2025, 11, 26, 1, 0, tzinfo=UTC)
    assert desk.case(case_id)["due_at"] == due
    _enter(clock)
    # A step counts the clock anew.
    desk.do(case_id, "T_assign", desk.city.manager1, "assign", handler_id=112)
    assert desk.case(case_id)["due_at"] == due
    later = desk.case(desk.dispatched_case())
    # 15:05: two hours and 55 minutes that day, an hour and five minutes from 08:30.
    assert later["due_at"] == datetime(2025, 11, 26, 1, 35, tzinfo=UTC)


def test_process_that_has_not_heard_of_the_hours_counts_the_same(desk, clock):
    clock.move_to(datetime(2025, 11, 25, 7, 0, tzinfo=UTC))
    run(WINTER, actor=ADMIN)
    first = desk.case(desk.dispatched_case())["due_at"]
    forget_years()
    assert desk.case(desk.dispatched_case())["due_at"] == first


@pytest.mark.parametrize(
    ("on", "spans", "field"),
    [
        (date(2025, 11, 25), ("08:00-12:00",), "valid_from"),
        (date(2205, 12, 1), ("08:00-12:00",), "valid_from"),
        (date(2025, 11, 26), (), "hours"),
        (date(2025, 11, 26), ("12:00-08:00",), "hours"),
        (date(2025, 11, 26), ("08:00-",), "hours"),
        (date(2025, 11, 26), ("08:00-12:00", "11:00-17:00"), "hours"),
        (date(2025, 11, 26), tuple(f"0{n}:00-0{n}:30" for n in range(5)), "hours"),
    ],
)
def test_hours_that_cannot_be_are_refused_by_field(desk, on, spans, field):
    with pytest.raises(InvalidInput) as caught:
        run(EnterWorkingHours(on, spans), actor=ADMIN)
    assert caught.value.fields.keys() == {field}


def test_hours_are_entered_in_order_by_an_administrator(desk):
    run(WINTER, actor=ADMIN)
    with pytest.raises(InvalidInput, match="2025-11-26"):
        run(WINTER, actor=ADMIN)
    with pytest.raises(Forbidden):
        run(EnterWorkingHours(date(2025, 12, 1), ("9:00-17:00",)), actor=desk.city.supervisor)
    run(EnterWorkingHours(date(2025, 12, 1), ("9:00-17:00",)), actor=ADMIN)
    rows = desk.rows("SELECT spans FROM working_hours ORDER BY valid_from")
    assert [row["spans"] for row in rows] == [["08:30-12:00", "13:30-17:00"], ["09:00-17:00"]]
