"""Vector tiles of the city: districts, responsibility grids and, near the ground, unit grids.

Tiles are Mapbox vector tiles in web Mercator. They are cut from the outlines kept in the process and
depend on the grids alone, so that the digest of the grids says how long one may be kept.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import Any, Final

import mapbox_vector_tile
import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import STRtree
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.errors import NotFound
from app.places.queries import grid_digest

MAX_ZOOM: Final = 16
# Below this zoom a unit grid is smaller than the pen that draws it.
UNIT_GRIDS_FROM: Final = 13
EXTENT: Final = 4096
# Drawn over the edge, or every tile's border would show.
_BUFFER: Final = 0.02
_EARTH_M: Final = 6_378_137.0
_HALF_M: Final = math.pi * _EARTH_M

_LAYERS: Final = {
    "districts": "SELECT code, name, outline::text FROM districts ORDER BY code",
    "responsibility_grids": "SELECT code, name, outline::text FROM responsibility_grids ORDER BY code",
    "unit_grids": "SELECT code, code, outline::text FROM unit_grids ORDER BY code",
}


@dataclass(frozen=True)
class Outlines:
    """One layer in web Mercator metres, with a tree over it."""

    labels: tuple[tuple[str, str], ...]
    shapes: NDArray[np.object_]
    tree: STRtree

    def within(self, bounds: tuple[float, float, float, float]) -> list[Any]:
        """Return the outlines inside a tile's bounds, in its own units and thinned to what it can show."""
        west, south, east, north = bounds
        grain = (east - west) / EXTENT
        edge = (east - west) * _BUFFER
        around = (west - edge, south - edge, east + edge, north + edge)
        found = np.sort(self.tree.query(shapely.box(*around)))
        cut = shapely.clip_by_rect(shapely.simplify(self.shapes[found], grain), *around)
        drawn = shapely.transform(cut, lambda at: np.rint((at - (west, south)) / grain))
        return [
            {
                "geometry": shape,
                "properties": dict(zip(("code", "name"), self.labels[at], strict=True)),
            }
            for at, shape in zip(found, drawn, strict=True)
            if not shape.is_empty
        ]


def tile(session: Session, zoom: int, column: int, row: int) -> bytes:
    """Return one tile. Raises NotFound for one that the grid of tiles does not have."""
    if not (0 <= zoom <= MAX_ZOOM and 0 <= column < 2**zoom and 0 <= row < 2**zoom):
        raise NotFound
    digest = grid_digest(session) or ""
    with _building:
        if digest not in _layers:
            _layers.clear()
            _layers[digest] = {name: _outlines(session, name) for name in _LAYERS}
    return _cut(digest, zoom, column, row)


def bounds_of_city(session: Session) -> tuple[float, float, float, float] | None:
    """Return west, south, east, north of the city in degrees; None while it has no district."""
    rows = session.scalars(text("SELECT outline::text FROM districts")).all()
    if not rows:
        return None
    west, south, east, north = shapely.total_bounds(shapely.from_geojson(rows))
    return float(west), float(south), float(east), float(north)


_layers: Final[dict[str, dict[str, Outlines]]] = {}
_building: Final = Lock()


@lru_cache(maxsize=2048)
def _cut(digest: str, zoom: int, column: int, row: int) -> bytes:
    side = 2 * _HALF_M / 2**zoom
    west, north = column * side - _HALF_M, _HALF_M - row * side
    inner = (west, north - side, west + side, north)
    names = [name for name in _LAYERS if name != "unit_grids" or zoom >= UNIT_GRIDS_FROM]
    layers = [{"name": name, "features": _layers[digest][name].within(inner)} for name in names]
    encoded: bytes = mapbox_vector_tile.encode(
        [layer for layer in layers if layer["features"]],
        default_options={"extents": EXTENT},
    )
    return encoded


def _outlines(session: Session, layer: str) -> Outlines:
    rows = [tuple(row) for row in session.execute(text(_LAYERS[layer]))]
    shapes = np.array(shapely.from_geojson([row[2] for row in rows]), dtype=object)
    metres = shapely.transform(shapes, _to_metres) if rows else shapes
    return Outlines(tuple((row[0], row[1]) for row in rows), metres, STRtree(metres))


def _to_metres(degrees: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return longitude and latitude as web Mercator metres."""
    lon, lat = np.radians(degrees[:, 0]), np.radians(degrees[:, 1])
    return np.column_stack([_EARTH_M * lon, _EARTH_M * np.log(np.tan(np.pi / 4 + lat / 2))])
