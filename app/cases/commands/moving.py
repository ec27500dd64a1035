"""Move running cases to another version of the diagrams, and take a move back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import orjson
from psycopg import Connection
from psycopg.rows import tuple_row

from app.accounts.roles import ADMINISTRATOR, ANALYST
from app.cases.context import StepContext
from app.cases.log import plain
from app.cases.steps import collect, context_of, definition_of, finish, moment_of
from app.cases.store import DROP_TIMERS, SET_TIMER, Loaded, case_update, load_case
from app.engine.instance import OpenItem, Step
from app.engine.moving import moved
from app.errors import AppError, InvalidInput, NotFound, StateChanged, Text
from app.modeling.queries import Deployed, deployed
from app.run import Tx, handles

BATCH: Final = 50

_OPEN_ITEMS: Final = """
SELECT token, element, name, form_key, stage, role, unit_id, due_at FROM work_items
WHERE instance_id = %s AND status = 'open' ORDER BY id
"""
_TIMERS: Final = "SELECT token, element, due_at FROM timers WHERE instance_id = %s ORDER BY id"
_SET_ITEM: Final = """
UPDATE work_items SET element = %s, name = %s, form_key = %s, stage = %s, role = %s, unit_id = %s
WHERE instance_id = %s AND token = %s AND status = 'open'
"""
_SET_ITEM_DUE: Final = """
UPDATE work_items SET due_at = %s WHERE instance_id = %s AND token = %s AND status = 'open'
"""
_NAME_TIMER: Final = """
UPDATE timers SET element = %s WHERE instance_id = %s AND token = %s AND element <> %s
"""
_SET_VERSION: Final = """
UPDATE process_instances SET definition_hash = %s, state = %s, version = version + 1
WHERE id = %s AND version = %s
"""
_BEGIN: Final = """
INSERT INTO case_moves (from_hash, to_hash, mapping, begun_at, begun_by)
VALUES (%s, %s, %s, %s, %s) RETURNING id
"""
_KNOWN: Final = "SELECT from_hash, to_hash, mapping FROM case_moves WHERE id = %s"
_KEEP: Final = """
INSERT INTO case_move_items
    (move_id, case_id, instance_id, old_hash, old_state, old_rows, version_after, moved_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
"""
_LAST: Final = """
SELECT id, old_hash, old_state, old_rows, version_after FROM case_move_items
WHERE move_id = %s AND case_id = %s AND undone_at IS NULL ORDER BY id DESC LIMIT 1
"""
_UNDONE: Final = """
UPDATE case_move_items SET undone_at = %s, undone_by = %s WHERE id = %s AND undone_at IS NULL
"""


@dataclass(frozen=True)
class MoveCases:
    """Move cases to a version: all that can, each with its own lines in the log.

    mapping: new element id by old one. move_id: the move that this batch continues; None begins one.
    """

    case_ids: tuple[int, ...]
    to_hash: str
    mapping: Mapping[str, str] = field(default_factory=dict)
    move_id: int | None = None


@dataclass(frozen=True)
class UndoMove:
    """Take a case back to the version it was moved from."""

    move_id: int
    case_id: int


@dataclass(frozen=True)
class MoveResult:
    """What a batch did. move_id: None when nothing was moved and no move was continued."""

    move_id: int | None
    moved: tuple[int, ...]
    refused: tuple[tuple[int, str], ...]


@handles(MoveCases, ANALYST, ADMINISTRATOR)
def move_cases(command: MoveCases, tx: Tx) -> MoveResult:
    """Move one batch of cases with one commit. Raises InvalidInput for a batch that is too large or of two versions."""
    if len(command.case_ids) > BATCH:
        raise InvalidInput({"cases": Text("一批最多迁移 %(n)s 个案件", n=BATCH)})
    target = deployed(tx.connection, command.to_hash)
    batch = _Batch(tx, command, target)
    # In one order, so that two batches never wait for each other.
    for case_id in sorted(set(command.case_ids)):
        batch.move(case_id)
    return MoveResult(batch.move_id, tuple(batch.moved), tuple(batch.refused))


@handles(UndoMove, ANALYST, ADMINISTRATOR)
def undo_move(command: UndoMove, tx: Tx) -> None:
    """Put a case back as it was. Raises StateChanged when anything has happened to it since."""
    loaded = load_case(tx.connection, command.case_id)
    with tx.connection.cursor(row_factory=tuple_row) as cursor:
        row = cursor.execute(_LAST, (command.move_id, command.case_id)).fetchone()
    if row is None:
        raise NotFound("这个案件没有可以撤回的迁移。")
    item_id, old_hash, old_state, old_rows, version_after = row
    if loaded.version != version_after or loaded.ended_at is not None:
        raise StateChanged("迁移之后案件已有办理，不能再撤回。")
    context = context_of(tx, loaded)
    _put_version(loaded, old_hash, old_state)
    _put_back_rows(tx.connection, loaded.instance_id, old_rows)
    tx.connection.execute(_UNDONE, (context.now, tx.actor.person_id, item_id))
    _log(context, "move_undone", loaded.definition_hash, old_hash, command.move_id)
    context.rows.update_case = case_update(context.case)
    finish(context, loaded.case)


class _Batch:
    """The cases of one command, moved one after the other."""

    def __init__(self, tx: Tx, command: MoveCases, target: Deployed) -> None:
        self._tx, self._command, self._target = tx, command, target
        self.move_id = command.move_id
        self.moved: list[int] = []
        self.refused: list[tuple[int, str]] = []
        self._from_hash = None if command.move_id is None else self._continued(command.move_id)

    def move(self, case_id: int) -> None:
        """Move one case, or note why not: one that cannot leaves nothing behind."""
        loaded = load_case(self._tx.connection, case_id)
        if loaded.ended_at is not None:
            self.refused.append((case_id, Text("案件已经结束")))
            return
        if loaded.definition_hash == self._target.hash:
            self.refused.append((case_id, Text("案件已在这个版本上")))
            return
        context = context_of(self._tx, loaded)
        try:
            step = self._moved(loaded, context)
        except AppError as error:
            self.refused.append((case_id, Text(error.message, **error.facts)))
            return
        self._write(loaded, context, step)
        self.moved.append(case_id)

    def _moved(self, loaded: Loaded, context: StepContext) -> Step:
        old, new, mapping = definition_of(loaded).definition, self._target, self._command.mapping
        step = moved(loaded.state, old, new.definition, mapping, moment_of(context))
        if step.items_opened or step.items_closed or step.ended:
            raise StateChanged("这个案件一迁移就会前进，不能这样迁移。")
        for item in step.items:
            if len(item.groups) != 1:
                raise StateChanged("“%(item)s”在新版本中不归一个角色办理。", item=item.name)
        return step

    def _write(self, loaded: Loaded, context: StepContext, step: Step) -> None:
        connection, instance_id = self._tx.connection, loaded.instance_id
        items = _rows(connection, _OPEN_ITEMS, instance_id)
        timers = _rows(connection, _TIMERS, instance_id)
        kept = orjson.dumps(plain({"items": items, "timers": timers})).decode()
        move_id = self._move(loaded.definition_hash, context.now)
        _put_version(loaded, self._target.hash, step.state)
        by_token = {item.token: item for item in step.items}
        for row in items:
            self._rename(connection, instance_id, row, by_token[row[0]], context)
        for timer in step.timers:
            connection.execute(
                _NAME_TIMER, (timer.element, instance_id, timer.token, timer.element)
            )
        collect(context, instance_id, step)
        values = (
            move_id, loaded.case["id"], instance_id, loaded.definition_hash, loaded.state, kept,
            loaded.version + 1, context.now,
        )  # fmt: skip
        connection.execute(_KEEP, values)
        _log(context, "moved", loaded.definition_hash, self._target.hash, move_id)
        context.rows.update_case = case_update(context.case)
        finish(context, loaded.case)

    def _rename(
        self,
        connection: Connection[Any],
        instance_id: int,
        row: Sequence[Any],
        item: OpenItem,
        context: StepContext,
    ) -> None:
        """Let an open item be called and filled in as the new version has it; whose it is stays."""
        _, _, _, _, stage, role, unit_id, _ = row
        new_role, _, scope = item.groups[0].partition("@")
        if new_role != role:
            unit_id = context.case["unit_id"] if scope == "unit" else None
        values = (item.element, item.name, item.form_key or "", item.stage or stage)
        connection.execute(_SET_ITEM, (*values, new_role, unit_id, instance_id, item.token))

    def _move(self, from_hash: str, now: datetime) -> int:
        if self._from_hash not in (None, from_hash):
            raise InvalidInput({"cases": "一批案件须在同一个版本上"})
        self._from_hash = from_hash
        if self.move_id is None:
            mapping = orjson.dumps(dict(self._command.mapping)).decode()
            begun = (from_hash, self._target.hash, mapping, now, self._tx.actor.person_id)
            with self._tx.connection.cursor(row_factory=tuple_row) as cursor:
                row = cursor.execute(_BEGIN, begun).fetchone()
            assert row is not None, "INSERT ... RETURNING of one row"
            self.move_id = int(row[0])
        return self.move_id

    def _continued(self, move_id: int) -> str:
        with self._tx.connection.cursor(row_factory=tuple_row) as cursor:
            row = cursor.execute(_KNOWN, (move_id,)).fetchone()
        if row is None:
            raise NotFound("没有这次迁移。")
        if row[1] != self._command.to_hash or row[2] != dict(self._command.mapping):
            raise InvalidInput({"cases": "这次迁移的目标版本或对应关系不同，请另行开始"})
        return str(row[0])


def _rows(connection: Connection[Any], statement: str, instance_id: int) -> list[tuple[Any, ...]]:
    with connection.cursor(row_factory=tuple_row) as cursor:
        return cursor.execute(statement, (instance_id,)).fetchall()


def _put_version(loaded: Loaded, version_hash: str, state: bytes) -> None:
    values = (version_hash, state, loaded.instance_id, loaded.version)
    if loaded.connection.execute(_SET_VERSION, values).rowcount != 1:
        raise StateChanged


def _put_back_rows(
    connection: Connection[Any], instance_id: int, old_rows: Mapping[str, Any]
) -> None:
    """Let open items and timers read as they were kept."""
    for token, element, name, form_key, stage, role, unit_id, due_at in old_rows["items"]:
        values = (element, name, form_key, stage, role, unit_id, instance_id, token)
        connection.execute(_SET_ITEM, values)
        connection.execute(_SET_ITEM_DUE, (datetime.fromisoformat(due_at), instance_id, token))
    kept = {
        token: (element, datetime.fromisoformat(at)) for token, element, at in old_rows["timers"]
    }
    present = {row[0]: (row[1], row[2]) for row in _rows(connection, _TIMERS, instance_id)}
    gone = [token for token in present if token not in kept]
    connection.execute(DROP_TIMERS, (instance_id, gone))
    for token, (element, due_at) in kept.items():
        if present.get(token, (None, None))[1] != due_at:
            connection.execute(SET_TIMER, (instance_id, token, element, due_at, due_at))
        connection.execute(_NAME_TIMER, (element, instance_id, token, element))


def _log(context: StepContext, kind: str, old: str, new: str, move_id: int) -> None:
    context.log(kind, None, old=old, new=new, old_short=old[:8], new_short=new[:8], move_id=move_id)
