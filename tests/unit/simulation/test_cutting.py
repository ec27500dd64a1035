"""Outlines are cut into exactly as many cells as wanted, cells into connected blocks."""

from __future__ import annotations

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from app.simulation.builders.cutting import blocks, carve, cut

# A district with a bay, so that a straight cut goes through two arms.
BAY = shapely.Polygon([(0, 30), (4, 30), (4, 34), (3, 34), (3, 31), (1, 31), (1, 34), (0, 34)])
ROUND = shapely.Point(112, 38).buffer(0.3)


@pytest.mark.parametrize("outline", [BAY, ROUND])
@pytest.mark.parametrize("wanted", [1, 2, 7, 100, 1500])
def test_cells_are_exactly_as_many_as_wanted_and_tile_the_outline(
    outline: shapely.Polygon, wanted: int
) -> None:
    cells = cut(outline, wanted)
    assert len(cells.polygons) == wanted
    assert sum(cell.area for cell in cells.polygons) == pytest.approx(outline.area)
    assert shapely.union_all(cells.polygons).symmetric_difference(outline).area < 1e-9
    assert all(cell.is_valid and cell.geom_type == "Polygon" for cell in cells.polygons)


def test_no_cell_is_a_sliver() -> None:
    cells = cut(ROUND, 1500)
    assert min(cell.area for cell in cells.polygons) > 0.2 * ROUND.area / 1500


def test_neighbours_share_a_border_and_know_each_other() -> None:
    cells = cut(BAY, 60)
    for i, neighbours in enumerate(cells.neighbours):
        for j in neighbours:
            assert i in cells.neighbours[j]
            assert cells.polygons[i].intersection(cells.polygons[j]).length > 0


@given(count=st.integers(1, 40))
def test_blocks_are_connected_and_leave_no_cell_out(count: int) -> None:
    cells = cut(BAY, 160)
    found = blocks(cells, range(160), count)
    assert len(found) == count
    assert sorted(cell for block in found for cell in block) == list(range(160))
    for block in found:
        united = shapely.union_all([cells.polygons[i] for i in block])
        assert united.geom_type == "Polygon"


def test_fewer_cells_than_blocks_are_refused() -> None:
    with pytest.raises(ValueError, match="3 cells cannot make 4 blocks"):
        blocks(cut(BAY, 3), range(3), 4)


@pytest.mark.parametrize("corner", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_carve_takes_the_share_and_leaves_the_rest(corner: tuple[int, int]) -> None:
    taken, rest = carve(ROUND, corner, 0.1)
    assert taken.area == pytest.approx(0.1 * ROUND.area, rel=1e-3)
    assert taken.area + rest.area == pytest.approx(ROUND.area)
    assert taken.intersection(rest).area < 1e-9
