"""Requests in a case: extension, hold and its release, return, supervision."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from app.accounts.roles import (
    DISPATCHER,
    DUTY_CHIEF,
    LEADER,
    SUPERVISOR,
    UNIT_HANDLER,
    UNIT_MANAGER,
)
from app.cases.answers import clean_text, not_one_of
from app.cases.clocks import HANDLING
from app.cases.commands.authority import require_unit
from app.cases.context import StepContext
from app.cases.queries.visibility import may_see
from app.cases.steps import StepResult, advance, context_of
from app.cases.store import Loaded, load_case
from app.clock import require_aware
from app.engine import instance
from app.errors import Forbidden, InvalidInput, StateChanged, Text
from app.run import SYSTEM_ROLE, Tx, handles
from sla.clock_policies import Happening
from sla.clocks import limit_of
from sla.limits import AnyLimit, Limit, parse_limit

SOURCES: Final = ("duty", "leader", "media")
REASON_LENGTH: Final = 1000
WITHIN_ORIGINAL: Final = "within_original"
LONGER: Final = "longer"


@dataclass(frozen=True)
class RequestExtension:
    """Ask for more time (延期). amount: a limit such as "2 working_day"; None for what the policy gives."""

    case_id: int
    reason: str
    amount: str | None = None


@dataclass(frozen=True)
class RequestHold:
    """Ask to put the case on hold (挂账) until a moment."""

    case_id: int
    until: datetime
    reason: str


@dataclass(frozen=True)
class ReleaseHold:
    """End a hold before its day."""

    case_id: int


@dataclass(frozen=True)
class RequestReturn:
    """Send the case back (退单): it is not this unit's."""

    case_id: int
    reason: str


@dataclass(frozen=True)
class RaiseSupervision:
    """Supervise a case (督办). due_at: when an answer is wanted."""

    case_id: int
    source: str
    reason: str
    due_at: datetime | None = None


@handles(RequestExtension, UNIT_MANAGER, UNIT_HANDLER)
def request_extension(command: RequestExtension, tx: Tx) -> StepResult:
    """Ask for an extension; one that could not be granted now is refused at once."""
    loaded = _of_own_unit(tx, command.case_id, UNIT_MANAGER, UNIT_HANDLER)
    context = context_of(tx, loaded)
    payload = ask_extension(context, command.reason, command.amount)
    return _deliver(loaded, context, "extension_requested", payload)


@handles(RequestHold, UNIT_MANAGER)
def request_hold(command: RequestHold, tx: Tx) -> StepResult:
    """Ask for a hold; the clock runs on until it is granted."""
    loaded = _of_own_unit(tx, command.case_id, UNIT_MANAGER)
    context = context_of(tx, loaded)
    payload = ask_hold(context, command.reason, command.until)
    return _deliver(loaded, context, "hold_requested", payload)


@handles(ReleaseHold, DUTY_CHIEF, DISPATCHER)
def release_hold(command: ReleaseHold, tx: Tx) -> StepResult:
    """Release a case on hold."""
    _require_sight(tx, command.case_id)
    loaded = load_case(tx.connection, command.case_id)
    return _deliver(loaded, context_of(tx, loaded), "hold_released", {})


@handles(RequestReturn, UNIT_MANAGER)
def request_return(command: RequestReturn, tx: Tx) -> StepResult:
    """Return a case; whether the clock stands still until the ruling is policy."""
    loaded = _of_own_unit(tx, command.case_id, UNIT_MANAGER)
    context = context_of(tx, loaded)
    return _deliver(loaded, context, "return_requested", ask_return(context, command.reason))


@handles(RaiseSupervision, DUTY_CHIEF, SUPERVISOR, LEADER)
def raise_supervision(command: RaiseSupervision, tx: Tx) -> StepResult:
    """Raise a supervision; it changes no deadline, and one by the media counts."""
    _require_sight(tx, command.case_id)
    loaded = load_case(tx.connection, command.case_id)
    if loaded.case["closed_at"] is not None:
        raise StateChanged("案件已经结束，不能再督办。")
    context = context_of(tx, loaded)
    payload = ask_answer(context, command.reason, command.source, command.due_at)
    return _deliver(loaded, context, "supervision_raised", payload)


