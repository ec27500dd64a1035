"""What the citizen says of a case that was closed, as the officer heard it on the telephone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from app.accounts.roles import DISPATCHER, INTAKE_OFFICER
from app.cases.answers import clean_text
from app.cases.queries.visibility import may_see
from app.cases.steps import context_of
from app.cases.store import case_update, load_case, write_step
from app.errors import Forbidden, StateChanged
from app.run import SYSTEM_ROLE, Tx, handles

WORDS_LENGTH: Final = 1000

_ADD: Final = """
INSERT INTO case_feedback (case_id, at, recorded_by, satisfied, words) VALUES (%s, %s, %s, %s, %s)
"""


@dataclass(frozen=True)
class RecordFeedback:
    """Record whether the citizen finds the problem solved, and in which words.

    The last feedback counts: one that is satisfied takes the case off the list of the disputed.
    """

    case_id: int
    satisfied: bool
    words: str = ""


@handles(RecordFeedback, INTAKE_OFFICER, DISPATCHER)
def record_feedback(command: RecordFeedback, tx: Tx) -> None:
    """Record it with a line in the log. Raises StateChanged for a case that is still open."""
    if SYSTEM_ROLE not in tx.actor.roles and not may_see(tx.session, tx.actor, command.case_id):
        raise Forbidden
    words = clean_text("words", command.words, longest=WORDS_LENGTH, required=not command.satisfied)
    loaded = load_case(tx.connection, command.case_id)
    if loaded.case["closed_at"] is None:
        raise StateChanged("案件还没有结束，结束后才记录市民反馈。")
    context = context_of(tx, loaded)
    values = (command.case_id, context.now, tx.actor.person_id, command.satisfied, words)
    loaded.connection.execute(_ADD, values)
    kind = "feedback_satisfied" if command.satisfied else "feedback_unsatisfied"
    context.log(kind, None, reason=words)
    context.rows.update_case = case_update(context.case)
    write_step(context.connection, context.rows)
