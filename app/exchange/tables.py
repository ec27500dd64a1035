"""Rows of the exchange room."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Identity, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.session import Base


class OutboxMessage(Base):
    """One message for the outside, written in the step that causes it and sent after."""

    __tablename__ = "outbox"
    __table_args__ = (
        UniqueConstraint("key"),
        Index(
            "ix_outbox_next_try_at",
            "next_try_at",
            postgresql_where=text("sent_at IS NULL AND parked_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    topic: Mapped[str]
    payload: Mapped[dict[str, Any]]
    # The receiver drops a message whose key it has seen: delivery is at least once.
    key: Mapped[str]
    created_at: Mapped[datetime]
    next_try_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(server_default="0")
    sent_at: Mapped[datetime | None]
    # Set when trying again will not help; a person looks at it.
    parked_at: Mapped[datetime | None]
    last_error: Mapped[str | None]
