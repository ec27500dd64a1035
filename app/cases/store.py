"""Load one step, write one step: the only SQL that a step runs.

A step makes two trips to the server: lock and load, then write. No ORM object is made; a step's writes are
plain tuples (`StepRows`), so that a benchmark can write the very same rows with no engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final, cast

import orjson
from psycopg import Connection, Cursor
from psycopg.rows import tuple_row

from app.errors import NotFound, StateChanged

Row = tuple[Any, ...]

FIXED_COLUMNS: Final = (
    "id", "number", "channel", "title", "grid_code", "responsibility_code", "district_code",
    "street_code", "outside_city", "reported_at",
)  # fmt: skip
CHANGING_COLUMNS: Final = (
    "class_code", "condition_id", "kind", "stage", "unit_id", "handler_id", "filed_at",
    "dispatched_at", "result_at", "closed_at", "closed_as", "limit_value", "limit_unit", "due_at",
    "overdue", "near_due", "long_overdue", "on_hold", "extensions", "reworks", "unfounded_returns",
    "media_supervisions", "unit_supervisions", "dispatches", "returns", "supervisions",
    "merged_into_id", "exempt", "withdrawn", "withdrawn_of", "log_seq", "log_hash",
)  # fmt: skip
LOADED_COLUMNS: Final = (*FIXED_COLUMNS, *CHANGING_COLUMNS)
WRITTEN_ONCE: Final = (
    *FIXED_COLUMNS, "source_key", "description", "address", "lon", "lat", "reporter_name",
    "reporter_phone", "reported_by",
)  # fmt: skip

# Two statements and not one: after a wait for the lock, the first one's snapshot is as old as its beginning,
# and would show the step's loser the work items as they were before the winner.
LOCK_INSTANCE: Final = "SELECT id FROM process_instances WHERE id = %s FOR UPDATE"
LOCK_CASE: Final = "SELECT id FROM process_instances WHERE case_id = %s AND key = 'case' FOR UPDATE"
LOCK_ITEM: Final = """
SELECT i.id FROM work_items w JOIN process_instances i ON i.id = w.instance_id
WHERE w.id = %s FOR UPDATE OF i
"""
# For the worker: an instance that somebody is working on, or that has nothing due, is passed over.
LOCK_DUE: Final = """
SELECT i.id FROM process_instances i
WHERE i.id = %s AND EXISTS (SELECT FROM timers t WHERE t.instance_id = i.id AND t.try_at <= %s)
FOR UPDATE OF i SKIP LOCKED
"""

# One look into the index for each name, however many rounds it had. The index on (case_id, name, round) is read
# backwards, hence the order.
_LATEST_ROUNDS: Final = """
WITH RECURSIVE latest AS (
    (SELECT k.* FROM sla_clocks k WHERE k.case_id = c.id
     ORDER BY k.name DESC, k.round DESC LIMIT 1)
    UNION ALL
    SELECT following.* FROM latest, LATERAL (
        SELECT k.* FROM sla_clocks k WHERE k.case_id = latest.case_id AND k.name < latest.name
        ORDER BY k.name DESC, k.round DESC LIMIT 1) following
)
SELECT * FROM latest
"""
_LOAD: Final = f"""
SELECT i.id, i.version, i.definition_hash, i.process_id, i.state, i.ended_at, u.path,
       (SELECT json_agg(json_build_object(
            'id', w.id, 'token', w.token, 'element', w.element, 'form_key', w.form_key,
            'role', w.role, 'unit_id', w.unit_id, 'assignee_id', w.assignee_id,
            'status', w.status, 'finished_by', w.finished_by, 'finished_at', w.finished_at))
        FROM ({{which_items}}) w)::text,
       (SELECT json_agg(json_build_object(
            'name', k.name, 'round', k.round, 'policy', k.policy, 'events', k.events,
            'state', k.state, 'due_at', k.due_at))
        FROM ({_LATEST_ROUNDS}) k)::text,
       (SELECT json_agg(json_build_object(
            'kind', r.kind, 'no', r.no, 'details', r.details, 'asked_at', r.asked_at))
        FROM case_requests r WHERE r.case_id = c.id AND r.decision IS NULL)::text,
       {", ".join(f"c.{name}" for name in LOADED_COLUMNS)}
