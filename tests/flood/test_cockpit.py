"""The wall screen: what it shows is what the tables hold, now and at any moment of a past event."""

from __future__ import annotations

from datetime import timedelta
from itertools import count

import orjson
import pytest
from flask import Flask
from sqlalchemy.orm import Session

from app.clock import FixedClock
from app.db.session import Database
from app.flood.cockpit import Asked, state_at
from app.flood.pages.cockpit import Shared, events
from app.run import SYSTEM, Runtime, run
from app.sensing.commands import StoreReadings
from connectors.samples import Sample
from tests.factories import Desk, build_city
from tests.sensing.conftest import NOON
from tests.sensing.underpass import Underpass, flooded_underpass


@pytest.fixture
def underpass(session: Session, open_database: Database) -> Underpass:
    return flooded_underpass(Desk(build_city(session), open_database))


def shown(underpass: Underpass, minute: float, path: str = "") -> dict[str, object]:
    with underpass.desk.database.sessions() as session:
        return state_at(session, Asked(NOON + timedelta(minutes=minute), path))


def test_state_is_that_of_the_moment(underpass: Underpass) -> None:
    underpass.water(0, 6, 20, 30, 22, 4, 0)
    underpass.follow()
    # Blue at 1, yellow at 2, orange at 3, yellow at 4, blue at 5, over at 6.
    levels = [shown(underpass, minute)["levels"] for minute in range(7)]
    assert levels == [
        [1, 0, 0, 0, 0], [0, 1, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 0, 1, 0],
        [0, 0, 1, 0, 0], [0, 1, 0, 0, 0], [1, 0, 0, 0, 0],
    ]  # fmt: skip
    third = shown(underpass, 3)
    assert third["points"][0][3:5] == [3, 30.0]
    assert third["alerts"]["open"] == 1
    assert third["wet"] == 1
    assert shown(underpass, 6)["alerts"] == {"open": 0, "unconfirmed": 0, "lines": []}


def test_depth_of_long_ago_is_not_shown_as_of_now(underpass: Underpass) -> None:
    underpass.water(9)
    assert shown(underpass, 0)["points"][0][4] == 9.0
    assert shown(underpass, 61)["points"][0][4] is None


def test_alert_is_to_be_confirmed_while_the_watch_has_it_before_it(
    underpass: Underpass, clock: FixedClock
) -> None:
    underpass.water(16)
    underpass.follow()
    minute = (clock.now() - NOON).total_seconds() / 60
    alerts = shown(underpass, minute)["alerts"]
    assert (alerts["unconfirmed"], alerts["lines"][0][5]) == (1, False)
    # Orange is answered without anybody.
    underpass.water(31, minute=1)
    clock.move_to(clock.now() + timedelta(minutes=1))
    underpass.follow()
    alerts = shown(underpass, minute + 1)["alerts"]
    assert (alerts["unconfirmed"], alerts["lines"][0][5]) == (0, True)
    assert shown(underpass, minute)["alerts"]["unconfirmed"] == 1


def test_unit_sees_its_own_points(underpass: Underpass) -> None:
    underpass.water(30)
    own, other = shown(underpass, 0, "/1/11/"), shown(underpass, 0, "/1/12/")
    assert (len(own["points"]), len(other["points"])) == (1, 0)
    assert (own["alerts"]["open"], other["alerts"]["open"]) == (1, 0)


def test_cases_and_curves_are_those_of_the_tables(underpass: Underpass) -> None:
    underpass.water(*range(0, 33, 2))
    underpass.follow()
    state = shown(underpass, 60)
    assert state["cases"] == 1
    (curve,) = state["curves"]
    counted = underpass.desk.rows(
        "SELECT high FROM reading_summaries WHERE metric = 1 AND minutes = 5 ORDER BY starts_at"
    )
    depths = [depth for _, depth in curve["line"]]
    # The last one is the depth of the moment.
    assert depths == [*(row["high"] for row in counted), 32.0]


def test_curve_of_a_past_moment_knows_nothing_of_what_came_later(underpass: Underpass) -> None:
    # The five minutes from noon on: 6, 8 and 7 cm until the moment, 22 after it.
    underpass.water(6, 8, 7)
    before = shown(underpass, 2.5)["curves"]
    underpass.water(22, minute=3)
    assert shown(underpass, 2.5)["curves"] == before
    begins = int(NOON.timestamp())
    assert before[0]["line"] == [[begins, 8.0], [begins + 120, 7.0]]
    assert shown(underpass, 3)["curves"][0]["line"][-1] == [begins + 180, 22.0]


def test_deepest_gauge_of_a_point_stands_with_its_own_time(underpass: Underpass) -> None:
    underpass.water(50)
    underpass.water(8, minute=40, device="FP-2")
    state = shown(underpass, 50)
    assert state["points"][0][4] == 50
    begins = int(NOON.timestamp())
    assert state["curves"][0]["line"] == [[begins, 50.0], [begins + 40 * 60, 8.0]]


def test_stream_tells_a_change_once(app: Flask, underpass: Underpass) -> None:
    runtime: Runtime = app.extensions["jingwei"]
    shared = Shared()
    shared._kept.clear()
    ticks = count()
    stream = events(shared, runtime, "", clock=lambda: float(next(ticks)))
    assert next(stream).startswith("retry")
    told = next(stream)
    assert orjson.loads(told.removeprefix("data: "))["levels"] == [1, 0, 0, 0, 0]
    run(
        StoreReadings([Sample("FP-1", runtime.clock.now(), "depth_cm", 30.0)], "test"), actor=SYSTEM
    )
    shared._kept.clear()
    told = next(line for line in stream if line.startswith("data"))
    assert orjson.loads(told.removeprefix("data: "))["levels"] == [0, 0, 0, 1, 0]
