"""The filters that a person has saved."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.cases.tables import SavedFilter
from app.run import Actor


def filters_of(session: Session, actor: Actor) -> Sequence[SavedFilter]:
    """Return a person's saved filters in the order of their names."""
    found = select(SavedFilter).where(SavedFilter.person_id == actor.person_id)
    return session.scalars(found.order_by(SavedFilter.name)).all()
