"""A year that nobody published: entered once by an administrator, and limits then run into it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest

from app.cases.calendars import forget_years
from app.catalogue.calendar_years import SpecialDay, days_of_text
from app.catalogue.commands import EnterCalendarYear
from app.errors import CalendarMissing, Forbidden, InvalidInput, StateChanged
from app.run import Actor, run
from tests.factories import Desk, build_city

ADMIN = Actor(101, 1, "/1/", frozenset({"administrator"}), "管理员")
NEW_YEAR = "2027-01-01 休息 元旦\n2027-01-02 休息\n\n2027/01/03,上班,调休"


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    forget_years()
    yield
    forget_years()


@pytest.fixture
def desk(session, open_database) -> Desk:
    return Desk(build_city(session), open_database)


def test_limit_runs_into_a_year_once_it_is_entered(desk, clock):
    # Thursday 2026-12-31, 17:00 in Shanghai: of four working hours one is left that day.
    clock.move_to(datetime(2026, 12, 31, 9, 0, tzinfo=UTC))
    with pytest.raises(CalendarMissing):
        desk.dispatched_case()
    run(EnterCalendarYear(2027, days_of_text(NEW_YEAR, 2027), "通知"), actor=ADMIN)
    forget_years()
    case = desk.case(desk.dispatched_case())
    # Friday is New Year, Saturday off, Sunday worked: three more hours from 08:00 in Shanghai.
    assert case["due_at"] == datetime(2027, 1, 3, 3, 0, tzinfo=UTC)


def test_year_is_entered_once(desk):
    days = (SpecialDay(date(2028, 1, 1), False, "元旦"),)
    run(EnterCalendarYear(2028, days), actor=ADMIN)
    with pytest.raises(StateChanged):
        run(EnterCalendarYear(2028, days), actor=ADMIN)


def test_published_year_is_not_entered_again(desk):
    days = (SpecialDay(date(2025, 1, 1), True, ""),)
    with pytest.raises(InvalidInput) as caught:
        run(EnterCalendarYear(2025, days), actor=ADMIN)
    assert caught.value.fields.keys() == {"year"}


def test_only_an_administrator_enters_a_year(desk):
    with pytest.raises(Forbidden):
        run(EnterCalendarYear(2027, ()), actor=desk.city.supervisor)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2027-13-01 休息",
        "2026-01-01 休息",
        "2027-01-01",
        "2027-01-01 也许",
        "2027-01-01 休\n2027-01-01 休",
    ],
)
def test_wrong_line_is_named(text):
    with pytest.raises(InvalidInput) as caught:
        days_of_text(text, 2027)
    assert caught.value.fields.keys() == {"days"}
