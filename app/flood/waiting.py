"""What of rain waits for a reader: decisions of an event, orders to carry out, orders that went wrong."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.flood.orders import is_troubled
from app.flood.tables import FloodOrder, RainEvent
from app.processes.queries import waiting_conditions
from app.processes.tables import ProcessItem
from app.run import Actor


def waiting_decisions(session: Session, actor: Actor) -> Sequence[tuple[int, ProcessItem]]:
    """Return what rain events ask of a reader, each with its event's id, the most urgent first."""
    query = (
        select(RainEvent.id, ProcessItem)
        .join(ProcessItem, ProcessItem.process_id == RainEvent.process_id)
        .where(*waiting_conditions(actor))
        .order_by(ProcessItem.due_at, ProcessItem.id)
    )
    return [(row[0], row[1]) for row in session.execute(query)]


def count_troubled(session: Session, now: datetime) -> int:
    """Return how many orders are late in their step, or were refused not long ago."""
    troubled = select(func.count()).select_from(FloodOrder).where(is_troubled(now))
    return session.scalar(troubled) or 0
