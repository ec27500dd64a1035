"""While a case is being reported: the open cases near its place."""

from __future__ import annotations

from datetime import timedelta

from app.clock import FixedClock
from tests.factories import IN_GRID, Desk
from tests.web.conftest import SignIn

# About 55 metres to the north.
BESIDE = {"lon": IN_GRID["lon"], "lat": IN_GRID["lat"] + 0.0005}


def address(**given: object) -> str:
    asked = {**BESIDE, "class_code": "E-01-02", **given}
    return "/cases/new/nearby?" + "&".join(f"{name}={value}" for name, value in asked.items())


def test_open_case_beside_is_shown_with_distance_and_state(desk: Desk, signed: SignIn) -> None:
    case = desk.case(desk.filed_case())
    shown = signed(desk.city.intake).get(address()).text
    assert case["number"] in shown
    assert "相距 56 米" in shown
    assert "同一分类" in shown
    assert "<html" not in shown


def test_closed_old_and_distant_cases_are_not(
    desk: Desk, signed: SignIn, clock: FixedClock
) -> None:
    desk.closed_case()
    client = signed(desk.city.intake)
    assert client.get(address()).text.strip() == ""
    desk.reported_case()
    assert client.get(address(lat=IN_GRID["lat"] + 0.01)).text.strip() == ""
    assert client.get(address()).text.strip() != ""
    clock.advance(timedelta(days=8))
    assert signed(desk.city.intake).get(address()).text.strip() == ""


def test_what_is_no_place_finds_nothing(desk: Desk, signed: SignIn) -> None:
    client = signed(desk.city.intake)
    for lon in ("", "abc", "nan", "1e9"):
        answer = client.get(address(lon=lon))
        assert (answer.status_code, answer.text.strip()) == (200, "")
