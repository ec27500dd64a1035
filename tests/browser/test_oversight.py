"""The supervisor's room in a real browser: diagrams are drawn and walked, charts drawn, nothing blocked."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.clock import FixedClock
from tests.browser.conftest import Reader
from tests.factories import Desk

HERE = ".djs-element.replay-here"


def test_case_is_walked_through_on_its_diagrams_by_keyboard(reader: Reader, desk: Desk) -> None:
    number = desk.case(desk.closed_case())["number"]
    reader.sign_in("supervisor")
    reader.open(f"/oversight/replay/{number}")
    page = reader.page
    page.wait_for_selector(HERE)
    steps = page.locator("ol.steps > li")
    elements = [steps.nth(i).get_attribute("data-element") for i in range(steps.count())]
    assert "T_assign" in elements
    for number_of_step, element in enumerate(elements[1:], start=2):
        page.keyboard.press("ArrowRight")
        page.wait_for_selector(f'{HERE}[data-element-id="{element}"]')
        assert page.inner_text(".replay-number.here") == f"▶ {number_of_step}"
    assert page.is_disabled('[data-do="next"]')
    page.keyboard.press("ArrowLeft")
    page.wait_for_selector(f'{HERE}[data-element-id="{elements[-2]}"]')
    assert not reader.complaints


def test_heat_writes_its_figures_on_each_diagram(reader: Reader, desk: Desk) -> None:
    desk.assigned_case()
    reader.sign_in("supervisor")
    reader.open("/oversight/heat?month=2025-11")
    page = reader.page
    page.wait_for_selector(".heat-number")
    first = page.locator(".heat-number").first
    assert "停留 0 · 经过 1 · 中位" in str(first.get_attribute("title"))
    assert first.inner_text() == "0 · 1"
    page.click("button[data-times]")
    assert "/" in page.locator(".heat-number").first.inner_text()
    page.click('tr[data-element="T_accept"]')
    assert "九成不超过" in page.inner_text("#said")
    page.click('button[data-file="handling.bpmn"]')
    page.wait_for_selector('.djs-element[data-element-id="T_assign"][class*="heat-"]')
    assert not reader.complaints


@pytest.mark.parametrize("width", [1440, 390])
def test_room_fits_and_the_browser_has_nothing_to_complain_of(
    reader: Reader, desk: Desk, clock: FixedClock, width: int
) -> None:
    number = desk.case(desk.closed_case())["number"]
    desk.assigned_case()
    clock.advance(timedelta(days=2))
    reader.page.set_viewport_size({"width": width, "height": 900})
    reader.sign_in("supervisor")
    too_wide = []
    for path in ("", "/overdue", "/disputed", "/extensions", "/held", "/heat", f"/replay/{number}"):
        reader.open(f"/oversight{path}")
        reader.page.wait_for_load_state("networkidle")
        if reader.page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            too_wide.append(path)
    assert not too_wide
    reader.open("/oversight")
    assert reader.page.locator("[data-chart] canvas").count() == 3
    assert not reader.complaints


def test_glance_draws_open_cases_and_names_districts_on_the_map(
    reader: Reader, desk: Desk, clock: FixedClock
) -> None:
    desk.dispatched_case()
    clock.advance(timedelta(days=2))
    reader.sign_in("supervisor")
    reader.open("/oversight")
    reader.page.wait_for_selector('[data-map][data-drawn="1"]')
    assert reader.page.inner_text(".map-district") == "东区"
    assert reader.page.inner_text('[data-light="overdue"]') == "1"
    assert not reader.complaints
