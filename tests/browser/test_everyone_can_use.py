"""axe finds no serious fault on any page, the policy blocks nothing, and no request leaves the machine."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from playwright.sync_api import Page
from sqlalchemy import text

from app.accounts.passwords import hash_of
from app.web.assets import STATIC
from tests.browser.conftest import PASSWORD, Reader
from tests.factories import Desk

# Whose door leads to which pages; what is not listed is reached from these.
PAGES = {
    "intake": (
        "/inbox", "/inbox?tab=group", "/inbox?tab=done", "/cases", "/cases/new", "/catalogue",
        "/catalogue/editions", "/catalogue/calendar", "/password",
    ),
    "supervisor": (
        "/oversight", "/oversight/overdue", "/oversight/disputed", "/oversight/extensions",
        "/oversight/held", "/oversight/heat",
    ),
    "analyst": ("/modeling", "/modeling/versions"),
    "admin": ("/admin", "/admin/people", "/admin/roles", "/admin/upload"),
}  # fmt: skip
MORE_PEOPLE = """
WITH added AS (
    INSERT INTO people (id, unit_id, login, name, password_hash)
    VALUES (901, 1, 'analyst', '分析员甲', :password), (902, 1, 'admin', '管理员甲', :password)
    RETURNING id, login)
INSERT INTO person_roles (person_id, role)
SELECT id, CASE login WHEN 'admin' THEN 'administrator' ELSE login END FROM added
"""
SERIOUS = {"serious", "critical"}


def serious_faults(page: Page, *, apart: Iterable[str] = ()) -> list[str]:
    """Return what axe finds on the page as it is, worst kinds only. apart: selectors of what is not looked at."""
    # Through the protocol: the page's own policy would refuse a script put into it.
    page.evaluate((STATIC / "built/axe.js").read_text())
    found: dict[str, Any] = page.evaluate(
        "apart => axe.run({exclude: apart})", [[one] for one in apart]
    )
    return [
        f"{one['id']}: {node['html'][:160]}"
        for one in found["violations"]
        if one["impact"] in SERIOUS
        for node in one["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_fault(reader: Reader, desk: Desk, scheme: Any) -> None:
    with desk.database.sessions() as session:
        session.execute(text(MORE_PEOPLE), {"password": hash_of(PASSWORD)})
        session.commit()
    case_id = desk.filed_case()
    waiting = desk.reported_case()
    reader.page.emulate_media(color_scheme=scheme)
    outside: list[str] = []
    reader.page.on(
        "request",
        lambda asked: (
            outside.append(asked.url)
            if not asked.url.startswith((reader.address, "data:", "blob:"))
            else None
        ),
    )
    faults = {}
    for login, paths in PAGES.items():
        reader.page.context.clear_cookies()
        reader.sign_in(login)
        of_cases = (
            f"/cases/{desk.case(case_id)['number']}",
            f"/items/{desk.item(waiting, 'T_accept')}",
        )
        for path in (*paths, *(of_cases if login == "intake" else ())):
            reader.open(path)
            # Not until the network is idle: the inbox listens for news as long as it is open.
            reader.page.wait_for_load_state("load")
            if found := serious_faults(reader.page):
                faults[login, path] = found
    assert not faults
    assert not outside
    assert not reader.complaints
