"""A heat station fails: the board shows it, its homes' complaints join its case, in Chinese and in English."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Readers
from tests.browser.people import give_password
from tests.factories import Desk
from tests.utilities.quarter import STATION, heated_quarter

_WATCH = """
INSERT INTO people (id, unit_id, login, name) VALUES (130, 1, 'watch', '值班员甲');
INSERT INTO person_roles (person_id, role) VALUES (130, 'watch_officer')
"""


@pytest.mark.parametrize("language", ["zh", "en"])
def test_station_fails_and_its_complaints_join_its_case(
    desk: Desk, readers: Readers, tmp_path: Path, language: str
) -> None:
    quarter = heated_quarter(desk)
    with desk.database.sessions() as session:
        for statement in _WATCH.split(";\n"):
            session.connection().exec_driver_sql(statement)
        session.commit()
    give_password(desk, "watch")
    watch, intake = readers(), readers()
    for reader, login in ((watch, "watch"), (intake, "intake")):
        reader.page.context.add_cookies(
            [{"name": "language", "value": language, "url": reader.address}]
        )
        reader.sign_in(login)
    watch.open("/utilities/heat")
    expect(watch.page.locator("#board .level")).to_have_count(0)
    quarter.fail(60)
    quarter.live(40)
    numbers = quarter.complain(4)
    for number in numbers[:3]:
        (case,) = desk.rows("SELECT id FROM cases WHERE number = :number", number=number)
        desk.do(case["id"], "T_verify", desk.city.collector, "exists")
    quarter.live(1)
    watch.open("/utilities/heat")
    expect(watch.page.locator("#board .level-4").first).to_be_visible()
    watch.page.screenshot(path=tmp_path / f"board-{language}.png", full_page=True)

    # The case of a cold home says which station serves it; intake merges what waits to be accepted.
    intake.open(f"/cases/{numbers[0]}")
    expect(intake.page.locator(".serving a").first).to_be_visible()
    intake.page.screenshot(path=tmp_path / f"case-{language}.png", full_page=True)
    intake.page.click(".serving a >> nth=0")
    page = intake.page
    expect(page.locator('input[name="case"]')).to_have_count(3)
    page.screenshot(path=tmp_path / f"site-{language}.png", full_page=True)
    page.click('form[action$="/merge"] button.primary')
    expect(page.locator('input[name="case"]')).to_have_count(0)
    (alert,) = desk.rows(
        "SELECT a.case_id FROM alerts a JOIN devices d ON d.id = a.device_id WHERE d.kind = 'heat_station'"
    )
    merged = desk.rows("SELECT merged_into_id FROM cases WHERE closed_as = 'merged'")
    assert [row["merged_into_id"] for row in merged] == [alert["case_id"]] * 3

    # One order; the station comes back; its manager has looked, and the board is calm.
    desk.do(alert["case_id"], "T_dispatch", desk.city.dispatcher, "dispatch", unit_id=11)
    desk.hand_in(alert["case_id"])
    quarter.live(60)
    quarter.complete(desk.city.manager1, "cleared")
    desk.do(alert["case_id"], "T_review", desk.city.dispatcher, "pass_by_photo")
    desk.do(alert["case_id"], "T_close", desk.city.chief, "close")
    found = desk.case(alert["case_id"])
    assert (found["dispatches"], found["closed_as"]) == (1, "closed")
    watch.open(f"/utilities/sites/{STATION}")
    expect(watch.page.locator("#alerts-title + p")).to_be_visible()
    assert watch.complaints == []
    assert intake.complaints == []
