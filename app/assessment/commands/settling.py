"""What follows from decisions and from publishing, done by the worker: nobody who decides waits for a whole city's count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.assessment.appeals import open_appeals_in, won_since
from app.assessment.carrying import carries_later
from app.assessment.editions import OPEN, PUBLISHED, RULING
from app.assessment.published import edition_of, frozen_facts, made_files
from app.assessment.running import begin_edition, span_of, zone_of
from app.assessment.tables import NoticeFile, Run
from app.processes.steps import awaits, locked, receive
from app.run import Tx, handles

# Of a month only the last published edition can be behind.
_BEHIND: Final = """
SELECT DISTINCT r.id FROM (
    SELECT DISTINCT ON (o.month) o.id, o.month, o.as_of,
           CAST(o.counted ->> 'start' AS timestamptz) AS begins,
           CAST(o.counted ->> 'end' AS timestamptz) AS ends
    FROM assessment_runs o WHERE o.state = 'published' ORDER BY o.month, o.edition DESC) r
JOIN appeals a ON a.decision = 'upheld' AND a.decided_at > r.as_of
  AND a.contested_at >= r.begins AND a.contested_at < r.ends
WHERE NOT EXISTS (SELECT FROM assessment_runs n
    WHERE n.month = r.month AND n.state IN ('confirming', 'ruling', 'signing'))
ORDER BY r.id
"""


@dataclass(frozen=True)
class FindWhatFollows:
    """Find the runs that can go on, the months to correct, and the editions whose files are not made."""


@dataclass(frozen=True)
class Following:
    """Runs by what is to be done with them."""

    settled: tuple[int, ...] = ()
    to_correct: tuple[int, ...] = ()
    to_print: tuple[int, ...] = ()


@dataclass(frozen=True)
class GoOn:
    """Let a run go on that waited for the last appeal of its month."""

    run_id: int


@dataclass(frozen=True)
class CorrectAfterRuling:
    """Begin a new edition of a month of which an appeal was won after it was frozen."""

    run_id: int


@dataclass(frozen=True)
class PrintEdition:
    """Make the files of a published edition, and keep them."""

    run_id: int


@handles(FindWhatFollows)
def find_what_follows(command: FindWhatFollows, tx: Tx) -> Following:
    """Look; nothing is locked, whoever does it looks again."""
    session = tx.session
    waiting = session.scalars(select(Run).where(Run.state == RULING)).all()
    printed = select(NoticeFile.run_id).group_by(NoticeFile.run_id)
    unprinted = select(Run.id).where(Run.state == PUBLISHED, Run.id.not_in(printed))
    return Following(
        tuple(run.id for run in waiting if not open_appeals_in(session, *span_of(run))),
        tuple(session.scalars(text(_BEHIND))),
        tuple(session.scalars(unprinted.order_by(Run.id))),
    )


@handles(GoOn)
def go_on(command: GoOn, tx: Tx) -> None:
    """Deliver the message, if the run still waits for it."""
    run = tx.session.get_one(Run, command.run_id)
    context = locked(tx, run.process_id)
    settled = not open_appeals_in(tx.session, *span_of(run))
    if settled and awaits(context, "appeals_settled"):
        receive(context, "appeals_settled", {})


@handles(CorrectAfterRuling)
def correct_after_ruling(command: CorrectAfterRuling, tx: Tx) -> None:
    """Begin the edition, if nobody has yet."""
    run = tx.session.get_one(Run, command.run_id)
    if _is_behind(tx.session, run):
        won = won_since(tx.session, *span_of(run), run.as_of)
        begin_edition(tx, run.month, appeal_id=won[0].id)


@handles(PrintEdition)
def print_edition(command: PrintEdition, tx: Tx) -> None:
    """Make the files with the address that the installation is known by."""
    session = tx.session
    # Who comes second waits here, and finds them.
    run = session.scalars(select(Run).where(Run.id == command.run_id).with_for_update()).one()
    if session.scalar(select(NoticeFile.id).where(NoticeFile.run_id == run.id).limit(1)):
        return
    facts, edition = frozen_facts(session, run), edition_of(session, run, zone_of(tx))
    address = tx.services.settings.address
    for name, content in made_files(session.get_bind(), facts, edition, address):
        session.add(NoticeFile.of(run.id, name, address, content))


def _is_behind(session: Session, run: Run) -> bool:
    """Tell whether an appeal was won after a published edition was frozen, and nothing has come of it."""
    being_made = select(Run.id).where(Run.month == run.month, Run.state.in_(OPEN))
    if session.scalar(being_made) is not None or carries_later(run):
        return False
    return bool(won_since(session, *span_of(run), run.as_of))
