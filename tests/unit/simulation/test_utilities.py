"""The utilities of a simulated city: exactly as many sites as planned, and every home served once."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from app.simulation.builders.plan import plan, size_named
from app.simulation.builders.utilities import Grid, utilities
from sla.sites import kind_named


@pytest.mark.parametrize(("size", "grids"), [("full", 31_500), ("demo", 1_500)])
def test_sites_are_exactly_as_many_as_planned(size: str, grids: int) -> None:
    trades = {"heat": 7, "water": 8, "gas": 9}
    listed = [Grid(f"{n:015}", "街", 112 + n / 1e5, 37.8, trades) for n in range(grids)]
    counts = size_named(size).sites
    planned = utilities(listed, counts, Random(1))
    assert Counter(site.kind for site in planned.sites) == counts
    assert len({site.code for site in planned.sites}) == len(planned.sites)
    kinds = {site.code: site.kind for site in planned.sites}
    served = Counter((kinds[site], grid) for site, grid in planned.serving)
    # By one heat station, one booster station and one gas station each.
    assert len(served) == 3 * grids
    assert set(served.values()) == {1}


def test_parts_come_after_what_they_belong_to() -> None:
    listed = [Grid(f"{n:015}", "街", 112, 37.8, {"heat": 7}) for n in range(400)]
    counts = {**size_named("demo").sites, "water_plant": 0, "booster_station": 0}
    counts |= {"pressure_point": 0, "gas_station": 0, "gas_point": 0}
    planned = utilities(listed, counts, Random(1))
    seen: dict[str, str] = {}
    for site in planned.sites:
        kind = kind_named(site.kind)
        assert kind is not None
        assert (seen.get(site.parent or "") or "") == kind.parent
        seen[site.code] = site.kind


def test_totals_of_the_whole_city_are_those_of_the_mission() -> None:
    sites = plan()["sizes"]["full"]["sites"]
    assert (sites["heat_station"], sites["heat_chamber"], sites["heat_zone"]) == (3155, 7289, 1788)
    assert (sites["booster_station"], sites["water_plant"]) == (20, 1)
    assert (sites["gas_station"], sites["gas_point"]) == (10, 8)
