"""python -m tests.browser.pictures [address] [name ...]: take the README's pictures from the city `make run` serves.

Without names all of them. The cockpit wants a storm at its height (`flask demo storm`).
"""

from __future__ import annotations

import base64
import sys
from collections.abc import Callable

from playwright.sync_api import Browser, Page, sync_playwright

from app.accounts.passwords import DEMO_PASSWORD
from app.settings import REPOSITORY
from tests.browser.conftest import CHROMIUM

FOLDER = REPOSITORY / "docs" / "pictures"
WIDTH = 1440
# As WebP a page of text weighs a third of its PNG; below this its characters blur.
QUALITY = 86
DRAFT = "井盖缺失增加应急围挡"
DIAGRAM = "handling.bpmn"
STEP = "现场处置"


def main(address: str, *names: str) -> None:
    """Take each picture as the person whose page it is."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for name, login, height, open_page in PICTURES:
            if names and name not in names:
                continue
            _take(_signed_in(browser, address, login), address, name, height, open_page)
        browser.close()


def _inbox(page: Page, address: str) -> None:
    """Open what a handler has, and the first item beside it."""
    page.goto(f"{address}/inbox?tab=mine")
    page.click("tr[data-item] a[data-key=e]")
    page.wait_for_selector(".desk.opened .pane h1")
    page.evaluate("document.activeElement.blur()")


def _oversight(page: Page, address: str) -> None:
    """Open the city at a glance, its charts drawn."""
    page.goto(f"{address}/oversight")
    page.wait_for_selector(".chart canvas, .chart svg")


def _ranking(page: Page, address: str) -> None:
    """Open the month that is running."""
    page.goto(f"{address}/ranking")


def _modeler(page: Page, address: str) -> None:
    """Open the diagram of a draft; begin one where there is none."""
    page.goto(f"{address}/modeling")
    drafts = page.locator("table tbody a")
    if drafts.count():
        drafts.first.click()
    else:
        page.fill("#title", DRAFT)
        page.click("main button.primary")
    page.wait_for_url("**/modeling/drafts/*")
    page.click(f"td a:text-is('{DIAGRAM}')")
    page.click(f".outline button:has-text('{STEP}')")
    page.wait_for_selector(".bio-properties-panel-group")


def _cockpit(page: Page, address: str) -> None:
    """Open the wall screen."""
    page.goto(f"{address}/flood/cockpit")
    page.wait_for_selector("#map canvas")


PICTURES: tuple[tuple[str, str, int, Callable[[Page, str], None]], ...] = (
    ("inbox", "handler", 900, _inbox),
    ("oversight", "supervisor", 600, _oversight),
    ("modeler", "analyst", 900, _modeler),
    ("ranking", "assessor", 900, _ranking),
    ("cockpit", "commander", 900, _cockpit),
)


def _signed_in(browser: Browser, address: str, login: str) -> Page:
    page = browser.new_page(viewport={"width": WIDTH, "height": 900}, locale="zh-CN")
    page.goto(f"{address}/sign-in")
    page.fill("#login", login)
    page.fill("#password", DEMO_PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "sign-in" not in url)
    return page


def _take(
    page: Page, address: str, name: str, height: int, open_page: Callable[[Page, str], None]
) -> None:
    """Open a page, let it come to rest and keep what its first screen shows."""
    page.set_viewport_size({"width": WIDTH, "height": height})
    open_page(page, address)
    # Charts and diagrams move into place for a moment.
    page.wait_for_timeout(1_500)
    browser = page.context.new_cdp_session(page)
    taken = browser.send("Page.captureScreenshot", {"format": "webp", "quality": QUALITY})
    (FOLDER / f"{name}.webp").write_bytes(base64.b64decode(taken["data"]))
    page.context.close()


if __name__ == "__main__":
    main(*(sys.argv[1:] or ("http://127.0.0.1:8000",)))
