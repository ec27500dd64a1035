"""The analyst's story: a rule is changed in the browser and five hundred running cases go over to it.

Nothing is restarted and no deadline moves but the one that was changed.
"""

from __future__ import annotations

import re
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Event, Thread
from typing import Any

from playwright.sync_api import Page

from tests.browser.conftest import Readers
from tests.browser.people import Staff, add_analysts_and_administrator
from tests.browser.test_tryouts import begin_and_file, complete
from tests.crowd import copy_cases
from tests.factories import Desk

SAVED = "#save-state[data-state=saved]"
NEW_STEP = "派遣员复看照片"
REVIEWED_BY_PHOTO = "F_G_reviewed_T_close"
OF_EACH_KIND = 99

# The middle of a flow as it lies on the screen.
_MIDDLE = """(id) => {
  const path = document.querySelector(`.djs-container > svg .djs-connection[data-element-id="${id}"] .djs-visual > path`);
  const onScreen = path.getScreenCTM();
  const middle = path.getPointAtLength(path.getTotalLength() / 2).matrixTransform(onScreen);
  return [middle.x, middle.y];
}"""


def test_analyst_adds_a_check_and_moves_five_hundred_running_cases(
    readers: Readers, desk: Desk
) -> None:
    add_analysts_and_administrator(desk)
    staff = Staff(readers, desk, "zh")
    lived = [
        desk.reported_case(),
        desk.filed_case(),
        desk.dispatched_case(),
        desk.assigned_case(),
        desk.handed_in_case(),
    ]
    everyone = lived + copy_cases(desk, lived, OF_EACH_KIND)
    assert len(everyone) == 500
    with answering(staff.at("analyst").address) as failures:
        draft = draw(staff)
        compare(staff, draft)
        try_out(staff, draft)
        deploy(staff, draft)
        before = times(desk)
        new = desk.rows("SELECT hash FROM definition_versions WHERE active")[0]["hash"]
        undone = move_all_and_undo_one(staff, desk, new)
        assert_only_the_changed_limit_moved(before, times(desk), undone)
        finish_through_the_new_check(staff, desk, lived[4])
        for case_id in (lived[3], lived[2]):
            finish_at_once(desk, case_id, [NEW_STEP])
        finish_at_once(desk, undone, [])
    assert failures == []
    assert staff.complaints() == []


@contextmanager
def answering(address: str) -> Iterator[list[str]]:
    """Ask the product all the while whether it answers; a restart would show."""
    failures: list[str] = []
    over = Event()

    def ask() -> None:
        while not over.wait(0.2):
            try:
                with urllib.request.urlopen(f"{address}/healthz", timeout=20) as answer:
                    answer.read()
            except OSError as error:
                failures.append(str(error))

    asking = Thread(target=ask)
    asking.start()
    try:
        yield failures
    finally:
        over.set()
        asking.join()


def draw(staff: Staff) -> str:
    """Let the analyst add the step and change the limit; return the draft's path."""
    page = staff.open("analyst", "/modeling")
    page.fill("#title", "照片复看")
    page.click("main form.bar button.primary")
    page.wait_for_url("**/modeling/drafts/*")
    draft = page.url.removeprefix(staff.at("analyst").address)
    page.click("a[href$='/case.bpmn']")
    page.wait_for_selector(SAVED)
    add_step(page)
    change_limit(page)
    page.wait_for_selector(SAVED)
    return draft


def add_step(page: Page) -> None:
    """Put a task on a flow, name it, and make it the dispatcher's by the template."""
    page.click("#outline [data-element=T_close]")
    x, y = page.evaluate(_MIDDLE, REVIEWED_BY_PHOTO)
    page.click(".djs-palette [data-action='create.task']")
    page.mouse.move(x - 40, y - 40)
    page.mouse.move(x, y, steps=5)
    page.mouse.click(x, y)
    page.wait_for_selector(".djs-direct-editing-content")
    page.keyboard.type(NEW_STEP)
    page.keyboard.press("Enter")
    page.locator("#outline [data-element]", has_text=NEW_STEP).first.click()
    page.click("#properties .bio-properties-panel-select-template-button")
    page.fill("#templates-search", "派遣员")
    page.click("#templates-list button[data-template='jingwei.role.dispatcher']")
    page.wait_for_selector("#templates", state="hidden")
    group = page.locator("#properties [data-group-id*=ElementTemplates__CustomProperties]")
    if not group.locator("select").is_visible():
        group.locator(".bio-properties-panel-group-header").click()
    group.locator("select").select_option("check")
    page.wait_for_selector("#save-state:not([data-state=saved])")
    page.wait_for_selector(SAVED)


