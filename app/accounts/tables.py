"""Rows of the accounts room."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    SmallInteger,
    Text,
    false,
    text,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.accounts.roles import ROLES
from app.db.session import Base
from app.db.types import UtcDateTime

CHANGES: Final = (
    "unit_closed", "unit_reopened", "unit_moved",
    "person_moved", "person_deactivated", "person_reactivated",
)  # fmt: skip
RANK_GROUPS: Final = ("district", "department", "enterprise")


class Unit(Base):
    """One unit (单位) in the tree of four levels: city, second-level platform, third, fourth."""

    __tablename__ = "units"
    __table_args__ = (
        CheckConstraint("level BETWEEN 1 AND 4", name="level"),
        CheckConstraint("(level = 1) = (parent_id IS NULL)", name="root_has_no_parent"),
        CheckConstraint("path ~ '^(/[0-9]+)+/$'", name="path"),
        CheckConstraint(f"rank_group IN {RANK_GROUPS}", name="rank_group"),
        # Descendants are path LIKE prefix || '%', whatever the collation of the database.
        Index("ix_units_path_pattern", "path", postgresql_ops={"path": "text_pattern_ops"}),
        Index("ix_units_parent_id", "parent_id"),
        Index("ix_units_duties", "duties", postgresql_using="gin"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    name_en: Mapped[str]
    level: Mapped[int] = mapped_column(SmallInteger)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("units.id"))
    # '/1/12/130/': the ids from the root down to this unit.
    path: Mapped[str] = mapped_column(unique=True)
    rank_group: Mapped[str | None]
    district_code: Mapped[str | None]
    duties: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    active: Mapped[bool] = mapped_column(server_default=true())


class Person(Base):
    """One person who works in a unit; without a password hash nobody can sign in as them."""

    __tablename__ = "people"
    __table_args__ = (
        CheckConstraint("login = lower(login) AND login <> ''", name="login"),
        Index("ix_people_unit_id", "unit_id"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("units.id"))
    login: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    password_hash: Mapped[str | None]
    phone: Mapped[str | None]
    active: Mapped[bool] = mapped_column(server_default=true())
    is_demo: Mapped[bool] = mapped_column(server_default=false())
    must_change_password: Mapped[bool] = mapped_column(server_default=false())


class PersonRole(Base):
    """One role that a person holds."""

    __tablename__ = "person_roles"
    __table_args__ = (
        CheckConstraint(f"role IN {tuple(ROLES)}", name="role"),
        Index("ix_person_roles_role", "role"),
    )

    person_id: Mapped[int] = mapped_column(
        ForeignKey("people.id", ondelete="CASCADE"), primary_key=True
    )
    role: Mapped[str] = mapped_column(primary_key=True)


class OrganisationChange(Base):
    """One change of where a unit or a person stands, or whether they are in use."""

    __tablename__ = "organisation_changes"
    __table_args__ = (
        CheckConstraint(f"kind IN {CHANGES}", name="kind"),
        CheckConstraint("(unit_id IS NULL) <> (person_id IS NULL)", name="of_one"),
        Index("ix_organisation_changes_unit_id", "unit_id", "id"),
        Index("ix_organisation_changes_person_id", "person_id", "id"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    # None for the platform itself.
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("units.id"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    kind: Mapped[str]
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB())


class SignInAttempt(Base):
    """One password tried for a login, known or not; failed once it has been found wrong."""

    __tablename__ = "sign_in_attempts"
    __table_args__ = (
        Index("ix_sign_in_attempts_login", "login", "at"),
        Index("ix_sign_in_attempts_address", "address", "at"),
        Index("ix_sign_in_attempts_at", "at"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    login: Mapped[str]
    address: Mapped[str]
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    failed: Mapped[bool]
