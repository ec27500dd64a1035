"""Build a city: deterministic, of the size of a real one or small enough to try things in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import insert, select, text
from sqlalchemy.orm import Session

from app.accounts.passwords import DEMO_PASSWORD, hash_of
from app.accounts.roles import ROLES
from app.accounts.tables import Unit
from app.db.session import connection_of
from app.errors import StateChanged
from app.places.tables import GridVersion
from app.settings import REPOSITORY
from app.simulation.builders.organisation import PlannedUnit, organisation
from app.simulation.builders.places import Places, areas, places_of
from app.simulation.builders.plan import plan, size_named
from app.simulation.builders.staff import PlannedPerson, staff
from app.simulation.outlines import district_outlines

# Called with what is being done, how much of it is done, and how much there is.
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class CityReport:
    """How much was built."""

    units: int
    people: int
    streets: int
    responsibility_grids: int
    unit_grids: int


def build_city(
    session: Session,
    size: str,
    seed: int,
    now: datetime,
    progress: Progress = lambda stage, done, total: None,
    *,
    node_modules: Path = REPOSITORY / "node_modules",
) -> CityReport:
    """Write a city into an empty database; the same size and seed always give the same city.

    size: a key of data/city.yml, 'full' or 'demo'. The caller commits.
    Raises: StateChanged when there are units already; AssetsMissing without the npm packages.
    """
    if session.scalar(select(Unit.id).limit(1)) is not None:
        raise StateChanged("数据库中已有单位，不能再建一座城市。")
    wanted = size_named(size)
    random = Random(seed)  # noqa: S311 (a city, not a secret)
    city = areas(district_outlines(node_modules, plan()["outline"]), wanted)
    places = Places()
    for done, growing in enumerate(places_of(city, wanted, random), start=1):
        places = growing
        progress("grids", done, len(city))
    units = organisation(wanted, city, places.streets)
    people = staff(wanted, units, city, random)
    _write_places(session, places, now)
    progress("units", 0, len(units))
    unit_ids = _write_units(session, units)
    progress("units", len(units), len(units))
    _write_people(session, people, unit_ids)
    progress("people", len(people), len(people))
    return CityReport(
        len(units),
        len(people),
        len(places.streets),
        len(places.responsibility_grids),
        len(places.unit_grids),
    )


def demo_accounts() -> list[tuple[str, str, str, str]]:
    """Return login, password, and role in Chinese and English of each account to try things with."""
    return [
        (account["login"], DEMO_PASSWORD, *ROLES[account["role"]])
        for account in plan()["demo_accounts"]
    ]


def _write_places(session: Session, places: Places, now: datetime) -> None:
    _copy(session, "districts (code, name, outline)", places.districts)
    _copy(
        session,
        "streets (code, district_code, name)",
        [(street.code, street.district_code, street.name) for street in places.streets],
    )
    _copy(
        session,
        "responsibility_grids (code, district_code, name, outline)",
        places.responsibility_grids,
    )
    _copy(
        session,
        "unit_grids (code, responsibility_code, street_code, district_code, outline)",
        places.unit_grids,
    )
    session.execute(insert(GridVersion).values(digest=places.digest, loaded_at=now))


def _write_units(session: Session, units: Sequence[PlannedUnit]) -> dict[str, int]:
    """Write the units, parents first, and return their ids by code."""
    ids = dict(zip([unit.code for unit in units], _ids(session, "units", len(units)), strict=True))
    paths: dict[str, str] = {}
    rows = []
    for unit in units:
        above = paths[unit.parent] if unit.parent else "/"
        paths[unit.code] = f"{above}{ids[unit.code]}/"
        rows.append(
            (
                ids[unit.code],
                unit.code,
                unit.name,
                unit.name_en,
                unit.level,
                ids[unit.parent] if unit.parent else None,
                paths[unit.code],
                unit.rank_group,
                unit.district_code,
                list(unit.duties),
            )
        )
    _copy(
        session,
        "units (id, code, name, name_en, level, parent_id, path, rank_group, district_code, duties)",
        rows,
    )
    return ids


def _write_people(
    session: Session, people: Sequence[PlannedPerson], unit_ids: dict[str, int]
) -> None:
    # Hashed once: a hash takes 50 ms on purpose, and who has none cannot sign in.
    password_hash = hash_of(DEMO_PASSWORD)
    ids = _ids(session, "people", len(people))
    _copy(
        session,
        "people (id, unit_id, login, name, password_hash, is_demo)",
        [
            (
                person_id,
                unit_ids[person.unit],
                person.login,
                person.name,
                password_hash if person.is_demo else None,
                person.is_demo,
            )
            for person_id, person in zip(ids, people, strict=True)
        ],
    )
    roles = zip(ids, (person.role for person in people), strict=True)
    _copy(session, "person_roles (person_id, role)", list(roles))


def _ids(session: Session, table: str, count: int) -> list[int]:
    """Draw ids for rows that are written with COPY."""
    drawn = text("SELECT nextval(pg_get_serial_sequence(:table, 'id')) FROM generate_series(1, :n)")
    return list(session.scalars(drawn, {"table": table, "n": count}))


def _copy(session: Session, into: str, rows: Iterable[Sequence[Any]]) -> None:
    with connection_of(session).cursor() as cursor, cursor.copy(f"COPY {into} FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
