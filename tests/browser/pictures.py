"""python -m tests.browser.pictures: take the README's pictures from the demo city that `make run` serves."""

from __future__ import annotations

import sys

from playwright.sync_api import Page, sync_playwright

from app.accounts.passwords import DEMO_PASSWORD
from app.settings import REPOSITORY
from tests.browser.conftest import CHROMIUM

FOLDER = REPOSITORY / "docs" / "pictures"


def main(address: str) -> None:
    """Sign in as the unit manager; take the inbox, and the case at its top."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1440, "height": 900}, locale="zh-CN")
        page.goto(f"{address}/sign-in")
        page.fill("#login", "manager")
        page.fill("#password", DEMO_PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url("**/inbox")
        page.goto(f"{address}/inbox?tab=all")
        _take(page, "inbox", 620)
        page.click("table tbody tr a")
        page.wait_for_url("**/cases/*")
        _take(page, "case", 1000)
        browser.close()


def _take(page: Page, name: str, height: int) -> None:
    page.screenshot(
        path=FOLDER / f"{name}.png",
        full_page=True,
        clip={"x": 0, "y": 0, "width": 1440, "height": height},
    )


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000")
