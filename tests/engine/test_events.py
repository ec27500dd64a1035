"""Messages, signals, errors, escalations, event sub-processes and terminate."""

from __future__ import annotations

import pytest

from app.errors import StateChanged
from tests.engine.diagrams import (
    begin,
    boundary,
    called,
    catch,
    chain,
    declared,
    end,
    nested,
    node,
    parallel,
    process,
    throw,
    timer,
    trigger,
    user,
)
from tests.engine.play import Play, compiled, together
from tests.engine.stock import Stock

SIGNAL = declared("signal", "over")
MESSAGE = declared("message", "come")
TERMINATE = "<terminateEventDefinition/>"


def signal_boundary(*, thrown_by: str, cancel: bool = True) -> tuple[str, ...]:
    """Return two branches: B's way throws a signal at A, behind which stands N."""
    ways = {
        "end": end("T", trigger("signal", "over")),
        "event": throw("T", trigger("signal", "over")),
    }
    behind = (end("E2"), chain("T", "E2")) if thrown_by == "event" else ()
    return (
        *(begin(), parallel("P"), user("A"), user("N"), end(), chain("S", "P", "A", "N", "E")),
        *(user("B"), ways[thrown_by], *behind, chain("P", "B", "T")),
        *(boundary("BS", "A", trigger("signal", "over"), cancel=cancel), user("X"), end("E3")),
        chain("BS", "X", "E3"),
    )


@pytest.mark.parametrize("thrown_by", ["end", "event"])
def test_an_interrupting_signal_cancels_the_task_and_what_stands_behind_it(thrown_by):
    play = Play(compiled(*signal_boundary(thrown_by=thrown_by), roots=SIGNAL))
    token = next(i.token for i in play.step.items if i.element == "A")
    play.complete("B")
    assert play.open == ["X"]
    assert token in play.step.items_closed
    assert play.complete("X").step.ended


def test_stock_drops_a_signal_end_event():
    stock = Stock.of(*signal_boundary(thrown_by="end"), roots=SIGNAL)
    assert stock.do("B").open == ["A"]


def test_a_signal_that_does_not_interrupt_leaves_the_task_open():
    play = Play(compiled(*signal_boundary(thrown_by="event", cancel=False), roots=SIGNAL))
    play.complete("B")
    assert play.open == ["A", "X"]
    assert play.complete("A").open == ["N", "X"]


def test_a_signal_nobody_waits_for_is_reported_as_sent():
    definition = compiled(
        *(begin(), user("A"), end("E", trigger("signal", "over")), chain("S", "A", "E")),
        roots=SIGNAL,
    )
    play = Play(definition, {"why": "late"}).complete("A")
    assert play.step.sent == (("over", {"why": "late"}),)


def test_a_message_throw_event_reports_what_it_sends():
    definition = compiled(
        *(begin(), throw("T", trigger("message", "come")), user("A"), end()),
        chain("S", "T", "A", "E"),
        roots=MESSAGE,
    )
    play = Play(definition, {"n": 1})
    assert [(name, dict(payload)) for name, payload in play.step.sent] == [("come", {"n": 1})]
    assert play.complete("A").step.sent == ()


def message_boundary(*, cancel: bool) -> Play:
    definition = compiled(
        *(begin(), user("A"), end(), chain("S", "A", "E")),
        *(boundary("BM", "A", trigger("message", "come"), cancel=cancel), user("X"), end("E2")),
        chain("BM", "X", "E2"),
        roots=MESSAGE,
    )
    return Play(definition)


def test_a_message_boundary_that_does_not_interrupt_stays_armed():
    play = message_boundary(cancel=False)
    for times in (1, 2, 3):
        play.receive("come", n=times)
        assert play.open == ["A"] + ["X"] * times
        assert play.step.messages == ("come",)
    assert sorted(i.data.get("n", 0) for i in play.step.items) == [0, 1, 2, 3]


def test_an_armed_boundary_goes_with_its_task():
    play = message_boundary(cancel=False).receive("come").receive("come").complete("A")
    assert play.step.messages == ()
    with pytest.raises(StateChanged):
        play.receive("come")
    assert not play.complete("X").step.ended
    assert play.complete("X").step.ended


def test_an_interrupting_message_boundary_closes_the_task_once():
    play = message_boundary(cancel=True).receive("come")
    assert (play.open, play.step.messages) == (["X"], ())
    with pytest.raises(StateChanged):
        play.receive("come")


def test_an_event_gateway_takes_the_first_event_only():
    definition = compiled(
        *(begin(), node("eventBasedGateway", "G"), catch("C", trigger("message", "come"))),
        *(catch("D", timer("PT1H")), user("A"), user("B"), end(), end("E2")),
        *(chain("S", "G", "C", "A", "E"), chain("G", "D", "B", "E2")),
        roots=MESSAGE,
    )
    play = Play(definition)
    assert (play.step.messages, list(play.timers)) == (("come",), ["D"])
    play.receive("come")
    assert (play.open, play.step.messages, play.timers) == (["A"], (), {})


def thrower(kind: str, *, name: str = "SP", sub: str = "") -> str:
    """Return a sub-process with a task, ending in an error or escalation."""
    ending = end(f"T{sub}", trigger(kind, "bad"))
    inside = (begin(f"S2{sub}"), user("A"), ending, chain(f"S2{sub}", "A", f"T{sub}"))
    return nested(name, *inside)


