"""What the topics of a rain event's and an order's process do, and whose an order's steps are."""

from __future__ import annotations

from typing import Final

from sqlalchemy import select

from app.accounts.roles import FLOOD_COMMANDER, LEADER, UNIT_MANAGER
from app.engine.moment import ServiceCall
from app.errors import Forbidden
from app.flood.events import event_of_process
from app.flood.orders import is_given_to, order_of_process
from app.flood.reports import report_data
from app.flood.tables import FloodOrder, RainEvent, RainReport
from app.processes.effects import Outcome, ProcessContext, guards, process_topic
from app.processes.tables import ProcessItem
from app.sensing.tables import Site
from sla.flood_files import shipped_flood_policy

EVENT: Final = "rain_event"
ORDER: Final = "flood_order"
# Steps of the diagram -> the moment that each records.
MOMENTS: Final = {
    "acknowledge": "acknowledged_at",
    "on_way": "on_way_at",
    "on_site": "on_site_at",
    "done": "done_at",
}


@process_topic("rain.report")
def write_report(call: ServiceCall, context: ProcessContext) -> Outcome:
    """Write a report with every figure as it is now, and tell commander, leader and units of it."""
    event, session = event_of_process(context.tx.session, context.process.id), context.tx.session
    kind = str(call.inputs["kind"])
    if kind == "after":
        _keep_review(event, context)
    data = report_data(session, event, kind, context.now)
    report = RainReport(event_id=event.id, kind=kind, as_of=context.now, data=data)
    session.add(report)
    session.flush()
    context.log("reported", call.element, report=kind, report_id=report.id)
    # A list keeps its order in JSON, an object does not.
    counted = [
        {name: one[name] for name in ("key", "value")}
        for one in data["figures"]
        if one["value"] is not None
    ]
    told = {"event_id": event.id, "report_id": report.id, "level": event.level, "figures": counted}
    _tell(context, f"rain_report_{kind}", **told)
    # Each report begins the next wait by the policy of its own time.
    return {"during_every": shipped_flood_policy().during_every}


@process_topic("rain.remind")
def remind_of_response(call: ServiceCall, context: ProcessContext) -> Outcome:
    """Remind the commander that nobody has decided on the response."""
    context.notify("rain_response_waiting", FLOOD_COMMANDER, None)
    return None


@process_topic("rain.respond")
def respond(call: ServiceCall, context: ProcessContext) -> Outcome:
    """Record the response that the commander activated, and tell those who carry it out."""
    event = event_of_process(context.tx.session, context.process.id)
    event.response = int(str(context.answers["response_level"]))
    event.response_at, event.response_by = context.now, context.tx.actor.person_id
    context.log("responded", call.element, response=event.response)
    said = str(context.answers.get("opinion") or "")
    _tell(context, "rain_response", event_id=event.id, response=event.response, said=said)
    return None


@process_topic("order.mark")
def mark_order(call: ServiceCall, context: ProcessContext) -> Outcome:
    """Record the moment of an order's step; who answers an order to a unit has taken it."""
    order, step = _order(context), str(call.inputs["step"])
    setattr(order, MOMENTS[step], context.now)
    if step == "acknowledge" and order.person_id is None:
        order.person_id = context.tx.actor.person_id
    if step == "done":
        order.reason = str(context.answers.get("opinion") or "") or None
        context.notify("order_done", FLOOD_COMMANDER, None, order_id=order.id)
    return None


@process_topic("order.refuse")
def refuse_order(call: ServiceCall, context: ProcessContext) -> Outcome:
    """Record that an order cannot be carried out, and tell the commander why."""
    order = _order(context)
    order.refused_at, order.reason = context.now, str(context.answers.get("opinion") or "")
    context.notify("order_refused", FLOOD_COMMANDER, None, order_id=order.id, why=order.reason)
    return None


@process_topic("order.cancel")
def cancel_order(call: ServiceCall, context: ProcessContext) -> Outcome:
    """Record that an order was taken back, and tell whom it was given to."""
    order = _order(context)
    order.cancelled_at = context.now
    context.notify(
        "order_cancelled", "flood_staff", order.unit_id, order_id=order.id, why=order.reason
    )
    return None


@process_topic("order.remind")
def remind_of_order(call: ServiceCall, context: ProcessContext) -> Outcome:
    """Tell the commander that a step of an order is late."""
    order, step = _order(context), str(call.inputs["step"])
    context.log("order_late", call.element, step=step)
    context.notify("order_late", FLOOD_COMMANDER, None, order_id=order.id, step=step)
    return None


@guards(ORDER)
def guard_order(context: ProcessContext, item: ProcessItem) -> None:
    """Refuse a step of an order to everybody but whom it was given to. Raises Forbidden."""
    if not is_given_to(context.tx.session, _order(context), context.tx.actor):
        raise Forbidden("这条指令不是下达给您的。")


def _order(context: ProcessContext) -> FloodOrder:
    return order_of_process(context.tx.session, context.process.id)


def _keep_review(event: RainEvent, context: ProcessContext) -> None:
    answers = context.answers
    event.review = {
        "done": answers.get("opinion"),
        "lessons": answers.get("lessons"),
        "by": context.tx.actor.label,
        "at": context.now.isoformat(),
    }


def _tell(context: ProcessContext, template: str, **told: object) -> None:
    """Put a notice out to commander and leader, and to each unit that has flood points."""
    for role in (FLOOD_COMMANDER, LEADER):
        context.notify(template, role, None, **told)
    with_points = select(Site.unit_id).where(
        Site.trade == "flood", Site.active, Site.unit_id.is_not(None)
    )
    for unit_id in context.tx.session.scalars(with_points.distinct().order_by(Site.unit_id)):
        context.notify(template, UNIT_MANAGER, unit_id, **told)
