"""The administration in a real browser, at a desk and on a phone."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from tests.browser.conftest import Reader
from tests.factories import Desk

PATHS = (
    "/admin/units",
    "/admin/units/11",
    "/admin/units/new",
    "/admin/people",
    "/admin/people/104",
    "/admin/people/new",
    "/admin/roles",
    "/admin/upload",
)


@pytest.mark.parametrize("width", [1440, 390])
def test_administration_fits_and_the_browser_has_nothing_to_complain_of(
    reader: Reader, desk: Desk, width: int
) -> None:
    with desk.database.sessions() as session:
        session.execute(text("INSERT INTO person_roles VALUES (102, 'administrator')"))
        session.commit()
    reader.page.set_viewport_size({"width": width, "height": 900})
    reader.sign_in("intake")
    too_wide = []
    for path in PATHS:
        reader.open(path)
        assert reader.page.is_visible(".tabs a[aria-current]"), path
        if reader.page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            too_wide.append(path)
    assert not too_wide
    assert not reader.complaints
