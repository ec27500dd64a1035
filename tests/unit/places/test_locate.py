"""A point finds its grid, street and district; outside the city is an answer too."""

from __future__ import annotations

import math

import pytest
import shapely

from app.places.locate import CRACK, OUTSIDE, Locator, Place


def _square(west: float, south: float, side: float = 1.0) -> str:
    return shapely.to_geojson(shapely.box(west, south, west + side, south + side))


@pytest.fixture(scope="module")
def locator() -> Locator:
    """A district of 4 by 4: two unit grids side by side, a responsibility grid over them and one more."""
    crack = CRACK / 2
    return Locator(
        unit_grids=[
            ("100000001001001", "100000001001", "100000001", "100000", _square(0, 0)),
            ("100000001001002", "100000001001", "100000001", "100000", _square(1, 0)),
            ("100000001001003", "100000001001", "100000001", "100000", _square(2 + crack, 0, 0.5)),
        ],
        responsibility_grids=[("100000001002", "100000", _square(0, 2))],
        districts=[("100000", _square(0, 0, 4))],
    )


def test_point_inside_a_unit_grid_has_every_part(locator: Locator) -> None:
    place = locator.locate(1.5, 0.5)
    assert place == Place("100000001001002", "100000001001", "100000001", "100000")
    assert not place.outside_city


def test_point_on_a_shared_border_belongs_to_the_lower_code(locator: Locator) -> None:
    assert locator.locate(1.0, 0.5).unit_grid == "100000001001001"


def test_point_in_a_crack_between_grids_belongs_to_the_nearest(locator: Locator) -> None:
    assert locator.locate(2 + CRACK / 8, 0.25).unit_grid == "100000001001002"


def test_point_without_unit_grid_has_its_responsibility_grid(locator: Locator) -> None:
    assert locator.locate(0.5, 2.5) == Place(None, "100000001002", None, "100000")


def test_point_without_any_grid_has_its_district(locator: Locator) -> None:
    assert locator.locate(3.5, 3.5) == Place(None, None, None, "100000")


@pytest.mark.parametrize(
    ("lon", "lat"), [(9, 9), (-1, 0.5), (math.nan, 0.5), (0.5, math.inf), (1e300, -1e300)]
)
def test_point_outside_the_city_is_outside(locator: Locator, lon: float, lat: float) -> None:
    assert locator.locate(lon, lat) is OUTSIDE
    assert OUTSIDE.outside_city


def test_city_without_grids_has_everything_outside() -> None:
    assert Locator([], [], []).locate(112.5, 37.8) is OUTSIDE
