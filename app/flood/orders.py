"""Reads of orders: to whom, how far, and what waits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, and_, func, or_, select, tuple_
from sqlalchemy.orm import Session

from app.accounts.roles import FLOOD_STAFF
from app.accounts.tables import Person, Unit
from app.db.keyset import Place
from app.errors import NotFound
from app.flood.tables import FloodOrder, PumpTruck
from app.processes.tables import ProcessItem
from app.run import Actor
from app.sensing.tables import Site

STEPS: Final = ("T_acknowledge", "T_on_way", "T_on_site", "T_done")
ENDS: Final = ("done_at", "refused_at", "cancelled_at")
# How long a refusal is told: by then somebody else was sent, or nobody needs to be.
TOLD: Final = timedelta(hours=12)


@dataclass(frozen=True)
class OrderLine:
    """An order in a list. item: what it waits for."""

    order: FloodOrder
    unit: Unit
    person: Person | None
    truck: PumpTruck | None
    site: Site | None
    item: ProcessItem | None

    @property
    def state(self) -> str:
        """Return how far it is."""
        order = self.order
        for name in (*ENDS, "on_site_at", "on_way_at", "acknowledged_at"):
            if getattr(order, name) is not None:
                return name.removesuffix("_at")
        return "issued"


def order_of(session: Session, order_id: int) -> FloodOrder:
    """Return an order. Raises NotFound."""
    found = session.get(FloodOrder, order_id)
    if found is None:
        raise NotFound("没有这条指令。")
    return found


def order_of_process(session: Session, process_id: int) -> FloodOrder:
    """Return the order that a process was begun for."""
    found = session.scalar(select(FloodOrder).where(FloodOrder.process_id == process_id))
    assert found is not None, "the process was begun for it"
    return found


def step_is_taken(
    session: Session, order_id: int, step: str, outcome: str, person_id: int | None
) -> bool:
    """Tell whether a person has already taken a step of an order, with this outcome."""
    taken = (
        select(ProcessItem.id)
        .join(FloodOrder, FloodOrder.process_id == ProcessItem.process_id)
        .where(
            FloodOrder.id == order_id,
            ProcessItem.element == step,
            ProcessItem.status == "done",
            ProcessItem.finished_by == person_id,
            ProcessItem.outcome == outcome,
        )
    )
    return session.scalar(taken.limit(1)) is not None


def is_given_to(session: Session, order: FloodOrder, actor: Actor) -> bool:
    """Tell whether an order's steps are an actor's: the person's, the driver's, or, not taken yet, anybody's of the unit."""
    if order.person_id is not None:
        return order.person_id == actor.person_id
    if order.truck_id is not None:
        return session.get_one(PumpTruck, order.truck_id).driver_id == actor.person_id
    path = session.get_one(Unit, order.unit_id).path
    return actor.has(FLOOD_STAFF) and actor.unit_path.startswith(path)


def orders(
    session: Session,
    *,
    size: int,
    before: Place | None = None,
    open_only: bool = False,
    troubled_at: datetime | None = None,
    path: str = "",
    site_id: int | None = None,
) -> Sequence[OrderLine]:
    """Return orders, the newest first. path: of the unit that the reader is bound to."""
    conditions: list[ColumnElement[bool]] = [Unit.path.startswith(path)]
    if open_only:
        conditions.append(is_open())
    if troubled_at is not None:
        conditions.append(is_troubled(troubled_at))
    if site_id is not None:
        conditions.append(FloodOrder.site_id == site_id)
    if before is not None:
        here = tuple_(FloodOrder.issued_at, FloodOrder.id)
        conditions.append(here < (before.at, before.id))
    return _lines(session, conditions, size)


def orders_for(session: Session, actor: Actor, size: int) -> Sequence[OrderLine]:
    """Return the open orders whose next step is an actor's, the oldest first."""
    return _lines(session, _for_actor(actor), size, newest_first=False)


def count_orders_for(session: Session, actor: Actor) -> int:
    """Return how many open orders wait for an actor's next step."""
    return _count(session, _for_actor(actor))


def _for_actor(actor: Actor) -> list[ColumnElement[bool]]:
    above = [int(part) for part in actor.unit_path.strip("/").split("/") if part]
    of_unit = and_(
        FloodOrder.person_id.is_(None),
        FloodOrder.truck_id.is_(None),
        FloodOrder.unit_id.in_(above),
    )
    return [or_(_of_person(actor), of_unit), is_open()]


def own_open_orders(session: Session, actor: Actor) -> int:
    """Return how many open orders are an actor's alone: not those that anybody of the unit may take."""
    return _count(session, [_of_person(actor), is_open()])


def _count(session: Session, conditions: Sequence[ColumnElement[bool]]) -> int:
    query = (
        select(func.count())
        .select_from(FloodOrder)
        .outerjoin(PumpTruck, PumpTruck.id == FloodOrder.truck_id)
        .where(*conditions)
    )
    return session.scalar(query) or 0


def _of_person(actor: Actor) -> ColumnElement[bool]:
    return or_(
        FloodOrder.person_id == actor.person_id,
        and_(FloodOrder.person_id.is_(None), PumpTruck.driver_id == actor.person_id),
    )


def line_of(session: Session, order_id: int) -> OrderLine:
    """Return one order as a list shows it. Raises NotFound."""
    found = _lines(session, [FloodOrder.id == order_id], 1)
    if not found:
        raise NotFound("没有这条指令。")
    return found[0]


def is_open() -> ColumnElement[bool]:
    """Return the condition that an order has not ended."""
    return and_(*(getattr(FloodOrder, name).is_(None) for name in ENDS))


def is_troubled(now: datetime) -> ColumnElement[bool]:
    """Return the condition that an order is late in its step, or was refused not long ago."""
    late = FloodOrder.process_id.in_(
        select(ProcessItem.process_id).where(ProcessItem.status == "open", ProcessItem.due_at < now)
    )
    return or_(is_open() & late, FloodOrder.refused_at > now - TOLD)


def _lines(
    session: Session,
    conditions: Sequence[ColumnElement[bool]],
    size: int,
    *,
    newest_first: bool = True,
) -> list[OrderLine]:
    place = FloodOrder.issued_at, FloodOrder.id
    waits = and_(ProcessItem.process_id == FloodOrder.process_id, ProcessItem.status == "open")
    query = (
        select(FloodOrder, Unit, Person, PumpTruck, Site, ProcessItem)
        .join(Unit, Unit.id == FloodOrder.unit_id)
        .outerjoin(Person, Person.id == FloodOrder.person_id)
        .outerjoin(PumpTruck, PumpTruck.id == FloodOrder.truck_id)
        .outerjoin(Site, Site.id == FloodOrder.site_id)
        .outerjoin(ProcessItem, waits)
        .where(*conditions)
        .order_by(*(column.desc() if newest_first else column for column in place))
        .limit(size)
    )
    return [OrderLine(*row) for row in session.execute(query)]
