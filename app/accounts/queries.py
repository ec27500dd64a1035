"""Reads of the accounts room: units, people, roles, and who is responsible."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from psycopg import Connection
from psycopg.rows import tuple_row
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from app.accounts.roles import ROLES
from app.accounts.tables import Person, PersonRole, SignInAttempt, Unit

# So many failures within so long shut the door for as long again.
FAILURES_OF_LOGIN: Final = 5
FAILURES_OF_ADDRESS: Final = 30
WINDOW: Final = timedelta(minutes=15)
# More than any login has; what is typed beyond it tells nothing.
_LONGEST_LOGIN: Final = 200

_RESPONSIBLE: Final = """
SELECT path FROM units
WHERE active AND duties @> %s::text[] AND (district_code = %s OR district_code IS NULL)
ORDER BY district_code IS NULL, level, id LIMIT 1
"""


@dataclass(frozen=True)
class UnitNode:
    """A unit and the units below it."""

    unit: Unit
    children: tuple[UnitNode, ...]


@dataclass(frozen=True)
class DemoAccount:
    """An account to try the city with."""

    login: str
    name: str
    unit_name: str
    unit_name_en: str
    roles: tuple[str, ...]


def person_by_login(session: Session, login: str) -> Person | None:
    """Return the person who signs in with this name, in whatever case it was typed."""
    return session.scalar(select(Person).where(Person.login == plain_login(login)))


def plain_login(typed: str) -> str:
    """Return a login as it is stored and counted, from what somebody typed."""
    # PostgreSQL has no text with NUL in it, and psycopg refuses to ask for one.
    return typed.replace("\0", " ").strip().lower()[:_LONGEST_LOGIN]


def shut_for_login_until(session: Session, login: str, now: datetime) -> datetime | None:
    """Return until when no password of a login is looked at; None when one is.

    The door shuts with the last of five within a quarter of an hour and opens a quarter after it.
    """
    found = session.scalars(
        select(SignInAttempt.at)
        .where(SignInAttempt.login == login, SignInAttempt.at > now - 2 * WINDOW)
        .order_by(SignInAttempt.at.desc())
        .limit(FAILURES_OF_LOGIN)
    ).all()
    return _shut_until(found, FAILURES_OF_LOGIN, now)


def shut_for_address_until(session: Session, address: str, now: datetime) -> datetime | None:
    """Return until when an address may try nothing; None when it may.

    Only what was found wrong counts: behind one address a whole office may sign in at nine.
    """
    found = session.scalars(
        select(SignInAttempt.at)
        .where(
            SignInAttempt.address == address,
            SignInAttempt.failed,
            SignInAttempt.at > now - 2 * WINDOW,
        )
        .order_by(SignInAttempt.at.desc())
        .limit(FAILURES_OF_ADDRESS)
    ).all()
    return _shut_until(found, FAILURES_OF_ADDRESS, now)


def _shut_until(latest: Sequence[datetime], allowed: int, now: datetime) -> datetime | None:
    """latest: the latest attempts, the last one first, `allowed` at most."""
    if len(latest) < allowed or latest[0] - latest[-1] > WINDOW:
        return None
    opens = latest[0] + WINDOW
    return opens if opens > now else None


def roles_of(session: Session, person_id: int) -> frozenset[str]:
    """Return the roles a person holds."""
    return frozenset(
        session.scalars(select(PersonRole.role).where(PersonRole.person_id == person_id))
    )


def unit_by_code(session: Session, code: str) -> Unit | None:
    """Return the unit with this code."""
    return session.scalar(select(Unit).where(Unit.code == code))


def within(path: str) -> Select[Unit]:
    """Select the unit with this path and every unit below it."""
    return select(Unit).where(Unit.path.startswith(path, autoescape=True))


def descendants(session: Session, path: str, *, active_only: bool = True) -> Sequence[Unit]:
    """Return the units below the unit with this path, parents before children."""
    query = within(path).where(Unit.path != path)
    if active_only:
        query = query.where(Unit.active)
    return session.scalars(query.order_by(Unit.level, Unit.id)).all()


def unit_tree(session: Session, path: str = "/", *, levels: int = 4) -> tuple[UnitNode, ...]:
    """Return the active units within a path as trees, `levels` counting from the city's own."""
    units = session.scalars(
        within(path).where(Unit.active, Unit.level <= levels).order_by(Unit.level, Unit.id)
    ).all()
    present = {unit.id for unit in units}
    below: dict[int | None, list[Unit]] = {}
    for unit in units:
        below.setdefault(unit.parent_id if unit.parent_id in present else None, []).append(unit)
    return _nodes(below, None)


