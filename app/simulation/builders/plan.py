"""The plan of a simulated city, read from data/city.yml and data/names.yml."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from app.errors import InvalidInput

_FOLDER: Final = Path(__file__).parent.parent / "data"


@dataclass(frozen=True)
class Size:
    """The totals of a city, each met exactly."""

    name: str
    third_level: int
    fourth_level: int
    people: int
    unit_grids: int
    responsibility_grids: int
    collectors_per_grid: int
    # Part of the city ('command') -> role -> how many.
    staff: dict[str, dict[str, int]]
    # Kind of site -> how many.
    sites: dict[str, int]
    # None: all of them, and the development zones.
    districts: tuple[str, ...] | None = None

    @property
    def is_whole(self) -> bool:
        """Tell whether the city has all its districts and units."""
        return self.districts is None


@cache
def plan() -> dict[str, Any]:
    """Return data/city.yml."""
    return _load("city.yml")


@cache
def names() -> dict[str, Any]:
    """Return data/names.yml."""
    return _load("names.yml")


def size_named(name: str) -> Size:
    """Return a size by its name; raise InvalidInput for one that is not in the plan."""
    sizes = plan()["sizes"]
    if name not in sizes:
        raise InvalidInput({"size": "没有这种规模的城市"})
    values = dict(sizes[name])
    districts = values.pop("districts", None)
    return Size(name, districts=tuple(districts) if districts else None, **values)


def shares(total: int, weights: Sequence[int]) -> list[int]:
    """Divide a total in proportion to weights, exactly: largest remainders get what is left over."""
    exact = [Fraction(total * weight, sum(weights)) for weight in weights]
    parts = [int(part) for part in exact]
    by_remainder = sorted(range(len(parts)), key=lambda i: (parts[i] - exact[i], i))
    for i in by_remainder[: total - sum(parts)]:
        parts[i] += 1
    return parts


def _load(file: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((_FOLDER / file).read_text(encoding="utf-8"))
    return loaded
