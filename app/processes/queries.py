"""Reads of the processes room: what waits for a person, and what was done."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from app.errors import NotFound
from app.processes.tables import Process, ProcessItem
from app.run import SYSTEM_ROLE, Actor


def fits(actor: Actor, item: ProcessItem) -> bool:
    """Tell whether an item is of a role and unit of the actor's; what is of no unit is the centre's."""
    if SYSTEM_ROLE in actor.roles:
        return True
    if not actor.has(item.role):
        return False
    return not actor.ranked if item.unit_id is None else item.unit_id == actor.unit_id


def waiting_for(
    session: Session, actor: Actor, of: Sequence[str]
) -> Sequence[tuple[ProcessItem, Process]]:
    """Return the open items that fit the actor, the most urgent first, each with its process.

    of: the diagrams whose processes are meant.
    """
    query = (
        select(ProcessItem, Process)
        .join(Process, Process.id == ProcessItem.process_id)
        .where(*waiting_conditions(actor), Process.process_id.in_(of))
    )
    rows = session.execute(query.order_by(ProcessItem.due_at, ProcessItem.id))
    return [(row[0], row[1]) for row in rows]


def count_waiting_for(session: Session, actor: Actor, of: Sequence[str]) -> int:
    """Return how many open items of some diagrams' processes fit the actor."""
    query = (
        select(func.count())
        .select_from(ProcessItem)
        .join(Process, Process.id == ProcessItem.process_id)
        .where(*waiting_conditions(actor), Process.process_id.in_(of))
    )
    return session.scalar(query) or 0


def item_of(session: Session, item_id: int) -> ProcessItem:
    """Return an item. Raises NotFound."""
    item = session.get(ProcessItem, item_id)
    if item is None:
        raise NotFound("没有这项工作。")
    return item


def open_items_of(session: Session, process_id: int) -> Sequence[ProcessItem]:
    """Return what is open in a process."""
    item = ProcessItem
    query = select(item).where(item.process_id == process_id, item.status == "open")
    return session.scalars(query.order_by(item.id)).all()


def items_of(session: Session, process_id: int) -> Sequence[ProcessItem]:
    """Return every item of a process, in order."""
    query = select(ProcessItem).where(ProcessItem.process_id == process_id)
    return session.scalars(query.order_by(ProcessItem.id)).all()


def waiting_conditions(actor: Actor) -> list[ColumnElement[bool]]:
    """Return the conditions that tell the open items of a person."""
    item = ProcessItem
    if SYSTEM_ROLE in actor.roles:
        return [item.status == "open"]
    own = item.unit_id == actor.unit_id
    whose = own if actor.ranked else or_(item.unit_id.is_(None), own)
    return [item.status == "open", item.role.in_(sorted(actor.roles)), whose]
