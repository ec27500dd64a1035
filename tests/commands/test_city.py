"""A city is built exactly to its plan, the same one from the same seed, and points find their place."""

from __future__ import annotations

import json
from typing import Any

import pytest
import shapely
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.accounts import queries as accounts
from app.accounts.commands import ChangePassword
from app.accounts.passwords import DEMO_PASSWORD
from app.accounts.sign_in import actor_of, signed_in, verified_person
from app.accounts.tables import Person, PersonRole, Unit
from app.catalogue.files import duties
from app.clock import FixedClock
from app.errors import Forbidden, InvalidInput, StateChanged
from app.places import queries as places
from app.places.locate import OUTSIDE, locate, locator_of
from app.places.tables import District, ResponsibilityGrid, Street, UnitGrid
from app.run import run
from app.settings import REPOSITORY
from app.simulation.city import CityReport, build_city, demo_accounts

NODE_MODULES = REPOSITORY / "node_modules"
pytestmark = pytest.mark.skipif(
    not NODE_MODULES.is_dir(),
    reason="node_modules is not there: python -m app.web.build",
)


@pytest.fixture
def demo(session: Session, clock: FixedClock) -> CityReport:
    return build_city(session, "demo", 1, clock.now())


def _count(session: Session, column: object) -> int:
    return session.scalar(select(func.count(column))) or 0  # type: ignore[arg-type]


def test_demo_city_has_the_totals_of_its_plan(session: Session, demo: CityReport) -> None:
    assert demo == CityReport(44, 200, 40, 40, 1500)
    assert _count(session, Unit.id) == 44
    assert _count(session, Person.id) == 200
    assert _count(session, PersonRole.person_id) == 200
    assert _count(session, ResponsibilityGrid.code) == 40
    assert _count(session, UnitGrid.code) == 1500


def test_codes_nest(session: Session, demo: CityReport) -> None:
    # 县级区划 6 + 街道 3 + 社区 3 + 顺序 3; a responsibility grid lies within one street.
    for grid in session.scalars(select(UnitGrid)):
        assert grid.code[:6] == grid.district_code == grid.street_code[:6]
        assert grid.code[:9] == grid.street_code == grid.responsibility_code[:9]
    assert _count(session, Street.code) == 40


def test_outlines_are_valid_polygons(session: Session, demo: CityReport) -> None:
    for table in (District, ResponsibilityGrid, UnitGrid):
        for outline in session.scalars(select(table.outline)):
            assert shapely.from_geojson(json.dumps(outline)).is_valid
            assert outline["type"] == "Polygon"


def test_same_seed_gives_the_same_city(session: Session, clock: FixedClock) -> None:
    first, again, other = (_built(session, clock, seed) for seed in (7, 7, 8))
    assert first == again
    assert first != other


def _built(session: Session, clock: FixedClock, seed: int) -> tuple[object, ...]:
    """Build a city, return what a reader sees of it, and take it back."""
    build_city(session, "demo", seed, clock.now())
    seen = (
        places.grid_digest(session),
        [
            tuple(row)
            for row in session.execute(select(Person.login, Person.name).order_by("login"))
        ],
        [tuple(row) for row in session.execute(select(Street.code, Street.name).order_by("code"))],
        list(session.scalars(select(Unit.name).order_by(Unit.code))),
    )
    session.rollback()
    return seen


def test_second_city_in_one_database_is_refused(
    session: Session, demo: CityReport, clock: FixedClock
) -> None:
    with pytest.raises(StateChanged):
        build_city(session, "demo", 2, clock.now())


def test_size_that_is_not_planned_is_refused(session: Session, clock: FixedClock) -> None:
    with pytest.raises(InvalidInput):
        build_city(session, "huge", 1, clock.now())


def test_each_demo_account_signs_in_with_its_role(session: Session, demo: CityReport) -> None:
    assert len(demo_accounts()) == 15
    for login, password, _, role_en in demo_accounts():
        person = verified_person(session, login, password)
        assert person is not None, login
        user = signed_in(session, person.id)
        assert user is not None
        assert user.actor.unit_path.startswith("/")
        assert len(user.actor.roles) == 1, role_en
    assert len(accounts.demo_accounts(session)) == 15


def test_demo_account_keeps_its_password(session: Session, demo: CityReport) -> None:
    session.commit()
    person_id = session.scalar(select(Person.id).where(Person.login == "collector")) or 0
    actor = actor_of(session, person_id)
    assert actor is not None
    with pytest.raises(Forbidden):
        run(ChangePassword(DEMO_PASSWORD, "my own one", "my own one"), actor=actor)


def test_nobody_else_can_sign_in(session: Session, demo: CityReport) -> None:
    others = select(Person).where(~Person.is_demo, Person.password_hash.is_not(None))
    assert session.scalars(others).all() == []


def test_demo_handler_works_for_the_demo_managers_unit(session: Session, demo: CityReport) -> None:
    paths = [
        session.scalar(select(Unit.path).join(Person).where(Person.login == login)) or ""
        for login in ("manager", "handler")
    ]
    assert paths[1].startswith(paths[0])
    assert accounts.platform_id(paths[0]) == accounts.platform_id(paths[1])


def test_every_duty_has_a_ranked_unit_in_every_district(session: Session, demo: CityReport) -> None:
    ranked = {unit.id for unit in accounts.ranked_units(session)}
    raw: Any = session.connection().connection.driver_connection
    for district in places.districts(session):
        for duty in duties():
            assert accounts.responsible_unit(raw, duty, district.code) in ranked


def test_every_unit_grid_is_found_by_a_point_inside_it(session: Session, demo: CityReport) -> None:
    locator = locator_of(session)
    for grid in session.scalars(select(UnitGrid).limit(300)):
        inside = shapely.from_geojson(json.dumps(grid.outline)).representative_point()
        found = locator.locate(inside.x, inside.y)
        assert (found.unit_grid, found.responsibility_grid, found.street, found.district) == (
            grid.code,
            grid.responsibility_code,
            grid.street_code,
            grid.district_code,
        )


def test_centre_is_in_the_city_and_the_next_province_is_not(
    session: Session, demo: CityReport
) -> None:
    assert locate(session, 112.5634, 37.8635).district == "140106"
    assert locate(session, 114.5, 38.04) == OUTSIDE


def test_locator_is_built_once_per_loading(
    session: Session, demo: CityReport, clock: FixedClock
) -> None:
    first = locator_of(session)
    assert locator_of(session) is first
    session.execute(
        text("INSERT INTO grid_versions (digest, loaded_at) VALUES ('another', :now)"),
        {"now": clock.now()},
    )
    assert locator_of(session) is not first


@pytest.mark.slow
def test_full_city_is_of_the_size_of_a_real_one(session: Session, clock: FixedClock) -> None:
    stages: list[tuple[str, int, int]] = []
    report = build_city(session, "full", 1, clock.now(), lambda *stage: stages.append(stage))
    assert (report.units, report.people) == (1 + 80 + 422 + 3155, 5329)
    assert (report.responsibility_grids, report.unit_grids) == (246, 31500)
    groups = session.execute(
        select(Unit.rank_group, func.count()).where(Unit.level == 2).group_by(Unit.rank_group)
    )
    assert {row.rank_group: row[1] for row in groups} == {
        "district": 13,
        "department": 30,
        "enterprise": 34,
        None: 3,
    }
    assert stages[-1] == ("people", 5329, 5329)
