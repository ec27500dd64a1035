"""What goes wrong while an instance runs ends in a clear error, and never in a hang."""

from __future__ import annotations

import msgpack
import pytest

from app.engine import instance
from app.engine.moment import ServiceCall
from app.errors import EngineError
from tests.engine.diagrams import (
    begin,
    boundary,
    chain,
    decision,
    end,
    exclusive,
    flow,
    many,
    mapping,
    nested,
    node,
    service,
    timer,
    user,
)
from tests.engine.play import Play, compiled


class StillRunningError(BaseException):
    """A cycle went on after it should have been stopped."""


def counted(call: ServiceCall) -> None:
    counted.calls += 1
    if counted.calls > 400:
        raise StillRunningError


@pytest.fixture(autouse=True)
def _count_from_zero(monkeypatch):
    counted.calls = 0
    monkeypatch.setattr("app.engine.workflow.MAX_AUTOMATIC_STEPS", 200)


def ring(*around: str) -> tuple[str, ...]:
    """Return a start, a cycle of automatic nodes and an end it never comes to."""
    first, last = around
    nodes = (begin(first), exclusive("M"), service("V", "count"), exclusive("G", "M"), end(last))
    return (*nodes, chain(first, "M", "V", "G"), flow("G", "M"), flow("G", last, "false"))


def test_a_cycle_without_a_wait_is_stopped_and_names_a_node_of_it():
    with pytest.raises(EngineError, match=r"(M|V|G) 处空转不停"):
        Play(compiled(*ring("S", "E")), services={"count": counted})


def test_a_cycle_without_a_wait_inside_a_sub_process_is_stopped():
    inner = nested("SP", *ring("S2", "E2"))
    definition = compiled(begin(), inner, end(), chain("S", "SP", "E"))
    with pytest.raises(EngineError):
        Play(definition, services={"count": counted})


def test_a_loop_of_an_automatic_task_that_never_ends_is_stopped():
    loop = "<standardLoopCharacteristics><loopCondition>true</loopCondition></standardLoopCharacteristics>"
    definition = compiled(begin(), service("V", "count", inner=loop), end(), chain("S", "V", "E"))
    with pytest.raises(EngineError, match="V"):
        Play(definition, services={"count": counted})


def test_a_multi_instance_over_a_huge_number_is_refused():
    definition = compiled(begin(), user("A", many("n")), end(), chain("S", "A", "E"))
    with pytest.raises(EngineError):
        Play(definition, {"n": 20_000})


def completed(play: Play, times: int) -> None:
    for _ in range(times):
        play.complete("A")


def doubling(text: str) -> Play:
    task = user("A", mapping(outputs={"x": text}))
    definition = compiled(
        *(begin(), task, exclusive("G", "E"), end(), chain("S", "A", "G")),
        *(flow("G", "A", "true"), flow("G", "E")),
    )
    return Play(definition, {"x": "seed"})


@pytest.mark.parametrize("text", ["x + x", "[x, x]", "(x, x)"])
def test_a_value_that_doubles_in_a_loop_is_stopped(text):
    play = doubling(text)
    with pytest.raises(EngineError, match="larger"):
        completed(play, 40)
    assert len(play.step.state) < 300_000


def test_a_number_that_doubles_in_a_loop_is_stopped():
    play = Play(doubling("x + x").definition, {"x": 1})
    with pytest.raises(EngineError):
        completed(play, 80)


def test_a_state_of_many_large_values_is_refused():
    task = user("A", mapping(outputs={f"copy{n}": "text" for n in range(40)}))
    definition = compiled(begin(), task, user("B"), end(), chain("S", "A", "B", "E"))
    play = Play(definition, {"text": "x" * 90_000})
    with pytest.raises(EngineError):
        play.complete("A")  # 40 times 90 kB


def boom(call: ServiceCall) -> None:
    raise ValueError("bang")


TAIL = (end(), chain("S", "X", "E"))
FAILING = {
    "condition": (exclusive("X", "E"), user("Z"), flow("X", "Z", "nowhere == 1"), chain("Z", "E")),
    "timer": (user("X"), boundary("B", "X", timer("at(nowhere)")), end("E2"), chain("B", "E2")),
    "due date": (user("X", camunda_dueDate="at(nowhere)"),),
    "groups": (user("X", camunda_candidateGroups="${nowhere}"),),
    "service": (service("X", "boom"),),
    "input": (service("X", "put", {"a": "${nowhere}"}),),
    "number of instances": (user("X", many("nowhere")),),
    "decision": (node("businessRuleTask", "X", camunda_decisionRef="choose"),),
}


def failing(kind: str) -> Play:
    definition = compiled(begin(), *FAILING[kind], *TAIL, d=decision(('"a"', '"b"')))
    return Play(definition, services={"boom": boom}, functions={"at": str})


@pytest.mark.parametrize("kind", FAILING)
def test_a_failure_comes_out_as_an_engine_error_with_its_reason(kind):
    with pytest.raises(EngineError, match=r"nowhere|bang|level"):
        failing(kind)


@pytest.mark.parametrize("kind", FAILING)
def test_a_failure_names_its_element(kind):
    with pytest.raises(EngineError) as caught:
        failing(kind)
    assert caught.value.facts["element"] in {"X", "B"}


def test_a_gateway_without_a_way_names_itself():
    # Refused at deploy; here the one flow's condition is added afterwards.
    definition = compiled(begin(), user("A"), exclusive("G", "E"), end(), chain("S", "A", "G", "E"))
    gateway = definition.specs["main"].task_specs["G"]
    gateway.default_task_spec = None
    with pytest.raises(EngineError, match="G"):
        Play(definition).complete("A")


def test_a_step_that_failed_leaves_the_state_as_it_was():
    task = user("A", mapping(outputs={"x": "y + 1"}))
    definition = compiled(begin(), task, user("B"), end(), chain("S", "A", "B", "E"))
    play = Play(definition, hot=True)
    with pytest.raises(EngineError):
        play.complete("A")
    assert play.complete("A", y=1).data("B") == {"x": 2}


@pytest.mark.parametrize(
    "state", [b"", b"\xc1", b"hello", msgpack.packb({}), msgpack.packb([1, 2])]
)
def test_bytes_that_are_no_state_are_refused(state):
    definition = compiled(begin(), user("A"), end(), chain("S", "A", "E"))
    with pytest.raises(EngineError):
        instance.complete(definition, state, 1, {}, Play(definition).moment())


def test_a_state_of_an_unknown_format_is_refused():
    play = Play(compiled(begin(), user("A"), end(), chain("S", "A", "E")))
    future = msgpack.packb([99, *msgpack.unpackb(play.step.state)[1:]])
    with pytest.raises(EngineError, match="99"):
        instance.complete(play.definition, future, 1, {}, play.moment())


@pytest.mark.parametrize(
    "state",
    [msgpack.packb(1), msgpack.packb([1, 0, 0, 0, [], []]), msgpack.packb([1, 99, 0, 0, [], []])],
)
def test_a_state_that_does_not_fit_its_definition_is_refused(state):
    definition = compiled(begin(), user("A"), end(), chain("S", "A", "E"))
    with pytest.raises(EngineError):
        instance.complete(definition, state, 1, {}, Play(definition).moment())
