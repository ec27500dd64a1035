"""Which grid, street and district a point lies in, by trees kept in the process."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any, Final

import shapely
from psycopg import Connection
from psycopg.rows import tuple_row
from shapely import STRtree
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.places.queries import grid_digest

# Outlines of neighbours are cut apart with rounded corners: a point in such a crack belongs to
# the nearest grid. In degrees, about 20 m; no real gap between grids is as narrow.
CRACK: Final = 0.0002


@dataclass(frozen=True)
class Place:
    """Where a point lies; every part that is not known there is None."""

    unit_grid: str | None
    responsibility_grid: str | None
    street: str | None
    district: str | None

    @property
    def outside_city(self) -> bool:
        """Tell whether the point lies in no district of the city."""
        return self.district is None


OUTSIDE: Final = Place(None, None, None, None)


class Locator:
    """Find places by point; built once from one loading of the grids, never changed."""

    def __init__(
        self,
        unit_grids: Sequence[tuple[str, str, str, str, str]],
        responsibility_grids: Sequence[tuple[str, str, str]],
        districts: Sequence[tuple[str, str]],
    ) -> None:
        """Build the trees.

        unit_grids: code, responsibility grid, street, district, outline as GeoJSON text.
        responsibility_grids: code, district, outline. districts: code, outline.
        """
        self._places = [Place(*row[:4]) for row in unit_grids]
        self._grids = STRtree(shapely.from_geojson([row[4] for row in unit_grids]))
        self._responsibility = [Place(None, row[0], None, row[1]) for row in responsibility_grids]
        self._responsibility_tree = STRtree(
            shapely.from_geojson([row[2] for row in responsibility_grids])
        )
        self._districts = [Place(None, None, None, row[0]) for row in districts]
        self._district_tree = STRtree(shapely.from_geojson([row[1] for row in districts]))

    def locate(self, lon: float, lat: float) -> Place:
        """Return where a point lies: degrees, WGS 84; OUTSIDE when in no district."""
        if not (math.isfinite(lon) and math.isfinite(lat)):
            return OUTSIDE
        point = shapely.Point(lon, lat)
        for tree, places in (
            (self._grids, self._places),
            (self._responsibility_tree, self._responsibility),
        ):
            found = _first_at(tree, point)
            if found is not None:
                return places[found]
        near = self._grids.query_nearest(point, max_distance=CRACK, all_matches=False)
        if len(near):
            return self._places[int(near[0])]
        found = _first_at(self._district_tree, point)
        return OUTSIDE if found is None else self._districts[found]


def locator_of(session: Session) -> Locator:
    """Return the locator of the grids in this database; built on first use in a process."""
    digest = grid_digest(session) or ""
    with _building:
        if digest not in _built:
            locator = _build(session)
            # One kept is enough: the grids before are not asked for again.
            _built.clear()
            _built[digest] = locator
        return _built[digest]


def known_locator(connection: Connection[Any]) -> Locator | None:
    """Return the locator if this process has built it; a step asks this way, for it costs a tenth."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        row = cursor.execute(_DIGEST, prepare=True).fetchone()
    return _built.get("" if row is None else row[0])


def locate(session: Session, lon: float, lat: float) -> Place:
    """Return where a point lies in the city of this database."""
    return locator_of(session).locate(lon, lat)


_DIGEST: Final = "SELECT digest FROM grid_versions ORDER BY id DESC LIMIT 1"
_built: Final[dict[str, Locator]] = {}
_building: Final = Lock()


def _build(session: Session) -> Locator:
    def rows(statement: str) -> list[Any]:
        return [tuple(row) for row in session.execute(text(statement))]

    return Locator(
        rows(
            "SELECT code, responsibility_code, street_code, district_code, outline::text"
            " FROM unit_grids ORDER BY code"
        ),
        rows("SELECT code, district_code, outline::text FROM responsibility_grids ORDER BY code"),
        rows("SELECT code, outline::text FROM districts ORDER BY code"),
    )


def _first_at(tree: STRtree, point: shapely.Point) -> int | None:
    """Return the first geometry that a point lies in; on a shared border the lower code has it."""
    found = tree.query(point, predicate="intersects")
    return int(found.min()) if len(found) else None
