"""Bulk reassignment in a real browser: one press, the batches follow one another by themselves."""

from __future__ import annotations

import pytest

from tests.browser.conftest import Reader
from tests.factories import Desk


@pytest.mark.parametrize("width", [1440, 390])
def test_one_press_reassigns_every_batch_and_the_pages_fit(
    reader: Reader, desk: Desk, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.cases.commands.reassigning.BATCH", 2)
    cases = [desk.dispatched_case() for _ in range(4)] + [desk.assigned_case()]
    page = reader.page
    page.set_viewport_size({"width": width, "height": 900})
    reader.sign_in("supervisor")
    reader.open("/oversight/reassign")
    page.select_option("#from", "11")
    page.select_option("#to", "12")
    page.click("form.bar button")
    page.wait_for_selector("text=东区平台 → 西区平台")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.fill("#reason", "机构合并")
    page.click("form.reassign button.primary")
    page.wait_for_selector("text=改派已做完")
    assert "已改派 5 件，共 5 件" in page.inner_text("#progress")
    assert {desk.case(case_id)["unit_id"] for case_id in cases} == {12}
    assert desk.rows("SELECT count(*) AS n FROM reassignments") == [{"n": 1}]
    page.click("text=查看已改派的案卷")
    page.wait_for_selector("table")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert not reader.complaints
