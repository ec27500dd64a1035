"""Parallel and inclusive joins, in loops and over branches that fork again."""

from __future__ import annotations

import itertools

import pytest

from tests.engine.diagrams import (
    begin,
    chain,
    end,
    exclusive,
    flow,
    inclusive,
    keeping,
    many,
    parallel,
    user,
)
from tests.engine.play import Play, compiled
from tests.engine.stock import Stock

ORDERS = list(itertools.permutations("ABC"))


def looped(*branches: str) -> tuple[str, ...]:
    """Return branches between a fork and a join, gone through again as R says."""
    return (
        *(begin(), exclusive("M"), parallel("P"), *map(user, branches), parallel("J")),
        *(chain("P", name, "J") for name in branches),
        *(keeping("R", "again"), exclusive("G", "E"), end(), chain("S", "M", "P")),
        *(chain("J", "R", "G"), flow("G", "M", "again == 1"), flow("G", "E")),
    )


@pytest.mark.parametrize("orders", list(itertools.product(ORDERS, repeat=2)))
def test_a_parallel_join_in_a_loop_waits_for_every_branch_each_time(orders):
    play = Play(compiled(*looped("A", "B", "C")))
    for order in orders:
        for number, branch in enumerate(order, start=1):
            play.complete(branch)
            assert play.open == (["R"] if number == 3 else sorted(order[number:]))
        play.complete("R", again=1)


def test_stock_fires_a_parallel_join_in_a_loop_early():
    stock = Stock.of(*looped("A", "B"), data={"again": 0})
    stock.do("A").do("B").do("R", again=1)
    assert stock.do("B").open == ["A", "R"]  # A has not been done in this round


def test_a_parallel_join_merges_what_its_branches_wrote():
    definition = compiled(
        *(begin(), parallel("P"), keeping("A", "a"), keeping("B", "b"), parallel("J")),
        *(user("N"), end(), chain("S", "P", "A", "J", "N", "E"), chain("P", "B", "J")),
    )
    play = Play(definition, {"x": 0}).complete("B", b=2).complete("A", a=1)
    assert play.data("N") == {"x": 0, "a": 1, "b": 2}


def forking(*, chosen: bool) -> Play:
    """Return an inclusive fork to A, and if chosen to B and C through another fork; behind the join N."""
    definition = compiled(
        *(begin(), inclusive("I", "A"), user("A"), parallel("P"), user("B"), user("C")),
        *(user("D"), inclusive("J"), user("N"), end(), flow("S", "I"), flow("I", "A")),
        *(flow("I", "P", "x == 1"), flow("I", "D", "x == 1"), chain("P", "B", "J")),
        *(chain("P", "C", "J"), chain("D", "J"), chain("A", "J", "N", "E")),
    )
    return Play(definition, {"x": int(chosen)})


@pytest.mark.parametrize("order", list(itertools.permutations("BCD")))
def test_an_inclusive_join_waits_for_every_token_that_can_reach_it(order):
    play = forking(chosen=True)
    for number, branch in enumerate(order, start=1):
        assert "N" not in play.open
        play.complete(branch)
        assert play.open == (["N"] if number == 3 else sorted(order[number:]))


def test_an_inclusive_join_does_not_wait_for_ways_not_taken():
    play = forking(chosen=False)
    assert play.open == ["A"]
    assert play.complete("A").open == ["N"]


def test_an_inclusive_join_does_not_wait_for_a_token_that_cannot_reach_it():
    definition = compiled(
        *(begin(), parallel("P"), user("Z"), end("E2"), inclusive("I", "A"), user("A")),
        *(user("B"), inclusive("J"), user("N"), end(), chain("S", "P", "Z", "E2")),
        *(chain("P", "I"), flow("I", "A"), flow("I", "B", "x == 1"), chain("A", "J")),
        chain("B", "J", "N", "E"),
    )
    assert Play(definition, {"x": 1}).complete("B").open == ["N", "Z"]


def test_an_inclusive_join_in_a_loop_waits_each_time():
    definition = compiled(
        *(begin(), exclusive("M"), inclusive("I", "A"), user("A"), user("B"), inclusive("J")),
        *(keeping("R", "again"), exclusive("G", "E"), end(), chain("S", "M", "I")),
        *(flow("I", "A"), flow("I", "B", "x == 1"), flow("I", "C", "x == 1"), user("C")),
        *(chain("A", "J"), chain("C", "J"), chain("B", "J", "R", "G")),
        *(flow("G", "M", "again == 1"), flow("G", "E")),
    )
    play = Play(definition, {"x": 1})
    for first, second in (("C", "B"), ("B", "C"), ("B", "C"), ("C", "B")):
        assert play.complete(first).open == [second]
        assert play.complete(second).open == ["R"]
        play.complete("R", again=1)


@pytest.mark.parametrize("sequential", [True, False])
def test_a_multi_instance_opens_as_many_as_it_says(sequential):
    loop = many("n", sequential=sequential)
    definition = compiled(begin(), user("A", loop), user("N"), end(), chain("S", "A", "N", "E"))
    play = Play(definition, {"n": 3})
    for left in (3, 2, 1):
        assert play.open == ["A"] * (1 if sequential else left)
        play.complete("A")
    assert play.open == ["N"]


@pytest.mark.parametrize("number", [0, 1])
def test_a_multi_instance_of_none_or_one_goes_on(number):
    definition = compiled(
        begin(), user("A", many("n")), user("N"), end(), chain("S", "A", "N", "E")
    )
    play = Play(definition, {"n": number})
    assert play.open == ["A"] * number or play.open == ["N"]


def test_a_multi_instance_stops_when_its_condition_holds():
    loop = many("3", condition='outcome == "enough"')
    definition = compiled(begin(), user("A", loop), user("N"), end(), chain("S", "A", "N", "E"))
    play = Play(definition, {"outcome": "start"}).complete("A", outcome="more")
    assert play.open == ["A", "A"]
    assert play.complete("A", outcome="enough").open == ["N"]


def test_a_multi_instance_gives_each_instance_its_item():
    loop = (
        '<multiInstanceLoopCharacteristics camunda:collection="${units}" '
        'camunda:elementVariable="unit"/>'
    )
    definition = compiled(begin(), user("A", loop), end(), chain("S", "A", "E"))
    play = Play(definition, {"units": ["north", "south"]})
    assert sorted(i.data["unit"] for i in play.step.items) == ["north", "south"]
