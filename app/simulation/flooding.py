"""The flood equipment of a simulated city: points, gauges, sirens, pump trucks, staff and their roster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, Final

import shapely
import yaml
from sqlalchemy import exists, insert, select, text, update
from sqlalchemy.orm import Session

from app.accounts.roles import FLOOD_STAFF, UNIT_HANDLER
from app.accounts.tables import Person, PersonRole, Unit
from app.flood.commands.roster import AddShifts, NewShift, add_shifts
from app.flood.commands.trucks import AddTrucks, NewTruck, add_trucks
from app.run import Tx, handles
from app.sensing.commands import AddDevices, AddSites, NewDevice, NewSite, add_devices, add_sites
from app.sensing.tables import Site
from app.simulation.builders.plan import plan, shares

_FILE: Final = Path(__file__).parent / "data" / "flood.yml"
# A siren sends no readings: it is silent by nature.
_NEVER_SILENT_S: Final = 10 * 365 * 24 * 3600
_DEVICES: Final = {
    "depth": ("水位计", "level meter"),
    "siren": ("声光报警", "siren"),
    "barrier": ("道闸", "barrier"),
    "rain_gauge": ("雨量计", "rain gauge"),
}
_GRIDS: Final = """
SELECT g.district_code, s.name AS street, g.outline FROM unit_grids g JOIN streets s ON s.code = g.street_code
WHERE g.district_code = ANY(:districts) ORDER BY md5(g.code || :seed), g.code LIMIT :n
"""
_HANDLERS: Final = """
SELECT p.id, p.unit_id, p.login FROM people p JOIN units u ON u.id = p.unit_id
JOIN person_roles r ON r.person_id = p.id AND r.role = :role
WHERE p.active AND u.path LIKE :path || '%' ORDER BY u.path, p.id
"""


@dataclass(frozen=True)
class EquipForFlood:
    """Put a simulated city's flood equipment on record; size: of data/flood.yml."""

    size: str
    seed: int


@dataclass(frozen=True)
class _Spot:
    district: str
    street: str
    lon: float
    lat: float


@dataclass(frozen=True)
class _Staff:
    """One of the flood staff. second: the second-level unit that they stand below."""

    id: int
    unit_id: int
    second: int


@dataclass(frozen=True)
class _Owners:
    by_district: Mapping[str, int]
    by_duty: Mapping[str, int]
    involved: Sequence[Unit]


@cache
def flood_plan() -> dict[str, Any]:
    """Return data/flood.yml."""
    loaded: dict[str, Any] = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    return loaded


@handles(EquipForFlood)
def equip_for_flood(command: EquipForFlood, tx: Tx) -> int:
    """Do so where there are no flood points yet, and return how many points that were."""
    if tx.session.scalar(select(exists().where(Site.trade == "flood"))):
        return 0
    size, random = flood_plan()["sizes"][command.size], Random(command.seed)  # noqa: S311 (a city, not a secret)
    owners = _owners(tx.session)
    n = sum(size["points"].values())
    spots = _spots(tx.session, n + size["gauges"], command.seed)
    points = _points(size, spots[:n], owners, random)
    gauges = _gauges(spots[n:])
    ids: dict[str, int] = add_sites(AddSites([*points, *gauges]), tx)
    add_devices(AddDevices(_devices(points, gauges, ids)), tx)
    people = _staff(tx, owners.involved, size["staff"])
    _trucks(tx, size["trucks"], people, random)
    _roster(tx, points, ids, people)
    return len(points)


def _owners(session: Session) -> _Owners:
    seconds = session.scalars(
        select(Unit).where(Unit.level == 2, Unit.rank_group.is_not(None)).order_by(Unit.code)
    ).all()
    districts = {
        unit.district_code: unit
        for unit in seconds
        if unit.rank_group == "district" and unit.district_code in flood_plan()["districts"]
    }
    departments = [unit for unit in seconds if unit.rank_group == "department"]
    by_duty = {duty: unit.id for unit in reversed(departments) for duty in unit.duties}
    wanted = set(flood_plan()["duties"])
    others = [
        unit for unit in seconds if unit.rank_group != "district" and _has(session, unit, wanted)
    ]
    others.sort(key=lambda unit: (-len(_handlers_of(session, unit)), unit.code))
    involved = [*districts.values(), *others[: flood_plan()["departments"]]]
    return _Owners({str(code): unit.id for code, unit in districts.items()}, by_duty, involved)


def _has(session: Session, unit: Unit, duties: Set[str]) -> bool:
    """Tell whether a unit, or a branch below it, has one of the duties."""
    below = select(Unit.duties).where(Unit.path.startswith(unit.path))
    return any(duty in duties for listed in session.scalars(below) for duty in listed)


def _spots(session: Session, n: int, seed: int) -> list[_Spot]:
    parameters = {"districts": flood_plan()["districts"], "seed": str(seed), "n": n}
    found = []
    for row in session.execute(text(_GRIDS), parameters):
        inside = shapely.geometry.shape(row.outline).representative_point()
        found.append(_Spot(row.district_code, row.street, round(inside.x, 6), round(inside.y, 6)))
    return found


