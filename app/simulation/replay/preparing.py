"""What a history needs before it can be lived through: its departments as units, its categories as classes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy import insert, select
from sqlalchemy.dialects.postgresql import insert as insert_new

from app.accounts.commands import CreatePerson, CreateUnit, create_person, create_unit
from app.accounts.queries import unit_by_code
from app.accounts.roles import UNIT_HANDLER, UNIT_MANAGER
from app.accounts.tables import Person, Unit
from app.catalogue.tables import CaseClass, CatalogueVersion
from app.run import Tx, handles

NO_DEPARTMENT: Final = "-"
"""The code of the unit of requests that name no department."""

# Before any history there is, so that a city's own editions go before it from their day on.
_VALID_FROM: Final = date(2000, 1, 1)
_DUTY: Final = "urban_management"
_GROUP: Final = "department"


@dataclass(frozen=True)
class PrepareHistory:
    """Make sure that a history's departments and categories are there; those that are stay as they are.

    name: of the history; it marks the classes and people made for it.
    """

    name: str
    departments: tuple[str, ...]
    categories: tuple[str, ...]


@dataclass(frozen=True)
class Cast:
    """Who and what the requests of a history go to: by department, and the class codes by category."""

    units: dict[str, int]
    handlers: dict[str, int]
    classes: dict[str, str]


@handles(PrepareHistory)
def prepare_history(command: PrepareHistory, tx: Tx) -> Cast:
    """Create what is missing and return all of it."""
    root_id = _root(tx)
    units = {name: _unit(tx, name or NO_DEPARTMENT, root_id) for name in command.departments}
    handlers = {name: _handler(tx, command.name, units[name]) for name in command.departments}
    return Cast(units, handlers, _classes(tx, command.name, command.categories))


def _root(tx: Tx) -> int:
    """Return the city's own unit."""
    found = tx.session.scalar(select(Unit.id).where(Unit.level == 1).order_by(Unit.id).limit(1))
    if found is not None:
        return found
    city = CreateUnit("city", "城市运行管理中心", "City Operations Centre")
    return int(create_unit(city, tx))


def _unit(tx: Tx, code: str, root_id: int) -> int:
    found = unit_by_code(tx.session, code)
    if found is not None:
        return found.id
    return int(create_unit(CreateUnit(code, code, code, root_id, _GROUP), tx))


def _handler(tx: Tx, name: str, unit_id: int) -> int:
    """Return the one who handles a department's requests; without a password nobody signs in as them."""
    login = f"{name}-{unit_id}"
    found = tx.session.scalar(select(Person.id).where(Person.login == login))
    if found is not None:
        return found
    roles = (UNIT_HANDLER, UNIT_MANAGER)
    return int(create_person(CreatePerson(unit_id, login, name, roles=roles), tx))


def _classes(tx: Tx, name: str, categories: Sequence[str]) -> dict[str, str]:
    version_id = _edition(tx, name)
    codes = {category: f"{name}-{_slug(category)}" for category in categories}
    if not codes:
        return codes
    tx.session.execute(
        insert_new(CaseClass).on_conflict_do_nothing(),
        [
            {
                "version_id": version_id,
                "kind": "service",
                "major_code": name,
                "major_name": name,
                "minor_code": _slug(category),
                "minor_name": category or NO_DEPARTMENT,
                "code": code,
                "duty": _DUTY,
                "name_en": category or NO_DEPARTMENT,
            }
            for category, code in codes.items()
        ],
    )
    return codes


def _edition(tx: Tx, name: str) -> int:
    found = tx.session.scalar(
        select(CatalogueVersion.id).where(CatalogueVersion.valid_from == _VALID_FROM)
    )
    if found is not None:
        return found
    made = insert(CatalogueVersion).values(valid_from=_VALID_FROM, note=name)
    version_id: int = tx.session.execute(made.returning(CatalogueVersion.id)).scalar_one()
    return version_id


def _slug(category: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", category.lower()).strip("-") or NO_DEPARTMENT
