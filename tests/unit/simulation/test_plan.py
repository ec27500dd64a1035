"""The plan of the simulated city: its totals are met, and every duty is somebody's everywhere."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from app.catalogue.files import duties
from app.errors import InvalidInput
from app.simulation.builders.organisation import PlannedUnit, organisation
from app.simulation.builders.places import Area, Street
from app.simulation.builders.plan import Size, plan, shares, size_named
from app.simulation.builders.staff import staff


def _city(size: Size) -> tuple[list[Area], list[Street]]:
    """The areas of a size without their outlines, with as many streets as the plan says."""
    entries = plan()["districts"] | {zone["code"]: zone for zone in plan()["zones"]}
    codes = sorted(entries if size.is_whole else size.districts or ())
    city = [
        Area(code, f"{code}区", code, code, shapely.Polygon(), entries[code]["weight"], (1, 1, 1))
        for code in codes
    ]
    streets = [
        Street(f"{code}{n:03}", code, f"{n}街道", f"Street {n}") for code in codes for n in range(8)
    ]
    return city, streets


def _units(size_name: str) -> list[PlannedUnit]:
    size = size_named(size_name)
    return organisation(size, *_city(size))


def test_full_city_has_the_units_of_a_real_one() -> None:
    units = _units("full")
    assert Counter(unit.level for unit in units) == {1: 1, 2: 80, 3: 422, 4: 3155}
    assert Counter(unit.rank_group for unit in units if unit.rank_group) == {
        "district": 13,
        "department": 30,
        "enterprise": 34,
    }


def test_demo_city_ranks_at_least_five_units_in_each_group() -> None:
    units = _units("demo")
    groups = Counter(unit.rank_group for unit in units if unit.rank_group)
    assert min(groups[group] for group in ("district", "department", "enterprise")) >= 5
    assert {unit.level for unit in units} == {1, 2, 3, 4}


@pytest.mark.parametrize("size_name", ["full", "demo"])
def test_every_duty_is_one_units_in_every_district(size_name: str) -> None:
    size = size_named(size_name)
    units = _units(size_name)
    for area in _city(size)[0]:
        for duty in duties():
            here = [
                unit for unit in units if duty in unit.duties and unit.district_code == area.code
            ]
            everywhere = [
                unit for unit in units if duty in unit.duties and unit.district_code is None
            ]
            assert len(here) == 1 or (not here and len(everywhere) == 1), (area.code, duty)


@pytest.mark.parametrize("size_name", ["full", "demo"])
def test_unit_codes_are_unique_and_parents_come_first(size_name: str) -> None:
    seen: set[str | None] = {None}
    for unit in _units(size_name):
        assert unit.parent in seen
        assert unit.code not in seen
        seen.add(unit.code)


@pytest.mark.parametrize("size_name", ["full", "demo"])
def test_people_are_exactly_as_many_as_planned(size_name: str) -> None:
    size = size_named(size_name)
    city, streets = _city(size)
    units = organisation(size, city, streets)
    people = staff(size, units, city, Random(1))
    assert len(people) == size.people
    assert len({person.login for person in people}) == size.people
    assert {person.unit for person in people} <= {unit.code for unit in units}
    demo = {person.login: person.role for person in people if person.is_demo}
    assert demo == {
        account["login"]: account.get("post", account["role"])
        for account in plan()["demo_accounts"]
    }


def test_unknown_size_is_refused() -> None:
    with pytest.raises(InvalidInput):
        size_named("huge")


@given(st.integers(0, 10_000), st.lists(st.integers(1, 100), min_size=1, max_size=20))
def test_shares_add_up_and_are_within_one_of_proportion(total: int, weights: list[int]) -> None:
    parts = shares(total, weights)
    assert sum(parts) == total
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - total * weight / sum(weights)) < 1
