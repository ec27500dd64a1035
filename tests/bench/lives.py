"""The full life of a case, committed step by step: stock saving everything, ours, and PostgreSQL alone.

The life has 12 work items, one extension and one rework. It is lived once to learn its commands and the very rows it
writes; then each contestant lives it again in a fresh clone of the same database:
- ours: run(command) as the pages do, with authority, form check, engine, clocks, log chain, facts;
- PostgreSQL alone: the same locks, loads and rows in the same transactions, nothing computed;
- stock: the same loads and rows, with SpiffWorkflow 3.2.0 reading and saving its whole state at each step.
"""

from __future__ import annotations

import copy
import json
import multiprocessing
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg.rows import tuple_row
from SpiffWorkflow.bpmn.parser.BpmnParser import BpmnParser
from SpiffWorkflow.bpmn.serializer.workflow import BpmnWorkflowSerializer
from SpiffWorkflow.bpmn.specs.event_definitions.message import MessageEventDefinition
from SpiffWorkflow.bpmn.util.event import BpmnEvent
from SpiffWorkflow.bpmn.workflow import BpmnWorkflow
from SpiffWorkflow.util.task import TaskState
from sqlalchemy import URL

import app.cases.commands.report
import app.cases.steps
from app.cases import store
from app.cases.commands import CompleteWork, ReportCase, RequestExtension
from app.cases.store import StepRows
from app.run import Actor, run
from tests.bench.plain import kept, plain_diagrams
from tests.bench.scratch import Scratch, as_text
from tests.factories import IN_GRID, City, Desk

LIFE_ITEMS = 12


@dataclass
class LivedStep:
    """One step as it was lived: the command, who gave it, and the rows it wrote."""

    command: Any
    actor: Actor
    item_id: int | None = None
    case_id: int | None = None
    element: str = ""
    answers: dict[str, Any] = field(default_factory=dict)
    rows: StepRows = field(default_factory=StepRows)


@dataclass
class Script:
    """A life of a case from report to closure, as a list of (element, actor, answers)."""

    city: City

    def steps(self) -> list[tuple[str, Actor, dict[str, Any]]]:
        city = self.city
        work = [
            ("T_handle", city.handler1, {"outcome": "done", "opinion": "已清理完毕"}),
            ("T_confirm", city.manager1, {"outcome": "hand_in", "opinion": "情况属实"}),
        ]
        return [
            ("T_accept", city.intake, {"outcome": "accept"}),
            (
                "T_file",
                city.intake,
                {"outcome": "file", "class_code": "E-01-02", "condition_seq": 1},
            ),
            ("T_dispatch", city.dispatcher, {"outcome": "dispatch", "unit_id": 11}),
            ("T_assign", city.manager1, {"outcome": "assign", "handler_id": 112}),
            ("extension", city.manager1, {}),
            ("T_approve_extension", city.chief, {"outcome": "grant", "opinion": "同意"}),
            *work,
            ("T_review", city.dispatcher, {"outcome": "rework", "opinion": "仍有残留"}),
            *work,
            ("T_review", city.dispatcher, {"outcome": "pass_by_photo", "opinion": "照片清楚"}),
            ("T_close", city.chief, {"outcome": "close"}),
        ]


def learn(scratch: Scratch, base: URL, city: City, lives: int) -> list[list[LivedStep]]:
    """Live some lives in a clone and return their steps with their rows."""
    written: list[StepRows] = []
    original = store.write_step

    def recording(connection: Any, rows: StepRows) -> None:
        written.append(copy.deepcopy(rows))
        original(connection, rows)

    app.cases.steps.write_step = recording
    try:
        with scratch.clone(base) as url:
            database = scratch.opened(url)
            desk = Desk(city, database)
            learnt = [_learn_one(desk, written) for _ in range(lives)]
            database.drop_connections()
    finally:
        app.cases.steps.write_step = original
    return learnt


def _learn_one(desk: Desk, written: list[StepRows]) -> list[LivedStep]:
    steps: list[LivedStep] = []

    def live(step: LivedStep) -> Any:
        written.clear()
        result = run(step.command, actor=step.actor)
        step.rows = written[-1]
        steps.append(step)
        return result

    report = ReportCase("collector", "路边垃圾成堆", **IN_GRID)
    case_id = live(LivedStep(report, desk.city.collector)).case_id
    for element, actor, answers in Script(desk.city).steps():
        if element == "extension":
            command = RequestExtension(case_id, "车辆故障，需要更多时间")
            live(LivedStep(command, actor, case_id=case_id, element=element))
            continue
        item_id = desk.item(case_id, element)
        live(
            LivedStep(
                CompleteWork(item_id, answers),
                actor,
                item_id=item_id,
                case_id=case_id,
                element=element,
                answers=answers,
            )
        )
    return steps


def live_ours(scratch: Scratch, url: URL, lives: list[list[LivedStep]]) -> float:
    """Return the seconds that our engine takes for the lives."""
    database = scratch.opened(url)
    _warm(database)
    begin = time.perf_counter()
    for life in lives:
        for step in life:
            run(step.command, actor=step.actor)
    elapsed = time.perf_counter() - begin
    database.drop_connections()
    return elapsed


def _warm(database: Any) -> None:
    with database.sessions() as session:
        session.connection()


def live_postgres(scratch: Scratch, url: URL, lives: list[list[LivedStep]]) -> float:
    """Return the seconds that PostgreSQL takes for the same loads and rows with nothing computed."""
    with _connected(url) as connection:
        begin = time.perf_counter()
        for life in lives:
            for step in life:
                _load(connection, step)
                store.write_step(connection, step.rows)
                connection.commit()
        return time.perf_counter() - begin


