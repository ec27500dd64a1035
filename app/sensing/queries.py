"""Reads of the sensing room."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.sensing.tables import ReadingSource


def source_of(session: Session, token_hash: str) -> str | None:
    """Return the name of the active source that a token belongs to."""
    wanted = select(ReadingSource.name).where(
        ReadingSource.token_hash == token_hash, ReadingSource.active
    )
    return session.scalar(wanted)
