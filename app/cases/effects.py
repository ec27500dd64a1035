"""The effects of a case: what each topic that a service task may name does. All run inside the step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from importlib import import_module
from typing import Any, Final

from app.accounts.queries import responsible_unit
from app.cases.clocks import HANDLING
from app.cases.context import LAPSED, StepContext
from app.cases.reference import class_and_condition, class_on, unit_for_dispatch
from app.engine.moment import Service, ServiceCall
from app.errors import InvalidInput, NotFound, Text
from sla.clock_policies import Happening
from sla.clocks import ClockState
from sla.limits import AnyLimit, Limit, parse_limit

Outcome = Mapping[str, Any] | None
Effect = Callable[[ServiceCall, StepContext], Outcome]

NOTICE: Final = "notice"
REPORT_UP: Final = "report.case"
# What is written for the limit of a case that has none; its handling clock never starts.
UNLIMITED: Final = ("none", "无时限")

_effects: dict[str, Effect] = {}
# Rooms whose processes name topics of their own. By name: they stand on this room, not under it.
_FURTHER_ROOMS: Final = (
    "app.assessment.effects",
    "app.sensing.effects",
    "app.flood.effects",
)
_further: set[str] = set()


def topic(name: str) -> Callable[[Effect], Effect]:
    """Register the decorated function as what a topic does."""

    def register(effect: Effect) -> Effect:
        _effects[name] = effect
        return effect

    return register


def topics() -> frozenset[str]:
    """Return every topic a diagram may name."""
    for name in _FURTHER_ROOMS:
        import_module(name)
    return frozenset(_effects) | _further


def also_a_topic(name: str) -> None:
    """Let diagrams name a topic that another room serves, in processes that are no case's."""
    _further.add(name)


def services(context: StepContext) -> dict[str, Service]:
    """Return the topics bound to one step."""
    return {name: _bound(effect, context) for name, effect in _effects.items()}


def _bound(effect: Effect, context: StepContext) -> Service:
    return lambda call: effect(call, context)


@topic("clock.start")
def start_clock(call: ServiceCall, context: StepContext) -> Outcome:
    """Start the clock the diagram names, or let it count on."""
    name = str(call.inputs["clock"])
    context.clocks.start(name)
    context.retime.add(name)
    return None


@topic("clock.stop")
def stop_clock(call: ServiceCall, context: StepContext) -> Outcome:
    """Stop the clock the diagram names."""
    name = str(call.inputs["clock"])
    context.clocks.stop(name)
    context.retime.add(name)
    return None


@topic("case.file")
def file_case(call: ServiceCall, context: StepContext) -> Outcome:
    """File the case under a class; the filing condition, or a limit given by hand, fixes its limit."""
    given = call.inputs
    code, seq = str(given["class_code"]), given.get("condition_seq")
    case = context.case
    unlimited = given.get("limit") in UNLIMITED
    limit = None if unlimited else _given_limit(given.get("limit"))
    case["condition_id"] = None
    if seq is None:
        found = class_on(context.connection, code, context.day)
    else:
        found, condition = class_and_condition(context.connection, code, context.day, int(seq))
        case["condition_id"] = condition.id
        if limit is None and not unlimited:
            limit = Limit.of(condition.limit_value, condition.limit_unit)
    if limit is None and not unlimited:
        raise InvalidInput({"condition_seq": "请选择立案条件，或写明时限"})
    case["class_code"], case["kind"] = found.code, found.kind
    counted = limit if isinstance(limit, Limit) else None
    case["limit_value"] = None if counted is None else counted.value
    case["limit_unit"] = None if counted is None else counted.unit.value
    case["filed_at"] = context.now
    told = {"class_code": found.code, "limit": None if limit is None else str(limit)}
    context.log("filed", call.element, **told)
    context.announce(REPORT_UP, event="filed", **told)
    return {
        **told,
        "kind": found.kind,
        "duty": found.duty,
        "district_code": case["district_code"],
    }


@topic("case.suggest_unit")
def suggest_unit(call: ServiceCall, context: StepContext) -> Outcome:
    """Suggest the responsible unit: one of the case's district or of the whole city, as the decision says."""
    district_code = call.data.get("district_code")
    if call.data.get("routing_level") != "district":
        district_code = None
    unit_id = responsible_unit(context.connection, str(call.data["duty"]), district_code)
    context.defaults["unit_id"] = unit_id
    return {"unit_id": unit_id}