def _nodes(
    below: Mapping[int | None, Sequence[Unit]], parent_id: int | None
) -> tuple[UnitNode, ...]:
    return tuple(UnitNode(unit, _nodes(below, unit.id)) for unit in below.get(parent_id, ()))


def platforms(session: Session) -> Sequence[Unit]:
    """Return the second-level platforms, which cases are dispatched to."""
    return session.scalars(
        select(Unit).where(Unit.level == 2, Unit.active).order_by(Unit.code)
    ).all()


def ranked_units(session: Session, rank_group: str | None = None) -> Sequence[Unit]:
    """Return the units that the month ranks, of one group or of all."""
    query = select(Unit).where(Unit.active, Unit.rank_group.is_not(None))
    if rank_group is not None:
        query = query.where(Unit.rank_group == rank_group)
    return session.scalars(query.order_by(Unit.rank_group, Unit.code)).all()


def platform_id(path: str) -> int | None:
    """Return the id of the second-level unit that a path leads through; None for the city's own."""
    ids = path.strip("/").split("/")
    return int(ids[1]) if len(ids) > 1 else None


def stands_in_ranked_unit(session: Session, path: str) -> bool:
    """Tell whether a path leads into a ranked unit: neither the city's own nor a centre of it."""
    platform = platform_id(path)
    if platform is None:
        return False
    group = session.scalar(select(Unit.rank_group).where(Unit.id == platform))
    return group is not None


def responsible_unit(
    connection: Connection[Any], duty: str, district_code: str | None
) -> int | None:
    """Return the second-level unit that has a duty in a district; None when a person must choose.

    A unit that has the duty in this very district goes before one that has it in the whole
    city. The unit found may be a branch: its second-level platform is the one that answers.
    """
    with connection.cursor(row_factory=tuple_row) as cursor:
        cursor.execute(_RESPONSIBLE, ([duty], district_code), prepare=True)
        row = cursor.fetchone()
    return None if row is None else platform_id(row[0])


def people_within(
    session: Session, path: str, roles: Collection[str] | None = None
) -> Sequence[Person]:
    """Return the active people of a unit and the units below it, with one of the roles if given."""
    query = (
        select(Person)
        .join(Unit, Unit.id == Person.unit_id)
        .where(Person.active, Unit.path.startswith(path, autoescape=True))
    )
    if roles is not None:
        holders = select(PersonRole.person_id).where(PersonRole.role.in_(roles))
        query = query.where(Person.id.in_(holders))
    return session.scalars(query.order_by(Unit.level, Person.id)).all()


def active_demo_people(session: Session) -> Sequence[Person]:
    """Return the people whose password everybody knows and who may sign in."""
    return session.scalars(
        select(Person).where(Person.is_demo, Person.active).order_by(Person.login)
    ).all()


def demo_accounts(session: Session) -> list[DemoAccount]:
    """Return the accounts to try the city with, in the order a case meets their roles."""
    rows = session.execute(
        select(Person.login, Person.name, Unit.name, Unit.name_en, func.array_agg(PersonRole.role))
        .join(Unit, Unit.id == Person.unit_id)
        .join(PersonRole, PersonRole.person_id == Person.id)
        .where(Person.is_demo, Person.active)
        .group_by(Person.id, Unit.name, Unit.name_en)
    )
    order = list(ROLES)
    accounts = [
        DemoAccount(login, name, unit, unit_en, tuple(sorted(roles, key=order.index)))
        for login, name, unit, unit_en, roles in rows
    ]
    return sorted(accounts, key=lambda account: (order.index(account.roles[0]), account.login))
