"""One step of one process that is no case's: the engine runs, and what it leaves behind becomes rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from app.cases.commands.report import CASE_KEY
from app.engine import instance
from app.engine.definitions import Definition
from app.engine.instance import OpenItem, Step
from app.engine.moment import NEVER, Moment
from app.errors import EngineError, NotFound
from app.modeling.queries import active_hash, deployed
from app.processes.effects import ProcessContext
from app.processes.tables import Process, ProcessItem, ProcessTimer
from app.run import Tx

Move = Callable[[Definition, bytes, Moment], Step]


def begin(
    tx: Tx, process_id: str, title: str, data: Mapping[str, Any], unit_id: int | None = None
) -> ProcessContext:
    """Make the row of a process that is about to start, on the version that cases start on.

    The room that keeps it refers to the row; then it calls `start`.
    """
    now = tx.clock.now()
    process = Process(
        process_id=process_id,
        title=title,
        unit_id=unit_id,
        definition_hash=active_hash(tx.connection, CASE_KEY),
        state=b"",
        version=0,
        started_at=now,
    )
    tx.session.add(process)
    tx.session.flush()
    context = ProcessContext(tx, process, now)
    context.log("started", **data)
    return context


def start(context: ProcessContext, data: Mapping[str, Any]) -> None:
    """Let a process that was begun make its first step."""
    process_id = context.process.process_id
    _advance(
        context,
        lambda definition, _state, moment: instance.start(definition, process_id, data, moment),
    )


def locked(tx: Tx, process_id: int) -> ProcessContext:
    """Lock a process and return the context of a step that begins now. Raises NotFound."""
    query = select(Process).where(Process.id == process_id).with_for_update()
    process = tx.session.scalar(query.execution_options(populate_existing=True))
    if process is None:
        raise NotFound
    return ProcessContext(tx, process, tx.clock.now())


def complete(context: ProcessContext, item: ProcessItem, answers: Mapping[str, Any]) -> None:
    """Complete an open item of a locked process with answers that its form takes."""
    context.answers, context.item = answers, item
    said = {key: value for key, value in answers.items() if value is not None}
    context.log("completed", item.element, **said)
    _advance(
        context,
        lambda definition, state, moment: instance.complete(
            definition, state, item.token, answers, moment
        ),
    )


def receive(context: ProcessContext, message: str, payload: Mapping[str, Any]) -> None:
    """Deliver a message to a locked process. Raises StateChanged when it does not wait for it."""
    context.log("received", message, **payload)
    _advance(
        context,
        lambda definition, state, moment: instance.receive(
            definition, state, message, payload, moment
        ),
    )


def awaits(context: ProcessContext, message: str) -> bool:
    """Tell whether a process waits for a message."""
    process = context.process
    definition = deployed(context.tx.connection, process.definition_hash).definition
    return message in instance.read(definition, process.state, context.moment()).messages


def fire(context: ProcessContext) -> int:
    """Fire the due timers of a locked process and return how many there were."""
    timer = ProcessTimer
    query = select(timer).where(timer.process_id == context.process.id, timer.try_at <= context.now)
    due = context.tx.session.scalars(query.order_by(timer.due_at)).all()
    for one in due:
        context.log("timer_fired", one.element, due_at=one.due_at)
    tokens = [one.token for one in due]
    if tokens:
        _drop_timers(context, tokens)
        _advance(
            context,
            lambda definition, state, moment: instance.fire(definition, state, tokens, moment),
        )
    return len(tokens)


def _advance(context: ProcessContext, move: Move) -> None:
    process, session = context.process, context.tx.session
    definition = deployed(context.tx.connection, process.definition_hash).definition
    # What a service looks up it must find as this step has made it.
    session.flush()
    step = move(definition, process.state, context.moment())
    _close_items(context, step)
    for item in step.items_opened:
        session.add(_item_row(context, item))
    _drop_timers(context, step.timers_dropped)
    for set_ in step.timers_set:
        values = {"element": set_.element, "due_at": set_.due_at, "try_at": set_.due_at}
        row = insert(ProcessTimer).values(process_id=process.id, token=set_.token, **values)
        again = values | {"tries": 0, "last_error": None}
        session.execute(
            row.on_conflict_do_update(index_elements=["process_id", "token"], set_=again)
        )
    process.state, process.version = step.state, process.version + 1
    process.ended_at = context.now if step.ended else None
    if step.ended:
        context.log("ended")
    session.flush()


def _close_items(context: ProcessContext, step: Step) -> None:
    item = ProcessItem
    query = select(item).where(
        item.process_id == context.process.id,
        item.token.in_(step.items_closed),
        item.status == "open",
    )
    for row in context.tx.session.scalars(query):
        done = context.item is not None and row.id == context.item.id
        row.status, row.finished_at = "done" if done else "cancelled", context.now
        if done:
            row.finished_by = context.tx.actor.person_id
            row.outcome = context.answers.get("outcome")
            row.opinion = context.answers.get("opinion")


def _item_row(context: ProcessContext, item: OpenItem) -> ProcessItem:
    if len(item.groups) != 1:
        raise EngineError("%(element)s：一个工作项须归一个角色办理。", element=item.element)
    role, _, scope = item.groups[0].partition("@")
    return ProcessItem(
        process_id=context.process.id,
        token=item.token,
        element=item.element,
        name=item.name,
        form_key=item.form_key or "",
        role=role,
        unit_id=context.process.unit_id if scope == "unit" else None,
        created_at=context.now,
        due_at=NEVER if item.due is None else datetime.fromisoformat(item.due),
    )


def _drop_timers(context: ProcessContext, tokens: Sequence[int]) -> None:
    timer: Final = ProcessTimer
    if tokens:
        context.tx.session.execute(
            delete(timer).where(timer.process_id == context.process.id, timer.token.in_(tokens))
        )
