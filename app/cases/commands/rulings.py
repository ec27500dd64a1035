"""What a ruling on an appeal does to a case: it changes what counts, and nothing of what happened."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from psycopg import sql
from psycopg.rows import dict_row

from app.cases.context import StepContext
from app.cases.steps import context_of, finish
from app.cases.store import END_FACT, case_update, load_case
from app.run import Tx

LATE: Final = "late"
UNFOUNDED_RETURN: Final = "unfounded_return"
MEDIA_SUPERVISION: Final = "media_supervision"
GROUNDS: Final = (LATE, UNFOUNDED_RETURN, MEDIA_SUPERVISION)
"""What a unit may appeal against: 超时, 推诿 and 媒体督办扣分."""

_PAST_FACT: Final = """
SELECT * FROM facts WHERE case_id = %s AND dispatch_no = %s AND valid_to IS NULL FOR UPDATE
"""


@dataclass(frozen=True, slots=True)
class Contested:
    """What a ruling is about: a dispatch of a case to a unit, the ground, and when that had happened."""

    case_id: int
    dispatch_no: int
    unit_id: int
    ground: str
    at: datetime
    appeal_id: int


def take_from_figures(tx: Tx, contested: Contested) -> datetime:
    """Let what an appeal was won against no longer count for the unit that won; return since when.

    It is taken back in the month in which it had happened. The caller holds no lock of a case.
    """
    loaded = load_case(tx.connection, contested.case_id)
    context = context_of(tx, loaded)
    case = context.case
    context.log(
        "ruled",
        ground=contested.ground,
        of=contested.at,
        appeal_id=contested.appeal_id,
        unit_id=contested.unit_id,
        dispatch_no=contested.dispatch_no,
    )
    if case["dispatches"] == contested.dispatch_no and case["unit_id"] == contested.unit_id:
        case["exempt"] = case["exempt"] or contested.ground == LATE
        case["withdrawn"], case["withdrawn_of"] = contested.ground, contested.at
    else:
        # The case has gone on to another: the ruling is about the dispatch before.
        withdraw_from_past_dispatch(context, contested)
    context.rows.update_case = case_update(case)
    finish(context, loaded.case)
    return context.now


def withdraw_from_past_dispatch(context: StepContext, contested: Contested) -> None:
    """Add a version to the fact of a dispatch that is over."""
    key = (contested.case_id, contested.dispatch_no)
    with context.connection.cursor(row_factory=dict_row) as cursor:
        fact = cursor.execute(_PAST_FACT, key).fetchone()
        if fact is None:
            return
        fact["exempt"] = fact["exempt"] or contested.ground == LATE
        fact["withdrawn"], fact["withdrawn_of"] = contested.ground, contested.at
        valid_from = max(context.now, fact["valid_from"])
        cursor.execute(END_FACT, (valid_from, *key, valid_from))
        columns = [name for name in fact if name not in ("id", "valid_from", "valid_to")]
        kept = sql.SQL("INSERT INTO facts (valid_from, {}) VALUES (%s, {}) ON CONFLICT DO NOTHING")
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        places = sql.SQL(", ").join([sql.Placeholder()] * len(columns))
        values = [fact[name] for name in columns]
        cursor.execute(kept.format(names, places), (valid_from, *values))


def log_appeal(tx: Tx, contested: Contested, kind: str) -> datetime:
    """Add a line about an appeal to the case's log and return its moment. kind: appealed or appeal_refused."""
    loaded = load_case(tx.connection, contested.case_id)
    context = context_of(tx, loaded)
    context.log(
        kind,
        ground=contested.ground,
        appeal_id=contested.appeal_id,
        unit_id=contested.unit_id,
    )
    context.rows.update_case = case_update(context.case)
    finish(context, loaded.case)
    return context.now
