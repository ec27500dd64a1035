"""The map of the glance: open cases with a place and their traffic light, for who may see them."""

from __future__ import annotations

from datetime import timedelta

from app.clock import FixedClock
from tests.factories import Desk
from tests.web.conftest import SignIn


def test_points_are_open_cases_with_their_light(
    desk: Desk, signed: SignIn, clock: FixedClock
) -> None:
    late, closed = desk.case(desk.dispatched_case()), desk.case(desk.closed_case())
    clock.advance(timedelta(days=2))
    fresh = desk.case(desk.reported_case())
    desk.reported_case(lon=None, lat=None)
    told = signed(desk.city.supervisor).get("/oversight/points").get_json()
    assert {one["number"]: one["light"] for one in told["cases"]} == {
        late["number"]: "overdue",
        fresh["number"]: "normal",
    }
    assert closed["number"] not in str(told)
    (district,) = told["districts"]
    assert district["name"] == "东区"
    assert 112.5 < district["lon"] < 112.6


def test_unit_sees_its_own_points_alone(desk: Desk, signed: SignIn) -> None:
    desk.dispatched_case()
    assert len(signed(desk.city.manager1).get("/oversight/points").get_json()["cases"]) == 1
    assert signed(desk.city.manager2).get("/oversight/points").get_json()["cases"] == []
