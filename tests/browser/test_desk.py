"""The caseworker's desk in a real browser: the item beside the list, worked through by keyboard."""

from __future__ import annotations

from playwright.sync_api import Page

from tests.browser.conftest import Reader
from tests.factories import Desk


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
