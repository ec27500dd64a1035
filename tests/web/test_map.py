"""The map: tiles of our own grids, and which grid a point lies in."""

from __future__ import annotations

import math

import mapbox_vector_tile
from sqlalchemy import text

from app.places.tiles import UNIT_GRIDS_FROM, tile


def _address(lon: float, lat: float, zoom: int) -> tuple[int, int]:
    """Return the tile that a point lies in, by the usual formula of slippy maps."""
    n = 2**zoom
    row = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * n
    return int((lon + 180) / 360 * n), int(row)


def _centre(session) -> tuple[float, float]:
    import shapely

    outline = session.scalar(text("SELECT outline::text FROM unit_grids ORDER BY code LIMIT 1"))
    point = shapely.from_geojson(outline).representative_point()
    return point.x, point.y


def test_tile_holds_the_grids_of_its_place_in_order_of_size(desk, session):
    lon, lat = _centre(session)
    far = mapbox_vector_tile.decode(tile(session, 9, *_address(lon, lat, 9)))
    near = mapbox_vector_tile.decode(
        tile(session, UNIT_GRIDS_FROM, *_address(lon, lat, UNIT_GRIDS_FROM))
    )
    assert "districts" in far
    assert "unit_grids" not in far
    codes = {one["properties"]["code"] for one in near["unit_grids"]["features"]}
    known = set(session.scalars(text("SELECT code FROM unit_grids")))
    assert codes
    assert codes <= known


def test_point_in_a_grid_covers_the_same_spot_of_its_tile(desk, session):
    import shapely

    lon, lat = _centre(session)
    zoom = 16
    column, row = _address(lon, lat, zoom)
    decoded = mapbox_vector_tile.decode(
        tile(session, zoom, column, row), default_options={"y_coord_down": True}
    )
    x = ((lon + 180) / 360 * 2**zoom - column) * 4096
    y = ((1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * 2**zoom - row) * 4096
    hit = [
        one["properties"]["code"]
        for one in decoded["unit_grids"]["features"]
        if shapely.geometry.shape(one["geometry"]).contains(shapely.Point(x, y))
    ]
    assert hit == [session.scalar(text("SELECT code FROM unit_grids ORDER BY code LIMIT 1"))]


def test_tile_outside_the_city_is_empty_and_one_outside_the_world_is_not_there(desk, city, signed):
    client = signed(city.intake)
    assert client.get("/tiles/9/0/0").data == b""
    assert client.get("/tiles/3/9/0").status_code == 404
    assert client.get("/tiles/30/0/0").status_code == 404


def test_point_is_named_by_its_grid(desk, city, signed, session):
    lon, lat = _centre(session)
    client = signed(city.intake)
    found = client.get(f"/places/at?lon={lon}&lat={lat}").json
    assert found["unit_grid"] == session.scalar(
        text("SELECT code FROM unit_grids ORDER BY code LIMIT 1")
    )
    assert found["district"]
    assert client.get("/places/at?lon=0&lat=0").json["district"] is None
    assert client.get("/places/at?lon=nan&lat=0").status_code == 422
    assert client.get("/places/at?lon=x&lat=0", headers={"Accept": "application/json"}).json[
        "fields"
    ].keys() == {"lon"}