def ask_extension(context: StepContext, reason: str, amount: str | None) -> dict[str, Any]:
    """Record the request for an extension and return what its message carries."""
    reason = _reason(reason)
    wanted = parse_limit(amount) if amount else None
    context.clocks.check_extension(HANDLING, wanted)
    reading = context.clocks.reading(HANDLING)
    granted = 0 if reading is None else reading.grants
    _ask(context, "extension", reason, amount=None if wanted is None else str(wanted))
    return {"extension_no": granted + 1, "extension_length": _length(context, wanted)}


def ask_hold(context: StepContext, reason: str, until: datetime) -> dict[str, Any]:
    """Record the request for a hold and return what its message carries."""
    reason, until = _reason(reason), _moment("until", until)
    if until <= context.now:
        raise InvalidInput({"until": "挂账日期须晚于现在"})
    _ask(context, "hold", reason, hold_until=until.isoformat())
    context.defaults["until"] = until.isoformat()
    return {"hold_until": until.isoformat()}


def ask_return(context: StepContext, reason: str) -> dict[str, Any]:
    """Record the request to return the case and return what its message carries."""
    context.clocks.pause_for(Happening.RETURNED)
    context.handling_changed()
    _ask(context, "return", _reason(reason))
    return {}


def ask_answer(
    context: StepContext, reason: str, source: str, due_at: datetime | None
) -> dict[str, Any]:
    """Record a supervision, which wants an answer, and return what its message carries."""
    if source not in SOURCES:
        raise InvalidInput({"source": not_one_of(source, SOURCES)})
    due_at = None if due_at is None else _moment("due_at", due_at)
    case, reason = context.case, _reason(reason)
    case["unit_supervisions"] += 1
    number = _ask(context, "supervision", reason, source=source, due_at=due_at)
    case["supervisions"] += 1
    case["media_supervisions"] += source == "media"
    return {"supervision_no": number, "unit_id": case["unit_id"]}


def _of_own_unit(tx: Tx, case_id: int, *roles: str) -> Loaded:
    """Lock and load a case that the actor's unit has."""
    tx.actor.require(*roles)
    loaded = load_case(tx.connection, case_id)
    require_unit(tx.actor, loaded.case["unit_id"], *roles)
    return loaded


def _require_sight(tx: Tx, case_id: int) -> None:
    """Raise Forbidden unless the case is one the actor may see: a role alone is not enough in a unit."""
    if SYSTEM_ROLE not in tx.actor.roles and not may_see(tx.session, tx.actor, case_id):
        raise Forbidden


def _moment(field: str, moment: datetime) -> datetime:
    """Return a moment in UTC. Raises InvalidInput for one without zone, or beyond what a calendar holds."""
    try:
        return require_aware(moment)
    except ValueError as exc:
        raise InvalidInput({field: Text("“%(value)s”不是可用的时间", value=moment)}) from exc


def _reason(text: str) -> str:
    return clean_text("reason", text, longest=REASON_LENGTH, required=True)


def _ask(context: StepContext, kind: str, reason: str, **details: object) -> int:
    """Record the request and return its number. Raises StateChanged when one like it is pending."""
    pending = [request["no"] for request in context.requests if request["kind"] == kind]
    if kind != "supervision" and pending:
        raise StateChanged("已有一项同类申请等待批复。")
    number: int = max([context.next_no(kind), *(no + 1 for no in pending)])
    context.ask(kind, number, reason, details)
    context.defaults |= {"reason": reason, **details}
    return number


def _deliver(
    loaded: Loaded, context: StepContext, message: str, payload: dict[str, Any]
) -> StepResult:
    return advance(
        loaded,
        context,
        lambda definition, moment: instance.receive(
            definition, loaded.state, message, payload, moment
        ),
    )


def _length(context: StepContext, amount: AnyLimit | None) -> str:
    """Tell whether an extension is no longer than the limit it extends: another approver decides longer ones."""
    clock = context.clocks.get(HANDLING)
    original = None if clock is None else limit_of(clock.events)
    if amount is None:
        return WITHIN_ORIGINAL
    if not isinstance(amount, Limit) or not isinstance(original, Limit):
        return LONGER
    calendar = context.clocks.calendar
    same = amount.unit.measure is original.unit.measure
    within = amount.microseconds(calendar) <= original.microseconds(calendar)
    return WITHIN_ORIGINAL if same and within else LONGER
