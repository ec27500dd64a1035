"""What a ruling on an appeal does to a case: it changes what counts, and nothing of what happened."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from app.cases.context import StepContext
from app.cases.steps import context_of, finish
from app.cases.store import case_update, load_case
from app.run import Tx

LATE: Final = "late"
UNFOUNDED_RETURN: Final = "unfounded_return"
MEDIA_SUPERVISION: Final = "media_supervision"
GROUNDS: Final = (LATE, UNFOUNDED_RETURN, MEDIA_SUPERVISION)
"""What a unit may appeal against: 超时, 推诿 and 媒体督办扣分."""


def take_from_figures(tx: Tx, case_id: int, ground: str, of: datetime, appeal_id: int) -> None:
    """Let what an appeal was won against no longer count for the case's present dispatch.

    of: when it had happened, so that it is taken back in that month. The caller holds no lock of a case.
    """
    loaded = load_case(tx.connection, case_id)
    context = context_of(tx, loaded)
    case = context.case
    case["exempt"] = case["exempt"] or ground == LATE
    case["withdrawn"], case["withdrawn_of"] = ground, of
    context.log("ruled", ground=ground, of=of, appeal_id=appeal_id, unit_id=case["unit_id"])
    context.rows.update_case = case_update(case)
    finish(context, loaded.case)


def log_appeal(tx: Tx, case_id: int, ground: str, kind: str, appeal_id: int) -> StepContext:
    """Add a line about an appeal to the case's log. kind: appealed or appeal_refused."""
    loaded = load_case(tx.connection, case_id)
    context = context_of(tx, loaded)
    context.log(kind, ground=ground, appeal_id=appeal_id, unit_id=context.case["unit_id"])
    context.rows.update_case = case_update(context.case)
    finish(context, loaded.case)
    return context