def change_limit(page: Page) -> None:
    """Let the reminder come one working hour before the due time instead of two."""
    page.click("#outline [data-element=B_near_due]")
    amount = page.locator("#bio-properties-panel-jingwei-limit-amount")
    if not amount.is_visible():
        page.click(
            "#properties [data-group-id=group-jingwei-limit] .bio-properties-panel-group-header"
        )
    assert amount.input_value() == "2"
    amount.fill("1")
    amount.blur()
    page.wait_for_selector("#save-state:not([data-state=saved])")


def compare(staff: Staff, draft: str) -> None:
    """Let the analyst see what is new and what is changed, and nothing else."""
    page = staff.open("analyst", f"{draft}/compare/case.bpmn")
    page.wait_for_selector("#changes button")
    lines = page.locator("#changes li").all_inner_texts()
    assert any("新增" in line and NEW_STEP in line for line in lines), lines
    assert any("改动" in line and "临近到期" in line and "1 working_hour" in line for line in lines)
    assert page.locator("#newer .change-mark.added").count() >= 1
    assert not any("删去" in line for line in lines)


def try_out(staff: Staff, draft: str) -> None:
    """Let the analyst walk a case that is none through the draft, over the new step to its end."""
    page = staff.open("analyst", draft)
    begin_and_file(page)
    complete(page, "T_dispatch", "dispatch")
    page.check("#answers input[value=direct]")
    page.fill("#opinion", "已清除")
    page.click("#answers button.primary")
    complete(page, "T_review", "pass_by_photo")
    assert NEW_STEP in (page.text_content("#items") or "")
    page.check("#answers input[name=outcome][value=pass]")
    page.click("#answers button.primary")
    complete(page, "T_close", "close")


def deploy(staff: Staff, draft: str) -> None:
    """Let the analyst hand the draft in with a note, and the second one deploy it."""
    page = staff.open("analyst", draft)
    page.fill("#note", "凭照片通过的由派遣员再看一遍，提醒改为提前一个工作时")
    page.click("form[action$='/propose'] button")
    page.wait_for_selector("form[action$='/withdraw']")
    page = staff.open("analyst2", draft)
    page.click("form[action$='/approve'] button")
    page.wait_for_selector("main .flash.success")


def move_all_and_undo_one(staff: Staff, desk: Desk, new: str) -> int:
    """Let the analyst move every case from the page and take one back; return which."""
    old = desk.city.definition_hash
    page = staff.open("analyst", "/modeling/versions")
    page.click(f"a[href$='/{old}/move/{new}']")
    page.wait_for_selector("#progress button.primary")
    shown: list[float] = []
    page.on(
        "response",
        lambda answer: shown.append(answer.status) if answer.request.method == "POST" else None,
    )
    page.click("#progress button.primary")
    page.wait_for_selector(
        "#progress:not([hx-post]) progress[value='500'][max='500']", timeout=60_000
    )
    # Fifty at a time, each told to the page.
    assert shown.count(200) >= 10
    assert on_version(desk, new) == 500
    page.click("#progress a[href*='/modeling/moves/']")
    page.wait_for_url("**/modeling/moves/*")
    # Of those that the handler has, so that the changed limit has to come back as well.
    row = page.locator("tbody tr", has=page.locator("form[action*='/undo/']")).filter(
        has_text=re.compile(f"C{10_000 + 3 * OF_EACH_KIND}\\d*")
    )
    while row.count() == 0:
        page.click(".pager a[rel=next]")
    button = row.first.locator("form[action*='/undo/'] button")
    undone = int(str(row.first.locator("form").get_attribute("action")).rpartition("/")[2])
    button.click()
    page.wait_for_selector("main .flash.success")
    assert on_version(desk, new) == 499
    assert on_version(desk, old) == 1
    assert desk.rows(
        "SELECT definition_hash AS it FROM process_instances WHERE case_id = :id", id=undone
    ) == [{"it": old}]
    return undone