FROM process_instances i JOIN cases c ON c.id = i.case_id LEFT JOIN units u ON u.id = c.unit_id
WHERE {{which}}
"""  # noqa: S608 because only our own names are put in
_OPEN: Final = """
SELECT o.* FROM work_items o
WHERE o.case_id = c.id AND o.instance_id = i.id AND o.status = 'open'
"""
# A look of its own and no OR, which would go through all items of the case.
_AND_ONE_DONE: Final = """
UNION ALL SELECT d.* FROM work_items d WHERE d.id = %s AND d.status <> 'open'
"""
LOAD_INSTANCE: Final = _LOAD.format(which="i.id = %s", which_items=_OPEN)
LOAD_CASE: Final = _LOAD.format(which="i.case_id = %s AND i.key = 'case'", which_items=_OPEN)
LOAD_ITEM: Final = _LOAD.format(
    which="i.id = (SELECT instance_id FROM work_items WHERE id = %s)",
    which_items=_OPEN + _AND_ONE_DONE,
)
DUE_TIMERS: Final = """
SELECT token, element, due_at FROM timers WHERE instance_id = %s AND try_at <= %s ORDER BY due_at
FOR UPDATE
"""

# Whoever reports next on the same day waits for this row until we commit: a city reports one case a second.
NEXT_IDS: Final = """
WITH given AS (
    INSERT INTO case_numbers AS n (day, last) VALUES (%s, 1)
    ON CONFLICT (day) DO UPDATE SET last = n.last + 1 RETURNING last)
SELECT nextval('cases_id_seq'), nextval('process_instances_id_seq'), last,
       (SELECT hash FROM definition_versions WHERE key = 'case' AND active)
FROM given
"""
INSERT_CASE: Final = (
    f"INSERT INTO cases ({', '.join(WRITTEN_ONCE)}, {', '.join(CHANGING_COLUMNS)})"  # noqa: S608 because only our own names are put in
    f" VALUES ({', '.join(['%s'] * (len(WRITTEN_ONCE) + len(CHANGING_COLUMNS)))})"
)
INSERT_INSTANCE: Final = """
INSERT INTO process_instances
    (id, case_id, key, definition_hash, process_id, state, version, started_at, ended_at)
VALUES (%s, %s, %s, %s, %s, %s, 1, %s, %s)
"""
UPDATE_INSTANCE: Final = """
UPDATE process_instances SET state = %s, version = version + 1, ended_at = %s
WHERE id = %s AND version = %s
"""
UPDATE_CASE: Final = (
    f"UPDATE cases SET {', '.join(f'{name} = %s' for name in CHANGING_COLUMNS)} WHERE id = %s"  # noqa: S608 because only our own names are put in
)
CLOSE_ITEM: Final = """
UPDATE work_items SET status = %s, finished_at = %s, finished_by = %s, outcome = %s
WHERE instance_id = %s AND token = %s AND status = 'open'
"""
ASSIGN_ITEM: Final = """
UPDATE work_items SET assignee_id = %s, claimed_at = %s
WHERE id = %s AND status = 'open' AND assignee_id IS NOT DISTINCT FROM %s
"""
RETIME_ITEM: Final = "UPDATE work_items SET due_at = %s WHERE instance_id = %s AND token = %s"
OPEN_ITEM: Final = """
INSERT INTO work_items (instance_id, case_id, token, element, name, form_key, stage, role, unit_id,
    assignee_id, created_at, due_at, claimed_at, defaults)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
# Each token is looked up by itself: by the instance alone, or with token = ANY, the server also visits every
# timer that the instance ever had and that is not vacuumed away yet.
DROP_TIMERS: Final = """
DELETE FROM timers
WHERE (instance_id, token) IN (SELECT %s::bigint, unnest(%s::bigint[]))
"""
SET_TIMER: Final = """
INSERT INTO timers (instance_id, token, element, due_at, try_at) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (instance_id, token) DO UPDATE
SET due_at = excluded.due_at, try_at = excluded.try_at, tries = 0, last_error = NULL
"""
RECORD_FIRING: Final = """
INSERT INTO timer_firings (instance_id, token, element, due_at, fired_at, lateness_ms)
VALUES (%s, %s, %s, %s, %s, %s)
"""
KEEP_CLOCK: Final = """
INSERT INTO sla_clocks (case_id, name, round, policy, events, state, due_at, stopped_at, on_time)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (case_id, name, round) DO UPDATE
SET events = excluded.events, state = excluded.state, due_at = excluded.due_at,
    stopped_at = excluded.stopped_at, on_time = excluded.on_time
"""
# After the clock itself: the archive refers to it.
ARCHIVE_EVENTS: Final = """
INSERT INTO sla_clock_events (case_id, name, round, seq, event)
SELECT %s, %s, %s, %s + e.number, e.event
FROM jsonb_array_elements(%s::jsonb) WITH ORDINALITY AS e(event, number)
"""
ARCHIVED_EVENTS: Final = """
SELECT event FROM sla_clock_events WHERE case_id = %s AND name = %s AND round = %s ORDER BY seq
"""
ASK: Final = """
INSERT INTO case_requests (case_id, kind, no, asked_at, asked_by, unit_id, reason, details)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
"""
DECIDE: Final = """
UPDATE case_requests SET decision = %s, decided_at = %s, decided_by = %s, opinion = %s
WHERE case_id = %s AND kind = %s AND no = %s AND decision IS NULL
"""
LOG: Final = """
INSERT INTO case_log (case_id, seq, at, actor_id, actor_label, kind, element, data, prev_hash, hash)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
END_FACT: Final = """
UPDATE facts SET valid_to = %s
WHERE case_id = %s AND dispatch_no = %s AND valid_to IS NULL AND valid_from < %s
"""
# A second change at the same moment goes into the row of the first; so does one at a moment before it, for the
# hosts' clocks differ a little.
KEEP_FACT: Final = """
INSERT INTO facts (case_id, dispatch_no, valid_from, unit_id, class_code, district_code, grid_code,
    responsibility_code, channel, dispatched_at, taken_back_at, due_at, handed_in_at, on_time,
    closed_at, closed_as, extensions, reworks, on_hold, void, exempt, unfounded_returns,
    media_supervisions, overdue_flag, worked_minutes, supervisions, urgent, withdrawn, withdrawn_of)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (case_id, dispatch_no) WHERE valid_to IS NULL DO UPDATE
