"""Rows of the modeling room."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Identity, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.session import Base


class DefinitionVersion(Base):
    """One deployed bundle of diagrams, decisions and forms, kept under the hash of its content."""

    __tablename__ = "definition_versions"
    __table_args__ = (
        UniqueConstraint("hash"),
        Index("uq_definition_versions_active", "key", unique=True, postgresql_where=text("active")),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    key: Mapped[str]
    hash: Mapped[str]
    # zstd of msgpack {path: bytes}
    bundle: Mapped[bytes]
    deployed_at: Mapped[datetime]
    deployed_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    note: Mapped[str]
    active: Mapped[bool]
