"""One step of one case: the engine runs, its effects collect rows, and the rows are written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache, partial
from importlib import import_module
from typing import Any, Final

import orjson
import psycopg
from sqlalchemy.exc import DBAPIError

from app.accounts.roles import UNIT_HANDLER
from app.cases.calendars import clock_policies, working_calendar
from app.cases.clocks import CaseClocks
from app.cases.context import StepContext
from app.cases.effects import services
from app.cases.store import Loaded, archived_events, case_update, write_step
from app.catalogue.calendar_years import entered_years
from app.engine.definitions import Definition
from app.engine.instance import OpenItem, Step
from app.engine.moment import NEVER, Moment
from app.errors import EngineError
from app.modeling.queries import Deployed, deployed
from app.run import Tx

Move = Callable[[Definition, Moment], Step]
Follower = Callable[[Mapping[str, Any], StepContext], None]

# Rooms that write along in a step's own transaction. By name: they stand on this room, not under it.
FOLLOWING_ROOMS: Final = ("app.assessment.facts",)

_followers: list[Follower] = []


@dataclass(frozen=True, slots=True)
class StepResult:
    """What a step did, for whoever asked for it."""

    case_id: int
    number: str
    instance_id: int
    stage: str
    closed_as: str | None
    opened: tuple[str, ...]


def follows_steps(follower: Follower) -> Follower:
    """Register a function that writes along in every step: it is given the case as it was and the context."""
    _followers.append(follower)
    return follower


def context_of(tx: Tx, loaded: Loaded, answers: Mapping[str, Any] | None = None) -> StepContext:
    """Return the context of a step that begins now. Call it after the lock: a wait takes time."""
    now = tx.clock.now()
    return StepContext(
        connection=loaded.connection,
        case=dict(loaded.case),
        clocks=CaseClocks(
            loaded.clocks,
            working_calendar(tx.services.settings, partial(entered_years, tx.connection)),
            clock_policies(),
            now,
            partial(archived_events, tx.connection, loaded.case["id"]),
        ),
        requests=loaded.requests,
        now=now,
        actor=tx.actor,
        version=loaded.version,
        answers=answers or {},
    )


def definition_of(loaded: Loaded) -> Deployed:
    """Return the version that an instance runs on."""
    return deployed(loaded.connection, loaded.definition_hash)


def advance(
    loaded: Loaded,
    context: StepContext,
    move: Move,
    *,
    completed: int | None = None,
) -> StepResult:
    """Let the engine make a move and write everything that follows from it.

    completed: token of the item that a person completed; every other item that closes is cancelled.
    """
    step = _made(move, definition_of(loaded).definition, moment_of(context))
    rows = context.rows
    collect(context, loaded.instance_id, step, completed=completed)
    ended_at = context.now if step.ended else None
    rows.update_instance = (step.state, ended_at, loaded.instance_id, loaded.version)
    rows.update_case = case_update(context.case)
    finish(context, loaded.case)
    return result_of(context, loaded.instance_id, step)


def _made(move: Move, definition: Definition, moment: Moment) -> Step:
    """Make a move. What the database raised inside a service comes out as itself, not as the engine's error."""
    try:
        return move(definition, moment)
    except EngineError as exc:
        cause: BaseException | None = exc.__cause__
        while cause is not None:
            if isinstance(cause, psycopg.Error | DBAPIError):
                raise cause from exc
            cause = cause.__cause__
        raise


def moment_of(context: StepContext) -> Moment:
    """Return the world as the engine sees it in this step."""
    return Moment(context.now, context.clocks.functions(), services(context), context.retime)


def collect(
    context: StepContext, instance_id: int, step: Step, *, completed: int | None = None
) -> None:
    """Turn what the engine left behind into rows."""
    rows, now = context.rows, context.now
    for token in step.items_closed:
        done = token == completed
        rows.close_items.append(
            (
                "done" if done else "cancelled",
                now,
                context.actor.person_id if done else None,
                context.answers.get("outcome") if done else None,
                instance_id,
                token,
            )
        )
    rows.open_items += [_item_row(context, instance_id, item) for item in step.items_opened]
    rows.retime_items += [(_due_of(due), instance_id, token) for token, due in step.items_retimed]
    if step.timers_dropped:
        rows.drop_timers.append((instance_id, list(step.timers_dropped)))
    rows.set_timers += [
        (instance_id, timer.token, timer.element, timer.due_at, timer.due_at)
        for timer in step.timers_set
    ]
    # An item that opens beside others (an extension to approve, a supervision to answer) is no new stage.
    stages = [item.stage for item in step.items_opened if item.stage]
    if stages and (step.items_closed or len(step.items) == len(step.items_opened)):
        context.case["stage"] = stages[-1]


def finish(context: StepContext, before: Mapping[str, Any]) -> None:
    """Let the rooms that follow add their rows, and write the step."""
    clocks, case_id, changed = context.clocks, context.case["id"], sorted(context.clocks.changed)
    context.rows.archived_events += clocks.archive(case_id, changed)
    context.rows.clocks += clocks.rows(case_id, changed)
    for follower in _all_followers():
        follower(before, context)
    write_step(context.connection, context.rows)


def result_of(context: StepContext, instance_id: int, step: Step) -> StepResult:
    """Return what the step did."""
    case = context.case
    return StepResult(
        case["id"],
        case["number"],
        instance_id,
        case["stage"],
        case["closed_as"],
        tuple(item.element for item in step.items_opened),
    )


@lru_cache(maxsize=1)
def _all_followers() -> list[Follower]:
    for name in FOLLOWING_ROOMS:
        import_module(name)
    return _followers


def _item_row(context: StepContext, instance_id: int, item: OpenItem) -> tuple[Any, ...]:
    case = context.case
    if len(item.groups) != 1:
        raise EngineError("%(element)s：一个工作项须归一个角色办理。", element=item.element)
    role, _, scope = item.groups[0].partition("@")
    unit_id = case["unit_id"] if scope == "unit" else None
    # Whoever the unit gave the case to has it again after a redo or a rework.
    assignee_id = case["handler_id"] if role == UNIT_HANDLER and scope else None
    defaults = {key: value for key, value in context.defaults.items() if value is not None}
    return (
        instance_id,
        case["id"],
        item.token,
        item.element,
        item.name,
        item.form_key or "",
        item.stage or case["stage"],
        role,
        unit_id,
        assignee_id,
        context.now,
        _due_of(item.due),
        context.now if assignee_id is not None else None,
        orjson.dumps(defaults).decode() if defaults else None,
    )


def _due_of(text: str | None) -> datetime:
    return NEVER if text is None else datetime.fromisoformat(text)
