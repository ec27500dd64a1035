"""A move and a person at one case: each waits for the other and goes on from what it left."""

from __future__ import annotations

import pytest

from app.cases.commands import CompleteWork, MoveCases, UndoMove
from app.cases.effects import topics
from app.cases.log import verify_case
from app.errors import StateChanged
from app.modeling.commands import ActivateVersion, DeployBundle
from app.run import SYSTEM, run
from tests.edited_diagrams import with_a_look_before_closing


@pytest.fixture
def newer(desk) -> str:
    """Return another version; new cases go on starting on the shipped one."""
    deployed = run(DeployBundle("case", with_a_look_before_closing(), topics()), actor=SYSTEM)
    run(ActivateVersion("case", desk.city.definition_hash), actor=SYSTEM)
    return str(deployed)


def test_move_waits_for_a_completion_and_moves_from_there(desk, stage, aside, newer):
    case_id = desk.closing_case()
    closing = CompleteWork(desk.item(case_id, "T_close"), {"outcome": "rework", "opinion": "再清"})
    with stage.standing_before_commit(closing, desk.city.chief):
        moving = aside(run, MoveCases((case_id,), newer), actor=SYSTEM)
        stage.wait_until_somebody_waits()
    assert moving.result(timeout=10).moved == (case_id,)
    assert desk.open_elements(case_id) == ["T_assign"]
    desk.hand_in(case_id)
    desk.do(case_id, "T_review", desk.city.dispatcher, "pass_by_photo")
    assert desk.open_elements(case_id) == ["T_look"]


def test_completion_waits_for_a_move_and_goes_on_in_the_new_version(desk, stage, aside, newer):
    case_id = desk.handed_in_case()
    review = CompleteWork(desk.item(case_id, "T_review"), {"outcome": "pass_by_photo"})
    with stage.standing_before_commit(MoveCases((case_id,), newer), SYSTEM):
        completing = aside(run, review, actor=desk.city.dispatcher)
        stage.wait_until_somebody_waits()
    assert completing.result(timeout=10).opened == ("T_look",)
    with desk.database.sessions() as session:
        assert verify_case(session.connection().connection.driver_connection, case_id) is None


def test_undo_that_waits_for_a_completion_is_refused(desk, stage, aside, newer):
    case_id = desk.handed_in_case()
    move_id = run(MoveCases((case_id,), newer), actor=SYSTEM).move_id
    review = CompleteWork(desk.item(case_id, "T_review"), {"outcome": "pass_by_photo"})
    with stage.standing_before_commit(review, desk.city.dispatcher):
        undoing = aside(run, UndoMove(move_id, case_id), actor=SYSTEM)
        stage.wait_until_somebody_waits()
    with pytest.raises(StateChanged):
        undoing.result(timeout=10)
    assert desk.open_elements(case_id) == ["T_look"]


def test_a_move_that_is_lost_before_its_commit_leaves_the_case_as_it_was(desk, stage, newer):
    case_id = desk.handed_in_case()
    stage.run_and_roll_back(MoveCases((case_id,), newer), SYSTEM)
    assert desk.rows("SELECT count(*) AS n FROM case_moves") == [{"n": 0}]
    assert run(MoveCases((case_id,), newer), actor=SYSTEM).moved == (case_id,)
