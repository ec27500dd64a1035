"""Units and people that come back into use or move: who sees what afterwards, and what stands in the way."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.accounts.commands import (
    ChangePerson,
    CloseUnit,
    CreatePerson,
    CreateUnit,
    DeactivatePerson,
    MoveUnit,
    ReactivatePerson,
    ReopenUnit,
)
from app.accounts.sign_in import actor_of
from app.accounts.tables import OrganisationChange, Person, Unit
from app.cases.queries.visibility import may_see
from app.errors import Forbidden, InvalidInput, StateChanged
from app.run import SYSTEM, Actor, run
from tests.factories import Desk


def _unit(session: Session, unit_id: int) -> Unit:
    session.expire_all()
    return session.get_one(Unit, unit_id)


def _fault(command: object, field: str) -> str:
    with pytest.raises(InvalidInput) as caught:
        run(command, actor=SYSTEM)
    assert caught.value.fields.keys() == {field}
    return caught.value.fields[field]


def _kinds(session: Session, **of: Any) -> list[str]:
    session.expire_all()
    found = session.query(OrganisationChange).filter_by(**of).order_by(OrganisationChange.id)
    return [change.kind for change in found]


@pytest.fixture
def tree(session: Session) -> dict[str, int]:
    """Return a city with two platforms; the first has a street with a group in it."""
    ids: dict[str, int] = {}
    for code, above in [("C", ""), ("D1", "C"), ("D2", "C"), ("S", "D1"), ("G", "S")]:
        ids[code] = run(CreateUnit(code, f"单位{code}", code, ids.get(above)), actor=SYSTEM)
    return ids


def test_unit_moves_with_all_below_it(session: Session, tree: dict[str, int]) -> None:
    run(MoveUnit(tree["S"], tree["D2"]), actor=SYSTEM)
    street, group = _unit(session, tree["S"]), _unit(session, tree["G"])
    assert street.parent_id == tree["D2"]
    assert street.path == f"/{tree['C']}/{tree['D2']}/{tree['S']}/"
    assert group.path == f"{street.path}{tree['G']}/"
    assert (street.level, group.level, group.parent_id) == (3, 4, tree["S"])
    [change] = session.query(OrganisationChange).filter_by(unit_id=tree["S"])
    assert (change.kind, change.facts["from"], change.facts["to"]) == (
        "unit_moved", "单位D1", "单位D2",
    )  # fmt: skip


def test_unit_moves_up_and_its_level_with_it(session: Session, tree: dict[str, int]) -> None:
    run(MoveUnit(tree["G"], tree["C"]), actor=SYSTEM)
    assert (_unit(session, tree["G"]).level, _unit(session, tree["S"]).level) == (2, 3)


@pytest.mark.parametrize(
    ("unit", "parent", "said"),
    [
        ("D1", "D1", "自己"),
        ("D1", "G", "自己的下级"),
        ("D1", "C", "已经在这个上级单位之下"),
        ("C", "D1", "没有上级"),
        ("D1", "D2", "第 5 级"),
    ],
)
def test_place_where_a_unit_cannot_stand_is_refused(
    session: Session, tree: dict[str, int], unit: str, parent: str, said: str
) -> None:
    before = _unit(session, tree["G"]).path
    assert said in _fault(MoveUnit(tree[unit], tree[parent]), "parent_id")
    assert _unit(session, tree["G"]).path == before


def test_nothing_is_put_under_a_closed_unit(session: Session, tree: dict[str, int]) -> None:
    run(CloseUnit(tree["D2"]), actor=SYSTEM)
    assert "单位D2”已停用" in _fault(MoveUnit(tree["S"], tree["D2"]), "parent_id")
    assert "已停用" in _fault(CreateUnit("X", "新", "New", tree["D2"]), "parent_id")
    person_id = run(CreatePerson(tree["S"], "wang", "王芳"), actor=SYSTEM)
    assert "已停用" in _fault(ChangePerson(person_id, tree["D2"], "王芳"), "unit_id")


def test_unit_is_reopened_alone_or_with_those_below(session: Session, tree: dict[str, int]) -> None:
    run(CloseUnit(tree["D1"]), actor=SYSTEM)
    assert "单位D1”仍停用" in _fault(ReopenUnit(tree["S"]), "parent_id")
    assert run(ReopenUnit(tree["D1"]), actor=SYSTEM) == 1
    assert not _unit(session, tree["S"]).active
    assert run(ReopenUnit(tree["D1"], with_those_below=True), actor=SYSTEM) == 2
    assert _unit(session, tree["G"]).active
    assert _kinds(session, unit_id=tree["D1"]) == ["unit_closed", "unit_reopened"]
    assert _kinds(session, unit_id=tree["G"]) == ["unit_closed", "unit_reopened"]


def test_person_is_let_in_again(session: Session, tree: dict[str, int]) -> None:
    person_id = run(CreatePerson(tree["S"], "wang", "王芳", roles=("collector",)), actor=SYSTEM)
    with pytest.raises(StateChanged):
        run(ReactivatePerson(person_id), actor=SYSTEM)
    run(DeactivatePerson(person_id), actor=SYSTEM)
    run(CloseUnit(tree["S"]), actor=SYSTEM)
    assert "所在单位“单位S”已停用" in _fault(ReactivatePerson(person_id), "unit_id")
    run(ReopenUnit(tree["S"]), actor=SYSTEM)
    run(ReactivatePerson(person_id), actor=SYSTEM)
    session.expire_all()
    assert session.get_one(Person, person_id).active
    actor = actor_of(session, person_id)
    assert actor is not None
    assert actor.has("collector")
    assert _kinds(session, person_id=person_id) == ["person_deactivated", "person_reactivated"]


@pytest.mark.parametrize("command", [MoveUnit(11, 12), ReopenUnit(11), ReactivatePerson(101)])
def test_only_an_administrator_restructures(session: Session, command: object) -> None:
    with pytest.raises(Forbidden):
        run(command, actor=Actor(1, 1, "/1/", frozenset({"unit_manager"}), "负责人"))


# With cases


def _now(desk: Desk, person_id: int) -> Actor:
    with desk.database.sessions() as session:
        actor = actor_of(session, person_id)
    assert actor is not None
    return actor


def _sees(desk: Desk, person_id: int, case_id: int) -> bool:
    with desk.database.sessions() as session:
        return may_see(session, _now(desk, person_id), case_id)


def test_sight_follows_a_moved_unit(desk: Desk) -> None:
    case_id = desk.dispatched_case()
    desk.hand_in(case_id)
    # The eastern street is where its handler stands; what the handler did is theirs for ever.
    with desk.database.sessions() as session:
        of_the_street = "UPDATE work_items SET unit_id = 111 WHERE case_id = :case AND unit_id = 11"
        session.execute(text(of_the_street), {"case": case_id})
        session.execute(text("UPDATE cases SET unit_id = 111 WHERE id = :case"), {"case": case_id})
        session.commit()
    assert not _sees(desk, 121, case_id)
    run(MoveUnit(111, 12), actor=SYSTEM)
    assert _sees(desk, 121, case_id)
    assert _now(desk, 112).unit_path == "/1/12/111/"


def test_unit_does_not_move_while_its_people_hold_work_of_the_unit_above(
    desk: Desk,
) -> None:
    case_id = desk.assigned_case()
    fault = _fault(MoveUnit(111, 12), "parent_id")
    assert "1 项" in fault
    assert desk.case(case_id)["number"] in fault
    assert "东区处置员" in fault
    with desk.database.sessions() as session:
        assert session.get_one(Unit, 111).path == "/1/11/111/"


def test_person_does_not_move_out_of_reach_of_their_work(desk: Desk) -> None:
    case_id = desk.assigned_case()
    moved = ChangePerson(112, 12, "东区处置员", None, ("unit_handler",))
    assert desk.case(case_id)["number"] in _fault(moved, "unit_id")
    # Within the unit that has the case everything stays in reach.
    run(ChangePerson(112, 11, "东区处置员", None, ("unit_handler",)), actor=SYSTEM)
    desk.do(case_id, desk.open_elements(case_id)[0], _now(desk, 112), "done", opinion="已清除")
    run(moved, actor=SYSTEM)
    assert _now(desk, 112).unit_path == "/1/12/"
    with desk.database.sessions() as session:
        assert _kinds(session, person_id=112) == ["person_moved", "person_moved"]


def test_platform_with_open_cases_stays_a_platform(desk: Desk) -> None:
    number = desk.case(desk.dispatched_case())["number"]
    assert number in _fault(MoveUnit(11, 12), "parent_id")