SET unit_id = excluded.unit_id, taken_back_at = excluded.taken_back_at,
    due_at = excluded.due_at,
    handed_in_at = excluded.handed_in_at, on_time = excluded.on_time,
    closed_at = excluded.closed_at, closed_as = excluded.closed_as,
    extensions = excluded.extensions, reworks = excluded.reworks, on_hold = excluded.on_hold,
    void = excluded.void, exempt = excluded.exempt,
    unfounded_returns = excluded.unfounded_returns,
    media_supervisions = excluded.media_supervisions, overdue_flag = excluded.overdue_flag,
    worked_minutes = excluded.worked_minutes, supervisions = excluded.supervisions,
    urgent = excluded.urgent, withdrawn = excluded.withdrawn,
    withdrawn_of = excluded.withdrawn_of
"""
PUT_OUT: Final = """
INSERT INTO outbox (topic, payload, key, created_at, next_try_at) VALUES (%s, %s, %s, %s, %s)
"""


@dataclass(slots=True)
class StepRows:
    """What one step writes, as parameters of the statements above."""

    insert_case: Row | None = None
    insert_instance: Row | None = None
    update_instance: Row | None = None
    update_case: Row | None = None
    close_items: list[Row] = field(default_factory=list)
    assign_items: list[Row] = field(default_factory=list)
    retime_items: list[Row] = field(default_factory=list)
    open_items: list[Row] = field(default_factory=list)
    drop_timers: list[Row] = field(default_factory=list)
    set_timers: list[Row] = field(default_factory=list)
    firings: list[Row] = field(default_factory=list)
    clocks: list[Row] = field(default_factory=list)
    archived_events: list[Row] = field(default_factory=list)
    asks: list[Row] = field(default_factory=list)
    decisions: list[Row] = field(default_factory=list)
    log: list[Row] = field(default_factory=list)
    ended_facts: list[Row] = field(default_factory=list)
    facts: list[Row] = field(default_factory=list)
    outbox: list[Row] = field(default_factory=list)


@dataclass(slots=True)
class Loaded:
    """One instance and its case as a step finds them, under the instance's lock."""

    connection: Connection[Any]
    instance_id: int
    version: int
    definition_hash: str
    process_id: str
    state: bytes
    ended_at: datetime | None
    unit_path: str | None
    items: list[dict[str, Any]]
    clocks: list[dict[str, Any]]
    requests: list[dict[str, Any]]
    case: dict[str, Any]
    due_timers: list[Row]

    def item(self, item_id: int) -> dict[str, Any]:
        """Return one of the loaded work items."""
        return next(item for item in self.items if item["id"] == item_id)

    def pending(self, kind: str) -> dict[str, Any] | None:
        """Return the request of a kind that waits for its decision."""
        return next((request for request in self.requests if request["kind"] == kind), None)


def load_item(connection: Connection[Any], item_id: int) -> Loaded:
    """Lock the instance of a work item and load the step. Raises NotFound."""
    return _locked(connection, (LOCK_ITEM, (item_id,)), (LOAD_ITEM, (item_id, item_id)))


def load_case(connection: Connection[Any], case_id: int) -> Loaded:
    """Lock the main instance of a case and load the step. Raises NotFound."""
    return _locked(connection, (LOCK_CASE, (case_id,)), (LOAD_CASE, (case_id,)))


