"""What becomes of the rows of many steps when all of them are written: the same as in the database."""

from __future__ import annotations

from typing import Any, Final

from app.assessment.facts import FACT_COLUMNS
from app.cases.store import StepRows

Row = tuple[Any, ...]

FACT_ROW: Final = ("case_id", "dispatch_no", "valid_from", *FACT_COLUMNS, "valid_to")
# What store.KEEP_FACT leaves as it was where a second change comes at the same moment.
_STAYING: Final = frozenset(
    {
        "class_code", "district_code", "grid_code", "responsibility_code", "channel",
        "dispatched_at",
    }
)  # fmt: skip
_REPLACED: Final = tuple(
    place
    for place, name in enumerate(FACT_ROW[:-1])
    if name in FACT_COLUMNS and name not in _STAYING
)
_VALID_FROM: Final = FACT_ROW.index("valid_from")


class FactVersions:
    """The versions of a case's facts, as store.END_FACT and store.KEEP_FACT make them."""

    def __init__(self) -> None:
        self._rows: list[list[Any]] = []
        self._current: dict[int, list[Any]] = {}

    def take(self, rows: StepRows) -> None:
        """Take what a step wrote, and empty it."""
        for ended_at, _, dispatch_no, _ in rows.ended_facts:
            current = self._current.get(dispatch_no)
            if current is not None and current[_VALID_FROM] < ended_at:
                current[-1] = ended_at
                del self._current[dispatch_no]
        for row in rows.facts:
            current = self._current.get(row[1])
            if current is None:
                current = self._current[row[1]] = [*row, None]
                self._rows.append(current)
            else:
                for place in _REPLACED:
                    current[place] = row[place]
        rows.ended_facts.clear()
        rows.facts.clear()

    def rows(self) -> list[Row]:
        """Return the versions, in the order of FACT_ROW."""
        return [tuple(row) for row in self._rows]


def requests_of(rows: StepRows) -> list[Row]:
    """Return the requests with their decisions: the columns of store.ASK, then those that store.DECIDE sets."""
    decided = {tuple(row[5:7]): row[:4] for row in rows.decisions}
    undecided = (None, None, None, None)
    return [(*ask, *decided.get((ask[1], ask[2]), undecided)) for ask in rows.asks]
