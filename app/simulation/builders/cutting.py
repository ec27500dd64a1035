"""Cutting an outline into cells, and cells into connected blocks."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import shapely
from shapely import STRtree

# A piece is fit to stay a cell when it has at least this part of a whole square.
_FIT: Final = 0.2


@dataclass(frozen=True)
class Cells:
    """Cells that tile an outline, and which of them share a border."""

    polygons: tuple[shapely.Polygon, ...]
    neighbours: tuple[frozenset[int], ...]


def cut(outline: shapely.Polygon, wanted: int) -> Cells:
    """Cut an outline into exactly the wanted number of near-square cells.

    1 lay squares over it, as large as may be with enough fit pieces; 2 melt the smallest pieces,
    slivers along the border, into the neighbour they share most border with.
    """
    side = 1.1 * math.sqrt(outline.area * _stretch(outline) / wanted)
    pieces = _pieces(outline, side)
    while np.count_nonzero(shapely.area(pieces) >= _FIT * side**2 / _stretch(outline)) < wanted:
        side *= 0.99
        pieces = _pieces(outline, side)
    return _melted(pieces, wanted)


def blocks(cells: Cells, members: Iterable[int], count: int) -> list[list[int]]:
    """Divide connected cells into connected blocks of about equal number.

    The set is halved across its longer side, each half again, and so on; what a halving cuts off
    from its own half goes to the other.
    """
    members = list(members)
    if count == 1:
        return [members]
    if len(members) < count:
        raise ValueError(f"{len(members)} cells cannot make {count} blocks")
    left = count // 2
    centres = shapely.get_coordinates(shapely.centroid([cells.polygons[i] for i in members]))
    width, height = np.ptp(centres, axis=0)
    axis = 0 if width > height else 1
    order = [members[i] for i in np.lexsort((centres[:, 1 - axis], centres[:, axis]))]
    at = min(max(round(len(order) * left / count), left), len(order) - (count - left))
    first, second = _connected(cells, set(order[:at]), set(order[at:]))
    return blocks(cells, sorted(first), left) + blocks(cells, sorted(second), count - left)


def carve(
    outline: shapely.Polygon, corner: Sequence[int], share: float
) -> tuple[shapely.Polygon, shapely.Polygon]:
    """Take about a share of the area out of a corner (0 or 1 per axis); return it and the rest."""
    west, south, east, north = outline.bounds
    x, y = (west, east)[corner[0]], (south, north)[corner[1]]
    low, high = 0.0, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        opposite_x, opposite_y = (
            x + middle * (west + east - 2 * x),
            y + middle * (south + north - 2 * y),
        )
        box = shapely.box(
            min(x, opposite_x), min(y, opposite_y), max(x, opposite_x), max(y, opposite_y)
        )
        taken = outline.intersection(box)
        low, high = (middle, high) if taken.area < share * outline.area else (low, middle)
    rest = largest_part(outline.difference(largest_part(taken)))
    return largest_part(outline.difference(rest)), rest


def _pieces(outline: shapely.Polygon, side: float) -> list[shapely.Polygon]:
    """Return the squares inside an outline and the parts of those across its border."""
    west, south, east, north = outline.bounds
    xs = np.arange(west, east + side / _stretch(outline), side / _stretch(outline))
    ys = np.arange(south, north + side, side)
    squares = shapely.box(
        xs[:-1][None, :], ys[:-1][:, None], xs[1:][None, :], ys[1:][:, None]
    ).ravel()
    shapely.prepare(outline)
    inside = shapely.contains_properly(outline, squares)
    across = shapely.intersects(outline, squares) & ~inside
    parts = shapely.get_parts(shapely.intersection(outline, squares[across]))
    is_area = shapely.get_type_id(parts) == shapely.GeometryType.POLYGON
    return [*squares[inside], *parts[is_area]]


def _melted(pieces: list[shapely.Polygon], wanted: int) -> Cells:
    """Unite the smallest piece with a neighbour until the wanted number is left."""
    polygons: dict[int, shapely.Polygon] = dict(enumerate(pieces))
    borders = _borders(pieces)
    heap = [(piece.area, i) for i, piece in enumerate(pieces)]
    heapq.heapify(heap)
    while len(polygons) > wanted:
        area, small = heapq.heappop(heap)
        if small not in polygons or polygons[small].area != area:
            continue
        into = max(borders[small], key=lambda i: (borders[small][i], -i))
        polygons[into] = _united(polygons[into], polygons.pop(small))
        for other, length in borders.pop(small).items():
            del borders[other][small]
            if other != into:
                borders[into][other] = borders[other][into] = borders[into].get(other, 0) + length
        heapq.heappush(heap, (polygons[into].area, into))
    number = {old: new for new, old in enumerate(polygons)}
    return Cells(
        tuple(polygons.values()),
        tuple(frozenset(number[i] for i in borders[old]) for old in polygons),
    )


def _borders(pieces: list[shapely.Polygon]) -> dict[int, dict[int, float]]:
    """Return the length of border that each piece shares with each neighbour."""
    array = np.array(pieces)
    left, right = STRtree(array).query(array, predicate="intersects")
    once = left < right
    left, right = left[once], right[once]
    lengths = shapely.length(shapely.intersection(array[left], array[right]))
    borders: dict[int, dict[int, float]] = {i: {} for i in range(len(pieces))}
    for i, j, length in zip(left.tolist(), right.tolist(), lengths.tolist(), strict=True):
        # Squares that meet in a corner share no length, and are no neighbours.
        if length > 0:
            borders[i][j] = borders[j][i] = length
    return borders


def _connected(cells: Cells, first: set[int], second: set[int]) -> tuple[set[int], set[int]]:
    """Move what is cut off from its own half into the other; both are connected afterwards."""
    for here, there in ((first, second), (second, first)):
        for component in _components(cells, here)[1:]:
            here.difference_update(component)
            there.update(component)
    return first, second


def _components(cells: Cells, members: set[int]) -> list[set[int]]:
    """Return the connected components of some cells, largest first."""
    rest, found = set(members), []
    while rest:
        component, front = set(), {min(rest)}
        while front:
            component |= front
            front = {j for i in front for j in cells.neighbours[i] if j in rest} - component
        rest -= component
        found.append(component)
    return sorted(found, key=lambda component: (-len(component), min(component)))


def _united(one: shapely.Polygon, other: shapely.Polygon) -> shapely.Polygon:
    united = one.union(other)
    assert isinstance(united, shapely.Polygon), "they share a border"
    return united


def largest_part(shape: shapely.Geometry) -> shapely.Polygon:
    """Return the largest polygon of a shape."""
    largest = max(shapely.get_parts(shape), key=lambda part: part.area)
    assert isinstance(largest, shapely.Polygon)
    return largest


def _stretch(outline: shapely.Polygon) -> float:
    """Return how much shorter a degree of longitude is than one of latitude here."""
    return math.cos(math.radians(outline.centroid.y))
