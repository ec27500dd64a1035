"""The lists of the flood room renew themselves while somebody types beside them."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from sqlalchemy import text

from app.accounts.passwords import hash_of
from app.clock import FixedClock
from app.flood.commands.devices import GiveUpWaiting
from app.flood.commands.duty import Position, SignOn
from app.flood.commands.orders import IssueOrder
from app.run import SYSTEM, run
from tests.browser.conftest import PASSWORD, Reader
from tests.factories import Desk
from tests.flood.conftest import COMMANDER, STAFF, Flood, flooded_city


@pytest.fixture
def flood(desk: Desk, clock: FixedClock) -> Flood:
    built = flooded_city(desk, clock)
    with desk.database.sessions() as session:
        session.execute(text("UPDATE people SET password_hash = :it"), {"it": hash_of(PASSWORD)})
        session.commit()
    return built


def test_board_renews_itself_and_leaves_what_is_typed(reader: Reader, flood: Flood) -> None:
    page = reader.page
    reader.sign_in("commander")
    page.clock.install()
    reader.open("/flood/")
    page.fill("#q", "桃园")
    flood.water(31)
    page.clock.fast_forward(31_000)
    expect(page.locator("#points")).to_contain_text("31.0")
    # Of the tiles the one of orange.
    expect(page.locator("#tiles a[href='/flood/?level=3']")).to_have_text("1")
    expect(page.locator("#q")).to_have_value("桃园")
    assert not reader.complaints


def test_point_says_by_itself_that_a_barrier_did_not_fall(reader: Reader, flood: Flood) -> None:
    flood.shift()
    page = reader.page
    reader.sign_in("commander")
    page.clock.install()
    reader.open(f"/flood/points/{flood.sites['F-1']}")
    page.locator("summary", has_text="落杆").click()
    page.get_by_role("button", name="确认落杆 一号道闸").click()
    barrier = page.locator(".device", has_text="BR-1")
    expect(barrier).to_contain_text("等待设备答复")
    barrier.locator("summary", has_text="抬杆").click()
    page.locator("#call summary").click()
    page.fill("#text", "到现场落杆")
    flood.later(minutes=1)
    run(GiveUpWaiting(), actor=SYSTEM)
    page.clock.fast_forward(31_000)
    expect(barrier).to_contain_text("设备没有执行")
    expect(page.get_by_role("button", name="确认抬杆 一号道闸")).to_be_visible()
    expect(page.locator("#text")).to_have_value("到现场落杆")
    page.locator("#call summary").click()
    barrier.get_by_role("link", name="呼叫值守人员").click()
    expect(page.locator("#text")).to_be_focused()
    assert not reader.complaints


@pytest.mark.parametrize("path", ["/flood/", "/flood/duty", "/flood/orders"])
def test_focus_stays_where_it_was_when_a_list_renews_itself(
    reader: Reader, flood: Flood, path: str
) -> None:
    flood.shift()
    flood.water(31)
    # On duty without a shift.
    run(SignOn(Position(112.551, 37.871, 5), None, flood.sites["F-2"]), actor=STAFF)
    order = IssueOrder("抽水", person_id=STAFF.person_id, site_id=flood.sites["F-1"])
    run(order, actor=COMMANDER)
    page = reader.page
    reader.sign_in("commander")
    page.clock.install()
    reader.open(path)
    links = page.locator("[hx-get] a, #tiles a")
    assert links.count() > 1
    for n in range(links.count()):
        before = links.nth(n).element_handle()
        links.nth(n).focus()
        # Only when the part before has settled does this one begin to wait.
        page.clock.fast_forward(1_000)
        page.clock.fast_forward(31_000)
        page.wait_for_function("one => !one.isConnected", arg=before)
        expect(links.nth(n)).to_be_focused()
    assert not reader.complaints
