"""The lists of the flood room renew themselves while somebody types beside them."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from sqlalchemy import text

from app.accounts.passwords import hash_of
from app.clock import FixedClock
from tests.browser.conftest import PASSWORD, Reader
from tests.factories import Desk
from tests.flood.conftest import Flood, flooded_city


@pytest.fixture
def flood(desk: Desk, clock: FixedClock) -> Flood:
    built = flooded_city(desk, clock)
    with desk.database.sessions() as session:
        session.execute(text("UPDATE people SET password_hash = :it"), {"it": hash_of(PASSWORD)})
        session.commit()
    return built


def test_board_renews_itself_and_leaves_what_is_typed(reader: Reader, flood: Flood) -> None:
    page = reader.page
    reader.sign_in("commander")
    page.clock.install()
    reader.open("/flood/")
    page.fill("#q", "桃园")
    flood.water(31)
    page.clock.fast_forward(31_000)
    expect(page.locator("#points")).to_contain_text("31.0")
    # Of the tiles the one of orange.
    expect(page.locator("#tiles a[href='/flood/?level=3']")).to_have_text("1")
    expect(page.locator("#q")).to_have_value("桃园")
    assert not reader.complaints
