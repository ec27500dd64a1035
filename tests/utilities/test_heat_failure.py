"""A heat station fails: one alert, one case, the homes' complaints tied to it, and an end to all of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from app.db.session import Database
from app.errors import Forbidden, InvalidInput, NotFound, StateChanged
from app.run import SYSTEM, run
from app.simulation.measuring import BeginScenario
from app.utilities.commands import MergeComplaint
from app.utilities.queries import services_of
from sla.utilities import shipped_utilities
from tests.factories import Desk, build_city
from tests.utilities.quarter import STATION, Quarter, heated_quarter


@pytest.fixture
def quarter(session: Session, open_database: Database) -> Quarter:
    return heated_quarter(Desk(build_city(session), open_database))


def test_calm_quarter_raises_nothing(quarter: Quarter) -> None:
    quarter.live(30)
    assert quarter.desk.rows("SELECT id FROM alerts") == []
    assert quarter.desk.rows("SELECT count(*) FROM readings") == [{"count": 30 * 5}]


def test_failure_becomes_one_case_that_complaints_join(quarter: Quarter) -> None:
    desk, city = quarter.desk, quarter.desk.city
    quarter.live(2)
    quarter.fail(60)
    quarter.live(45)
    alert = quarter.alert()
    # Lukewarm after five minutes, below 25 ℃ after twenty: each must last ten.
    assert (alert["level"], alert["verdict"]) == (4, "automatic")
    numbers = quarter.complain(3)
    quarter.live(1)
    (site,) = desk.rows("SELECT id FROM sites WHERE code = :code", code=STATION)
    linked = desk.rows("SELECT * FROM linked_cases")
    assert {row["site_id"] for row in linked} == {site["id"]}
    assert len(linked) == 3
    # A complaint is looked into first; then intake sees what it belongs to.
    for row in linked[:2]:
        desk.do(row["case_id"], "T_verify", city.collector, "exists")
        run(MergeComplaint(site["id"], row["case_id"]), actor=city.intake)
    with pytest.raises(StateChanged):
        run(MergeComplaint(site["id"], linked[0]["case_id"]), actor=city.intake)
    with pytest.raises(StateChanged):
        run(MergeComplaint(site["id"], linked[2]["case_id"]), actor=city.intake)
    with pytest.raises(NotFound):
        run(MergeComplaint(site["id"], alert["case_id"]), actor=city.intake)
    with pytest.raises(Forbidden):
        run(MergeComplaint(site["id"], linked[2]["case_id"]), actor=city.manager1)
    merged = desk.rows("SELECT number, merged_into_id FROM cases WHERE closed_as = 'merged'")
    assert {row["merged_into_id"] for row in merged} == {alert["case_id"]}
    assert {row["number"] for row in merged} <= set(numbers)
    # One order: the station's case goes to the company, once.
    desk.do(alert["case_id"], "T_dispatch", city.dispatcher, "dispatch", unit_id=11)
    desk.hand_in(alert["case_id"])
    assert desk.case(alert["case_id"])["dispatches"] == 1
    quarter.live(40)
    assert quarter.alert()["level"] == 0
    quarter.complete(city.manager1, "cleared")
    assert quarter.alert()["settled_at"] is not None
    desk.do(alert["case_id"], "T_review", city.dispatcher, "pass_by_photo")
    desk.do(alert["case_id"], "T_close", city.chief, "close")
    assert desk.case(alert["case_id"])["closed_as"] == "closed"


def test_board_counts_complaints_rooms_and_hours(quarter: Quarter) -> None:
    quarter.live(1)
    quarter.fail(600)
    for _ in range(3):
        quarter.complain(1)
    quarter.live(5)
    heat = shipped_utilities().trades["heat"]
    with quarter.desk.database.sessions() as session:
        (board,) = services_of(session, "heat", heat, 15, quarter.at, path="")
    assert (board.serving, board.homes, board.complaints) == (1, 900, 3)
    assert board.rate == pytest.approx(10_000 * 3 / 900)
    assert (board.points, board.below_service, board.below_breach) == (1, 0, 0)
    # A room cools from 20 to below 16 ℃ in about four hours of a failure.
    quarter.live(300)
    with quarter.desk.database.sessions() as session:
        (board,) = services_of(session, "heat", heat, 15, quarter.at, path="")
    assert (board.below_service, board.below_breach) == (1, 1)
    (counted,) = quarter.desk.rows(
        "SELECT count(*) FROM reading_summaries WHERE metric = 15 AND minutes = 60 AND low < 16"
    )
    assert board.breach_hours == counted["count"] > 0


@pytest.mark.parametrize(("kind", "sites"), [("earthquake", ()), ("heat_failure", ())])
def test_unknown_scenario_is_refused(quarter: Quarter, kind: str, sites: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInput):
        run(BeginScenario(kind, quarter.at, timedelta(hours=1), sites), actor=SYSTEM)
