"""The caseworker's desk in a real browser: the item beside the list, worked through by keyboard."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page
from sqlalchemy import text

from app.accounts.passwords import hash_of
from app.cases.commands import ClaimItem
from app.run import run
from tests.browser.conftest import PASSWORD, Reader
from tests.factories import Desk
from tests.sensing.underpass import flooded_underpass


def _opened(page: Page, other_than: str | None = None) -> str:
    """Return the id of the item beside the list, once it is another one and has the focus in its form."""
    page.wait_for_function(
        "(before) => { const at = document.querySelector('#pane [data-opened]');"
        " return at && at.dataset.opened !== before"
        " && document.activeElement.closest('#answers'); }",
        arg=other_than,
    )
    return str(page.get_attribute("#pane [data-opened]", "data-opened"))


def test_twenty_intake_items_are_cleared_by_keyboard_alone(reader: Reader, desk: Desk) -> None:
    cases = [desk.reported_case() for _ in range(20)]
    pressed: list[str] = []

    def press(key: str) -> None:
        pressed.append(key)
        reader.page.keyboard.press(key)

    reader.sign_in("intake")
    press("j")
    press("Enter")
    current = _opened(reader.page)
    for _ in cases:
        press("1")
        press("e")
        current = _opened(reader.page, current)
    assert all(desk.open_elements(case_id) == ["T_file"] for case_id in cases)
    # Two keys to begin with, then two an item: the answer, and handing it in.
    assert len(pressed) == 2 + 2 * len(cases)
    assert not reader.complaints


def test_what_others_do_is_told_without_moving_the_list(reader: Reader, desk: Desk) -> None:
    first, second = desk.reported_case(), desk.reported_case()
    reader.sign_in("intake")
    reader.page.wait_for_selector("tr[data-item]")
    # The first look is what later ones are held against.
    reader.page.wait_for_timeout(2_500)
    item = desk.item(first, "T_accept")
    desk.do(first, "T_accept", desk.city.intake2, "accept")
    reader.page.wait_for_selector("#desk-news:not([hidden])")
    assert "已由他人办结 1 项" in reader.page.inner_text("#desk-news")
    assert "已由受理员乙办结" in reader.page.inner_text(f"tr[data-item='{item}']")
    assert reader.page.locator("tr[data-item]").count() == 2
    assert desk.open_elements(second) == ["T_accept"]
    assert not reader.complaints


@pytest.mark.parametrize("width", [1440, 1000, 390])
def test_what_waits_elsewhere_comes_without_moving_the_list(
    reader: Reader, desk: Desk, width: int
) -> None:
    underpass, page = flooded_underpass(desk), reader.page
    with desk.database.sessions() as session:
        session.execute(text("INSERT INTO person_roles VALUES (130, 'intake_officer')"))
        session.execute(text("UPDATE people SET password_hash = :it"), {"it": hash_of(PASSWORD)})
        session.commit()
    desk.reported_case()
    page.clock.install()
    page.set_viewport_size({"width": width, "height": 800})
    reader.sign_in("watch")
    reader.open("/inbox?tab=group")
    before = page.locator("tr[data-item]").bounding_box()
    underpass.water(16)
    underpass.follow()
    assert not page.locator(".elsewhere a").count()
    _renew(page)
    assert page.locator("tr[data-item]").bounding_box() == before
    # However many areas wait, they scroll within their line.
    page.locator(".elsewhere").evaluate(
        "(line) => { for (let n = 0; n < 9; n++) line.append(line.lastElementChild.cloneNode(true)); }"
    )
    assert page.evaluate("document.documentElement.scrollWidth") == width
    page.focus("#waiting-alerts")
    _renew(page)
    assert page.evaluate("document.activeElement.id") == "waiting-alerts"
    assert not reader.complaints


def _renew(page: Page) -> None:
    """Let a minute pass, and what waits elsewhere come anew."""
    page.evaluate(
        "document.querySelectorAll('.elsewhere a').forEach((a) => { a.dataset.old = 1; })"
    )
    page.clock.fast_forward(61_000)
    page.wait_for_selector("#waiting-alerts:not([data-old])")


def test_typed_text_survives_a_lost_connection_and_goes_with_completion(
    reader: Reader, desk: Desk
) -> None:
    case_id = desk.reported_case()
    desk.reported_case()
    item = desk.item(case_id, "T_accept")
    reader.sign_in("intake")
    page = reader.page
    reader.open(f"/inbox?tab=group&item={item}")
    page.context.set_offline(True)
    page.fill("#opinion", "已电话核实")
    page.check("input[name=outcome][value=accept]")
    page.context.set_offline(False)
    page.reload()
    page.wait_for_function("document.getElementById('opinion').value === '已电话核实'")
    assert page.is_checked("input[name=outcome][value=accept]")
    page.focus("#opinion")
    page.keyboard.press("Control+Enter")
    _opened(page, str(item))
    kept = page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('jingwei'))")
    assert not kept
    assert desk.open_elements(case_id) == ["T_file"]


def test_loser_of_a_race_is_told_who_won_and_keeps_the_text(reader: Reader, desk: Desk) -> None:
    case_id = desk.reported_case()
    item = desk.item(case_id, "T_accept")
    reader.sign_in("intake")
    page = reader.page
    reader.open(f"/inbox?tab=group&item={item}")
    page.fill("#opinion", "请转园林部门")
    page.check("input[name=outcome][value=accept]")
    desk.do(case_id, "T_accept", desk.city.intake2, "accept")
    page.focus("#opinion")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#pane [data-gone]")
    told = page.inner_text("#pane")
    assert "受理员乙" in told
    assert "请转园林部门" in told
    # What has become of the case, and the way there.
    assert "案件现在：" in told
    number = desk.case(case_id)["number"]
    assert page.locator(f"#pane .notice a[href='/cases/{number}']").is_visible()
    assert "已由他人办理" in page.inner_text(f"tr[data-item='{item}']")


def test_second_claim_beside_the_list_says_who_was_first(reader: Reader, desk: Desk) -> None:
    case_id = desk.reported_case()
    reader.sign_in("intake")
    reader.page.keyboard.press("j")
    run(ClaimItem(desk.item(case_id, "T_accept")), actor=desk.city.intake2)
    reader.page.keyboard.press("c")
    reader.page.wait_for_selector("#pane [data-opened]")
    assert "受理员乙" in reader.page.inner_text("#pane")


def test_claim_shows_in_its_row_and_in_the_tabs(reader: Reader, desk: Desk) -> None:
    desk.reported_case()
    desk.reported_case()
    reader.sign_in("intake")
    page = reader.page
    reader.open("/inbox?tab=group")
    tabs = page.locator("#desk-tabs .count")
    assert tabs.all_inner_texts() == ["0", "2"]
    page.keyboard.press("j")
    page.keyboard.press("c")
    page.wait_for_selector("#desk-tabs [data-tab=mine]:text-is('1')")
    assert tabs.all_inner_texts() == ["1", "1"]
    assert page.locator("tr[data-item] .told").all_inner_texts() == ["已认领"]


def test_reporting_beside_an_open_case_shows_it_and_leads_there_by_keyboard(
    reader: Reader, desk: Desk
) -> None:
    case = desk.case(desk.filed_case())
    reader.sign_in("intake")
    page = reader.page
    reader.open("/cases/new")
    page.fill("#lon", "112.55")
    page.fill("#lat", "37.8702")
    page.select_option("#class_code", "E-01-02")
    page.wait_for_selector("#nearby li")
    assert case["number"] in page.inner_text("#nearby")
    page.focus("#nearby a.button")
    with page.context.expect_page() as opened:
        page.keyboard.press("Enter")
    opened.value.wait_for_url(f"**/cases/{case['number']}")
    # What was typed is still there.
    assert page.input_value("#lon") == "112.55"
    assert not reader.complaints
