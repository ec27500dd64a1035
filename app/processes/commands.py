"""Commands of the processes room: complete an item; for the worker, fire what is due."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import select

from app.accounts.roles import DOERS
from app.accounts.tables import Person
from app.cases.answers import check_answers
from app.cases.commands.timers import FIRST_PAUSE_S, LONGEST_PAUSE_S
from app.errors import Forbidden, StateChanged
from app.modeling.queries import deployed
from app.processes.effects import guard_item
from app.processes.queries import fits, item_of
from app.processes.steps import complete, fire, locked
from app.processes.tables import Process, ProcessItem, ProcessTimer
from app.run import Tx, handles

_PUT_OFF: Final = """
UPDATE process_timers SET tries = tries + 1, last_error = %s,
    try_at = %s + make_interval(secs => least(%s * power(2, least(tries, 20)), %s))
WHERE process_id = %s AND try_at <= %s
"""


@dataclass(frozen=True)
class CompleteProcessItem:
    """Complete an item of a process that is no case's. version: of the process as the person saw it."""

    item_id: int
    answers: Mapping[str, Any] = field(repr=False)
    version: int | None = None


@dataclass(frozen=True)
class FindDueProcesses:
    """Find processes with due timers, the longest due first."""

    limit: int


@dataclass(frozen=True)
class FireProcess:
    """Fire the due timers of one process."""

    process_id: int


@dataclass(frozen=True)
class FireProcesses:
    """Fire the due timers of several processes with one commit."""

    process_ids: tuple[int, ...]


@dataclass(frozen=True)
class PutOffProcess:
    """Let the due timers of a process wait, because firing them failed."""

    process_id: int
    error: str


@handles(CompleteProcessItem, *DOERS)
def complete_process_item(command: CompleteProcessItem, tx: Tx) -> int:
    """Complete an item and return its process; the loser of two is told who was first."""
    found = item_of(tx.session, command.item_id)
    context = locked(tx, found.process_id)
    tx.session.refresh(found)
    if not fits(tx.actor, found):
        raise Forbidden("这项工作不归您的角色或单位办理。")
    if found.status != "open":
        raise _finished(tx, found)
    if command.version is not None and command.version != context.process.version:
        raise StateChanged("您查看之后又有新情况，请刷新后再提交。")
    guard_item(context, found)
    form = deployed(tx.connection, context.process.definition_hash).form(found.form_key)
    complete(context, found, check_answers(form, command.answers))
    return context.process.id


@handles(FindDueProcesses)
def find_due_processes(command: FindDueProcesses, tx: Tx) -> list[int]:
    """Return processes with due timers; nothing is locked, firing looks again."""
    timer = ProcessTimer
    query = select(timer.process_id).where(timer.try_at <= tx.clock.now()).order_by(timer.try_at)
    return list(dict.fromkeys(tx.session.scalars(query.limit(command.limit))))


@handles(FireProcess)
def fire_process(command: FireProcess, tx: Tx) -> int:
    """Fire what is due now and return how many; 0 when someone else is working on the process."""
    query = select(Process.id).where(Process.id == command.process_id)
    if tx.session.scalar(query.with_for_update(skip_locked=True)) is None:
        return 0
    return fire(locked(tx, command.process_id))


@handles(FireProcesses)
def fire_processes(command: FireProcesses, tx: Tx) -> int:
    """Fire what is due now in any of the processes: all of it or, when one fails, nothing."""
    return sum(fire_process(FireProcess(process_id), tx) for process_id in command.process_ids)


@handles(PutOffProcess)
def put_off_process(command: PutOffProcess, tx: Tx) -> None:
    """Put the due timers of a process off, each time for twice as long."""
    now = tx.clock.now()
    locked(tx, command.process_id)
    pauses = (FIRST_PAUSE_S, LONGEST_PAUSE_S)
    tx.connection.execute(_PUT_OFF, (command.error, now, *pauses, command.process_id, now))


def _finished(tx: Tx, item: ProcessItem) -> StateChanged:
    assert item.finished_at is not None, "what is not open was finished"
    when = item.finished_at.astimezone(tx.services.settings.timezone).strftime("%Y-%m-%d %H:%M:%S")
    if item.status == "done":
        name = select(Person.name).where(Person.id == item.finished_by)
        who = tx.session.scalar(name) or "系统"
        return StateChanged(
            "“%(item)s”已由%(who)s于 %(when)s 办结。", item=item.name, who=who, when=when
        )
    return StateChanged("“%(item)s”已于 %(when)s 撤销，无须再办。", item=item.name, when=when)