def _points(
    size: Mapping[str, Any], spots: Sequence[_Spot], owners: _Owners, random: Random
) -> list[NewSite]:
    kinds = [kind for kind, count in size["points"].items() for _ in range(count)]
    points = []
    for number, (kind, spot) in enumerate(zip(kinds, spots, strict=True), start=1):
        scene, code = flood_plan()["scenes"][kind], f"F-{number:04}"
        own = owners.by_district.get(spot.district)
        owner = own if scene["owner"] == "district" else owners.by_duty.get(scene["owner"], own)
        data: dict[str, Any] = {"rain_factor": round(random.uniform(0.8, 1.3), 2)}
        if number <= size["videos"]:
            data["video"] = flood_plan()["video"] % {"code": code}
        points.append(
            NewSite(
                code,
                kind,
                f"{spot.street}{scene['name']}{number}",
                spot.lon,
                spot.lat,
                name_en=f"{scene['name_en']} {number}",
                address=spot.street,
                unit_id=owner,
                data=data,
            )
        )
    return points


def _gauges(spots: Sequence[_Spot]) -> list[NewSite]:
    return [
        NewSite(
            f"R-{number:03}",
            "rain_gauge",
            f"{spot.street}雨量站",
            spot.lon,
            spot.lat,
            name_en=f"Rain gauge {number}",
            address=spot.street,
        )
        for number, spot in enumerate(spots, start=1)
    ]


def _devices(
    points: Sequence[NewSite], gauges: Sequence[NewSite], ids: Mapping[str, int]
) -> list[NewDevice]:
    found = []
    for site in points:
        scene, number = flood_plan()["scenes"][site.kind], site.code.removeprefix("F-")
        if site.kind != "pump_truck":
            found.append(_device(site, ids, f"FP-{number}", "depth"))
        if scene.get("siren"):
            found.append(_device(site, ids, f"SR-{number}", "siren"))
        if scene.get("barrier"):
            found.append(_device(site, ids, f"BR-{number}", "barrier"))
    for site in gauges:
        code = f"RG-{site.code.removeprefix('R-')}"
        found.append(_device(site, ids, code, "rain_gauge"))
    return found


def _device(site: NewSite, ids: Mapping[str, int], code: str, kind: str) -> NewDevice:
    name, name_en = _DEVICES[kind]
    measures = kind in {"depth", "rain_gauge"}
    return NewDevice(
        code,
        kind,
        f"{site.name}{name}",
        f"{site.name_en}: {name_en}",
        scene=site.kind if measures else "",
        lon=site.lon,
        lat=site.lat,
        unit_id=site.unit_id,
        site_id=ids[site.code],
        silent_after_s=3600 if measures else _NEVER_SILENT_S,
    )


def _staff(tx: Tx, units: Sequence[Unit], wanted: int) -> list[_Staff]:
    """Give the role to handlers of the units, spread evenly, and a number to call each by."""
    handlers = {unit.id: _handlers_of(tx.session, unit) for unit in units}
    weights = [len(found) for found in handlers.values()]
    chosen: list[_Staff] = []
    for (unit_id, found), count in zip(
        handlers.items(), shares(min(wanted, sum(weights)), weights), strict=True
    ):
        chosen += [_Staff(person_id, home, unit_id) for person_id, home, _login in found[:count]]
    rows = [{"person_id": one.id, "role": FLOOD_STAFF} for one in chosen]
    tx.session.execute(insert(PersonRole), rows)
    for one in chosen:
        # Of a block that no telephone company gives out.
        tx.session.execute(
            update(Person)
            .where(Person.id == one.id, Person.phone.is_(None))
            .values(phone=f"1000{one.id:07}")
        )
    return chosen


def _handlers_of(session: Session, unit: Unit) -> list[tuple[int, int, str]]:
    rows = session.execute(text(_HANDLERS), {"role": UNIT_HANDLER, "path": unit.path})
    found = [(row[0], row[1], row[2]) for row in rows]
    # The account to try things with is among them.
    to_try = {one["login"] for one in plan()["demo_accounts"] if one["role"] == FLOOD_STAFF}
    return sorted(found, key=lambda one: one[2] not in to_try)


def _trucks(tx: Tx, n: int, people: Sequence[_Staff], random: Random) -> None:
    capacities = flood_plan()["capacities_m3h"]
    # Every fifth of the staff drives, but for those that the roster puts at points first.
    drivers = list(people[4::5] or people)[:n]
    names = {
        row.id: row
        for row in tx.session.scalars(select(Person).where(Person.id.in_([d.id for d in drivers])))
    }
    trucks = []
    for number in range(n):
        driver = drivers[number % len(drivers)]
        person = names[driver.id]
        taken = number < len(drivers)
        trucks.append(
            NewTruck(
                f"晋A·F{number + 1:04}",
                driver.second,
                person.name,
                person.phone or "",
                random.choice(capacities),
                driver.id if taken else None,
            )
        )
    add_trucks(AddTrucks(trucks), tx)


def _roster(
    tx: Tx, points: Sequence[NewSite], ids: Mapping[str, int], people: Sequence[_Staff]
) -> None:
    """Put everybody at a point of their unit, or of any where it has none, by day and by night in turn."""
    zone = tx.services.settings.timezone
    today = tx.clock.now().astimezone(zone).date()
    begins, turns = flood_plan()["shifts"]["hours"]
    own: dict[int | None, list[int]] = {}
    for site in points:
        own.setdefault(site.unit_id, []).append(ids[site.code])
    whole = [ids[site.code] for site in points]
    shifts = []
    for number, one in enumerate(people):
        listed = own.get(one.second) or whole
        for day in range(flood_plan()["shifts"]["days"]):
            hour = begins if number % 2 == 0 else turns
            local = datetime.combine(today + timedelta(days=day), time(hour), zone)
            site_id = listed[number % len(listed)]
            until = local + timedelta(hours=12)
            shifts.append(NewShift(one.id, one.unit_id, site_id, local, until))
    add_shifts(AddShifts(shifts), tx)
