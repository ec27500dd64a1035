"""Reads of rain events and their reports."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from app.db.keyset import Place
from app.errors import NotFound
from app.flood.tables import RainEvent, RainEventLevel, RainReport


def open_event(session: Session) -> RainEvent | None:
    """Return the rain event that is open."""
    return session.scalar(select(RainEvent).where(RainEvent.closed_at.is_(None)))


def event_of(session: Session, event_id: int) -> RainEvent:
    """Return an event. Raises NotFound."""
    found = session.get(RainEvent, event_id)
    if found is None:
        raise NotFound("没有这场降雨。")
    return found


def event_of_process(session: Session, process_id: int) -> RainEvent:
    """Return the event that a process was begun for."""
    found = session.scalar(select(RainEvent).where(RainEvent.process_id == process_id))
    assert found is not None, "the process was begun for it"
    return found


def events(session: Session, before: Place | None, size: int) -> Sequence[RainEvent]:
    """Return events, the newest first."""
    query = select(RainEvent).order_by(RainEvent.opened_at.desc(), RainEvent.id.desc()).limit(size)
    if before is not None:
        query = query.where(tuple_(RainEvent.opened_at, RainEvent.id) < (before.at, before.id))
    return session.scalars(query).all()


def levels_of(session: Session, event_id: int) -> Sequence[RainEventLevel]:
    """Return the levels that an event took, in order."""
    line = RainEventLevel
    return session.scalars(select(line).where(line.event_id == event_id).order_by(line.id)).all()


def reports_of(session: Session, event_id: int) -> Sequence[RainReport]:
    """Return the reports on an event, in order."""
    line = RainReport
    query = select(line).where(line.event_id == event_id)
    return session.scalars(query.order_by(line.as_of, line.id)).all()


def report_of(session: Session, report_id: int) -> RainReport:
    """Return a report. Raises NotFound."""
    found = session.get(RainReport, report_id)
    if found is None:
        raise NotFound("没有这份报告。")
    return found


def event_at(session: Session, at: datetime) -> RainEvent | None:
    """Return the event that was open at a moment."""
    line = RainEvent
    open_then = (line.opened_at <= at) & (line.closed_at.is_(None) | (line.closed_at > at))
    return session.scalar(select(line).where(open_then).order_by(line.id.desc()).limit(1))