def on_version(desk: Desk, version: str) -> int:
    """Return how many running cases stand on a version."""
    found = desk.rows(
        "SELECT count(*) AS n FROM process_instances WHERE definition_hash = :it AND ended_at IS NULL",
        it=version,
    )
    return int(found[0]["n"])


def times(desk: Desk) -> dict[str, Any]:
    """Return every due time of every case, those of the changed limit apart."""
    limits = (
        "SELECT i.case_id, t.due_at FROM timers t JOIN process_instances i ON i.id = t.instance_id"
    )
    return {
        "cases": desk.rows("SELECT id, due_at FROM cases ORDER BY id"),
        "items": desk.rows("SELECT id, due_at, status FROM work_items ORDER BY id"),
        "clocks": desk.rows("SELECT id, state, due_at, events FROM sla_clocks ORDER BY id"),
        "timers": desk.rows(
            "SELECT instance_id, token, element, due_at, try_at FROM timers"
            " WHERE element <> 'B_near_due' ORDER BY instance_id, token"
        ),
        "changed": {
            row["case_id"]: row["due_at"]
            for row in desk.rows(f"{limits} WHERE t.element = 'B_near_due'")
        },
    }


def assert_only_the_changed_limit_moved(
    before: dict[str, Any], after: dict[str, Any], undone: int
) -> None:
    was, now = before.pop("changed"), after.pop("changed")
    assert after == before
    assert now.keys() == was.keys()
    # The dispatched and the assigned cases have the reminder to come: two kinds of a hundred.
    assert len(now) == 200
    assert now.pop(undone) == was[undone]
    # Four working hours from 09:00 end at 15:00; two before that is 11:00, one is 14:00, with the noon between.
    assert {now[case_id] - was[case_id] for case_id in now} == {timedelta(hours=3)}


def finish_through_the_new_check(staff: Staff, desk: Desk, case_id: int) -> None:
    """Let the people bring a moved case to its end by their pages, through the step that is new."""
    number = desk.case(case_id)["number"]
    for login, outcome in (
        ("dispatcher", "pass_by_photo"),
        ("dispatcher", "pass"),
        ("chief", "close"),
    ):
        page = staff.open(login, f"/cases/{number}")
        page.click("#open a.button.primary")
        page.wait_for_selector("#answers")
        page.check(f"#answers input[name=outcome][value={outcome}]")
        page.click("#answers button.primary")
        page.wait_for_url("**/inbox*")
    assert desk.case(case_id)["closed_as"] == "closed"
    assert done_steps(desk, case_id, NEW_STEP) == [NEW_STEP]


def finish_at_once(desk: Desk, case_id: int, expected: list[str]) -> None:
    """Bring a case that the unit has to its end; it goes through these steps that are new."""
    city = desk.city
    if desk.open_elements(case_id) == ["T_assign"]:
        desk.do(case_id, "T_assign", city.manager1, "direct", opinion="已清除")
    else:
        desk.do(case_id, "T_handle", city.handler1, "done", opinion="已清除")
        desk.do(case_id, "T_confirm", city.manager1, "hand_in")
    desk.do(case_id, "T_review", city.dispatcher, "pass_by_photo")
    if expected:
        desk.do(case_id, desk.open_elements(case_id)[0], city.dispatcher, "pass")
    desk.do(case_id, "T_close", city.chief, "close")
    assert desk.case(case_id)["closed_as"] == "closed"
    assert done_steps(desk, case_id, NEW_STEP) == expected


def done_steps(desk: Desk, case_id: int, name: str) -> list[str]:
    found = desk.rows(
        "SELECT name FROM work_items WHERE case_id = :id AND name = :name AND status = 'done'",
        id=case_id,
        name=name,
    )
    return [row["name"] for row in found]
