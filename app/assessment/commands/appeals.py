"""Use cases of appeals: a unit files one; approvers decide on it through its process."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Final

from app.accounts.roles import UNIT_MANAGER
from app.assessment.appeals import (
    appeal_of_case,
    appeal_rules,
    contested_by,
    contests_of,
    require_in_time,
)
from app.assessment.effects import APPEAL
from app.assessment.tables import Appeal, AppealEvidence
from app.cases.answers import clean_text, not_one_of
from app.cases.calendars import working_calendar
from app.cases.commands.authority import require_unit
from app.cases.commands.rulings import GROUNDS, log_appeal
from app.cases.photos import store_document
from app.cases.store import load_case
from app.cases.tables import Case
from app.catalogue.calendar_years import entered_years
from app.errors import InvalidInput, StateChanged, Text
from app.processes.steps import begin, start
from app.run import Tx, handles

REASON_LENGTH: Final = 2000
NAME_LENGTH: Final = 120


@dataclass(frozen=True)
class FileAppeal:
    """Appeal against how a case counts (申诉). evidence: names and bytes of photos or PDF files."""

    case_id: int
    ground: str
    reason: str
    evidence: tuple[tuple[str, bytes], ...] = field(default=(), repr=False)


@handles(FileAppeal, UNIT_MANAGER)
def file_appeal(command: FileAppeal, tx: Tx) -> int:
    """File an appeal and return its id. Raises StateChanged for a second one of a case, or one too late."""
    session = tx.session
    if command.ground not in GROUNDS:
        raise InvalidInput({"ground": not_one_of(command.ground, GROUNDS)})
    # Two of one case wait for each other here.
    load_case(tx.connection, command.case_id)
    case = session.get_one(Case, command.case_id)
    require_unit(tx.actor, case.unit_id, UNIT_MANAGER)
    before = appeal_of_case(session, case.id)
    if before is not None:
        raise StateChanged("案卷 %(number)s 已经申诉过，每案只能申诉一次。", number=case.number)
    calendar = working_calendar(tx.services.settings, lambda: entered_years(tx.connection))
    now = tx.clock.now()
    contest = require_in_time(
        contests_of(session, case, calendar), command.ground, now, tx.services.settings.timezone
    )
    reason = clean_text("reason", command.reason, longest=REASON_LENGTH, required=True)
    _check_number(command)
    data = {"ground": command.ground}
    context = begin(tx, APPEAL, f"{case.number} {case.title}"[:200], data, case.unit_id)
    assert tx.actor.person_id is not None, "the platform appeals against nothing"
    assert case.unit_id is not None, "the case is with the manager's unit"
    appeal = Appeal(
        case_id=case.id,
        unit_id=case.unit_id,
        dispatch_no=case.dispatches,
        ground=command.ground,
        contested_at=contest.at,
        reason=reason,
        filed_by=tx.actor.person_id,
        filed_at=now,
        process_id=context.process.id,
    )
    session.add(appeal)
    session.flush()
    _keep_evidence(command, tx, appeal.id)
    start(context, data)
    log_appeal(tx, contested_by(appeal), "appealed")
    return appeal.id


def _check_number(command: FileAppeal) -> None:
    most = appeal_rules().most_files
    if len(command.evidence) > most:
        raise InvalidInput({"evidence": Text("最多交 %(most)s 个文件", most=most)})


def _keep_evidence(command: FileAppeal, tx: Tx, appeal_id: int) -> None:
    settings, seen = tx.services.settings, set[str]()
    for name, content in command.evidence:
        stored = store_document(
            settings.photo_dir, content, bytes_limit=settings.photo_bytes_limit, field="evidence"
        )
        if stored.sha256 in seen:
            continue
        seen.add(stored.sha256)
        tx.session.add(
            AppealEvidence(
                appeal_id=appeal_id,
                name=_plain_name(name),
                media_type=stored.media_type,
                sha256=stored.sha256,
                size=stored.size,
            )
        )


def _plain_name(name: str) -> str:
    last = PurePosixPath(name.replace("\\", "/")).name
    return "".join(letter for letter in last if letter.isprintable())[:NAME_LENGTH] or "file"
