"""Use cases of the month's run: begin it, confirm a unit's figures, begin a correction, keep a file of a notice."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app.accounts.roles import ASSESSOR, SUPERVISOR, UNIT_MANAGER
from app.accounts.tables import Unit
from app.assessment.editions import CONFIRMING, confirmations_of, count_published, run_of
from app.assessment.running import begin_edition
from app.assessment.tables import Confirmation, NoticeFile
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


@dataclass(frozen=True)
class KeepNotice:
    """Keep a file of a published edition as it was first made."""

    run_id: int
    name: str
    address: str
    content: bytes = field(repr=False)


@handles(BeginRun, ASSESSOR, SUPERVISOR)
def begin_run(command: BeginRun, tx: Tx) -> int:
    """Begin the first edition of a month and return its run."""
    if count_published(tx.session, command.month):
        raise StateChanged(
            "%(month)s 已经公布；如须更正，请出更正版。", month=_written(command.month)
        )
    return begin_edition(tx, command.month)


@handles(CorrectMonth, ASSESSOR, SUPERVISOR)
def correct_month(command: CorrectMonth, tx: Tx) -> int:
    """Begin a correction and return its run."""
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


@handles(KeepNotice)
def keep_notice(command: KeepNotice, tx: Tx) -> None:
    """Keep the file of an edition; made a second time it must be the same. Raises StateChanged when it is not."""
    run, digest = run_of(tx.session, command.run_id), hashlib.sha256(command.content).hexdigest()
    if run.published_at is None:
        raise StateChanged("这一版尚未公布。")
    row = insert(NoticeFile).values(
        run_id=run.id,
        name=command.name,
        address=command.address,
        sha256=digest,
        content=command.content,
    )
    tx.session.execute(row.on_conflict_do_nothing())
    kept = tx.session.scalar(
        select(NoticeFile.sha256).where(
            NoticeFile.run_id == run.id, NoticeFile.name == command.name
        )
    )
    if kept != digest:
        raise StateChanged("重新生成的文件与公布时的不一致，已停用；请管理员核对。")


def _written(month: date) -> str:
    return f"{month:%Y-%m}"
