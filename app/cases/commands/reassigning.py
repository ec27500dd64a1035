"""Give a unit's open cases to another when units are restructured, a batch at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from psycopg.rows import tuple_row

from app.accounts.roles import ADMINISTRATOR, SUPERVISOR
from app.cases.answers import clean_text
from app.cases.effects import REPORT_UP
from app.cases.reference import UnitFound, unit_for_dispatch
from app.cases.steps import context_of, finish
from app.cases.store import Loaded, case_update, load_case
from app.errors import Forbidden, InvalidInput, NotFound
from app.run import Tx, handles

BATCH: Final = 50
REASON_LENGTH: Final = 1000

# What a batch has moved is no longer the unit's: the next one is again the first that are.
_NEXT: Final = """
SELECT c.id FROM cases c
WHERE c.closed_at IS NULL AND c.unit_id = %(unit)s
  AND (%(class)s::text IS NULL OR c.class_code = %(class)s)
  AND (%(grid)s::text IS NULL OR c.responsibility_code = %(grid)s)
ORDER BY c.id LIMIT %(size)s
"""
_BEGIN: Final = """
INSERT INTO reassignments
    (from_unit_id, to_unit_id, class_code, responsibility_code, reason, begun_at, begun_by)
VALUES (%s, %s, %s, %s, %s, %s, %s) RETURNING id
"""
_KNOWN: Final = """
SELECT from_unit_id, to_unit_id, class_code, responsibility_code FROM reassignments WHERE id = %s
"""
_STAFF: Final = """
SELECT p.id FROM people p JOIN units u ON u.id = p.unit_id WHERE p.active AND u.path LIKE %s || '%%'
"""
_GIVE_ITEM: Final = """
UPDATE work_items SET unit_id = %s, assignee_id = %s,
    claimed_at = CASE WHEN %s::bigint IS NULL THEN NULL ELSE claimed_at END
