"""Facts: what counts of a dispatch, kept as row versions that each step of the case writes along."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from app.cases.clocks import HANDLING
from app.cases.context import StepContext
from app.cases.steps import follows_steps
from sla.clocks import ClockState
from sla.limits import LimitUnit

# In the order of store.KEEP_FACT, after case_id, dispatch_no and valid_from.
FACT_COLUMNS: Final = (
    "unit_id", "class_code", "district_code", "grid_code", "responsibility_code", "channel",
    "dispatched_at", "taken_back_at", "due_at", "handed_in_at", "on_time", "closed_at",
    "closed_as", "extensions", "reworks", "on_hold", "void", "exempt", "unfounded_returns",
    "media_supervisions", "overdue_flag", "worked_minutes", "supervisions", "urgent",
    "withdrawn", "withdrawn_of",
)  # fmt: skip

# A limit in one of these makes a case an urgent one.
URGENT_UNITS: Final = frozenset({LimitUnit.URGENT_HOUR.value, LimitUnit.URGENT_DAY.value})


@follows_steps
def write_facts(before: Mapping[str, Any], context: StepContext) -> None:
    """Write a new version of the fact of the case's dispatch if the step changed what counts.

    before: the case as loaded.
    """
    case, now = context.case, context.now
    number = case["dispatches"]
    if number == 0:
        return
    if number > before["dispatches"] > 0 and before["unit_id"] is not None:
        _end_dispatch(before, context)
    taken_back = case["unit_id"] is None and before["unit_id"] is not None
    if case["unit_id"] is None and not taken_back:
        return
    if number == before["dispatches"] and not taken_back and not _counts_anew(before, context):
        return
    unit_id = before["unit_id"] if taken_back else case["unit_id"]
    values = fact_of(case, context, unit_id=unit_id, taken_back_at=now if taken_back else None)
    key = (case["id"], number)
    context.rows.ended_facts.append((now, *key, now))
    context.rows.facts.append((*key, now, *(values[name] for name in FACT_COLUMNS)))


def _end_dispatch(before: Mapping[str, Any], context: StepContext) -> None:
    """Take the dispatch back that was not yet taken back when another followed in the same step."""
    key, now = (before["id"], before["dispatches"]), context.now
    values = fact_of(before, context, unit_id=before["unit_id"], taken_back_at=now)
    values |= {"handed_in_at": None, "on_time": None, "worked_minutes": None}
    context.rows.ended_facts.append((now, *key, now))
    context.rows.facts.append((*key, now, *(values[name] for name in FACT_COLUMNS)))


def fact_of(
    case: Mapping[str, Any],
    context: StepContext,
    *,
    unit_id: int,
    taken_back_at: datetime | None,
) -> dict[str, Any]:
    """Return what counts of the case's present dispatch."""
    handling = context.clocks.reading(HANDLING)
    stopped = handling is not None and handling.state is ClockState.STOPPED
    return {
        "unit_id": unit_id,
        "class_code": case["class_code"],
        "district_code": case["district_code"],
        "grid_code": case["grid_code"],
        "responsibility_code": case["responsibility_code"],
        "channel": case["channel"],
        "dispatched_at": case["dispatched_at"],
        "taken_back_at": taken_back_at,
        "due_at": case["due_at"],
        "handed_in_at": handling.stopped_at if handling is not None and stopped else None,
        "on_time": handling.on_time if handling is not None and stopped else None,
        "closed_at": case["closed_at"],
        "closed_as": case["closed_as"],
        "extensions": case["extensions"],
        "reworks": case["reworks"],
        "on_hold": case["on_hold"],
        "void": case["closed_as"] == "void",
        "exempt": case["exempt"],
        "unfounded_returns": case["unfounded_returns"],
        "media_supervisions": case["media_supervisions"],
        "overdue_flag": case["overdue"],
        "worked_minutes": handling.used_minutes if handling is not None and stopped else None,
        "supervisions": case["unit_supervisions"],
        "urgent": case["limit_unit"] in URGENT_UNITS,
        "withdrawn": case["withdrawn"],
        "withdrawn_of": case["withdrawn_of"],
    }


# Columns of the case that show in its fact; the rest of the fact comes with the handling clock.
_SHOWN: Final = (
    "unit_id", "class_code", "due_at", "closed_at", "extensions", "reworks", "on_hold", "exempt",
    "unfounded_returns", "media_supervisions", "overdue", "unit_supervisions", "limit_unit",
    "withdrawn",
)  # fmt: skip


def _counts_anew(before: Mapping[str, Any], context: StepContext) -> bool:
    return HANDLING in context.clocks.changed or any(
        context.case[name] != before[name] for name in _SHOWN
    )
