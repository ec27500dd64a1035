"""Which cases live on which version, and what would become of them on another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg import Connection
from psycopg.rows import tuple_row
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.accounts.tables import Person
from app.cases.tables import Case, CaseMove, CaseMoveItem, ProcessInstance
from app.db.session import connection_of
from app.engine.move_plans import MovePlan, Obstacle, Verdict
from app.engine.moving import plan_move
from app.engine.state import shape
from app.errors import EngineError, NotFound
from app.modeling.queries import deployed

_LIVING: Final = """
SELECT i.case_id, c.number, c.title, i.state FROM process_instances i JOIN cases c ON c.id = i.case_id
WHERE i.definition_hash = %s AND i.ended_at IS NULL AND i.key = 'case' ORDER BY i.case_id
"""
_NEXT: Final = """
SELECT i.case_id FROM process_instances i
WHERE i.definition_hash = %s AND i.ended_at IS NULL AND i.key = 'case' AND i.case_id > %s
ORDER BY i.case_id LIMIT %s
"""
_FETCHED: Final = 500


@dataclass(frozen=True, slots=True)
class CaseOutlook:
    """One case, and what would become of it."""

    case_id: int
    number: str
    title: str
    plan: MovePlan


@dataclass(frozen=True, slots=True)
class Group:
    """Cases with the same in their way. obstacle: None for those that can move."""

    verdict: Verdict
    obstacle: Obstacle | None
    count: int


@dataclass(frozen=True, slots=True)
class DryRun:
    """What a move would do to every case on a version; lines: a page of them, in order of their ids."""

    total: int
    counts: Mapping[Verdict, int]
    groups: tuple[Group, ...]
    standing: tuple[tuple[str, int], ...]
    lines: tuple[CaseOutlook, ...]
    next_after: int | None


def versions_in_use(session: Session) -> dict[str, int]:
    """Return how many cases live on each version that has any."""
    rows = session.execute(
        select(ProcessInstance.definition_hash, func.count())
        .where(ProcessInstance.ended_at.is_(None), ProcessInstance.key == "case")
        .group_by(ProcessInstance.definition_hash)
    )
    return {str(row[0]): int(row[1]) for row in rows}


def dry_run(
    session: Session,
    from_hash: str,
    to_hash: str,
    mapping: Mapping[str, str],
    *,
    after: int = 0,
    size: int = 50,
    only: Verdict | None = None,
) -> DryRun:
    """Tell of every case on a version what a move would do. only: list the cases of one verdict; all are counted."""
    counts: Counter[Verdict] = Counter()
    groups: Counter[tuple[Verdict, Obstacle | None]] = Counter()
    standing: Counter[str] = Counter()
    lines: list[CaseOutlook] = []
    for outlook in _outlooks(connection_of(session), from_hash, to_hash, mapping):
        plan = outlook.plan
        counts[plan.verdict] += 1
        groups.update((plan.verdict, obstacle) for obstacle in dict.fromkeys(plan.obstacles))
        standing.update(dict.fromkeys(plan.standing, 1))
        wanted = only is None or plan.verdict is only
        if wanted and outlook.case_id > after and len(lines) <= size:
            lines.append(outlook)
    return DryRun(
        total=counts.total(),
        counts={verdict: counts[verdict] for verdict in Verdict},
        groups=tuple(Group(*what, count) for what, count in groups.most_common()),
        standing=tuple(standing.most_common()),
        lines=tuple(lines[:size]),
        next_after=lines[size - 1].case_id if len(lines) > size else None,
    )


def other_versions(session: Session, case_id: int, present: str) -> list[str]:
    """Return the versions a case has been on besides the present one."""
    rows = session.execute(
        select(CaseMoveItem.old_hash, CaseMove.to_hash)
        .join(CaseMove, CaseMove.id == CaseMoveItem.move_id)
        .where(CaseMoveItem.case_id == case_id)
    )
    return sorted({version_hash for row in rows for version_hash in row} - {present})


def numbers_of(session: Session, case_ids: Iterable[int]) -> dict[int, str]:
    """Return the numbers of cases by their ids."""
    rows = session.execute(select(Case.id, Case.number).where(Case.id.in_(list(case_ids))))
    return {int(row[0]): str(row[1]) for row in rows}


def next_cases(session: Session, from_hash: str, after: int, size: int) -> tuple[int, ...]:
    """Return the next cases that live on a version, in order of their ids."""
    with connection_of(session).cursor(row_factory=tuple_row) as cursor:
        return tuple(row[0] for row in cursor.execute(_NEXT, (from_hash, after, size)))


@dataclass(frozen=True, slots=True)
class MoveLine:
    """One move in the list of moves between two versions."""

    move: CaseMove
    by: str | None
    moved: int
    undone: int


@dataclass(frozen=True, slots=True)
class MovedLine:
    """One moved case. can_undo: nothing has happened to it since."""

    item: CaseMoveItem
    number: str
    title: str
    can_undo: bool


def moves_between(session: Session, from_hash: str, to_hash: str) -> list[MoveLine]:
    """Return the latest moves from one version to another, newest first."""
    rows = session.execute(
        select(
            CaseMove,
            Person.name,
            func.count(CaseMoveItem.id),
            func.count(CaseMoveItem.undone_at),
        )
        .outerjoin(Person, Person.id == CaseMove.begun_by)
        .outerjoin(CaseMoveItem, CaseMoveItem.move_id == CaseMove.id)
        .where(CaseMove.from_hash == from_hash, CaseMove.to_hash == to_hash)
        .group_by(CaseMove.id, Person.name)
        .order_by(CaseMove.id.desc())
        .limit(20)
    )
    return [MoveLine(*row) for row in rows]


def move_of(session: Session, move_id: int) -> CaseMove:
    """Return a move. Raises NotFound."""
    found = session.get(CaseMove, move_id)
    if found is None:
        raise NotFound("没有这次迁移。")
    return found


def moved_cases(
    session: Session, move_id: int, *, before: int | None = None, size: int = 50
) -> tuple[list[MovedLine], int | None]:
    """Return a page of the cases of a move, the last moved first, and what the next page comes before."""
    found = (
        select(
            CaseMoveItem, Case.number, Case.title, ProcessInstance.version, ProcessInstance.ended_at
        )
        .join(Case, Case.id == CaseMoveItem.case_id)
        .join(ProcessInstance, ProcessInstance.id == CaseMoveItem.instance_id)
        .where(CaseMoveItem.move_id == move_id)
        .order_by(CaseMoveItem.id.desc())
        .limit(size + 1)
    )
    if before is not None:
        found = found.where(CaseMoveItem.id < before)
    lines = [
        MovedLine(item, number, title, _can_undo(item, version, ended_at))
        for item, number, title, version, ended_at in session.execute(found)
    ]
    return lines[:size], lines[size - 1].item.id if len(lines) > size else None


def _can_undo(item: CaseMoveItem, version: int, ended_at: datetime | None) -> bool:
    return item.undone_at is None and ended_at is None and version == item.version_after


def _outlooks(
    connection: Connection[Any], from_hash: str, to_hash: str, mapping: Mapping[str, str]
) -> Iterator[CaseOutlook]:
    old, new = deployed(connection, from_hash).definition, deployed(connection, to_hash).definition
    # Cases whose tokens stand alike have the same plan: a city has thousands of cases and a few dozen shapes.
    plans: dict[tuple[Any, ...], MovePlan] = {}
    with connection.cursor(row_factory=tuple_row) as cursor:
        cursor.execute(_LIVING, (from_hash,))
        while rows := cursor.fetchmany(_FETCHED):
            for case_id, number, title, state in rows:
                key = shape(state)
                if key not in plans:
                    plans[key] = _planned(state, old, new, mapping)
                yield CaseOutlook(case_id, number, title, plans[key])


def _planned(state: bytes, old: Any, new: Any, mapping: Mapping[str, str]) -> MovePlan:
    try:
        return plan_move(state, old, new, mapping)
    except EngineError as error:
        return MovePlan(Verdict.IMPOSSIBLE, (Obstacle("", "", "", str(error)),))
