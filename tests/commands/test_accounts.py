"""Units, people and roles: who may change them, and what stays true."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.accounts import queries
from app.accounts.commands import (
    AssignRole,
    ChangePassword,
    ChangeUnit,
    CloseUnit,
    CreatePerson,
    CreateUnit,
    DeactivatePerson,
    RefreshPasswordHash,
    RevokeRole,
    SetPassword,
)
from app.accounts.sign_in import actor_of, signed_in, signed_in_by_token, verified_person
from app.accounts.tables import Person, Unit
from app.errors import Forbidden, InvalidInput, NotFound
from app.run import SYSTEM, Actor, run

CLERK = Actor(1, 1, "/1/", frozenset({"dispatcher"}), "派遣员")
PASSWORD = "a long enough one"


def responsible(session: Session, duty: str, district_code: str | None) -> int | None:
    raw: Any = session.connection().connection.driver_connection
    return queries.responsible_unit(raw, duty, district_code)


def _unit(code: str, parent_id: int | None = None, **values: Any) -> int:
    unit_id: int = run(CreateUnit(code, f"单位{code}", code, parent_id, **values), actor=SYSTEM)
    return unit_id


@pytest.fixture
def city(session: Session) -> int:
    return _unit("city")


@pytest.fixture
def platform(city: int) -> int:
    return _unit("D01", city)


def _person(platform: int, login: str = "wang", **values: Any) -> int:
    command = CreatePerson(platform, login, "王芳", password=PASSWORD, **values)
    person_id: int = run(command, actor=SYSTEM)
    return person_id


def _path(session: Session, unit_id: int) -> str:
    unit = session.get_one(Unit, unit_id)
    return unit.path


# Units


def test_unit_stands_on_the_path_of_its_parent(session: Session, city: int, platform: int) -> None:
    unit = session.get_one(Unit, platform)
    assert unit.path == f"/{city}/{platform}/"
    assert unit.level == 2


def test_unit_code_given_twice_is_refused(platform: int, city: int) -> None:
    with pytest.raises(InvalidInput) as caught:
        _unit("D01", city)
    assert caught.value.fields.keys() == {"code"}


def test_fifth_level_is_refused(platform: int) -> None:
    fourth = _unit("D01-1-1", _unit("D01-1", platform))
    with pytest.raises(InvalidInput) as caught:
        _unit("D01-1-1-1", fourth)
    assert caught.value.fields.keys() == {"parent_id"}


def test_unknown_rank_group_is_refused_by_command_and_database(
    session: Session, city: int, platform: int
) -> None:
    with pytest.raises(InvalidInput):
        _unit("D02", city, rank_group="village")
    with pytest.raises(IntegrityError):
        session.execute(update(Unit).where(Unit.id == platform).values(rank_group="village"))


@pytest.mark.parametrize(
    "command",
    [
        CreateUnit("X", "单位", "unit"),
        ChangeUnit(1, "单位", "unit"),
        CloseUnit(1),
        CreatePerson(1, "x", "某人"),
        DeactivatePerson(1),
        SetPassword(1, PASSWORD),
        AssignRole(1, "collector"),
        RevokeRole(1, "collector"),
    ],
)
def test_only_an_administrator_changes_units_and_people(session: Session, command: object) -> None:
    with pytest.raises(Forbidden):
        run(command, actor=CLERK)


def test_missing_parent_is_not_found(session: Session) -> None:
    with pytest.raises(NotFound):
        _unit("X", 999_999)


def test_descendants_do_not_take_in_a_neighbour_whose_id_begins_alike(
    session: Session, city: int
) -> None:
    session.add_all(
        Unit(
            id=unit_id,
            code=f"T{unit_id}",
            name="单位",
            name_en="unit",
            level=level,
            parent_id=parent_id,
            path=path,
        )
        for unit_id, level, parent_id, path in [
            (70012, 2, city, "/1/70012/"),
            (700121, 2, city, "/1/700121/"),
            (70013, 3, 70012, "/1/70012/70013/"),
        ]
    )
    session.flush()
    below = queries.descendants(session, "/1/70012/")
    assert [unit.id for unit in below] == [70013]


def test_closed_unit_takes_those_below_it_along(session: Session, platform: int) -> None:
    below = _unit("D01-1", platform)
    run(CloseUnit(platform), actor=SYSTEM)
    assert session.get_one(Unit, below).active is False
    assert queries.descendants(session, _path(session, platform)) == []


def test_unit_tree_goes_as_deep_as_asked(session: Session, city: int, platform: int) -> None:
    below = _unit("D01-1", platform)
    [whole] = queries.unit_tree(session)
    [part] = queries.unit_tree(session, _path(session, platform))
    [top] = queries.unit_tree(session, levels=2)
    assert whole.children[0].children[0].unit.id == below
    assert part.unit.id == platform
    assert top.children[0].children == ()


def test_changed_unit_is_found_under_its_new_duties(session: Session, platform: int) -> None:
    run(ChangeUnit(platform, "市园林局", "Parks", "department", None, ("parks",)), actor=SYSTEM)
    assert responsible(session, "parks", "140105") == platform
    assert [unit.name for unit in queries.ranked_units(session, "department")] == ["市园林局"]


# Who is responsible


def test_district_goes_before_the_city(session: Session, city: int) -> None:
    everywhere = _unit("D01", city, duties=("sanitation",))
    here = _unit("140105", city, duties=("sanitation",), district_code="140105")
    assert responsible(session, "sanitation", "140105") == here
    assert responsible(session, "sanitation", "140106") == everywhere
    assert responsible(session, "sanitation", None) == everywhere


def test_branch_sends_the_case_to_its_platform(session: Session, city: int) -> None:
    company = _unit("E01", city)
    _unit("E01-140105", company, duties=("heating",), district_code="140105")
    assert responsible(session, "heating", "140105") == company


def test_nobody_is_responsible_where_no_active_unit_has_the_duty(
    session: Session, city: int
) -> None:
    unit = _unit("D01", city, duties=("heating",))
    run(CloseUnit(unit), actor=SYSTEM)
    assert responsible(session, "heating", "140105") is None
    assert responsible(session, "", None) is None


# People and roles


def test_person_signs_in_with_login_in_any_case(session: Session, platform: int) -> None:
    person_id = _person(platform, "Wang", roles=("dispatcher", "duty_chief"))
    person = verified_person(session, " WANG ", PASSWORD)
    assert person is not None
    assert actor_of(session, person.id) == Actor(
        person_id,
        platform,
        _path(session, platform),
        frozenset({"dispatcher", "duty_chief"}),
        "王芳",
    )


def test_login_taken_in_another_case_is_refused(platform: int) -> None:
    _person(platform, "wang")
    with pytest.raises(InvalidInput) as caught:
        _person(platform, "WANG")
    assert caught.value.fields.keys() == {"login"}


@pytest.mark.parametrize("password", ["wrong", "", PASSWORD + " "])
def test_wrong_password_is_nobody(session: Session, platform: int, password: str) -> None:
    _person(platform)
    assert verified_person(session, "wang", password) is None


def test_unknown_login_and_person_without_password_are_nobody(
    session: Session, platform: int
) -> None:
    run(CreatePerson(platform, "li", "李强"), actor=SYSTEM)
    assert verified_person(session, "li", "") is None
    assert verified_person(session, "nobody", PASSWORD) is None


def test_inactive_person_cannot_sign_in_or_go_on(session: Session, platform: int) -> None:
    person_id = _person(platform)
    user = signed_in(session, person_id)
    assert user is not None
    run(DeactivatePerson(person_id), actor=SYSTEM)
    assert verified_person(session, "wang", PASSWORD) is None
    assert signed_in_by_token(session, user.get_id()) is None


@pytest.mark.parametrize(
    ("login", "name", "field"), [(" ", "王芳", "login"), ("wang", " ", "name")]
)
def test_person_without_login_or_name_is_refused(
    platform: int, login: str, name: str, field: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        run(CreatePerson(platform, login, name), actor=SYSTEM)
    assert caught.value.fields.keys() == {field}


@pytest.mark.parametrize(("code", "name", "field"), [(" ", "单位", "code"), ("D09", " ", "name")])
def test_unit_without_code_or_name_is_refused(city: int, code: str, name: str, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        run(CreateUnit(code, name, "unit", city), actor=SYSTEM)
    assert caught.value.fields.keys() == {field}


def test_role_assigned_twice_is_held_once_and_revoked_once(session: Session, platform: int) -> None:
    person_id = _person(platform)
    for _ in range(2):
        run(AssignRole(person_id, "collector"), actor=SYSTEM)
    assert queries.roles_of(session, person_id) == {"collector"}
    run(RevokeRole(person_id, "collector"), actor=SYSTEM)
    assert queries.roles_of(session, person_id) == frozenset()


def test_unknown_role_is_refused(platform: int) -> None:
    with pytest.raises(InvalidInput) as caught:
        run(AssignRole(_person(platform), "king"), actor=SYSTEM)
    assert caught.value.fields.keys() == {"role"}


def test_people_within_a_unit_are_those_of_the_units_below_too(
    session: Session, city: int, platform: int
) -> None:
    handler = _person(_unit("D01-1", platform), "handler", roles=("unit_handler",))
    manager = _person(platform, "manager", roles=("unit_manager",))
    _person(city, "leader", roles=("leader",))
    path = _path(session, platform)
    assert [person.id for person in queries.people_within(session, path)] == [manager, handler]
    handlers = queries.people_within(session, path, {"unit_handler"})
    assert [person.id for person in handlers] == [handler]


# Passwords


def _as(session: Session, person_id: int) -> Actor:
    actor = actor_of(session, person_id)
    assert actor is not None
    return actor


def test_password_set_by_another_must_be_changed_and_one_s_own_not(
    session: Session, platform: int
) -> None:
    person_id = _person(platform)
    run(SetPassword(person_id, "set by another"), actor=SYSTEM)
    assert session.get_one(Person, person_id).must_change_password
    session.expire_all()
    run(ChangePassword("set by another", "my own one", "my own one"), actor=_as(session, person_id))
    session.expire_all()
    assert not session.get_one(Person, person_id).must_change_password
    assert verified_person(session, "wang", "my own one")


@pytest.mark.parametrize(
    ("present", "password", "repeated", "field"),
    [
        ("wrong", "my own one", "my own one", "present"),
        (PASSWORD, "my own one", "another one", "repeated"),
        (PASSWORD, PASSWORD, PASSWORD, "password"),
        (PASSWORD, "short", "short", "password"),
        (PASSWORD, "x" * 300, "x" * 300, "password"),
    ],
)
def test_new_password_that_will_not_do_is_refused_by_field(
    session: Session, platform: int, present: str, password: str, repeated: str, field: str
) -> None:
    actor = _as(session, _person(platform))
    with pytest.raises(InvalidInput) as caught:
        run(ChangePassword(present, password, repeated), actor=actor)
    assert caught.value.fields.keys() == {field}


def test_changed_password_ends_the_sessions_before_it(session: Session, platform: int) -> None:
    person_id = _person(platform)
    user = signed_in(session, person_id)
    assert user is not None
    assert signed_in_by_token(session, user.get_id()) == user
    run(ChangePassword(PASSWORD, "my own one", "my own one"), actor=user.actor)
    session.expire_all()
    assert signed_in_by_token(session, user.get_id()) is None


@pytest.mark.parametrize("token", ["", ":", "x:y", "999999:", "-1:", "1; DROP TABLE people:"])
def test_forged_token_is_nobody(session: Session, token: str) -> None:
    assert signed_in_by_token(session, token) is None


def test_outdated_hash_is_replaced_and_the_password_stays(session: Session, platform: int) -> None:
    from argon2 import PasswordHasher

    person_id = _person(platform)
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    session.execute(update(Person).where(Person.id == person_id).values(password_hash=weak))
    session.commit()
    run(RefreshPasswordHash(PASSWORD), actor=_as(session, person_id))
    session.expire_all()
    assert session.get_one(Person, person_id).password_hash != weak
    assert verified_person(session, "wang", PASSWORD)


def test_platform_itself_has_no_password_to_change(session: Session) -> None:
    with pytest.raises(Forbidden):
        run(ChangePassword("a", "b", "b"), actor=SYSTEM)


def test_commands_do_not_show_passwords_when_printed() -> None:
    shown = repr([SetPassword(1, PASSWORD), replace(CreatePerson(1, "x", "y"), password=PASSWORD)])
    assert PASSWORD not in shown
