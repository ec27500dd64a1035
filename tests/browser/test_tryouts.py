"""A draft edited, tried out to its end, and replayed on ended cases, in a real browser."""

from __future__ import annotations

from datetime import timedelta

from playwright.sync_api import Page

from app.clock import FixedClock
from app.modeling.bundles import shipped_files
from app.modeling.draft_commands import SaveDraftFile
from app.run import Actor, run
from tests.browser.axe import serious_faults
from tests.browser.conftest import Reader
from tests.browser.test_modeler import (  # noqa: F401 because pytest finds fixtures by their names here
    SAVED,
    analyst,
    draft,
    maker,
    open_file,
    rename,
)
from tests.factories import Desk

DONE = "#path tr[data-element={}]"


def complete(page: Page, element: str, outcome: str) -> None:
    """Complete the step that is open, and wait for the path to tell of it."""
    page.wait_for_selector(f"#items code:text-is('{element}')")
    page.check(f"#answers input[name=outcome][value={outcome}]")
    page.click("#answers button.primary")
    page.wait_for_selector(DONE.format(element))


def begin_and_file(page: Page) -> None:
    """Begin to try out the draft that is shown, with litter in the east, up to its dispatch."""
    page.click("text=试运行")
    page.select_option("#class_code", "E-01-02")
    page.select_option("#district_code", "140106")
    page.click("text=开始试运行")
    complete(page, "T_accept", "accept")
    page.check("#answers input[value=file]")
    page.wait_for_selector("#condition_seq option[value='1']", state="attached")
    page.select_option("#condition_seq", "1")
    page.click("#answers button.primary")
    page.wait_for_selector(DONE.format("T_file"))


def test_edited_draft_is_tried_out_to_its_end(
    analyst: Reader,  # noqa: F811
    draft: int,  # noqa: F811
) -> None:
    page = analyst.page
    open_file(analyst, draft, "handling.bpmn")
    rename(analyst, "T_assign", "指定处置人")
    page.wait_for_selector("#save-state:not([data-state=saved])")
    page.wait_for_selector(SAVED)
    begin_and_file(page)
    # The unit is suggested by the duty of the class and the district, as for a real case.
    assert page.input_value("#unit_id") == "11"
    complete(page, "T_dispatch", "dispatch")
    assert "指定处置人" in (page.text_content("#items") or "")
    # The canvas shows the called process with its token.
    page.wait_for_selector("#canvas .djs-element.trial-here[data-element-id=T_assign]")
    assert not serious_faults(page)
    page.click("#timers li:has-text('临近到期') button")
    page.wait_for_selector(DONE.format("S_near_due"))
    page.click("#messages summary:has-text('申请退单')")
    page.click("#messages details[open] button")
    page.wait_for_selector("#items code:text-is('T_rule_return')")
    page.fill("#opinion", "属你单位")
    complete(page, "T_rule_return", "unfounded")
    page.check("#answers input[value=direct]")
    page.fill("#opinion", "已清除")
    page.click("#answers button.primary")
    complete(page, "T_review", "pass_by_photo")
    complete(page, "T_close", "close")
    assert page.is_visible("#ended")
    assert not analyst.complaints


def test_draft_is_replayed_on_ended_cases(
    analyst: Reader,  # noqa: F811
    draft: int,  # noqa: F811
    maker: Actor,  # noqa: F811
    desk: Desk,
    clock: FixedClock,
) -> None:
    for _ in range(3):
        desk.closed_case()
    clock.advance(timedelta(minutes=1))
    changed = shipped_files()["case.bpmn"].replace(b'"2 working_hour")', b'"3 working_hour")')
    run(SaveDraftFile(draft, "case.bpmn", changed, 1), actor=maker)
    page = analyst.page
    analyst.open(f"/modeling/drafts/{draft}/replay")
    page.fill("#month", "2025-11")
    page.click("text=开始回放")
    page.wait_for_selector("#finished")
    assert "已回放 3 件" in (page.text_content("#finished") or "")
    assert "B_near_due" in (page.text_content("#figures") or "")
    analyst.open(f"/modeling/drafts/{draft}")
    page.click("text=用往月案卷回放")
    assert page.locator("table[data-keys] tbody tr").count() == 1
    assert not analyst.complaints
