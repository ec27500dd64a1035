"""Queries over a whole database that must find nothing: what a crash could have doubled, lost or orphaned."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from psycopg import Connection

from app.cases.log import verify_cases
from app.engine import instance
from app.engine.moment import Moment
from app.modeling.queries import deployed

# Each finds rows that may not exist. The unique constraints forbid exact doubles; these find the other damage.
DAMAGE: dict[str, str] = {
    "open item of an ended instance": """
        SELECT w.id FROM work_items w JOIN process_instances i ON i.id = w.instance_id
        WHERE w.status = 'open' AND i.ended_at IS NOT NULL""",
    "timer of an ended instance": """
        SELECT t.id FROM timers t JOIN process_instances i ON i.id = t.instance_id
        WHERE i.ended_at IS NOT NULL""",
    "item of another case than its instance": """
        SELECT w.id FROM work_items w JOIN process_instances i ON i.id = w.instance_id
        WHERE w.case_id <> i.case_id""",
    "case without an instance": """
        SELECT c.id FROM cases c LEFT JOIN process_instances i ON i.case_id = c.id WHERE i.id IS NULL""",
    "finished item without its log row": """
        SELECT w.id FROM work_items w WHERE w.status = 'done' AND NOT EXISTS (
            SELECT FROM case_log l WHERE l.case_id = w.case_id AND l.kind = 'completed'
            AND l.element = w.element AND l.at = w.finished_at)""",
    "completed more often in the log than items are done": """
        SELECT l.case_id FROM
            (SELECT case_id, count(*) AS n FROM case_log WHERE kind = 'completed' GROUP BY case_id) l
            JOIN (SELECT case_id, count(*) FILTER (WHERE status = 'done') AS n
                  FROM work_items GROUP BY case_id) w USING (case_id) WHERE l.n <> w.n""",
    "log that does not end where the case says": """
        SELECT c.id FROM cases c LEFT JOIN case_log l ON l.case_id = c.id
        GROUP BY c.id HAVING c.log_seq <> count(l.id) OR c.log_seq <> coalesce(max(l.seq), 0)""",
    "timer that fired and still waits at the same time": """
        SELECT t.id FROM timers t JOIN timer_firings f
        ON f.instance_id = t.instance_id AND f.token = t.token AND f.due_at = t.due_at""",
    "timer fired twice": """
        SELECT min(f.id) FROM timer_firings f GROUP BY instance_id, token, due_at HAVING count(*) > 1""",
    "two current facts of one dispatch": """
        SELECT min(f.id) FROM facts f WHERE valid_to IS NULL
        GROUP BY case_id, dispatch_no HAVING count(*) > 1""",
    "dispatched case without a fact": """
        SELECT c.id FROM cases c WHERE c.dispatched_at IS NOT NULL
        AND NOT EXISTS (SELECT FROM facts f WHERE f.case_id = c.id)""",
    "message sent twice under two keys": """
        SELECT min(o.id) FROM outbox o GROUP BY key HAVING count(*) > 1""",
    "clock that carries other events than are archived": """
        SELECT k.id FROM sla_clocks k LEFT JOIN sla_clock_events e USING (case_id, name, round)
        GROUP BY k.id HAVING count(e.id) <> coalesce((k.events -> 0 ->> 'number')::int, 0)
        OR count(e.id) <> coalesce(max(e.seq), 0)""",
    "closed case with a running handling clock": """
        SELECT c.id FROM cases c JOIN sla_clocks k ON k.case_id = c.id
        WHERE c.closed_at IS NOT NULL AND k.name = 'handling' AND k.state = 'running'""",
}


def damage(connection: Connection[Any]) -> Iterator[str]:
    """Yield a line for each thing that is wrong; an empty run means the database is whole."""
    for name, statement in DAMAGE.items():
        rows = connection.execute(statement).fetchall()
        if rows:
            yield f"{name}: {len(rows)}, first {rows[0]}"
    yield from _states_against_rows(connection)
    case_ids = [row[0] for row in connection.execute("SELECT id FROM cases ORDER BY id")]
    for broken in verify_cases(connection, case_ids):
        yield f"log of case {broken.case_id} breaks at {broken.seq}: {broken.reason}"


def _states_against_rows(connection: Connection[Any]) -> Iterator[str]:
    """Hold the tokens in each state against the open items and timers in the tables."""
    instances = connection.execute(
        "SELECT id, definition_hash, state FROM process_instances ORDER BY id"
    ).fetchall()
    items = _tokens(connection, "SELECT instance_id, token FROM work_items WHERE status = 'open'")
    timers = _tokens(connection, "SELECT instance_id, token FROM timers")
    moment = Moment(datetime(2000, 1, 1, tzinfo=UTC))
    for instance_id, version, state in instances:
        definition = deployed(connection, version).definition
        step = instance.read(definition, state, moment)
        if {i.token for i in step.items} != items.get(instance_id, set()):
            yield f"instance {instance_id}: its open items are not those of its state"
        if {t.token for t in step.timers} != timers.get(instance_id, set()):
            yield f"instance {instance_id}: its timers are not those of its state"


def _tokens(connection: Connection[Any], statement: str) -> dict[int, set[int]]:
    found: dict[int, set[int]] = {}
    for instance_id, token in connection.execute(statement):
        found.setdefault(instance_id, set()).add(token)
    return found
