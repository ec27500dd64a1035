"""What waits in other rooms, told in the inbox; and where each one's day begins."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from app.flood.commands.orders import IssueOrder
from app.run import Actor, run
from tests.factories import Desk
from tests.flood.conftest import COMMANDER, OTHER, STAFF, Flood, flood
from tests.sensing.underpass import WATCH, flooded_underpass
from tests.web.conftest import SignIn

__all__ = ["flood"]
WAITING = "/flood/waiting"


def test_inbox_asks_every_room(desk: Desk, signed: SignIn) -> None:
    page = signed(desk.city.intake).get("/inbox").text
    for address in ("/sensing/alerts/waiting", WAITING, "/appeals/waiting"):
        # Nothing comes after the page that could push its list: what waits is told with it.
        assert f'hx-get="{address}" hx-trigger="every 60s"' in page


def test_inbox_tells_at_once_what_waits(flood: Flood, signed: SignIn) -> None:
    flood.rain(12)
    flood.work()
    assert "启动应急响应" in signed(COMMANDER).get("/inbox").text
    assert "启动应急响应" not in signed(STAFF).get("/inbox").text


def test_commander_is_told_what_a_rain_asks(flood: Flood, signed: SignIn) -> None:
    commander = signed(COMMANDER)
    assert commander.get(WAITING).text.strip() == ""
    flood.rain(12)
    flood.work()
    event = flood.rows("SELECT id FROM rain_events")[0]["id"]
    page = commander.get(WAITING).text
    assert f'href="/flood/events/{event}"' in page
    assert "启动应急响应" in page
    assert signed(STAFF).get(WAITING).text.strip() == ""


def test_staff_is_told_of_orders_and_the_commander_of_late_ones(
    flood: Flood, signed: SignIn
) -> None:
    run(IssueOrder("设警戒", STAFF.person_id, site_id=flood.sites["F-1"]), actor=COMMANDER)
    assert '<span class="count">1</span>' in signed(STAFF).get(WAITING).text
    assert signed(OTHER).get(WAITING).text.strip() == ""
    assert signed(COMMANDER).get(WAITING).text.strip() == ""
    flood.later(hours=2)
    assert "超时或退回的指令" in signed(COMMANDER).get(WAITING).text


def test_refused_order_is_told_for_half_a_day(flood: Flood, signed: SignIn) -> None:
    run(IssueOrder("设警戒", STAFF.person_id, site_id=flood.sites["F-1"]), actor=COMMANDER)
    flood.complete("T_acknowledge", STAFF, outcome="refuse", opinion="车辆故障")
    assert "超时或退回的指令" in signed(COMMANDER).get(WAITING).text
    flood.later(hours=13)
    assert signed(COMMANDER).get(WAITING).text.strip() == ""


def test_watch_is_told_of_every_area(desk: Desk, signed: SignIn) -> None:
    underpass = flooded_underpass(desk)
    underpass.water(16)
    underpass.follow()
    page = signed(WATCH).get("/sensing/alerts/waiting").text
    assert "东区 · 防汛排涝 · 待确认" in page
    assert 'class="level level-2"' in page
    assert '<span class="visually-hidden">黄色</span>' in page
    # By their ids the focus finds them again after a renewal.
    assert page.count("<a ") == page.count(' id="waiting-') == 2
    assert "东区 · 防汛排涝 · 待确认" in signed(WATCH).get("/inbox").text


@pytest.mark.parametrize(
    ("roles", "page"),
    [
        ({"watch_officer"}, "/sensing/alerts"),
        ({"flood_commander"}, "/flood/"),
        ({"flood_staff"}, "/flood/duty/me"),
        ({"flood_staff", "unit_handler"}, "/inbox"),
        ({"intake_officer"}, "/inbox"),
    ],
)
def test_day_begins_where_the_work_is(
    desk: Desk, session: Session, signed: SignIn, roles: set[str], page: str
) -> None:
    client = _client_of(desk, session, signed, roles)
    assert client.get("/").headers["Location"] == page


def _client_of(desk: Desk, session: Session, signed: SignIn, roles: set[str]) -> FlaskClient:
    connection = session.connection()
    connection.exec_driver_sql(
        "INSERT INTO people (id, unit_id, login, name) VALUES (190, 1, 'n', '甲')"
    )
    for role in roles:
        connection.exec_driver_sql("INSERT INTO person_roles VALUES (190, %s)", (role,))
    return signed(Actor(190, 1, "/1/", frozenset(roles), "甲"))
