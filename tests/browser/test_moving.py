"""Moving cases in a real browser: the batches follow one another by themselves."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from app.cases.effects import topics
from app.modeling.commands import DeployBundle
from app.run import SYSTEM, run
from tests.browser.conftest import Reader
from tests.edited_diagrams import with_a_look_before_closing, with_the_review_renamed
from tests.factories import Desk


@pytest.mark.parametrize("width", [1440, 390])
def test_one_press_moves_every_batch_and_the_pages_fit(
    reader: Reader, desk: Desk, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.cases.pages.moving.BATCH", 2)
    for _ in range(5):
        desk.reported_case()
    desk.handed_in_case()
    with desk.database.sessions() as session:
        session.execute(text("INSERT INTO person_roles VALUES (104, 'analyst')"))
        session.commit()
    other = run(DeployBundle("case", with_the_review_renamed(), topics(), "改名"), actor=SYSTEM)
    new = run(DeployBundle("case", with_a_look_before_closing(), topics(), "复核"), actor=SYSTEM)
    reader.page.set_viewport_size({"width": width, "height": 900})
    reader.sign_in("dispatcher")
    too_wide = []

    def look(path: str) -> None:
        reader.open(path)
        if reader.page.evaluate("document.documentElement.scrollWidth") > width:
            too_wide.append(path)

    old = desk.city.definition_hash
    look("/modeling/versions")
    look(f"/modeling/versions/{old}/move/{other}")
    look(f"/modeling/versions/{old}/move/{new}")
    reader.page.click("#progress button.primary")
    reader.page.wait_for_selector("text=迁移已做完")
    assert desk.rows("SELECT count(*) AS n FROM case_move_items") == [{"n": 6}]
    assert desk.rows("SELECT count(*) AS n FROM case_moves") == [{"n": 1}]
    look(f"/modeling/moves/{desk.rows('SELECT id FROM case_moves')[0]['id']}")
    assert too_wide == []
    assert not reader.complaints
