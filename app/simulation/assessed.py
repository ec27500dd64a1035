"""The month before the demo's last one, assessed: laid out, appealed against, signed and published at its own times."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.accounts.sign_in import signed_in
from app.accounts.tables import Person
from app.assessment.commands import BeginRun, FileAppeal
from app.assessment.ranking import Month
from app.assessment.running import has_begun
from app.assessment.tables import Appeal, Run
from app.cases.commands.rulings import LATE
from app.clock import FixedClock
from app.processes.commands import CompleteProcessItem, FireProcess
from app.processes.tables import ProcessItem, ProcessTimer
from app.run import SYSTEM, Actor, Runtime, run

MANAGER: Final = "manager"
SIGNER: Final = "supervisor"
_APPROVERS: Final = ("dispatcher", "intake")
_AN_HOUR: Final = timedelta(hours=1)
# Cases of the manager's unit that were closed late in a time, and that nobody has appealed against.
_LATE: Final = """
SELECT c.id FROM cases c JOIN facts f
  ON f.case_id = c.id AND f.dispatch_no = c.dispatches AND f.valid_to IS NULL
WHERE c.unit_id = :unit_id AND f.on_time IS FALSE AND f.closed_at >= :start AND f.closed_at < :end
  AND NOT EXISTS (SELECT FROM appeals a WHERE a.case_id = c.id)
ORDER BY f.closed_at DESC, c.id LIMIT 1
"""


def assess_last_month(runtime: Runtime, until: datetime) -> None:
    """Let the month before `until` be assessed as far as there was time for; a month that has begun stays as it is."""
    zone = runtime.services.settings.timezone
    month = Month.of(until, zone).plus(-1)
    with runtime.database.sessions() as session:
        people = {login: _actor(session, login) for login in (MANAGER, SIGNER, *_APPROVERS)}
        begun = has_begun(session, month.first_on)
    begins_at = month.period(zone).end + 9 * _AN_HOUR
    if begun or begins_at > until:
        return
    run_id = run(BeginRun(month.first_on), actor=SYSTEM, clock=FixedClock(begins_at))
    span = month.period(zone)
    _appeal(runtime, people, (span.start, span.end), begins_at + 2 * _AN_HOUR, until)
    _publish(runtime, run_id, people[SIGNER], until)
    # One that waits for the approvers of the demo.
    _appeal(runtime, people, (until - timedelta(days=6), until), until, until)


def _appeal(
    runtime: Runtime,
    people: dict[str, Actor],
    closed: tuple[datetime, datetime],
    at: datetime,
    until: datetime,
) -> None:
    """Let the manager appeal against a late case, and the approvers uphold it in the next two hours, if there is time."""
    manager = people[MANAGER]
    with runtime.database.sessions() as session:
        bound = {"unit_id": manager.unit_id, "start": closed[0], "end": closed[1]}
        case_id = session.scalar(text(_LATE), bound)
    if case_id is None or at > until:
        return
    command = FileAppeal(case_id, LATE, "当日道路封闭施工，无法进场，附有通知")
    appeal_id = run(command, actor=manager, clock=FixedClock(at))
    for hours, login in enumerate(_APPROVERS, start=1):
        later = at + hours * _AN_HOUR
        items = _items(runtime, select(Appeal.process_id).where(Appeal.id == appeal_id))
        if later <= until and items:
            answers = {"outcome": "uphold", "opinion": "情况属实"}
            run(
                CompleteProcessItem(items[0], answers),
                actor=people[login],
                clock=FixedClock(later),
            )


def _publish(runtime: Runtime, run_id: int, signer: Actor, until: datetime) -> None:
    of_run = select(Run.process_id).where(Run.id == run_id)
    with runtime.database.sessions() as session:
        process_id = session.scalars(of_run).one()
        waits = select(func.min(ProcessTimer.due_at)).where(ProcessTimer.process_id == process_id)
        due_at = session.scalar(waits)
    if due_at is None or due_at + 2 * _AN_HOUR > until:
        return
    run(FireProcess(process_id), actor=SYSTEM, clock=FixedClock(due_at))
    for item_id in _items(runtime, of_run):
        answers = {"outcome": "sign", "opinion": None}
        at = FixedClock(due_at + 2 * _AN_HOUR)
        run(CompleteProcessItem(item_id, answers), actor=signer, clock=at)


def _items(runtime: Runtime, of_process: object) -> Sequence[int]:
    item = ProcessItem
    query = select(item.id).where(item.process_id.in_(of_process), item.status == "open")  # type: ignore[arg-type]  # a query of one column
    with runtime.database.sessions() as session:
        return session.scalars(query.order_by(item.id)).all()


def _actor(session: Session, login: str) -> Actor:
    person_id = session.scalars(select(Person.id).where(Person.login == login)).one()
    reader = signed_in(session, person_id)
    assert reader is not None, "the demo's accounts are in use"
    return reader.actor
