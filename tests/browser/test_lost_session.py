"""What was typed outlives the session: signed in again, the form is as it was left."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from app.flood.pages import cockpit
from tests.browser.conftest import PASSWORD, Reader
from tests.factories import Desk

OPINION = "已电话核实，属实"


def _cookie_removed(page: Page) -> None:
    page.context.clear_cookies()


def _secret_replaced(page: Page) -> None:
    """Leave a cookie that a server started with another secret does not take for its own."""
    [cookie] = [one for one in page.context.cookies() if one["name"] == "jingwei"]
    page.context.add_cookies([{**cookie, "value": f"x{cookie['value']}"}])


def _sign_in_here(page: Page, login: str = "intake") -> None:
    page.fill("#login", login)
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")


def _type(page: Page) -> None:
    page.fill("#opinion", OPINION)
    page.check("input[name=outcome][value=accept]")


def _is_back(page: Page) -> bool:
    page.wait_for_function(
        "text => document.getElementById('opinion')?.value === text", arg=OPINION
    )
    return page.is_checked("input[name=outcome][value=accept]")


@pytest.fixture
def item(desk: Desk) -> int:
    return desk.item(desk.reported_case(), "T_accept")


@pytest.mark.parametrize("lose", [_cookie_removed, _secret_replaced])
def test_typed_text_is_back_after_signing_in_again(
    reader: Reader, item: int, lose: Callable[[Page], None]
) -> None:
    reader.sign_in("intake")
    page = reader.page
    reader.open(f"/items/{item}")
    lose(page)
    _type(page)
    page.wait_for_selector("#draft-said.fault")
    assert "草稿没有保存成功" in page.inner_text("#draft-said")
    # The page is loaded again, and asks who is there.
    page.reload()
    page.wait_for_selector("#password")
    _sign_in_here(page)
    page.wait_for_url(f"**/items/{item}")
    assert _is_back(page)
    assert "本机保存" in page.inner_text("#draft-said")


def test_what_was_sent_without_a_session_is_not_lost(reader: Reader, desk: Desk, item: int) -> None:
    reader.sign_in("intake")
    page = reader.page
    reader.open(f"/items/{item}")
    _type(page)
    _cookie_removed(page)
    page.click("#answers button.primary")
    page.wait_for_load_state()
    reader.open("/sign-in")
    _sign_in_here(page)
    page.wait_for_url("**/inbox*")
    reader.open(f"/items/{item}")
    assert _is_back(page)
    page.click("#answers button.primary")
    page.wait_for_load_state()
    reader.open("/inbox")
    assert desk.open_elements(desk.rows("SELECT id FROM cases")[0]["id"]) == ["T_file"]
    kept = "Object.keys(localStorage).filter((key) => key.startsWith('jingwei-draft'))"
    assert not page.evaluate(kept)


def test_another_person_at_the_same_browser_does_not_see_it(
    reader: Reader, desk: Desk, item: int
) -> None:
    reader.sign_in("intake")
    page = reader.page
    reader.open(f"/items/{item}")
    _cookie_removed(page)
    _type(page)
    page.wait_for_selector("#draft-said.fault")
    reader.sign_in("intake2")
    reader.open(f"/items/{item}")
    page.wait_for_selector("#opinion")
    assert page.input_value("#opinion") == ""


def test_part_that_renews_itself_stays_as_it_was(reader: Reader, desk: Desk) -> None:
    """Of a list somebody looks at all night: it goes on once somebody has signed in again."""
    reader.sign_in("supervisor")
    page = reader.page
    page.clock.install()
    reader.open("/sensing/alerts")
    shown = page.inner_text("#waiting")
    kept = page.context.cookies()
    _cookie_removed(page)
    page.clock.fast_forward(31_000)
    expect(page.locator("#signed-out")).to_be_visible()
    assert page.inner_text("#waiting") == shown
    page.context.add_cookies(kept)
    page.clock.fast_forward(31_000)
    expect(page.locator("#signed-out")).to_be_hidden()


def test_wall_screen_says_so_and_goes_on(
    reader: Reader, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cockpit, "LONGEST_S", 1.0)
    reader.sign_in("supervisor")
    page = reader.page
    page.clock.install()
    reader.open("/flood/cockpit")
    kept = page.context.cookies()
    _cookie_removed(page)
    expect(page.locator("#lost a")).to_have_text("重新登录", timeout=20_000)
    page.context.add_cookies(kept)
    page.clock.fast_forward(11_000)
    expect(page.locator("#lost")).to_be_hidden(timeout=20_000)
