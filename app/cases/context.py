"""What the effects of one step see and change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

import orjson
from psycopg import Connection
from psycopg.rows import tuple_row

from app.cases.clocks import HANDLING, CaseClocks
from app.cases.log import LogEntry, chained, plain
from app.cases.store import StepRows
from app.errors import StateChanged
from app.run import Actor

LAPSED: Final = "lapsed"

# Not max(no): for few rows the planner takes that to mean all of them, and stays with it when they are many.
_NEXT_NO: Final = """
SELECT no + 1 FROM case_requests WHERE case_id = %s AND kind = %s ORDER BY no DESC LIMIT 1
"""


@dataclass(slots=True)
class StepContext:
    """One step of one case: its row, its clocks, what it writes, who acts and when.

    case: the row as loaded; effects change it in place. answers: of the work item completed, else empty.
    defaults: what the forms of the items opened by this step begin with.
    """

    connection: Connection[Any]
    case: dict[str, Any]
    clocks: CaseClocks
    requests: list[dict[str, Any]]
    now: datetime
    actor: Actor
    version: int = 0
    answers: Mapping[str, Any] = field(default_factory=dict)
    rows: StepRows = field(default_factory=StepRows)
    retime: set[str] = field(default_factory=set)
    defaults: dict[str, Any] = field(default_factory=dict)

    @property
    def day(self) -> date:
        """Return the city's date."""
        return self.now.astimezone(self.clocks.calendar.zone).date()

    def log(self, kind: str, element: str | None = None, **data: object) -> None:
        """Add a row to the case's log, chained to the one before."""
        case = self.case
        entry = LogEntry(
            self.now, self.actor.person_id, self.actor.label, kind, element, plain(data)
        )
        seq, prev_hash = case["log_seq"] + 1, case["log_hash"]
        digest = chained(case["id"], seq, entry, prev_hash)
        self.rows.log.append(
            (
                case["id"],
                seq,
                entry.at,
                entry.actor_id,
                entry.actor_label,
                entry.kind,
                entry.element,
                orjson.dumps(entry.data).decode(),
                prev_hash,
                digest,
            )
        )
        case["log_seq"], case["log_hash"] = seq, digest

    def announce(self, topic: str, **payload: object) -> None:
        """Put a message about the case into the outbox."""
        case = self.case
        content = {"case": case["number"], "at": self.now, **payload}
        key = f"case-{case['id']}-{self.version}-{len(self.rows.outbox)}"
        text = orjson.dumps(plain(content)).decode()
        self.rows.outbox.append((topic, text, key, self.now, self.now))

    def pending(self, kind: str) -> dict[str, Any]:
        """Return the request of a kind that waits for its decision. Raises StateChanged when none does."""
        for request in self.requests:
            if request["kind"] == kind:
                return request
        raise StateChanged("这项申请已有决定，请刷新后再看。")

    def next_no(self, kind: str) -> int:
        """Return the number of the next request of a kind, by those that are stored."""
        with self.connection.cursor(row_factory=tuple_row) as cursor:
            row = cursor.execute(_NEXT_NO, (self.case["id"], kind)).fetchone()
        return 1 if row is None else int(row[0])

    def ask(self, kind: str, no: int, reason: str, details: Mapping[str, object]) -> None:
        """Record a request that waits for its decision."""
        case, actor, said = self.case, self.actor, plain(details)
        self.rows.asks.append(
            (
                case["id"],
                kind,
                no,
                self.now,
                actor.person_id,
                actor.unit_id,
                reason,
                orjson.dumps(said).decode(),
            )
        )
        self.requests.append(
            {"kind": kind, "no": no, "details": said, "asked_at": self.now.isoformat()}
        )
        facts = {"unit_id": case["unit_id"], "case_due_at": case["due_at"]}
        if kind == "supervision":
            facts["of_unit"] = case["unit_supervisions"]
        self.log(f"{kind}_requested", None, no=no, reason=reason, **said, **facts)

    def decide(self, request: Mapping[str, Any], decision: str, **facts: object) -> None:
        """Record the decision on a request and log it with these facts."""
        opinion, kind, no = self.answers.get("opinion"), request["kind"], request["no"]
        self.rows.decisions.append(
            (decision, self.now, self.actor.person_id, opinion, self.case["id"], kind, no)
        )
        self.requests.remove(dict(request))
        self.log(f"{kind}_{decision}", None, no=no, **facts)

    def handling_changed(self, *, anew: bool = False) -> None:
        """Let the case show its handling clock again; `anew` when it has more time than before."""
        reading = self.clocks.reading(HANDLING)
        if reading is None:
            return
        case = self.case
        case["due_at"] = reading.due_at
        case["overdue"] = reading.overdue
        if anew:
            case["near_due"] = case["long_overdue"] = False
        self.retime.add(HANDLING)