WHERE id = %s AND status = 'open'
"""
_KEEP: Final = """
INSERT INTO reassigned_cases (reassignment_id, case_id, at, released) VALUES (%s, %s, %s, %s)
"""


@dataclass(frozen=True)
class ReassignUnit:
    """Give the next batch of a unit's open cases to another unit: all of them, or those of a class or a grid.

    reassignment_id: the reassignment that this batch continues; None begins one.
    """

    from_unit_id: int
    to_unit_id: int
    reason: str
    class_code: str | None = None
    responsibility_code: str | None = None
    reassignment_id: int | None = None


@dataclass(frozen=True)
class ReassignResult:
    """What a batch did. released: open items that lost whoever had claimed them."""

    reassignment_id: int
    moved: int
    released: int
    finished: bool


@handles(ReassignUnit, SUPERVISOR, ADMINISTRATOR)
def reassign_unit(command: ReassignUnit, tx: Tx) -> ReassignResult:
    """Reassign one batch with one commit: clocks, deadlines and what counts of the dispatch stay as they are.

    Raises InvalidInput for a unit that takes no cases, for no reason given, and when there is no such case.
    """
    if tx.actor.ranked:
        raise Forbidden("批量改派由市级中心办理。")
    reason = clean_text("reason", command.reason, longest=REASON_LENGTH, required=True)
    if command.from_unit_id == command.to_unit_id:
        raise InvalidInput({"to_unit_id": "请选择另一个单位"})
    target = _target(tx, command.to_unit_id)
    case_ids = _next(tx, command)
    if not case_ids and command.reassignment_id is None:
        raise InvalidInput({"from_unit_id": "这个单位没有符合条件的在办案件"})
    batch = _Batch(tx, command, target, reason)
    # In one order, so that two batches never wait for each other.
    for case_id in case_ids:
        batch.move(case_id)
    return ReassignResult(
        batch.reassignment_id,
        batch.moved,
        batch.released,
        # A batch that moved nothing would come again and again.
        finished=len(case_ids) < BATCH or batch.moved == 0,
    )


class _Batch:
    """The cases of one command, given to the other unit one after the other."""

    def __init__(self, tx: Tx, command: ReassignUnit, target: UnitFound, reason: str) -> None:
        self._tx, self._command, self._target, self._reason = tx, command, target, reason
        self._staff = _staff(tx, target)
        self.reassignment_id = self._continued() or self._begun()
        self.moved = self.released = 0

    def move(self, case_id: int) -> None:
        """Give one case to the other unit; one that has ended or left meanwhile is passed over."""
        loaded = load_case(self._tx.connection, case_id)
        if loaded.ended_at is not None or loaded.case["unit_id"] != self._command.from_unit_id:
            return
        context = context_of(self._tx, loaded)
        case, rows = context.case, context.rows
        case["unit_id"] = self._target.id
        if case["handler_id"] not in self._staff:
            case["handler_id"] = None
        released = self._give_items(loaded)
        told = {"from_unit_id": self._command.from_unit_id, "unit_id": self._target.id}
        context.log(
            "reassigned",
            None,
            **told,
            reason=self._reason,
            reassignment_id=self.reassignment_id,
            released=released,
        )
        context.announce(REPORT_UP, event="reassigned", **told)
        # A new version of the instance: a move taken back after this would bring the old unit back.
        rows.update_instance = (loaded.state, None, loaded.instance_id, loaded.version)
        rows.update_case = case_update(case)
        finish(context, loaded.case)
        values = (self.reassignment_id, case_id, context.now, released)
        self._tx.connection.execute(_KEEP, values)
        self.moved += 1
        self.released += released

    def _give_items(self, loaded: Loaded) -> int:
        """Let the unit's open items be the other unit's; return how many lost their claimant."""
        released = 0
        for item in loaded.items:
            if item["unit_id"] != self._command.from_unit_id:
                continue
            holder = item["assignee_id"] if item["assignee_id"] in self._staff else None
            released += item["assignee_id"] is not None and holder is None
            values = (self._target.id, holder, holder, item["id"])
            self._tx.connection.execute(_GIVE_ITEM, values)
        return released

    def _continued(self) -> int | None:
        command = self._command
        if command.reassignment_id is None:
            return None
        row = _one(self._tx, _KNOWN, (command.reassignment_id,))
        if row is None:
            raise NotFound("没有这次改派。")
        if row != _narrowed(command):
            raise InvalidInput({"": "这次改派的单位或范围不同，请另行开始"})
        return command.reassignment_id

    def _begun(self) -> int:
        now, by = self._tx.clock.now(), self._tx.actor.person_id
        row = _one(self._tx, _BEGIN, (*_narrowed(self._command), self._reason, now, by))
        assert row is not None, "INSERT ... RETURNING of one row"
        return int(row[0])


def _narrowed(command: ReassignUnit) -> tuple[int, int, str | None, str | None]:
    return (
        command.from_unit_id,
        command.to_unit_id,
        command.class_code,
        command.responsibility_code,
    )


def _target(tx: Tx, unit_id: int) -> UnitFound:
    try:
        return unit_for_dispatch(tx.connection, unit_id)
    except InvalidInput as error:
        raise InvalidInput({"to_unit_id": error.fields["unit_id"]}) from error


def _next(tx: Tx, command: ReassignUnit) -> list[int]:
    bound = {
        "unit": command.from_unit_id,
        "class": command.class_code,
        "grid": command.responsibility_code,
        "size": BATCH,
    }
    with tx.connection.cursor(row_factory=tuple_row) as cursor:
        return [int(row[0]) for row in cursor.execute(_NEXT, bound)]


def _staff(tx: Tx, unit: UnitFound) -> frozenset[int]:
    """Return the people of a unit and of those below it."""
    with tx.connection.cursor(row_factory=tuple_row) as cursor:
        return frozenset(int(row[0]) for row in cursor.execute(_STAFF, (unit.path,)))


def _one(tx: Tx, statement: str, values: tuple[Any, ...]) -> tuple[Any, ...] | None:
    with tx.connection.cursor(row_factory=tuple_row) as cursor:
        return cursor.execute(statement, values).fetchone()
