"""Walk random models at random, ours beside stock SpiffWorkflow, and compare after every action.

`python -m tests.engine.walks --states 20000` prints the counts and exits 1 at the first difference, naming the seed.
Ours is read back from its bytes at every step (or, every other walk, kept hot); stock stays in memory.
"""

from __future__ import annotations

import argparse
import copy
import itertools
import random
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

import time_machine
from lxml import etree
from SpiffWorkflow.bpmn.parser.BpmnParser import BpmnParser
from SpiffWorkflow.bpmn.specs.event_definitions.message import MessageEventDefinition
from SpiffWorkflow.bpmn.specs.event_definitions.multiple import MultipleEventDefinition
from SpiffWorkflow.bpmn.specs.event_definitions.timer import (
    CycleTimerEventDefinition,
    TimerEventDefinition,
)
from SpiffWorkflow.bpmn.util.event import BpmnEvent
from SpiffWorkflow.bpmn.workflow import BpmnWorkflow
from SpiffWorkflow.util.task import TaskState

from app.engine import instance
from app.engine.definitions import Definition, compile_bundle
from app.engine.moment import Moment, ServiceCall
from app.engine.specs import BoundaryEvent
from tests.engine.models import VARIABLES, model_xml
from tests.engine.more_blocks import FEATURES

BEGIN = datetime(2025, 3, 3, 8, 0, tzinfo=UTC)
MAX_ACTIONS = 60


@dataclass
class Count:
    """What the walks have covered."""

    walks: int = 0
    states: int = 0
    timers: int = 0
    completed: int = 0
    messages: int = 0
    largest: int = 0
    skipped: int = 0


class Difference(AssertionError):
    """Ours and stock disagree."""


@dataclass
class Picture:
    """What can be seen from outside: open items with their data, timers, whether it ended."""

    items: list[tuple[str, str]]
    timers: list[tuple[str, datetime]]
    messages: frozenset[str]
    ended: bool


def _canonical(value: Any) -> str:
    if isinstance(value, dict):
        return (
            "{"
            + ",".join(f"{k}:{_canonical(value[k])}" for k in sorted(value) if k != "data_objects")
            + "}"
        )
    if isinstance(value, list):
        return "[" + ",".join(map(_canonical, value)) + "]"
    return repr(value)


@dataclass
class Stock:
    """The stock engine's side of a walk."""

    workflow: BpmnWorkflow
    fired: int = 0

    @classmethod
    def begin(cls, content: bytes, data: dict[str, Any]) -> Stock:
        parser = BpmnParser()
        parser.add_bpmn_xml(etree.fromstring(content), filename="model")
        spec = parser.get_spec("main")
        workflow = BpmnWorkflow(spec, parser.get_subprocess_specs("main"))
        workflow.task_tree.data = dict(data)
        workflow.do_engine_steps()
        return cls(workflow)

    def items(self) -> list[Any]:
        return [t for t in self.workflow.get_tasks(state=TaskState.READY) if t.task_spec.manual]

    def picture(self) -> Picture:
        waiting = list(self.workflow.event_manager.tasks.values())
        timers: list[tuple[str, datetime]] = []
        messages: set[str] = set()
        for task in waiting:
            if task.state != TaskState.WAITING:
                continue
            definition = task.task_spec.event_definition
            parts = (
                definition.event_definitions
                if isinstance(definition, MultipleEventDefinition)
                else [definition]
            )
            for position, part in enumerate(parts):
                if isinstance(part, TimerEventDefinition):
                    value = task.internal_data.get("event_value")
                    if isinstance(part, CycleTimerEventDefinition):
                        value = value["next"] if value and value["cycles"] != 0 else None
                    if value is not None:
                        own = definition is part
                        name = (
                            task.task_spec.bpmn_id
                            if own
                            else task.task_spec.outputs[position].bpmn_id
                        )
                        timers.append((name, datetime.fromisoformat(value).astimezone(UTC)))
                elif isinstance(part, MessageEventDefinition):
                    messages.add(part.name)
        if not self.workflow.completed:
            for name in self.workflow.spec.start.trigger_specs:
                for start in self.workflow.subprocess_specs[name].bpmn_start_events:
                    messages.add(start.event_definition.name)
        items = sorted((t.task_spec.bpmn_id, _canonical(t.data)) for t in self.items())
        return Picture(items, sorted(timers), frozenset(messages), self.workflow.completed)

    def complete(self, chosen: tuple[str, str], answers: dict[str, Any]) -> None:
        task = next(t for t in self.items() if (t.task_spec.bpmn_id, _canonical(t.data)) == chosen)
        task.data.update(answers)
        task.run()
        self.workflow.do_engine_steps()

    def send(self, message: str, payload: dict[str, Any]) -> None:
        event = BpmnEvent(MessageEventDefinition(message), payload=copy.deepcopy(payload))
        self.workflow.send_event(event)
        self.workflow.do_engine_steps()

    def poll(self) -> None:
        self.workflow.refresh_timers()
        self.workflow.do_engine_steps()