@topic("case.dispatch")
def dispatch_case(call: ServiceCall, context: StepContext) -> Outcome:
    """Give the case to a unit and start, resume or restart its handling clock by policy."""
    case = context.case
    unit = unit_for_dispatch(context.connection, int(call.inputs["unit_id"]))
    same_unit = call.data.get("former_unit_id") == unit.id
    case["unit_id"], case["handler_id"] = unit.id, None
    case["dispatched_at"] = context.now
    case["dispatches"] += 1
    if not same_unit:
        case["extensions"] = case["reworks"] = 0
        case["unfounded_returns"] = case["media_supervisions"] = case["unit_supervisions"] = 0
        # What was ruled for the unit before says nothing of this one.
        case["exempt"], case["withdrawn"], case["withdrawn_of"] = False, None, None
    limit = _given_limit(call.data["limit"])
    if limit is None:
        context.clocks.cancel(HANDLING)
    else:
        context.clocks.dispatch(HANDLING, limit, same_unit=same_unit)
    context.handling_changed(anew=True)
    told = {"unit_id": unit.id, "dispatch_no": case["dispatches"], "due_at": case["due_at"]}
    context.log("dispatched", call.element, **told)
    context.announce(REPORT_UP, event="dispatched", **told)
    context.announce(NOTICE, template="dispatched", role="unit_manager", unit_id=unit.id)
    return {"unit_id": unit.id, "handler_known": False}


@topic("case.take_back")
def take_back(call: ServiceCall, context: StepContext) -> Outcome:
    """Take the case back from its unit: the return was founded, the dispatch does not count."""
    case = context.case
    former = case["unit_id"]
    context.decide(context.pending("return"), "founded", unit_id=former)
    case["returns"] += 1
    case["unit_id"] = case["handler_id"] = None
    return {"unit_id": None, "former_unit_id": former, "handler_known": False}


@topic("case.count_unfounded")
def count_unfounded(call: ServiceCall, context: StepContext) -> Outcome:
    """Count a return that was ruled unfounded (推诿) and let the clock go on."""
    case = context.case
    case["returns"] += 1
    case["unfounded_returns"] += 1
    context.clocks.resume_after(Happening.RETURNED)
    context.handling_changed()
    context.decide(
        context.pending("return"), "unfounded", unit_id=case["unit_id"], due_at=case["due_at"]
    )
    return _with_its_handler(context)


@topic("case.hand_in")
def hand_in(call: ServiceCall, context: StepContext) -> Outcome:
    """Take the unit's result: its handling clock stops here, not when its worker was done."""
    case = context.case
    context.clocks.stop(HANDLING)
    context.handling_changed()
    case["result_at"] = context.now
    reading = context.clocks.reading(HANDLING)
    context.log(
        "handed_in",
        call.element,
        unit_id=case["unit_id"],
        on_time=None if reading is None else reading.on_time,
        worked_minutes=None if reading is None else reading.used_minutes,
    )
    return None


@topic("case.rework")
def rework(call: ServiceCall, context: StepContext) -> Outcome:
    """Send the case back to its unit; what the clock does is policy."""
    case = context.case
    case["reworks"] += 1
    case["result_at"] = None
    if context.clocks.get(HANDLING) is not None:
        context.clocks.rework(HANDLING)
    context.handling_changed()
    context.log(
        "rework", call.element, no=case["reworks"], unit_id=case["unit_id"], due_at=case["due_at"]
    )
    context.announce(NOTICE, template="rework", role="unit_manager", unit_id=case["unit_id"])
    return _with_its_handler(context)


@topic("case.extend")
def extend(call: ServiceCall, context: StepContext) -> Outcome:
    """Grant the pending extension: by the length asked for, else by the policy's."""
    case, request = context.case, context.pending("extension")
    amount = request["details"].get("amount")
    asked_at = datetime.fromisoformat(request["asked_at"])
    context.clocks.extend(HANDLING, _given_limit(amount), asked_at)
    case["extensions"] += 1
    context.handling_changed(anew=True)
    context.decide(request, "granted", unit_id=case["unit_id"], due_at=case["due_at"])
    return None


@topic("case.refuse_extension")
def refuse_extension(call: ServiceCall, context: StepContext) -> Outcome:
    """Refuse the pending extension."""
    context.decide(context.pending("extension"), "refused")
    return None


@topic("case.lapse_extension")
def lapse_extension(call: ServiceCall, context: StepContext) -> Outcome:
    """Let an extension nobody decided on lapse: the handling is over."""
    context.decide(context.pending("extension"), LAPSED)
    return None


@topic("case.hold")
def hold(call: ServiceCall, context: StepContext) -> Outcome:
    """Put the case on hold (挂账) until the day asked for; the clock stands still."""
    case, request = context.case, context.pending("hold")
    case["on_hold"] = True
    case["stage"] = "held"
    context.clocks.pause_for(Happening.HELD)
    context.handling_changed()
    context.decide(
        request, "granted", unit_id=case["unit_id"], hold_until=request["details"]["hold_until"]
    )
    return {"hold_until": request["details"]["hold_until"]}


@topic("case.refuse_hold")
def refuse_hold(call: ServiceCall, context: StepContext) -> Outcome:
    """Refuse the pending hold."""
    context.decide(context.pending("hold"), "refused")
    return _with_its_handler(context)


