"""The state of an instance: small, flat, exact, the same hot and cold, and its definition left alone."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.engine import instance
from app.engine.definitions import Definition, bundle_hash
from app.errors import AppError
from tests.engine.diagrams import (
    begin,
    boundary,
    chain,
    declared,
    end,
    exclusive,
    flow,
    inclusive,
    keeping,
    many,
    nested,
    parallel,
    service,
    timer,
    trigger,
    user,
)
from tests.engine.play import Play, compiled


def reworked() -> Definition:
    """Return a task with two timers and a message, checked and done again as often as is asked."""
    return compiled(
        *(begin(), keeping("DO", "n"), keeping("CHECK", "good"), exclusive("G", "DO"), end()),
        *(chain("S", "DO", "CHECK", "G", "DO"), flow("G", "E", "good")),
        *(boundary("T1", "DO", timer("PT1H"), cancel=False), service("V1"), end("E1")),
        *(boundary("T2", "DO", timer("PT2H")), service("V2"), chain("T2", "V2", "CHECK")),
        *(boundary("M", "DO", trigger("message", "come"), cancel=False), end("E3")),
        *(chain("T1", "V1", "E1"), chain("M", "E3")),
        roots=declared("message", "come"),
    )


def rework(play: Play, *, times: int) -> int:
    """Go round a number of times; return the size of the state afterwards."""
    for number in range(times):
        if number % 3 == 0:
            play.fire("T1").receive("come")
        play = play.fire("T2") if number % 5 == 4 else play.complete("DO", n=number)
        play.complete("CHECK", good=False)
    return len(play.step.state)


def test_the_state_stays_flat_after_a_thousand_reworks():
    play = Play(reworked(), {"number": "2025-000123"})
    early = rework(play, times=100)
    late = rework(play, times=900)
    # Only the counters grow: in each of some 15 rows three of them, from three bytes of msgpack to five.
    assert late - early <= 15 * 3 * 2
    assert late < 4000


def everything() -> Definition:
    """Return a definition with joins, loops, instances, sub-processes and events."""
    return compiled(
        *(begin(), exclusive("M"), parallel("P"), keeping("A", "a"), inclusive("I", "B")),
        *(keeping("B", "b"), user("C"), inclusive("J"), parallel("Q"), exclusive("G", "E")),
        *(nested("SP", begin("S2"), user("D", many("2")), end("E2"), chain("S2", "D", "E2"))),
        *(chain("S", "M", "P", "A", "Q", "SP", "R", "G"), keeping("R", "again"), end()),
        *(chain("P", "I", "B", "J", "Q"), flow("I", "C", "a == 0"), chain("C", "J")),
        *(flow("G", "M", "again == 1"), flow("G", "E")),
        *(boundary("T", "A", timer("PT1H"), cancel=False), user("X"), end("EX")),
        *(boundary("BM", "SP", trigger("message", "come"), cancel=False), user("Y"), end("EY")),
        *(chain("T", "X", "EX"), chain("BM", "Y", "EY")),
        roots=declared("message", "come"),
    )


def wander(play: Play, seed: int, steps: int = 40) -> list[bytes]:
    """Do something possible again and again; return the states gone through."""
    rng = random.Random(seed)
    states = [play.step.state]
    for _ in range(steps):
        step = play.step
        if step.ended:
            break
        roll = rng.random()
        if step.timers and roll < 0.2:
            play.fire(rng.choice([t.element for t in step.timers]))
        elif step.messages and roll < 0.3:
            play.receive("come", p=rng.randint(0, 3))
        else:
            answers = {name: rng.randint(0, 1) for name in ("a", "b", "again")}
            play.complete(rng.choice(sorted(i.element for i in step.items)), **answers)
        states.append(play.step.state)
    return states


@pytest.mark.parametrize("seed", range(8))
def test_hot_and_cold_go_through_the_same_bytes(seed):
    definition, data = everything(), {"a": 0, "b": 0, "again": 0}
    hot = wander(Play(definition, data, hot=True), seed)
    cold = wander(Play(definition, data), seed)
    assert hot == cold
    assert len(hot) > 5


def test_the_same_steps_give_the_same_bytes_again():
    data = {"a": 0, "b": 0, "again": 0}
    assert wander(Play(everything(), data), 3) == wander(Play(everything(), data), 3)


LETTERS = st.text('abc中文é\U0001f600\n"\\\0', max_size=8)
PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | LETTERS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(LETTERS, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=80, deadline=None)
@given(st.dictionaries(LETTERS, PLAIN, max_size=5))
def test_plain_data_come_back_as_they_were(data: dict[str, Any]):
    play = Play(compiled(begin(), user("A"), user("B"), end(), chain("S", "A", "B", "E")), data)
    read = instance.read(play.definition, play.step.state, play.moment())
    assert exact(read.items[0].data) == exact(data)
    assert exact(play.complete("A").data("B")) == exact(data)


def exact(value: Any) -> Any:
    """Tell 1 from True and from 1.0."""
    if isinstance(value, dict):
        return {key: exact(item) for key, item in value.items()}
    return [exact(i) for i in value] if isinstance(value, list) else (type(value), value)


@pytest.mark.parametrize("value", [2**64, object(), {1, 2}, [{"k": object()}], "\ud800"])
def test_data_that_cannot_be_kept_are_refused(value):
    definition = compiled(begin(), user("A"), end(), chain("S", "A", "E"))
    with pytest.raises(AppError):
        Play(definition, {"x": value})


def test_branches_do_not_share_what_one_of_them_changes():
    definition = compiled(
        *(begin(), parallel("P"), keeping("A", "note"), user("B"), end(), end("E2")),
        *(user("C"), chain("S", "P", "A", "C", "E"), chain("P", "B", "E2")),
    )
    play = Play(definition, {"note": {"deep": [1]}}, hot=True).complete("A", note={"deep": [2]})
    assert (play.data("C")["note"], play.data("B")["note"]) == ({"deep": [2]}, {"deep": [1]})


def picture(definition: Definition) -> dict[str, Any]:
    """Return everything about the nodes of a definition that a step could change."""
    return {
        f"{process}/{name}": (
            list(node._inputs),
            list(node._outputs),
            sorted((k, repr(v)) for k, v in vars(node).items() if k != "_reach" and plain(v)),
            [node.completed_event.n_subscribers(), node.ready_event.n_subscribers()],
        )
        for process, spec in definition.specs.items()
        for name, node in spec.task_specs.items()
    }


def plain(value: Any) -> bool:
    return isinstance(value, str | int | bool | float | list | dict | tuple | None)


def test_instances_in_eight_threads_leave_the_definition_alone():
    definition = everything()
    before = picture(definition)
    alone = [wander(Play(definition, {"a": 0, "b": 0, "again": 0}), seed) for seed in range(16)]
    with ThreadPoolExecutor(8) as pool:
        together = pool.map(
            lambda seed: wander(Play(definition, {"a": 0, "b": 0, "again": 0}, hot=True), seed),
            list(range(16)) * 3,
        )
        assert list(together) == alone * 3
    assert picture(definition) == before


def test_a_definition_is_compiled_once():
    assert reworked() is reworked()


def test_the_hash_of_a_bundle_tells_names_from_contents():
    assert bundle_hash({"a": b"bc"}) != bundle_hash({"ab": b"c"})
    assert bundle_hash({"a": b"1", "b": b"2"}) == bundle_hash({"b": b"2", "a": b"1"})
    assert bundle_hash({"a": b"1", "b": b"2"}) != bundle_hash({"a": b"2", "b": b"1"})
