"""Rows of the modeling room."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint, text
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


class DefinitionDraft(Base):
    """A bundle that is being worked on, begun from a deployed version."""

    __tablename__ = "definition_drafts"
    __table_args__ = (
        CheckConstraint("status IN ('open', 'proposed', 'deployed')", name="status"),
        CheckConstraint(
            "(status = 'deployed') = (deployed_hash IS NOT NULL)", name="deployed_hash"
        ),
        CheckConstraint(
            "decided_by IS DISTINCT FROM proposed_by OR decided_by IS NULL", name="second_person"
        ),
        Index("ix_definition_drafts_updated_at", "updated_at", "id"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    key: Mapped[str]
    title: Mapped[str]
    base_hash: Mapped[str]
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    # open: may be saved to; proposed: waits for a second person; deployed: over.
    status: Mapped[str]
    # Counts every change of the draft: whoever decides says which one they have seen.
    version: Mapped[int]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    note: Mapped[str]
    proposed_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    proposed_at: Mapped[datetime | None]
    decision: Mapped[str]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    decided_at: Mapped[datetime | None]
    deployed_hash: Mapped[str | None]


class DefinitionDraftFile(Base):
    """One saved state of one file of a draft; the one of the highest version counts."""

    __tablename__ = "definition_draft_files"
    __table_args__ = (UniqueConstraint("draft_id", "path", "version"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    draft_id: Mapped[int] = mapped_column(ForeignKey("definition_drafts.id"))
    path: Mapped[str]
    version: Mapped[int]
    # As it was sent, compressed with zstd; none where the file was taken out of the draft.
    content: Mapped[bytes | None]
    saved_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    saved_at: Mapped[datetime]
    restored_from: Mapped[int | None]