def caught(kind: str, inner: str, host: str, *, cancel: bool = True) -> tuple[str, ...]:
    """Return the way around a host that throws: N behind it, X behind the boundary event."""
    return (
        *(begin(), inner, user("N"), end(), chain("S", host, "N", "E")),
        *(boundary("BE", host, trigger(kind, "bad"), cancel=cancel), user("X"), end("E2")),
        chain("BE", "X", "E2"),
    )


def test_an_error_leaves_the_sub_process_by_its_boundary_event():
    elements = caught("error", thrower("error"), "SP")
    play = Play(compiled(*elements, roots=declared("error", "bad"))).complete("A")
    assert (play.open, play.step.sent) == (["X"], ())


def test_an_error_rises_through_the_levels_that_do_not_catch_it():
    middle = nested("MID", begin("S3"), thrower("error"), end("E3"), chain("S3", "SP", "E3"))
    elements = caught("error", middle, "MID")
    play = Play(compiled(*elements, roots=declared("error", "bad"))).complete("A")
    assert play.open == ["X"]


def test_an_error_of_a_called_process_is_caught_by_the_caller():
    inner = process(
        *(begin("S2"), user("A"), end("T", trigger("error", "bad")), chain("S2", "A", "T")),
        name="inner",
    )
    outer = process(*caught("error", called("C", "inner"), "C"))
    play = Play(together(outer, inner, roots=declared("error", "bad"))).complete("A")
    assert play.open == ["X"]


def test_an_error_that_is_another_one_is_not_caught():
    roots = declared("error", "bad") + declared("error", "worse")
    inner = thrower("error").replace('errorRef="bad"', 'errorRef="worse"')
    play = Play(compiled(*caught("error", inner, "SP"), roots=roots)).complete("A")
    assert "X" not in play.open


@pytest.mark.parametrize(("cancel", "left"), [(True, ["X"]), (False, ["N", "X"])])
def test_an_escalation_interrupts_only_where_it_is_drawn_so(cancel, left):
    elements = caught("escalation", thrower("escalation"), "SP", cancel=cancel)
    play = Play(compiled(*elements, roots=declared("escalation", "bad"))).complete("A")
    assert play.open == left


def test_an_escalation_thrown_on_the_way_lets_the_sub_process_go_on():
    inner = nested(
        "SP",
        *(begin("S2"), user("A"), throw("T", trigger("escalation", "bad")), user("A2")),
        *(end("E3"), chain("S2", "A", "T", "A2", "E3")),
    )
    elements = caught("escalation", inner, "SP", cancel=False)
    play = Play(compiled(*elements, roots=declared("escalation", "bad"))).complete("A")
    assert play.open == ["A2", "X"]
    assert play.complete("A2").open == ["N", "X"]


def fork(last: str) -> tuple[str, ...]:
    """Return two tasks side by side; the way of A ends in `last`, that of B plainly."""
    return (
        parallel("P"),
        user("A"),
        user("B"),
        last,
        end("E9"),
        chain("P", "A", "T"),
        chain("P", "B", "E9"),
    )


def test_terminate_ends_everything_at_once():
    elements = (begin(), *fork(end("T", TERMINATE)), chain("S", "P"))
    play = Play(compiled(*elements))
    tokens = {i.token for i in play.step.items}
    play.complete("A")
    assert play.step.ended
    assert set(play.step.items_closed) == tokens


def test_terminate_in_a_sub_process_ends_that_one_only():
    inner = nested("SP", begin("S2"), *fork(end("T", TERMINATE)), chain("S2", "P"))
    play = Play(compiled(begin(), inner, user("N"), end(), chain("S", "SP", "N", "E")))
    assert play.complete("A").open == ["N"]


def beside(task: str = "X") -> str:
    """Return an event sub-process that a message begins."""
    first, last = f"S_{task}", f"E_{task}"
    begun = begin(first, trigger("message", "come"), isInterrupting="false")
    inside = (begun, user(task), end(last), chain(first, task, last))
    return nested(f"ES_{task}", *inside, triggeredByEvent="true")


def test_an_event_sub_process_begins_as_often_as_its_message_comes():
    definition = compiled(begin(), user("A"), end(), chain("S", "A", "E"), beside(), roots=MESSAGE)
    play = Play(definition).receive("come", n=1).receive("come", n=2)
    assert play.open == ["A", "X", "X"]
    play.complete("A")
    assert (play.step.ended, play.step.messages) == (False, ("come",))
    assert play.complete("X").complete("X").step.ended


def test_an_event_sub_process_inside_a_sub_process_lives_as_long_as_that():
    inner = nested("SP", begin("S2"), user("A"), end("E2"), chain("S2", "A", "E2"), beside())
    definition = compiled(
        begin(), inner, user("N"), end(), chain("S", "SP", "N", "E"), roots=MESSAGE
    )
    play = Play(definition)
    assert play.step.messages == ("come",)
    play.receive("come").complete("A")
    assert play.open == ["X"]
    play.complete("X")
    assert (play.open, play.step.messages) == (["N"], ())


def test_an_event_sub_process_in_each_of_two_levels_begins_in_both():
    inner = nested("SP", begin("S2"), user("A"), end("E2"), chain("S2", "A", "E2"), beside())
    elements = (begin(), inner, end(), chain("S", "SP", "E"), beside("Y"))
    definition = compiled(*elements, roots=MESSAGE)
    assert Play(definition).receive("come").open == ["A", "X", "Y"]
