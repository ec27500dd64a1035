"""Appeals: what a unit may still appeal against, and reads of those that were filed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import false, func, select, text, tuple_
from sqlalchemy.orm import Session

from app.accounts.tables import Unit
from app.assessment.tables import Appeal, AppealEvidence, Run
from app.cases.commands.rulings import (
    LATE,
    MEDIA_SUPERVISION,
    UNFOUNDED_RETURN,
    Contested,
)
from app.cases.queries.visibility import CENTRE
from app.cases.tables import Case
from app.errors import NotFound, StateChanged
from app.processes.tables import ProcessItem
from app.run import SYSTEM_ROLE, Actor
from sla.appeal_rules import AppealRules, load_appeal_rules
from sla.calendar import WorkingCalendar
from sla.limits import due_at

UPHELD: Final = "upheld"
REFUSED: Final = "refused"

# Of the present dispatch: what an earlier one was charged with stays with it.
_CONTESTED: Final = """
SELECT c.dispatched_at, c.closed_at, f.handed_in_at, f.on_time, f.due_at,
    (SELECT max(r.decided_at) FROM case_requests r
     WHERE r.case_id = c.id AND r.kind = 'return' AND r.decision = 'unfounded'
       AND c.unfounded_returns > 0 AND r.asked_at >= c.dispatched_at) AS returned_at,
    (SELECT max(r.asked_at) FROM case_requests r
     WHERE r.case_id = c.id AND r.kind = 'supervision' AND r.details ->> 'source' = 'media'
       AND c.media_supervisions > 0 AND r.asked_at >= c.dispatched_at) AS supervised_at
FROM cases c JOIN facts f ON f.case_id = c.id AND f.dispatch_no = c.dispatches AND f.valid_to IS NULL
WHERE c.id = :case_id
"""
_DECIDER: Final = """
SELECT CASE r.kind WHEN 'return' THEN r.decided_by ELSE r.asked_by END FROM case_requests r
WHERE r.case_id = :case_id
  AND (:ground = 'unfounded_return' AND r.kind = 'return' AND r.decided_at = :at
       OR :ground = 'media_supervision' AND r.kind = 'supervision' AND r.asked_at = :at)
LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Contest:
    """Something that a unit may appeal against. at: when it had happened. until: the last moment to do so."""

    ground: str
    at: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class AppealLine:
    """One appeal as a list shows it. item: what it waits for; None once decided."""

    appeal: Appeal
    case: Case
    unit: Unit
    item: ProcessItem | None


@lru_cache(maxsize=1)
def appeal_rules() -> AppealRules:
    """Return the rules of appeals of this installation, read once a process."""
    return load_appeal_rules()


def contests_of(session: Session, case: Case, calendar: WorkingCalendar) -> list[Contest]:
    """Return what the unit of a case was charged with in its present dispatch, open to appeal or no longer."""
    row = session.execute(text(_CONTESTED), {"case_id": case.id}).mappings().first()
    if row is None or case.unit_id is None:
        return []
    late = row["closed_at"] is not None and row["due_at"] is not None and row["on_time"] is False
    happened = {
        LATE: row["closed_at"] if late else None,
        UNFOUNDED_RETURN: row["returned_at"],
        MEDIA_SUPERVISION: row["supervised_at"],
    }
    window = appeal_rules().window
    found = []
    for ground, at in happened.items():
        if at is not None:
            laid_out = _laid_out_until(session, at)
            until = due_at(at, window, calendar)
            found.append(Contest(ground, at, max(until, laid_out or until)))
    return found


def _laid_out_until(session: Session, at: datetime) -> datetime | None:
    """Return until when the month of a moment is laid out for the units to confirm."""
    query = select(Run).where(Run.state == "confirming").order_by(Run.month)
    for run in session.scalars(query):
        start, end = (datetime.fromisoformat(run.counted[name]) for name in ("start", "end"))
        if start <= at < end:
            return run.confirm_until
    return None


def decided_the_contested(session: Session, appeal: Appeal) -> int | None:
    """Return who ruled on the return, or raised the supervision, that an appeal is against."""
    bound = {"case_id": appeal.case_id, "ground": appeal.ground, "at": appeal.contested_at}
    found: int | None = session.scalar(text(_DECIDER), bound)
    return found


def appeal_of(session: Session, appeal_id: int) -> Appeal:
    """Return an appeal. Raises NotFound."""
    appeal = session.get(Appeal, appeal_id)
    if appeal is None:
        raise NotFound("没有这份申诉。")
    return appeal