def load_due(connection: Connection[Any], instance_id: int, now: datetime) -> Loaded | None:
    """Lock an instance and load it with its due timers; None when it is locked or nothing is due."""
    with connection.cursor(row_factory=tuple_row, binary=True) as cursor:
        if cursor.execute(LOCK_DUE, (instance_id, now), prepare=True).fetchone() is None:
            return None
        with connection.pipeline():
            cursor.execute(LOAD_INSTANCE, (instance_id,), prepare=True)
            timers = connection.cursor(row_factory=tuple_row, binary=True)
            timers.execute(DUE_TIMERS, (instance_id, now), prepare=True)
        loaded = _loaded(connection, cursor.fetchone())
        loaded.due_timers = timers.fetchall()
    return loaded


def _locked(connection: Connection[Any], lock: tuple[str, Row], load: tuple[str, Row]) -> Loaded:
    with connection.cursor(row_factory=tuple_row, binary=True) as cursor:
        with connection.pipeline():
            connection.execute(*lock, prepare=True)
            cursor.execute(*load, prepare=True)
        return _loaded(connection, cursor.fetchone())


def _loaded(connection: Connection[Any], row: Row | None) -> Loaded:
    if row is None:
        raise NotFound
    return Loaded(
        connection=connection,
        instance_id=row[0],
        version=row[1],
        definition_hash=row[2],
        process_id=row[3],
        state=row[4],
        ended_at=row[5],
        unit_path=row[6],
        items=_objects(row[7]),
        clocks=_objects(row[8]),
        requests=_objects(row[9]),
        case=dict(zip(LOADED_COLUMNS, row[10:], strict=True)),
        due_timers=[],
    )


def _objects(text: str | None) -> list[dict[str, Any]]:
    return [] if text is None else cast("list[dict[str, Any]]", orjson.loads(text))


def archived_events(
    connection: Connection[Any], case_id: int, name: str, round_: int
) -> list[dict[str, Any]]:
    """Return the events of a round of a clock that its row no longer holds."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(ARCHIVED_EVENTS, (case_id, name, round_)).fetchall()
    return [row[0] for row in rows]


def next_ids(connection: Connection[Any], day: date) -> tuple[int, int, str, str | None]:
    """Return the ids of a case and an instance to come, the case's number, and the version it starts on.

    The number is the next one of the day; the version is None while no diagram is deployed.
    """
    with connection.cursor(row_factory=tuple_row) as cursor:
        row = cursor.execute(NEXT_IDS, (day,), prepare=True).fetchone()
    assert row is not None, "INSERT ... RETURNING of one row"
    return row[0], row[1], f"{day:%Y%m%d}{row[2]:06}", row[3]


def case_insert(case: Mapping[str, Any]) -> Row:
    """Return the parameters that insert a case."""
    return tuple(case[name] for name in (*WRITTEN_ONCE, *CHANGING_COLUMNS))


def case_update(case: Mapping[str, Any]) -> Row:
    """Return the parameters that write a case's changing columns."""
    return (*(case[name] for name in CHANGING_COLUMNS), case["id"])


def write_step(connection: Connection[Any], rows: StepRows) -> None:
    """Write a step's rows in one trip.

    Raises StateChanged when the instance, an item or a request was not as the step had seen it; the transaction
    must then be rolled back.
    """
    guarded: list[Cursor[Any]] = []
    with connection.pipeline():
        if rows.insert_case is not None:
            _execute(connection, INSERT_CASE, rows.insert_case)
        if rows.insert_instance is not None:
            _execute(connection, INSERT_INSTANCE, rows.insert_instance)
        if rows.update_instance is not None:
            guarded.append(_execute(connection, UPDATE_INSTANCE, rows.update_instance))
        if rows.update_case is not None:
            _execute(connection, UPDATE_CASE, rows.update_case)
        for statement, group in (
            (CLOSE_ITEM, rows.close_items),
            (ASSIGN_ITEM, rows.assign_items),
            (DECIDE, rows.decisions),
        ):
            guarded += [_execute(connection, statement, row) for row in group]
        for statement, group in (
            (RETIME_ITEM, rows.retime_items),
            (OPEN_ITEM, rows.open_items),
            (DROP_TIMERS, rows.drop_timers),
            (SET_TIMER, rows.set_timers),
            (RECORD_FIRING, rows.firings),
            (KEEP_CLOCK, rows.clocks),
            (ARCHIVE_EVENTS, rows.archived_events),
            (ASK, rows.asks),
            (LOG, rows.log),
            (END_FACT, rows.ended_facts),
            (KEEP_FACT, rows.facts),
            (PUT_OUT, rows.outbox),
        ):
            for row in group:
                _execute(connection, statement, row)
    if any(cursor.rowcount != 1 for cursor in guarded):
        raise StateChanged


def _execute(connection: Connection[Any], statement: str, row: Row) -> Cursor[Row]:
    return connection.cursor(row_factory=tuple_row).execute(statement, row, prepare=True)
