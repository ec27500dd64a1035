"""The page of one case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from flask import current_app, render_template, request
from flask.typing import ResponseReturnValue

from app.accounts.roles import (
    DISPATCHER,
    DUTY_CHIEF,
    LEADER,
    SUPERVISOR,
    UNIT_HANDLER,
    UNIT_MANAGER,
)
from app.cases.commands.authority import REPORTERS
from app.cases.commands.report import CASE_KEY
from app.cases.pages import room
from app.cases.pages.deadlines import item_deadline
from app.cases.pages.feedback import RECORDERS
from app.cases.pages.item import may_complete, may_work_on
from app.cases.pages.room import blueprint
from app.cases.pages.standing import NOWHERE, Standing, accounts_of, standing_of
from app.cases.pages.summary import summary_of
from app.cases.queries import case_file
from app.cases.queries.outline import OutlineStep
from app.cases.tables import Case, CaseRequest, ProcessInstance
from app.db.session import db
from app.modeling.queries import active_hash, deployed
from app.run import Actor
from app.web.access import SIGNED_IN, open_to, rule_of


@dataclass(frozen=True, slots=True)
class Refused:
    """A request that was refused: its kind, what is wrong by field, and what was typed."""

    kind: str
    errors: Mapping[str, str]
    typed: Mapping[str, str] = field(default_factory=dict)


@blueprint.get("/cases/<number>")
@open_to(SIGNED_IN)
def case_page(number: str) -> ResponseReturnValue:
    """Show a case with everything that happened to it."""
    return show_case(number)


def show_case(number: str, refused: Refused | None = None) -> str:
    """Return the page of a case, with a request that was refused filled in again."""
    session, actor, now = db.session(), room.reader(), room.now()
    case = room.case_or_404(number)
    instance = case_file.main_instance(session, case.id)
    # A case that was loaded with its history has no process: it stands nowhere, and nobody works on it.
    version = deployed(room.connection(), _version_of(instance))
    clocks = case_file.clocks_of(session, case.id)
    items = case_file.open_items_of(session, case.id)
    requests = case_file.requests_of(session, case.id)
    feedback = case_file.feedback_of(session, case.id)
    standing = NOWHERE if instance is None else standing_of(instance, version, clocks, now)
    summary = summary_of(session, case, version, log_before=_log_before())
    asked = case_file.names_of(
        session,
        people=[person for one in requests for person in (one.asked_by, one.decided_by)]
        + [one.recorded_by for one in feedback],
        units=[one.unit_id for one in requests],
    )
    return render_template(
        "cases/case.html",
        case=case,
        summary=summary,
        clocks=accounts_of(session, case, clocks, now),
        items=items,
        deadlines={one.item.id: item_deadline(one.item, case, now) for one in items},
        requests=requests,
        asked=asked,
        waits=[name for key, name in summary.outline.waits.items() if key in standing.here],
        standing=standing,
        done=_with_whole(summary.outline.steps, case_file.done_elements(session, case.id)),
        actions=actions_for(actor, case, standing, {r.kind for r in requests if _waits(r)}),
        refused=refused or Refused("", {}),
        feedback=feedback,
        may_record_feedback=case.closed_as is not None and actor.has(*RECORDERS),
        may_replay=instance is not None and actor.has(*rule_of(current_app, "oversight.replay")),
        may_appeal=_may_appeal(actor, case),
        may_add_photos=actor.has(*REPORTERS) or any(may_work_on(actor, i.item) for i in items),
        may_complete=lambda item: may_complete(actor, item),
    )


def actions_for(actor: Actor, case: Case, standing: Standing, pending: set[str]) -> tuple[str, ...]:
    """Return what the person may ask for in this case now; the commands ask again."""
    own = case.unit_id is not None and case.unit_id == actor.unit_id
    offered: dict[str, tuple[bool, str]] = {
        "extension": (own and actor.has(UNIT_MANAGER, UNIT_HANDLER), "extension_requested"),
        "hold": (own and actor.has(UNIT_MANAGER), "hold_requested"),
        "return": (own and actor.has(UNIT_MANAGER), "return_requested"),
        "release": (actor.has(DUTY_CHIEF, DISPATCHER), "hold_released"),
        "supervision": (actor.has(DUTY_CHIEF, SUPERVISOR, LEADER), "supervision_raised"),
    }
    return tuple(
        kind
        for kind, (allowed, message) in offered.items()
        if allowed
        and message in standing.messages
        and case.closed_as is None
        and (kind == "supervision" or kind not in pending)
    )


def _version_of(instance: ProcessInstance | None) -> str:
    """Return the version that a case runs on; for one without a process that on which it would run now."""
    if instance is None:
        return active_hash(room.connection(), CASE_KEY)
    return instance.definition_hash


def _log_before() -> int | None:
    """Return the place in the log that the address goes on from; None for none, or for what is no place."""
    before = request.args.get("log", type=int)
    return before if before is not None and 0 < before < 2**63 else None


def _with_whole(steps: tuple[OutlineStep, ...], done: set[str]) -> set[str]:
    """Return what was done, with each process of its own in which anything was done."""
    found = set(done)
    for step in steps:
        inner = _with_whole(step.steps, done)
        if not inner.isdisjoint(inside.element for inside in step.steps):
            found.add(step.element)
    return found


def _waits(asked: CaseRequest) -> bool:
    return asked.decision is None


def _may_appeal(actor: Actor, case: Case) -> bool:
    """Tell whether the case has something that its unit's manager may appeal against; in time or not, the form says."""
    charged = case.unfounded_returns or case.media_supervisions or (case.closed_at and case.overdue)
    of_unit = case.unit_id is not None and case.unit_id == actor.unit_id
    return bool(charged) and of_unit and actor.has(UNIT_MANAGER) and case.withdrawn is None
