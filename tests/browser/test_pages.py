"""Pages in a real browser: keys work, nothing is blocked by the policy, nothing runs over the edge."""

from __future__ import annotations

import pytest

from tests.browser.conftest import Reader
from tests.factories import Desk

PATHS = ("/inbox", "/inbox?tab=all", "/cases", "/cases/new", "/catalogue", "/password")


def test_intake_officer_accepts_a_case_by_keyboard(reader: Reader, desk: Desk) -> None:
    case_id = desk.reported_case()
    reader.sign_in("intake")
    keys = reader.page.keyboard
    keys.press("j")
    keys.press("e")
    reader.page.wait_for_url("**/inbox?item=*")
    reader.page.check("input[name=outcome][value=accept]")
    reader.page.click("#answers button.primary")
    reader.page.wait_for_selector("#desk-said:not(.visually-hidden), #pane [data-opened]")
    reader.page.wait_for_url("**/inbox?item=*")
    reader.page.wait_for_selector("#pane input[name=outcome][value=file]")
    assert desk.open_elements(case_id) == ["T_file"]
    assert not reader.complaints


def test_second_click_does_not_send_twice(reader: Reader, desk: Desk) -> None:
    case_id = desk.reported_case()
    reader.sign_in("intake")
    reader.open(f"/items/{desk.item(case_id, 'T_accept')}")
    reader.page.check("input[name=outcome][value=accept]")
    reader.page.dblclick("#answers button.primary")
    reader.page.wait_for_url("**/inbox*")
    assert desk.log_kinds(case_id).count("completed") == 1


def test_question_mark_lists_the_keys(reader: Reader) -> None:
    reader.sign_in("intake")
    reader.page.keyboard.press("?")
    assert reader.page.is_visible("#keys")
    reader.page.keyboard.press("Escape")
    assert not reader.page.is_visible("#keys")


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("width", [1440, 390])
def test_pages_fit_and_the_browser_has_nothing_to_complain_of(
    reader: Reader, desk: Desk, width: int, language: str
) -> None:
    case_id = desk.filed_case()
    other = desk.reported_case()
    reader.page.set_viewport_size({"width": width, "height": 900})
    reader.page.context.add_cookies(
        [{"name": "language", "value": language, "url": reader.address}]
    )
    reader.sign_in("intake")
    too_wide = []
    for path in (
        *PATHS,
        f"/cases/{desk.case(case_id)['number']}",
        f"/items/{desk.item(other, 'T_accept')}",
    ):
        reader.open(path)
        if reader.page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            too_wide.append(path)
    assert not too_wide
    assert not reader.complaints
