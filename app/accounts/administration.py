"""Reads of the administration pages: the whole tree, and the list of people."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from app.accounts.queries import FAILURES_OF_LOGIN, WINDOW, shut_for_login_until
from app.accounts.tables import OrganisationChange, Person, PersonRole, SignInAttempt, Unit

_CHANGES_SHOWN = 20


@dataclass(frozen=True)
class PersonLine:
    """A line of the list of people."""

    person: Person
    unit: Unit
    roles: tuple[str, ...]
    shut_until: datetime | None = None


@dataclass(frozen=True)
class PeoplePage:
    """The lines of one page, and the login after which the next begins; None when this is the last."""

    lines: tuple[PersonLine, ...]
    next: str | None


@dataclass(frozen=True)
class ChangeLine:
    """A change of a unit or a person; nobody's name when the platform itself made it."""

    at: datetime
    kind: str
    facts: Mapping[str, Any]
    by: str


def units_in_order(session: Session) -> list[Unit]:
    """Return every unit, closed ones too, each before the units below it."""
    below: dict[int | None, list[Unit]] = {}
    for unit in session.scalars(select(Unit).order_by(Unit.code)):
        below.setdefault(unit.parent_id, []).append(unit)
    return list(_walk(below, None))


def _walk(below: Mapping[int | None, Sequence[Unit]], parent_id: int | None) -> Iterator[Unit]:
    for unit in below.get(parent_id, ()):
        yield unit
        yield from _walk(below, unit.id)


def head_counts(session: Session) -> dict[int, int]:
    """Return how many active people each unit has, those below it not counted."""
    rows = session.execute(
        select(Person.unit_id, func.count().label("number"))
        .where(Person.active)
        .group_by(Person.unit_id)
    )
    return {row.unit_id: row.number for row in rows}


def changes_of(
    session: Session, *, unit_id: int | None = None, person_id: int | None = None
) -> list[ChangeLine]:
    """Return the latest changes of a unit or of a person, the last one first."""
    rows = session.execute(
        select(OrganisationChange, Person.name)
        .outerjoin(Person, Person.id == OrganisationChange.actor_id)
        .where(
            OrganisationChange.unit_id == unit_id
            if unit_id is not None
            else OrganisationChange.person_id == person_id
        )
        .order_by(OrganisationChange.id.desc())
        .limit(_CHANGES_SHOWN)
    )
    return [ChangeLine(change.at, change.kind, change.facts, name or "") for change, name in rows]


def people_page(
    session: Session, words: str, now: datetime, *, after: str | None, size: int
) -> PeoplePage:
    """Return people whose name, login or unit holds the words, by login."""
    query = select(Person, Unit).join(Unit, Unit.id == Person.unit_id).order_by(Person.login)
    for word in words.split():
        query = query.where(
            or_(
                Person.login.contains(word.lower(), autoescape=True),
                Person.name.contains(word, autoescape=True),
                Unit.name.contains(word, autoescape=True),
                Unit.name_en.icontains(word, autoescape=True),
                Unit.code == word,
            )
        )
    if after:
        query = query.where(Person.login > after)
    found = session.execute(query.limit(size + 1)).all()
    shown = found[:size]
    roles = _roles(session, [person.id for person, _unit in shown])
    shut = _shut(session, [person.login for person, _unit in shown], now)
    lines = tuple(
        PersonLine(person, unit, roles.get(person.id, ()), shut.get(person.login))
        for person, unit in shown
    )
    return PeoplePage(lines, lines[-1].person.login if len(found) > size else None)


def every_person(session: Session) -> Iterator[PersonLine]:
    """Return everybody, by login."""
    roles = _roles(session, None)
    for person, unit in session.execute(
        select(Person, Unit).join(Unit, Unit.id == Person.unit_id).order_by(Person.login)
    ):
        yield PersonLine(person, unit, roles.get(person.id, ()))


def person_line(session: Session, person_id: int, now: datetime) -> PersonLine | None:
    """Return one person as a line of the list."""
    found = session.execute(
        select(Person, Unit).join(Unit, Unit.id == Person.unit_id).where(Person.id == person_id)
    ).one_or_none()
    if found is None:
        return None
    person, unit = found
    roles = _roles(session, [person.id]).get(person.id, ())
    return PersonLine(person, unit, roles, shut_for_login_until(session, person.login, now))


def _roles(session: Session, people: Collection[int] | None) -> dict[int, tuple[str, ...]]:
    query = select(PersonRole.person_id, func.array_agg(PersonRole.role)).group_by(
        PersonRole.person_id
    )
    if people is not None:
        query = query.where(PersonRole.person_id.in_(people))
    return {person_id: tuple(roles) for person_id, roles in session.execute(query)}


def _shut(session: Session, logins: Collection[str], now: datetime) -> dict[str, datetime]:
    """Return until when those of the logins are shut that are."""
    suspected = session.scalars(
        select(SignInAttempt.login)
        .where(SignInAttempt.login.in_(logins), SignInAttempt.at > now - 2 * WINDOW)
        .group_by(SignInAttempt.login)
        .having(func.count() >= FAILURES_OF_LOGIN)
    ).all()
    until = {login: shut_for_login_until(session, login, now) for login in suspected}
    return {login: moment for login, moment in until.items() if moment is not None}
