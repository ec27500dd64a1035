"""Signing in: who a login and password belong to, and as whom that person acts."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from app.accounts.passwords import matches
from app.accounts.queries import person_by_login
from app.accounts.tables import Person, PersonRole, Unit
from app.run import Actor

PLATFORM_LEVEL: Final = 2
_PLATFORM: Final = aliased(Unit)


@dataclass(frozen=True)
class SignedIn:
    """The person of a web session, as Flask-Login wants one."""

    actor: Actor
    login: str
    unit_name: str
    must_change_password: bool
    password_tag: str
    unit_name_en: str = ""

    is_authenticated = True
    is_active = True
    is_anonymous = False

    def get_id(self) -> str:
        """Return what the session cookie keeps; it stops holding when the password changes."""
        return f"{self.actor.person_id}:{self.password_tag}"


def verified_person(session: Session, login: str, password: str) -> Person | None:
    """Return the active person with this login and password; None for any other pair."""
    person = person_by_login(session, login)
    usable = person is not None and person.active
    # Hashing even for an unknown login: the time must not tell which logins exist.
    known = matches(person.password_hash if person and usable else None, password)
    return person if known else None


def signed_in(session: Session, person_id: int) -> SignedIn | None:
    """Return an active person with unit and roles, ready to act."""
    row = session.execute(
        select(
            Person,
            Unit.path,
            Unit.name,
            Unit.name_en,
            select(func.array_agg(PersonRole.role))
            .where(PersonRole.person_id == Person.id)
            .scalar_subquery(),
            select(_PLATFORM.rank_group)
            .where(_PLATFORM.level == PLATFORM_LEVEL, Unit.path.startswith(_PLATFORM.path))
            .scalar_subquery(),
        )
        .join(Unit, Unit.id == Person.unit_id)
        .where(Person.id == person_id, Person.active)
    ).one_or_none()
    if row is None:
        return None
    person, path, unit_name, unit_name_en, roles, rank_group = row
    held = frozenset(roles or ())
    return SignedIn(
        Actor(person.id, person.unit_id, path, held, person.name, ranked=rank_group is not None),
        person.login,
        unit_name,
        person.must_change_password,
        _tag(person.password_hash),
        unit_name_en,
    )


def signed_in_by_token(session: Session, token: str) -> SignedIn | None:
    """Return the person of a session cookie, unless their password changed since it was given."""
    person_id, _, tag = token.partition(":")
    found = signed_in(session, int(person_id)) if person_id.isdecimal() else None
    return found if found and found.password_tag == tag else None


def actor_of(session: Session, person_id: int) -> Actor | None:
    """Return an active person as an actor; for the simulation, the worker and the API."""
    found = signed_in(session, person_id)
    return found.actor if found else None


def _tag(password_hash: str | None) -> str:
    return hashlib.sha256((password_hash or "").encode()).hexdigest()[:16]