def appeal_of_process(session: Session, process_id: int) -> Appeal | None:
    """Return the appeal that a process decides on."""
    return session.scalar(select(Appeal).where(Appeal.process_id == process_id))


def appeal_of_case(session: Session, case_id: int) -> Appeal | None:
    """Return the appeal of a case."""
    return session.scalar(select(Appeal).where(Appeal.case_id == case_id))


def evidence_of(session: Session, appeal_id: int) -> Sequence[AppealEvidence]:
    """Return the files handed in with an appeal."""
    query = select(AppealEvidence).where(AppealEvidence.appeal_id == appeal_id)
    return session.scalars(query.order_by(AppealEvidence.id)).all()


def appeal_lines(
    session: Session,
    actor: Actor,
    *,
    undecided: bool = False,
    before: tuple[datetime, int] | None = None,
    size: int,
) -> list[AppealLine]:
    """Return the appeals that a person may see, the newest first: the centre all, a unit its own and those below it.

    before: filed_at and id of the last one seen.
    """
    query = (
        select(Appeal, Case, Unit)
        .join(Case, Case.id == Appeal.case_id)
        .join(Unit, Unit.id == Appeal.unit_id)
        .order_by(Appeal.filed_at.desc(), Appeal.id.desc())
        .limit(size)
    )
    if not sees_all_appeals(actor):
        own = Unit.path.startswith(actor.unit_path, autoescape=True)
        query = query.where(own if actor.ranked else false())
    if undecided:
        query = query.where(Appeal.decision.is_(None))
    if before is not None:
        query = query.where(tuple_(Appeal.filed_at, Appeal.id) < before)
    rows = session.execute(query).all()
    waiting = _waiting(session, [row[0].process_id for row in rows])
    return [AppealLine(row[0], row[1], row[2], waiting.get(row[0].process_id)) for row in rows]


def sees_all_appeals(actor: Actor) -> bool:
    """Tell whether a person reads every unit's appeals: the centre does, but for its collectors."""
    return SYSTEM_ROLE in actor.roles or (not actor.ranked and actor.has(*CENTRE))


def appeals_bearing_on(
    session: Session, unit: Unit, start: datetime, end: datetime
) -> Sequence[tuple[Appeal, Case]]:
    """Return the appeals of a unit and those below it against what happened in a period, the newest first."""
    query = (
        select(Appeal, Case)
        .join(Case, Case.id == Appeal.case_id)
        .join(Unit, Unit.id == Appeal.unit_id)
        .where(Unit.path.startswith(unit.path, autoescape=True))
        .where(Appeal.contested_at >= start, Appeal.contested_at < end)
        .order_by(Appeal.filed_at.desc(), Appeal.id.desc())
    )
    return [(appeal, case) for appeal, case in session.execute(query)]


def _waiting(session: Session, process_ids: Sequence[int]) -> Mapping[int, ProcessItem]:
    item = ProcessItem
    query = select(item).where(item.process_id.in_(process_ids), item.status == "open")
    return {one.process_id: one for one in session.scalars(query)}


def open_appeals_in(session: Session, start: datetime, end: datetime) -> int:
    """Return how many appeals wait for a decision that bear on a period."""
    query = select(func.count()).where(
        Appeal.decision.is_(None), Appeal.contested_at >= start, Appeal.contested_at < end
    )
    return session.scalar(query) or 0


def contested_by(appeal: Appeal) -> Contested:
    """Return what an appeal is about, as the cases room takes it."""
    return Contested(
        appeal.case_id,
        appeal.dispatch_no,
        appeal.unit_id,
        appeal.ground,
        appeal.contested_at,
        appeal.id,
    )


def won_since(
    session: Session, start: datetime, end: datetime, since: datetime
) -> Sequence[Appeal]:
    """Return the appeals that bear on a period and were won after a moment."""
    query = select(Appeal).where(
        Appeal.decision == UPHELD,
        Appeal.decided_at > since,
        Appeal.contested_at >= start,
        Appeal.contested_at < end,
    )
    return session.scalars(query.order_by(Appeal.id)).all()


def require_in_time(
    contests: Sequence[Contest], ground: str, now: datetime, zone: ZoneInfo
) -> Contest:
    """Return what is appealed against. Raises StateChanged when there is no such thing, or its time is over."""
    contest = next((one for one in contests if one.ground == ground), None)
    if contest is None:
        raise StateChanged("案卷没有可以申诉的这一事项。")
    if now > contest.until:
        until = contest.until.astimezone(zone).strftime("%Y-%m-%d %H:%M")
        raise StateChanged("申诉期限已过：应在 %(until)s 前提出。", until=until)
    return contest
