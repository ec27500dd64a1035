"""The phone of flood staff on a bad line: nothing done is lost, doubled, or in the way of what follows."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Route, expect
from sqlalchemy import text

from app.accounts.passwords import hash_of
from app.clock import FixedClock
from app.flood.commands.duty import Position, SignOn
from app.flood.commands.orders import IssueOrder, StepOrder
from app.run import Actor, run
from tests.browser.conftest import PASSWORD, Reader, Readers
from tests.factories import IN_GRID, Desk
from tests.flood.conftest import COMMANDER, OTHER, STAFF, Flood, flooded_city

# In the unit of STAFF.
COLLEAGUE = Actor(111, 11, "/1/11/", frozenset({"flood_staff"}), "队员丙", ranked=True)
HERE = Position(IN_GRID["lon"], IN_GRID["lat"], 10)
PHONE = "/flood/duty/me"
TOO_LONG_A_TURN_MS = 16_000
NO_STORE = (
    "IDBFactory.prototype.open = () => { throw new DOMException('refused', 'SecurityError'); }"
)


@pytest.fixture
def flood(desk: Desk, clock: FixedClock) -> Flood:
    built = flooded_city(desk, clock)
    with desk.database.sessions() as session:
        session.execute(text("UPDATE people SET password_hash = :it"), {"it": hash_of(PASSWORD)})
        session.commit()
    return built


def _order(flood: Flood) -> int:
    number: int = run(IssueOrder("抽水", person_id=STAFF.person_id), actor=COMMANDER)["order_id"]
    return number


def _opened(reader: Reader, login: str = "staff1") -> Page:
    reader.page.set_viewport_size({"width": 390, "height": 844})
    reader.sign_in(login)
    reader.open(PHONE)
    return reader.page


def test_refused_step_stands_aside_with_its_text(reader: Reader, flood: Flood) -> None:
    """A colleague of the unit was quicker: what was written of the order is no longer theirs to write."""
    order = run(
        IssueOrder("抽水", unit_id=STAFF.unit_id, site_id=flood.sites["F-1"]), actor=COMMANDER
    )["order_id"]
    page = _opened(reader)
    page.context.set_offline(True)
    page.select_option("#note-order", str(order))
    page.fill("#text", "水深到膝盖")
    page.click('button:text-is("发送情况")')
    expect(page.locator("#waiting")).to_contain_text("1 项待发送")
    page.fill("#text", "泵站门口无人")
    page.click('button:text-is("发送情况")')
    expect(page.locator("#waiting")).to_contain_text("2 项待发送")
    taken = StepOrder(order, "T_acknowledge", {"outcome": "acknowledge", "opinion": ""})
    run(taken, actor=COLLEAGUE)
    page.context.set_offline(False)
    expect(page.locator("#waiting")).to_contain_text("1 项没有被接受", timeout=20_000)
    expect(page.locator("#waiting li")).to_have_count(1)
    expect(page.locator("#waiting li")).to_contain_text("水深到膝盖")
    expect(page.locator("#waiting li .fault")).to_contain_text("不是下达给您的")
    assert [row["text"] for row in flood.rows("SELECT text FROM duty_notes")] == ["泵站门口无人"]
    page.click("[data-back]")
    expect(page.locator("#text")).to_have_value("水深到膝盖")
    page.click('button:text-is("发送情况")')
    expect(page.locator("form + .items")).to_contain_text("水深到膝盖")
    expect(page.locator("#waiting")).to_be_hidden()


def test_session_that_ran_out_is_said_and_loses_nothing(reader: Reader, flood: Flood) -> None:
    order = _order(flood)
    page = _opened(reader)
    page.context.clear_cookies()
    page.click(".order > form button.primary")
    expect(page.locator("#signed-out")).to_be_visible()
    expect(page.locator("#waiting")).to_contain_text("1 项待发送")
    page.click("#signed-out a")
    page.fill("#login", "staff1")
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator(".order > form button.primary")).to_have_text("已出发", timeout=20_000)
    (row,) = flood.rows("SELECT acknowledged_at FROM flood_orders WHERE id = :id", id=order)
    assert row["acknowledged_at"] is not None


def test_sign_off_goes_through_though_an_order_came_meanwhile(reader: Reader, flood: Flood) -> None:
    run(SignOn(HERE, None, flood.sites["F-1"], None), actor=STAFF)
    page = _opened(reader)
    page.context.set_offline(True)
    page.click("text=签退")
    expect(page.locator("#waiting")).to_contain_text("1 项待发送")
    _order(flood)
    page.context.set_offline(False)
    expect(page.locator("#waiting")).to_be_hidden(timeout=20_000)
    assert flood.rows("SELECT off_at FROM duty_sign_ons")[0]["off_at"] is not None


def test_browser_that_keeps_nothing_still_sends(reader: Reader, flood: Flood) -> None:
    _order(flood)
    reader.page.add_init_script(NO_STORE)
    page = _opened(reader)
    step = page.locator(".order > form button.primary")
    step.click()
    expect(step).to_have_text("已出发")
    page.context.set_offline(True)
    step.click()
    expect(page.locator("#position-said")).to_contain_text("无法保存")
    expect(step).to_be_enabled()
    page.context.set_offline(False)
    step.click()
    expect(step).to_have_text("已到现场")


def test_page_is_loaded_again_only_when_nothing_is_under_way(reader: Reader, flood: Flood) -> None:
    _order(flood)
    page = _opened(reader)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/duty/me/notes", hold)
    page.fill("#text", "水深到膝盖")
    with page.expect_request("**/duty/me/notes"):
        page.click('button:text-is("发送情况")')
    step = page.locator(".order > form button.primary")
    step.click()
    expect(step).to_have_text("已办理，页面随后更新")
    expect(step).to_be_disabled()
    held[0].continue_()
    expect(step).to_have_text("已出发")
    assert [row["text"] for row in flood.rows("SELECT text FROM duty_notes")] == ["水深到膝盖"]


def test_what_is_deleted_is_not_sent(reader: Reader, flood: Flood) -> None:
    page = _opened(reader)
    page.context.set_offline(True)
    for words in ("第一条", "第二条"):
        page.fill("#text", words)
        page.click('button:text-is("发送情况")')
        expect(page.locator("#waiting")).to_contain_text(words)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/duty/me/notes", hold)
    page.context.set_offline(False)
    first, second = page.locator("#waiting li").all()
    # What is on its way cannot be taken back.
    expect(first.locator("[data-drop]")).to_be_hidden(timeout=20_000)
    page.on("dialog", lambda dialog: dialog.accept())
    second.locator("[data-drop]").click()
    expect(page.locator("#waiting li")).to_have_count(1)
    held[0].continue_()
    expect(page.locator("#waiting")).to_be_hidden()
    assert [row["text"] for row in flood.rows("SELECT text FROM duty_notes")] == ["第一条"]


def test_nothing_is_sent_in_the_name_of_who_is_signed_in_now(
    reader: Reader, readers: Readers, flood: Flood
) -> None:
    order = run(
        IssueOrder("抽水", unit_id=OTHER.unit_id, site_id=flood.sites["F-2"]), actor=COMMANDER
    )["order_id"]
    page = _opened(reader, "staff2")
    page.context.set_offline(True)
    page.click(".order > form button.primary")
    expect(page.locator("#waiting")).to_contain_text("1 项待发送")
    now = readers()
    now.sign_in("staff1")
    page.context.clear_cookies()
    page.context.add_cookies(now.page.context.cookies())
    page.context.set_offline(False)
    expect(page.locator("#signed-out")).to_be_visible(timeout=20_000)
    expect(page.locator("#waiting")).to_contain_text("1 项待发送")
    (row,) = flood.rows("SELECT acknowledged_at FROM flood_orders WHERE id = :id", id=order)
    assert row["acknowledged_at"] is None


def test_timer_leaves_a_button_that_is_at_work(reader: Reader, flood: Flood) -> None:
    """The answer takes longer than the turn of what waits: a second tap in between does nothing."""
    _order(flood)
    page = _opened(reader)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.clock.install()
    page.route("**/duty/me/orders/*", hold)
    step = page.locator(".order > form button.primary")
    with page.expect_request("**/duty/me/orders/*"):
        step.click()
    page.clock.fast_forward(TOO_LONG_A_TURN_MS)
    expect(step).to_be_disabled()
    assert len(held) == 1
    held[0].continue_()
    expect(step).to_have_text("已出发")
