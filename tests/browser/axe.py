"""What axe finds on a page."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from playwright.sync_api import Page

from app.web.assets import STATIC

SERIOUS = {"serious", "critical"}


def serious_faults(page: Page, *, apart: Iterable[str] = ()) -> list[str]:
    """Return what axe finds on the page as it is, worst kinds only. apart: selectors of what is not looked at."""
    # Through the protocol: the page's own policy would refuse a script put into it.
    if not page.evaluate("'axe' in window"):
        page.evaluate((STATIC / "built/axe.js").read_text())
    found: dict[str, Any] = page.evaluate(
        "apart => axe.run({exclude: apart}, {resultTypes: ['violations']})",
        [[one] for one in apart],
    )
    return [
        f"{one['id']}: {node['html'][:160]}"
        for one in found["violations"]
        if one["impact"] in SERIOUS
        for node in one["nodes"]
    ]
