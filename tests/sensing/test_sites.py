"""Sites are put on record, found in their grids, and tied to what they belong to."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.errors import DefinitionError, InvalidInput
from app.run import SYSTEM, run
from app.sensing.commands import AddSites, NewSite
from sla.sites import kind_named, load_trades
from tests.factories import IN_GRID, OUTSIDE, Desk

ZONE = NewSite("Z-1", "heat_zone", "一片区", **IN_GRID)
STATION = NewSite("H-1", "heat_station", "一站", **IN_GRID, parent="Z-1", data={"homes": 900})


def test_site_is_found_in_its_grid_and_tied_to_its_parent(desk: Desk) -> None:
    ids = run(AddSites([ZONE]), actor=SYSTEM)
    ids |= run(AddSites([STATION, NewSite("R-1", "rain_gauge", "城外", **OUTSIDE)]), actor=SYSTEM)
    rows = {row["code"]: row for row in desk.rows("SELECT * FROM sites")}
    assert {row["id"] for row in rows.values()} == set(ids.values())
    station = rows["H-1"]
    assert (station["trade"], station["kind"]) == ("heat", "heat_station")
    assert (station["grid_code"], station["district_code"]) == ("140106001001001", "140106")
    assert (station["parent_id"], station["data"]) == (ids["Z-1"], {"homes": 900})
    assert rows["R-1"]["grid_code"] is None


@pytest.mark.parametrize(
    ("site", "field"),
    [
        (NewSite("X", "lighthouse", "灯塔", **IN_GRID), "kind"),
        (NewSite("X", "heat_station", "站", **IN_GRID, parent="nowhere"), "parent"),
    ],
)
def test_site_of_unknown_kind_or_parent_is_refused(desk: Desk, site: NewSite, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        run(AddSites([ZONE, site]), actor=SYSTEM)
    assert list(refused.value.fields) == [field]
    assert desk.rows("SELECT id FROM sites") == []


def test_shipped_kinds_have_the_eight_scenes_of_a_flood() -> None:
    flood = load_trades()["flood"]
    assert {"underpass", "low_lying", "pedestrian_underpass", "detention_pond"} <= set(flood.kinds)
    assert {"flood_channel", "pumping_station", "sewage_plant", "pump_truck"} <= set(flood.kinds)
    found = kind_named("heat_station")
    assert found is not None
    assert (found.trade, found.parent) == ("heat", "heat_zone")
    assert kind_named("lighthouse") is None


@pytest.mark.parametrize(
    ("text", "element"),
    [
        ("trades: {a: {kinds: {k: {}}}, b: {kinds: {k: {}}}}", "trades.b.kinds.k"),
        ("trades: {a: {kinds: {k: {parent: nobody}}}}", "trades.a.kinds.k"),
        ("trades: {a: {kind: {}}}", "trades.a.kind"),
    ],
)
def test_wrong_file_is_refused_by_name(tmp_path: Path, text: str, element: str) -> None:
    file = tmp_path / "sites.yml"
    file.write_text(text)
    with pytest.raises(DefinitionError) as refused:
        load_trades(file)
    assert refused.value.faults[0].element == element
