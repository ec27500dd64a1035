"""Districts, streets, responsibility grids and unit grids of a simulated city."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, Final

import numpy as np
import shapely

from app.simulation.builders.cutting import Cells, blocks, carve, cut, largest_part
from app.simulation.builders.plan import Size, names, plan, shares
from app.simulation.outlines import DistrictOutline

# 街道 from 001, 镇 from 100, 乡 from 200.
_STREET_KINDS: Final = (("街道", "Sub-district", 1), ("镇", "Town", 100), ("乡", "Township", 200))
# Unit grids of one community (社区), about.
_COMMUNITY: Final = 40


@dataclass(frozen=True)
class Area:
    """One district or development zone to be cut up."""

    code: str
    name: str
    # As in the names of branches: 小店 for 小店区.
    short_name: str
    name_en: str
    polygon: shapely.Polygon
    weight: int
    streets: tuple[int, int, int]


@dataclass(frozen=True)
class Street:
    """One street of the city, with its name in English for the units in it."""

    code: str
    district_code: str
    name: str
    name_en: str


@dataclass
class Places:
    """Rows of the places room, in the order of their columns; outlines as GeoJSON text."""

    districts: list[tuple[str, str, str]] = field(default_factory=list)
    streets: list[Street] = field(default_factory=list)
    responsibility_grids: list[tuple[str, str, str, str]] = field(default_factory=list)
    unit_grids: list[tuple[str, str, str, str, str]] = field(default_factory=list)

    @property
    def digest(self) -> str:
        """Return the digest of all that a locator is built from."""
        rows = (*self.districts, *self.responsibility_grids, *self.unit_grids)
        return hashlib.sha256("\n".join("\t".join(row) for row in rows).encode()).hexdigest()


def areas(outlines: list[DistrictOutline], size: Size) -> list[Area]:
    """Return the districts and zones of a city of this size, in order of code."""
    described: dict[str, Any] = plan()["districts"]
    found = {
        outline.code: Area(
            outline.code,
            outline.name,
            outline.name[:-1],
            described[outline.code]["name_en"],
            outline.polygon,
            described[outline.code]["weight"],
            tuple(described[outline.code]["streets"]),
        )
        for outline in outlines
        if size.is_whole or outline.code in (size.districts or ())
    }
    for zone in plan()["zones"] if size.is_whole else ():
        host = found[zone["from"]]
        taken, rest = carve(host.polygon, zone["corner"], zone["share"])
        found[host.code] = replace(host, polygon=rest)
        found[zone["code"]] = Area(
            zone["code"],
            zone["name"],
            zone["short_name"],
            zone["name_en"],
            taken,
            zone["weight"],
            tuple(zone["streets"]),
        )
    return [found[code] for code in sorted(found)]


def places_of(city: list[Area], size: Size, random: Random) -> Iterator[Places]:
    """Cut one area after the other; yield the same growing Places after each."""
    places = Places()
    street_names = list(names()["streets"])
    random.shuffle(street_names)
    weights = [area.weight for area in city]
    unit_grids = shares(size.unit_grids, weights)
    responsibility = shares(size.responsibility_grids, weights)
    for area, cells_wanted, blocks_wanted in zip(city, unit_grids, responsibility, strict=True):
        _cut_area(places, area, cells_wanted, blocks_wanted, street_names)
        yield places


def _cut_area(
    places: Places, area: Area, cells_wanted: int, blocks_wanted: int, street_names: list[list[str]]
) -> None:
    """Cut an area into streets, those into responsibility grids, communities and unit grids."""
    places.districts.append((area.code, area.name, _geojson([area.polygon])[0]))
    cells = cut(area.polygon, cells_wanted)
    outlines = _geojson(cells.polygons)
    streets = _streets_of(area, min(sum(area.streets), blocks_wanted), street_names)
    members = blocks(cells, range(len(cells.polygons)), len(streets))
    # Every street has one responsibility grid; the others go where the unit grids are.
    more = shares(blocks_wanted - len(streets), [len(block) for block in members])
    for street, block, count in zip(streets, members, more, strict=True):
        places.streets.append(street)
        seq = 0
        for number, grid in enumerate(blocks(cells, block, count + 1), start=1):
            code = f"{street.code}{number:03}"
            name = f"{street.name}第{number}责任网格"
            places.responsibility_grids.append((code, area.code, name, _outline(cells, grid)))
            for community in blocks(cells, grid, max(1, round(len(grid) / _COMMUNITY))):
                seq += 1
                places.unit_grids += [
                    (f"{street.code}{seq:03}{n:03}", code, street.code, area.code, outlines[cell])
                    for n, cell in enumerate(sorted(community), start=1)
                ]


def _streets_of(area: Area, count: int, street_names: list[list[str]]) -> list[Street]:
    kinds = [
        (f"{area.code}{first + n:03}", kind, kind_en)
        for (kind, kind_en, first), number in zip(_STREET_KINDS, area.streets, strict=True)
        for n in range(number)
    ]
    streets = []
    for code, kind, kind_en in kinds[:count]:
        name, name_en = street_names.pop()
        streets.append(Street(code, area.code, name + kind, f"{name_en} {kind_en}"))
    return streets


def _outline(cells: Cells, members: list[int]) -> str:
    return _geojson([shapely.union_all([cells.polygons[i] for i in members])])[0]


def _geojson(polygons: Any) -> list[str]:
    """Return polygons as GeoJSON text, to a decimetre."""
    rounded = shapely.transform(np.array(polygons), lambda points: points.round(6))
    # Rounding can pinch a narrow neck shut: the larger side of it stays.
    for i in np.flatnonzero(~shapely.is_valid(rounded)):
        rounded[i] = largest_part(shapely.make_valid(rounded[i], method="structure"))
    return [str(text) for text in shapely.to_geojson(rounded)]