def _put(call: ServiceCall) -> dict[str, Any]:
    return {call.inputs["key"]: call.inputs["value"]}


@dataclass
class Ours:
    """Our side of a walk: nothing but a definition and bytes."""

    definition: Definition
    hot: bool
    step: instance.Step = field(init=False)

    def moment(self, now: datetime) -> Moment:
        if not self.hot:
            instance.HOT._entries.clear()
        return Moment(now=now, services={"put": _put})

    def begin(self, data: dict[str, Any], now: datetime) -> None:
        self.step = instance.start(self.definition, "main", data, self.moment(now))

    def picture(self) -> Picture:
        items = sorted((i.element, _canonical(dict(i.data))) for i in self.step.items)
        timers = sorted((t.element, t.due_at) for t in self.step.timers)
        return Picture(items, timers, frozenset(self.step.messages), self.step.ended)

    def complete(self, chosen: tuple[str, str], answers: dict[str, Any], now: datetime) -> None:
        item = next(i for i in self.step.items if (i.element, _canonical(dict(i.data))) == chosen)
        self.step = instance.complete(
            self.definition, self.step.state, item.token, answers, self.moment(now)
        )

    def send(self, message: str, payload: dict[str, Any], now: datetime) -> None:
        self.step = instance.receive(
            self.definition, self.step.state, message, payload, self.moment(now)
        )

    def fire(self, now: datetime) -> int:
        due = [t.token for t in self.step.timers if t.due_at < now]
        self.step = instance.fire(self.definition, self.step.state, due, self.moment(now))
        return len(due)


def _definition(files: Mapping[str, bytes]) -> Definition:
    definition = compile_bundle(files)
    for spec in definition.specs.values():
        for node in spec.task_specs.values():
            if isinstance(node, BoundaryEvent):
                node.rearmed = False  # the stock engine listens once
    return definition


def walk(seed: int, features: frozenset[str], count: Count) -> None:
    """Walk one model from start to end or MAX_ACTIONS; raise Difference."""
    rng = random.Random(seed * 7919 + 1)
    ticks = itertools.count(1.0)
    definition = _definition({"model.bpmn": model_xml(seed, True, features)})
    data = dict.fromkeys(VARIABLES, 0) | {"note": {"deep": [1, 2]}}
    now = BEGIN
    with (
        time_machine.travel(now, tick=False) as traveller,
        mock.patch("SpiffWorkflow.task.time.time", ticks.__next__),
    ):
        stock = Stock.begin(model_xml(seed, False, features), copy.deepcopy(data))
        ours = Ours(definition, hot=seed % 2 == 1)
        ours.begin(copy.deepcopy(data), now)
        count.walks += 1
        for number in range(MAX_ACTIONS):
            _compare(seed, number, stock, ours, count)
            if stock.workflow.completed:
                return
            now = _act(rng, stock, ours, traveller, now, count)


def _compare(seed: int, number: int, stock: Stock, ours: Ours, count: Count) -> None:
    left, right = stock.picture(), ours.picture()
    count.states += 1
    count.largest = max(count.largest, len(ours.step.state))
    if left != right:
        raise Difference(f"seed {seed}, action {number}:\n stock {left}\n ours  {right}")


def _act(
    rng: random.Random, stock: Stock, ours: Ours, traveller: Any, now: datetime, count: Count
) -> datetime:
    picture = ours.picture()
    choices = ["complete"] * (3 * bool(picture.items)) + ["timer"] * bool(picture.timers)
    choices += ["message"] * bool(picture.messages)
    if not choices:
        raise Difference("nothing can be done and it has not ended")
    action = rng.choice(choices)
    if action == "complete":
        chosen = rng.choice(picture.items)
        answers = {v: rng.randint(0, 2) for v in VARIABLES}
        stock.complete(chosen, answers)
        ours.complete(chosen, answers, now)
        count.completed += 1
    elif action == "timer":
        now = min(due for _, due in picture.timers) + timedelta(seconds=1)
        traveller.move_to(now, tick=False)
        stock.poll()
        count.timers += ours.fire(now)
    else:
        message = rng.choice(sorted(picture.messages))
        payload = {"p": rng.randint(0, 9)}
        stock.send(message, payload)
        ours.send(message, payload, now)
        count.messages += 1
    return now


def run(
    states: int, timers: int, first_seed: int = 0, features: frozenset[str] = FEATURES
) -> Count:
    """Walk until both counts are reached."""
    count = Count()
    for seed in itertools.count(first_seed):
        walk(seed, features, count)
        if count.states >= states and count.timers >= timers:
            return count
    raise AssertionError("unreachable")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--states", type=int, default=20_000)
    parser.add_argument("--timers", type=int, default=2_000)
    parser.add_argument("--first-seed", type=int, default=0)
    arguments = parser.parse_args()
    try:
        count = run(arguments.states, arguments.timers, arguments.first_seed)
    except Difference as exc:
        print(exc)
        sys.exit(1)
    print(f"{count}: no difference")


if __name__ == "__main__":
    main()
