"""The sites of heat, water and gas in a simulated city, and which unit grids they serve."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final

from app.sensing.commands import NewDevice, NewSite
from app.simulation.builders.plan import shares
from sla.sites import kind_named

# How a trade is called in the duties of units.
DUTIES: Final = {"heat": "heating", "water": "water", "gas": "gas"}
# Seconds after which a device of a utility counts as silent: it speaks once a minute.
SILENT_AFTER_S: Final = 600


@dataclass(frozen=True)
class Grid:
    """A unit grid: where it lies, and the company that serves it with a trade."""

    code: str
    street: str
    lon: float
    lat: float
    companies: Mapping[str, int]


@dataclass
class PlannedUtilities:
    """Sites, parents before parts; which of them serves which grid; devices by the code of their site."""

    sites: list[NewSite] = field(default_factory=list)
    serving: list[tuple[str, str]] = field(default_factory=list)
    devices: dict[str, NewDevice] = field(default_factory=dict)


def utilities(grids: Sequence[Grid], counts: Mapping[str, int], random: Random) -> PlannedUtilities:
    """Return exactly as many sites of each kind as the size says."""
    planned = PlannedUtilities()
    _heat(planned, grids, counts, random)
    _plain(planned, grids, counts, random, trade="water")
    _plain(planned, grids, counts, random, trade="gas")
    return planned


def _heat(
    planned: PlannedUtilities, grids: Sequence[Grid], counts: Mapping[str, int], random: Random
) -> None:
    """Cut the heated grids of each company into zones, and zones into what each station serves."""
    heated = sorted(
        (grid for grid in grids if "heat" in grid.companies),
        key=lambda grid: (grid.companies["heat"], grid.code),
    )
    zones = _chunks(heated, counts["heat_zone"])
    per_zone = _at_least_one(shares(counts["heat_station"], [len(zone) for zone in zones]))
    stations: list[tuple[str, list[Grid]]] = []
    for n, (zone, wanted) in enumerate(zip(zones, per_zone, strict=True), start=1):
        code, middle = f"HZ-{n:04}", zone[len(zone) // 2]
        names = f"{zone[0].street}第{n}供热片区", f"Heating zone {n}"
        planned.sites.append(_site(code, "heat_zone", names, middle))
        stations += [(code, served) for served in _chunks(zone, min(wanted, len(zone)))]
    for n, (zone_code, served) in enumerate(stations, start=1):
        code, homes = f"HS-{n:04}", 150 * len(served) + random.randrange(200)
        names = f"{served[0].street}{n}号换热站", f"Heat station {n}"
        at = random.choice(served)
        site = _site(code, "heat_station", names, at, parent=zone_code, homes=homes)
        planned.serving += [(code, grid.code) for grid in served]
        _add(planned, site)
    for kind, prefix, name, name_en in _BELOW_STATIONS:
        for n in range(1, counts[kind] + 1):
            # Over all stations, and not in the order that their own numbers have.
            place = n * 7919 % len(stations)
            at, code = random.choice(stations[place][1]), f"{prefix}-{n:04}"
            names = f"{at.street}{n}号{name}", f"{name_en} {n}"
            _add(planned, _site(code, kind, names, at, parent=f"HS-{place + 1:04}"))


_BELOW_STATIONS: Final = (
    ("heat_chamber", "HC", "小室", "Chamber"),
    ("heated_room", "HR", "室温测点", "Room"),
)
_PLAIN: Final[Mapping[str, tuple[tuple[str, str, str, str, bool], ...]]] = {
    "water": (
        ("water_plant", "WP", "净水厂", "Water plant", False),
        ("booster_station", "WB", "加压泵站", "Booster station", True),
        ("pressure_point", "WM", "测压点", "Pressure point", False),
    ),
    "gas": (
        ("gas_station", "GS", "燃气场站", "Gas station", True),
        ("gas_point", "GP", "燃气监测点", "Gas point", False),
    ),
}


def _plain(
    planned: PlannedUtilities,
    grids: Sequence[Grid],
    counts: Mapping[str, int],
    random: Random,
    *,
    trade: str,
) -> None:
    """Spread sites evenly over the grids of a trade; the serving kind shares all of them out."""
    served = [grid for grid in grids if trade in grid.companies]
    for kind, prefix, name, name_en, serves in _PLAIN[trade]:
        for n, chunk in enumerate(_chunks(served, counts[kind]), start=1):
            code, homes = f"{prefix}-{n:03}", 150 * len(chunk) if serves else None
            names = f"{chunk[0].street}{n}号{name}", f"{name_en} {n}"
            _add(planned, _site(code, kind, names, random.choice(chunk), homes=homes))
            if serves:
                planned.serving += [(code, grid.code) for grid in chunk]


def _site(
    code: str,
    kind: str,
    names: tuple[str, str],
    at: Grid,
    *,
    parent: str | None = None,
    homes: int | None = None,
) -> NewSite:
    """Return a site in a grid. names: in Chinese and in English."""
    found = kind_named(kind)
    assert found is not None, "a kind of sites.yml"
    return NewSite(
        code,
        kind,
        names[0],
        at.lon,
        at.lat,
        names[1],
        at.street,
        at.companies.get(found.trade),
        parent,
        {} if homes is None else {"homes": homes},
    )


def _add(planned: PlannedUtilities, site: NewSite) -> None:
    """Add a site with the device that stands there."""
    planned.sites.append(site)
    planned.devices[site.code] = NewDevice(
        f"{site.code}-D",
        site.kind,
        site.name,
        site.name_en,
        site.kind,
        site.lon,
        site.lat,
        site.unit_id,
        silent_after_s=SILENT_AFTER_S,
    )


def _chunks(grids: Sequence[Grid], count: int) -> list[list[Grid]]:
    """Cut a list into so many parts of equal length, one more or less."""
    return list(_cut(grids, count))


def _cut(grids: Sequence[Grid], count: int) -> Iterator[list[Grid]]:
    for n in range(count):
        first, end = len(grids) * n // count, len(grids) * (n + 1) // count
        yield list(grids[first : max(end, first + 1)])


def _at_least_one(parts: Sequence[int]) -> list[int]:
    """Give each zone a station, at the cost of those with most."""
    found = list(parts)
    for place, part in enumerate(found):
        if part == 0:
            found[place] = 1
            found[max(range(len(found)), key=found.__getitem__)] -= 1
    return found
