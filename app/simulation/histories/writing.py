"""The rows of many histories, copied into their tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from psycopg import Connection

from app.cases.store import CHANGING_COLUMNS, WRITTEN_ONCE
from app.simulation.histories.course import Course
from app.simulation.histories.folding import FACT_ROW

Row = Sequence[Any]

COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "cases": (*WRITTEN_ONCE, *CHANGING_COLUMNS),
    "case_log": (
        "case_id", "seq", "at", "actor_id", "actor_label", "kind", "element", "data", "prev_hash",
        "hash",
    ),
    "sla_clocks": (
        "case_id", "name", "round", "policy", "events", "state", "due_at", "stopped_at", "on_time",
    ),
    "sla_clock_events": ("case_id", "name", "round", "seq", "event"),
    "case_requests": (
        "case_id", "kind", "no", "asked_at", "asked_by", "unit_id", "reason", "details",
        "decision", "decided_at", "decided_by", "opinion",
    ),
    "facts": FACT_ROW,
}  # fmt: skip
"""The tables that histories are written to, those first that others refer to, and the columns given."""


class Batch:
    """Rows to come, by table."""

    def __init__(self) -> None:
        self._rows: dict[str, list[Row]] = {table: [] for table in COLUMNS}

    def add(self, course: Course) -> None:
        """Add all rows of a case."""
        case = course.case
        self._rows["cases"].append([case[name] for name in COLUMNS["cases"]])
        for table, rows in course.rows().items():
            self._rows[table] += rows

    def write(self, connection: Connection[Any]) -> None:
        """Copy the rows into their tables, and forget them."""
        with connection.cursor() as cursor:
            for table, rows in self._rows.items():
                into = f"COPY {table} ({', '.join(COLUMNS[table])}) FROM STDIN"
                with cursor.copy(into) as copy:
                    for row in rows:
                        copy.write_row(row)
                rows.clear()
