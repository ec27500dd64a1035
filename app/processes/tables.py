"""Rows of the processes room. Unlike a case, such a process has no clock of its own and few steps."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db.session import Base


class Process(Base):
    """One running process (事项) of what a room keeps; its state is the engine's own compact form.

    process_id: of the diagram. title: what a list calls it. unit_id: whose items of a role "...@unit" are.
    """

    __tablename__ = "processes"
    __table_args__ = (
        Index(
            "ix_processes_definition_hash",
            "definition_hash",
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    process_id: Mapped[str]
    title: Mapped[str]
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("units.id"))
    definition_hash: Mapped[str] = mapped_column(ForeignKey("definition_versions.hash"))
    state: Mapped[bytes]
    version: Mapped[int]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class ProcessItem(Base):
    """One thing for a person to do in such a process."""

    __tablename__ = "process_items"
    __table_args__ = (
        UniqueConstraint("process_id", "token"),
        CheckConstraint("status IN ('open', 'done', 'cancelled')", name="status"),
        CheckConstraint("(status = 'open') = (finished_at IS NULL)", name="finished_whole"),
        Index(
            "ix_process_items_open",
            "role",
            "unit_id",
            "due_at",
            "id",
            postgresql_where=text("status = 'open'"),
        ),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    process_id: Mapped[int] = mapped_column(ForeignKey("processes.id"))
    token: Mapped[int]
    element: Mapped[str]
    name: Mapped[str]
    form_key: Mapped[str]
    role: Mapped[str]
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("units.id"))
    status: Mapped[str] = mapped_column(server_default="open")
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    finished_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    outcome: Mapped[str | None]
    opinion: Mapped[str | None]


class ProcessTimer(Base):
    """One waiting timer of such a process; firing deletes it in the step's own transaction."""

    __tablename__ = "process_timers"
    __table_args__ = (
        UniqueConstraint("process_id", "token"),
        Index("ix_process_timers_try_at", "try_at"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    process_id: Mapped[int] = mapped_column(ForeignKey("processes.id"))
    token: Mapped[int]
    element: Mapped[str]
    due_at: Mapped[datetime]
    # When the worker looks at it: due_at, until firing fails and is put off.
    try_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(server_default="0")
    last_error: Mapped[str | None]


class ProcessLog(Base):
    """One line of what happened in such a process; a trigger refuses to change it."""

    __tablename__ = "process_log"
    __table_args__ = (Index("ix_process_log_process_id", "process_id", "id"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    process_id: Mapped[int] = mapped_column(ForeignKey("processes.id"))
    at: Mapped[datetime]
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    actor_label: Mapped[str]
    kind: Mapped[str]
    element: Mapped[str | None]
    data: Mapped[dict[str, Any]] = mapped_column(JSONB())