def _connected(url: URL) -> psycopg.Connection[Any]:
    plain = url.set(drivername="postgresql")
    return psycopg.connect(as_text(plain), options="-c timezone=UTC")


def _load(connection: psycopg.Connection[Any], step: LivedStep) -> bytes | None:
    if step.item_id is not None:
        return store.load_item(connection, step.item_id).state
    if step.case_id is not None:
        return store.load_case(connection, step.case_id).state
    with connection.cursor(row_factory=tuple_row) as cursor:
        cursor.execute(store.NEXT_IDS, (step.rows.insert_case[9].date(),), prepare=True)  # type: ignore[index]
        cursor.fetchone()
    return None


class StockEngine:
    """SpiffWorkflow as it comes: parse once, save and restore the whole workflow at each step."""

    def __init__(self) -> None:
        roots, self.results = plain_diagrams()
        parser = BpmnParser()
        for root in roots:
            parser.add_bpmn_xml(root)
        self.spec = parser.get_spec("case")
        self.subs = parser.get_subprocess_specs("case")
        self.serializer = BpmnWorkflowSerializer()

    def start(self, data: dict[str, Any]) -> bytes:
        workflow = BpmnWorkflow(self.spec, self.subs)
        workflow.task_tree.data = dict(data)
        workflow.do_engine_steps()
        return self._saved(workflow)

    def step(self, state: bytes, step: LivedStep) -> bytes:
        workflow = self.serializer.deserialize_json(state.decode())
        if step.element == "extension":
            payload = {"extension_no": 1, "extension_length": "within_original", "unit_id": 11}
            event = BpmnEvent(MessageEventDefinition("extension_requested"), payload=payload)
            workflow.send_event(event)
        else:
            ready = workflow.get_tasks(state=TaskState.READY)
            task = next(t for t in ready if t.task_spec.bpmn_id == step.element)
            task.data.update(kept(self.results[step.element], task.data, step.answers))
            task.run()
        workflow.do_engine_steps()
        return self._saved(workflow)

    def _saved(self, workflow: BpmnWorkflow) -> bytes:
        return self.serializer.serialize_json(workflow).encode()


FIRST_DATA = {
    "channel": "collector", "self_handled": False, "needs_verification": False, "class_code": None,
    "kind": None, "duty": "", "district_code": "140106", "unit_id": None, "handler_known": False,
    "outcome": None,
}  # fmt: skip


def live_stock(scratch: Scratch, url: URL, lives: list[list[LivedStep]]) -> float:
    """Return the seconds that the stock engine takes, saving everything beside the same rows."""
    engine = StockEngine()
    with _connected(url) as connection:
        begin = time.perf_counter()
        for life in lives:
            for step in life:
                state = _load(connection, step)
                rows = copy.copy(step.rows)
                if state is None:
                    given = list(rows.insert_instance or ())
                    given[5] = engine.start(FIRST_DATA)
                    rows.insert_instance = tuple(given)
                else:
                    given = list(rows.update_instance or ())
                    given[0] = engine.step(state, step)
                    rows.update_instance = tuple(given)
                store.write_step(connection, rows)
                connection.commit()
        return time.perf_counter() - begin


Contestant = Callable[[Scratch, URL, list[list[LivedStep]]], float]
CONTESTANTS: dict[str, Contestant] = {
    "stock": live_stock,
    "ours": live_ours,
    "postgres": live_postgres,
}


Rates = dict[str, list[float]]


def race(scratch: Scratch, base: URL, city: City, lives: int, rounds: int) -> Rates:
    """Return lives a second by contestant, one figure a round; the rounds are interleaved. One process."""
    learnt = learn(scratch, base, city, lives)
    found: dict[str, list[float]] = {name: [] for name in CONTESTANTS}
    for _ in range(rounds):
        for name, contestant in CONTESTANTS.items():
            with scratch.clone(base) as url:
                found[name].append(lives / contestant(scratch, url, learnt))
    return found


def median_ratio(values: list[float], baseline: list[float]) -> float:
    """Return the median of the ratios round by round: a machine whose speed drifts does not bend it."""
    return statistics.median(v / b for v, b in zip(values, baseline, strict=True))


def race_two(scratch: Scratch, base: URL, city: City, lives: int, rounds: int) -> Rates:
    """Return lives a second with two processes at once, each in its own database."""
    learnt = learn(scratch, base, city, lives)
    found: dict[str, list[float]] = {name: [] for name in CONTESTANTS}
    context = multiprocessing.get_context("fork")
    for _ in range(rounds):
        for name, contestant in CONTESTANTS.items():
            with scratch.clone(base) as first, scratch.clone(base) as second:
                queue = context.Queue()
                workers = [
                    context.Process(target=_timed, args=(queue, contestant, scratch, url, learnt))
                    for url in (first, second)
                ]
                for worker in workers:
                    worker.start()
                slowest = max(queue.get() for _ in workers)
                for worker in workers:
                    worker.join()
                found[name].append(2 * lives / slowest)
    return found


def _timed(queue: Any, contestant: Contestant, scratch: Scratch, url: URL, learnt: Any) -> None:
    queue.put(contestant(scratch, url, learnt))


def state_sizes(learnt: list[LivedStep]) -> tuple[int, int]:
    """Return our largest state in a life and the stock engine's, in bytes."""
    ours = max(len((s.rows.update_instance or (b"",))[0]) for s in learnt)
    engine = StockEngine()
    state, largest = engine.start(FIRST_DATA), 0
    for step in learnt[1:]:
        state = engine.step(state, step)
        largest = max(largest, len(state))
    return ours, largest


__all__ = ["LIFE_ITEMS", "json", "learn", "median_ratio", "race", "race_two", "state_sizes"]
