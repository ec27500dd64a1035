"""Use cases of the month's run: begin it, confirm a unit's figures, begin a correction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy.dialects.postgresql import insert

from app.accounts.roles import ASSESSOR, SUPERVISOR, UNIT_MANAGER
from app.accounts.tables import Unit
from app.assessment.editions import CONFIRMING, confirmations_of, count_published, run_of
from app.assessment.running import begin_edition
from app.assessment.tables import Confirmation
from app.cases.answers import clean_text
from app.errors import Forbidden, StateChanged
from app.processes.steps import awaits, locked, receive
from app.run import SYSTEM_ROLE, Tx, handles

REASON_LENGTH = 500


@dataclass(frozen=True)
class BeginRun:
    """Begin the run of a month that is over (月度考核). month: its first day."""

    month: date


@dataclass(frozen=True)
class CorrectMonth:
    """Begin a new edition of a published month."""

    month: date
    reason: str


@dataclass(frozen=True)
class ConfirmMonth:
    """Take the figures of one's unit as they are laid out."""

    run_id: int
    unit_id: int


@handles(BeginRun, ASSESSOR, SUPERVISOR)
def begin_run(command: BeginRun, tx: Tx) -> int:
    """Begin the first edition of a month and return its run."""
    _refuse_ranked(tx)
    if count_published(tx.session, command.month):
        raise StateChanged(
            "%(month)s 已经公布；如须更正，请出更正版。", month=_written(command.month)
        )
    return begin_edition(tx, command.month)


@handles(CorrectMonth, ASSESSOR, SUPERVISOR)
def correct_month(command: CorrectMonth, tx: Tx) -> int:
    """Begin a correction and return its run."""
    _refuse_ranked(tx)
    if not count_published(tx.session, command.month):
        raise StateChanged("%(month)s 尚未公布，无须更正。", month=_written(command.month))
    reason = clean_text("reason", command.reason, longest=REASON_LENGTH, required=True)
    return begin_edition(tx, command.month, reason)


@handles(ConfirmMonth, UNIT_MANAGER)
def confirm_month(command: ConfirmMonth, tx: Tx) -> None:
    """Confirm; the last of the units lets the run go on. A second time changes nothing."""
    run = run_of(tx.session, command.run_id)
    context = locked(tx, run.process_id)
    tx.session.refresh(run)
    unit = tx.session.get(Unit, command.unit_id)
    if SYSTEM_ROLE not in tx.actor.roles and (unit is None or tx.actor.unit_path != unit.path):
        raise Forbidden("只能确认本单位的数字。")
    if run.state != CONFIRMING:
        raise StateChanged("确认期已过，或这一期已经定稿。")
    asked = {one["id"] for one in run.counted["units"]}
    if command.unit_id not in asked:
        raise StateChanged("这个单位本期不参加排名，无须确认。")
    row = insert(Confirmation).values(
        run_id=run.id,
        unit_id=command.unit_id,
        confirmed_by=tx.actor.person_id,
        confirmed_at=context.now,
    )
    tx.session.execute(row.on_conflict_do_nothing())
    if asked <= confirmations_of(tx.session, run.id).keys() and awaits(context, "all_confirmed"):
        receive(context, "all_confirmed", {})


def _refuse_ranked(tx: Tx) -> None:
    """Raise Forbidden for who stands in a unit that is ranked: the month is the centre's."""
    if tx.actor.ranked:
        raise Forbidden("月度考核由市平台办理。")


def _written(month: date) -> str:
    return f"{month:%Y-%m}"
