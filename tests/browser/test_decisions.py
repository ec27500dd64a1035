"""What must be answered is said before anything is sent, on the pages of alerts as at the desk."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.conftest import Reader
from tests.browser.people import give_password
from tests.factories import Desk
from tests.sensing.underpass import flooded_underpass


def test_false_alarm_wants_a_note_and_says_so(product, reader: Reader, desk: Desk) -> None:
    underpass = flooded_underpass(desk)
    give_password(desk, "watch")
    underpass.water(16)
    underpass.follow()
    page = reader.page
    reader.sign_in("watch")
    area = "area?district=140106&trade=flood&element=T_confirm_alert"
    for place in (underpass.alert()["id"], area):
        page.goto(f"{reader.address}/sensing/alerts/{place}")
        optional = page.locator("[data-field=opinion] .optional")
        page.check("input[value=real]")
        expect(optional).to_be_visible()
        page.check("input[value=false_alarm]")
        expect(optional).to_be_hidden()
        expect(page.locator("#opinion")).to_have_attribute("aria-required", "true")
    assert not reader.complaints
