"""Issue orders, take their steps, take them back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from app.accounts.roles import FLOOD_COMMANDER, FLOOD_STAFF
from app.accounts.tables import Person, PersonRole, Unit
from app.cases.answers import check_answers, clean_text
from app.errors import InvalidInput, NotFound, StateChanged
from app.flood.effects import ORDER
from app.flood.events import open_event
from app.flood.once import once
from app.flood.orders import STEPS, order_of
from app.flood.tables import FloodOrder, PumpTruck
from app.modeling.queries import deployed
from app.processes.effects import guard_item
from app.processes.queries import open_items_of
from app.processes.steps import awaits, begin, complete, locked, receive, start
from app.run import Tx, handles
from app.sensing.tables import Site
from sla.flood_files import TRADE

CANCELLED: Final = "order_cancelled"
LONGEST_TEXT: Final = 500


@dataclass(frozen=True)
class IssueOrder:
    """Give an order to a person, to a unit's staff for a point, or to a truck: exactly one of them."""

    text: str
    person_id: int | None = None
    unit_id: int | None = None
    truck_id: int | None = None
    site_id: int | None = None
    key: UUID | None = None


@dataclass(frozen=True)
class StepOrder:
    """Take a step of an order. step: the element that the person saw, so that a second click takes no second step."""

    order_id: int
    step: str
    answers: Mapping[str, Any] = field(repr=False)
    key: UUID | None = None


@dataclass(frozen=True)
class CancelOrder:
    """Take an order back."""

    order_id: int
    reason: str


@handles(IssueOrder, FLOOD_COMMANDER)
def issue_order(command: IssueOrder, tx: Tx) -> dict[str, Any]:
    """Issue the order and return its id. Raises InvalidInput naming the field."""
    asked = {name: value for name, value in vars(command).items() if name != "key"}
    return once(tx, command.key, {"what": "issue", **asked}, lambda: _issue(command, tx))


def _issue(command: IssueOrder, tx: Tx) -> dict[str, Any]:
    text = clean_text("text", command.text, longest=LONGEST_TEXT)
    if not text:
        raise InvalidInput({"text": "请写明要做什么"})
    given = (command.person_id, command.unit_id, command.truck_id)
    if sum(one is not None for one in given) != 1:
        raise InvalidInput({"target": "请选择下达给谁：一个人、一个单位或一辆泵车"})
    target, unit_id, to = _target(command, tx)
    if command.site_id is not None:
        site = tx.session.get(Site, command.site_id)
        if site is None or site.trade != TRADE:
            raise InvalidInput({"site_id": "没有这个点位"})
    elif target == "unit":
        raise InvalidInput({"site_id": "下达给单位的指令要指明点位"})
    event = open_event(tx.session)
    order = FloodOrder(
        event_id=event.id if event else None,
        target=target,
        person_id=command.person_id,
        unit_id=unit_id,
        truck_id=command.truck_id,
        site_id=command.site_id,
        text=text,
        issued_at=tx.clock.now(),
        issued_by=tx.actor.person_id,
    )
    tx.session.add(order)
    tx.session.flush()
    context = begin(tx, ORDER, f"{to}：{text}"[:200], {"order_id": order.id}, unit_id)
    order.process_id = context.process.id
    context.notify("order_issued", FLOOD_STAFF, unit_id, order_id=order.id, text=text)
    start(context, {})
    return {"order_id": order.id}


def _target(command: IssueOrder, tx: Tx) -> tuple[str, int, str]:
    """Return the kind of target, its unit and what it is called."""
    session = tx.session
    if command.person_id is not None:
        person = session.get(Person, command.person_id)
        if person is None or not person.active or not _is_staff(tx, person.id):
            raise InvalidInput({"person_id": "请选择一名防汛人员"})
        return "person", person.unit_id, person.name
    if command.truck_id is not None:
        truck = session.get(PumpTruck, command.truck_id)
        if truck is None or truck.driver_id is None:
            raise InvalidInput({"truck_id": "请选择一辆有司机账号的泵车"})
        return "truck", truck.unit_id, truck.plate
    unit = session.get(Unit, command.unit_id)
    if unit is None or not unit.active:
        raise InvalidInput({"unit_id": "没有这个单位"})
    return "unit", unit.id, unit.name


def _is_staff(tx: Tx, person_id: int) -> bool:
    return tx.session.get(PersonRole, (person_id, FLOOD_STAFF)) is not None


@handles(StepOrder, FLOOD_STAFF)
def step_order(command: StepOrder, tx: Tx) -> dict[str, Any]:
    """Take the step and return what comes next. Raises StateChanged when it was taken already."""
    asked = {"what": "step", "order": command.order_id, "step": command.step}
    asked |= {"outcome": command.answers.get("outcome")}
    return once(tx, command.key, asked, lambda: _step(command, tx))


def _step(command: StepOrder, tx: Tx) -> dict[str, Any]:
    if command.step not in STEPS:
        raise NotFound("指令没有这一步。")
    order = order_of(tx.session, command.order_id)
    assert order.process_id is not None, "it was issued with its process"
    context = locked(tx, order.process_id)
    tx.session.refresh(order)
    items = open_items_of(tx.session, order.process_id)
    item = next((one for one in items if one.element == command.step), None)
    if item is None:
        raise StateChanged("这一步已经办过，或指令已撤回，请刷新。")
    guard_item(context, item)
    form = deployed(tx.connection, context.process.definition_hash).form(item.form_key)
    complete(context, item, check_answers(form, command.answers))
    onward = open_items_of(tx.session, order.process_id)
    return {"order_id": order.id, "next": onward[0].element if onward else None}


@handles(CancelOrder, FLOOD_COMMANDER)
def cancel_order(command: CancelOrder, tx: Tx) -> None:
    """Take the order back. Raises InvalidInput without a reason, StateChanged when it has ended."""
    reason = clean_text("reason", command.reason, longest=LONGEST_TEXT)
    if not reason:
        raise InvalidInput({"reason": "请写明撤回原因"})
    order = order_of(tx.session, command.order_id)
    assert order.process_id is not None, "it was issued with its process"
    context = locked(tx, order.process_id)
    tx.session.refresh(order)
    if not awaits(context, CANCELLED):
        raise StateChanged("这条指令已经结束。")
    order.reason = reason
    tx.session.flush()
    receive(context, CANCELLED, {})