@topic("case.release")
def release(call: ServiceCall, context: StepContext) -> Outcome:
    """End the hold; the clock counts on with what was left."""
    case = context.case
    case["on_hold"] = False
    context.clocks.resume_after(Happening.HELD)
    context.handling_changed()
    context.log("hold_released", call.element, unit_id=case["unit_id"], due_at=case["due_at"])
    context.announce(NOTICE, template="hold_released", role="unit_manager", unit_id=case["unit_id"])
    return _with_its_handler(context)


@topic("case.end")
def end_case(call: ServiceCall, context: StepContext) -> Outcome:
    """Close the case: as closed, rejected, void, merged or self-handled."""
    case, how = context.case, str(call.inputs["how"])
    case["closed_at"], case["closed_as"], case["stage"] = context.now, how, how
    case["on_hold"] = False
    if how == "merged":
        case["merged_into_id"] = _main_case(context)
    handling = context.clocks.get(HANDLING)
    if handling is not None and handling.state is not ClockState.STOPPED:
        context.handling_changed()
    context.clocks.cancel_all()
    context.log("ended", call.element, how=how, merged_into_id=case["merged_into_id"])
    context.announce(REPORT_UP, event="ended", how=how)
    return None


@topic("case.near_due")
def near_due(call: ServiceCall, context: StepContext) -> Outcome:
    """Remind the unit once that its time is nearly up."""
    case = context.case
    if not case["near_due"]:
        case["near_due"] = True
        context.log("near_due", call.element, unit_id=case["unit_id"], due_at=case["due_at"])
        context.announce(NOTICE, template="near_due", role="unit_manager", unit_id=case["unit_id"])
    return None


@topic("case.overdue")
def overdue(call: ServiceCall, context: StepContext) -> Outcome:
    """Mark the case overdue. The timer comes again when the case comes back to its unit: said once."""
    case = context.case
    if not case["overdue"]:
        case["overdue"] = True
        context.log("overdue", call.element, unit_id=case["unit_id"], due_at=case["due_at"])
        context.announce(NOTICE, template="overdue", role="unit_manager", unit_id=case["unit_id"])
    return None


@topic("case.long_overdue")
def long_overdue(call: ServiceCall, context: StepContext) -> Outcome:
    """Tell the duty chief once that the case is long overdue."""
    case, unit_id = context.case, context.case["unit_id"]
    if not case["long_overdue"]:
        case["long_overdue"] = True
        context.log("long_overdue", call.element, unit_id=unit_id, due_at=case["due_at"])
        context.announce(NOTICE, template="long_overdue", role="duty_chief", unit_id=unit_id)
    return None


@topic("case.late")
def late(call: ServiceCall, context: StepContext) -> Outcome:
    """Record that a step of the centre's own (受理, 核实, 核查) ran late."""
    context.log("late", call.element, what=str(call.inputs["what"]))
    return None


@topic("case.supervise")
def supervise(call: ServiceCall, context: StepContext) -> Outcome:
    """Tell the unit of a supervision (督办) and have it answered."""
    number = call.data["supervision_no"]
    unit_id = context.case["unit_id"]
    context.defaults["supervision_no"] = number
    context.announce(
        NOTICE, template="supervision", role="unit_manager", unit_id=unit_id, no=number
    )
    return {"unit_id": unit_id}


@topic("case.supervision_answered")
def supervision_answered(call: ServiceCall, context: StepContext) -> Outcome:
    """Record the answer to a supervision."""
    number = call.data["supervision_no"]
    for request in context.requests:
        if request["kind"] == "supervision" and request["no"] == number:
            context.decide(request, "answered", unit_id=context.case["unit_id"])
            return None
    raise NotFound("没有第 %(no)s 号督办。", no=number)


@topic("notify")
def notify(call: ServiceCall, context: StepContext) -> Outcome:
    """Send a notice; the diagram says by which template and to which role."""
    context.announce(NOTICE, **{"unit_id": context.case["unit_id"], **call.inputs})
    return None


def _with_its_handler(context: StepContext) -> Outcome:
    """Come back to the handler the unit gave the case to: it need not be assigned again."""
    return {"handler_known": context.case["handler_id"] is not None}


def _given_limit(text: object) -> AnyLimit | None:
    return parse_limit(str(text)) if text else None


def _main_case(context: StepContext) -> int:
    """Return the id of the case that this one is merged into. Raises InvalidInput."""
    number = str(context.answers.get("merged_into") or "").strip()
    row = context.connection.execute(
        "SELECT id FROM cases WHERE number = %s AND id <> %s", (number, context.case["id"])
    ).fetchone()
    if row is None:
        fault = Text("没有案卷号为“%(number)s”的其他案件", number=number)
        raise InvalidInput({"merged_into": fault})
    return int(row[0])
