"""Timers and due dates: when they are due, which of them fires, how a clock moves them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from app.engine import instance
from app.engine.moment import NEVER, Moment, ServiceCall
from app.engine.timers import is_parked
from app.errors import EngineError
from tests.engine.diagrams import (
    begin,
    boundary,
    catch,
    chain,
    declared,
    end,
    exclusive,
    flow,
    keeping,
    many,
    service,
    timer,
    trigger,
    user,
)
from tests.engine.play import NOW, Play, compiled
from tests.engine.stock import Stock

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def watched(*timers: tuple[str, str], cancel: bool = False, kind: str = "timeDuration") -> Play:
    """Return a play of one task with these boundary timers: (name, text)."""
    return Play(compiled(*with_timers(*timers, cancel=cancel, kind=kind)), functions=FUNCTIONS)


def with_timers(
    *timers: tuple[str, str], cancel: bool = False, kind: str = "timeDuration"
) -> tuple[str, ...]:
    elements = [begin(), user("A"), user("N"), end(), chain("S", "A", "N", "E")]
    for name, text in timers:
        elements += [
            boundary(name, "A", timer(text, kind), cancel=cancel),
            user(f"X{name}"),
            end(f"E{name}"),
            chain(name, f"X{name}", f"E{name}"),
        ]
    return tuple(elements)


FUNCTIONS = {
    "at": datetime.fromisoformat,
    "after": lambda text: NOW + DAY,
    "duration": lambda text: HOUR,
    "due": lambda name: NEVER if name == "paused" else NOW + 2 * DAY,
}


@pytest.mark.parametrize(
    ("text", "kind", "due_at"),
    [
        ("PT15M", "timeDuration", NOW + 15 * MINUTE),
        ("P1DT2H", "timeDuration", NOW + DAY + 2 * HOUR),
        ("P2W", "timeDuration", NOW + 14 * DAY),
        ("2025-03-04T08:00:00+08:00", "timeDate", datetime(2025, 3, 4, tzinfo=UTC)),
        ('at("2025-03-04T08:00:00+08:00")', "timeDate", datetime(2025, 3, 4, tzinfo=UTC)),
        ('${after("1 working_day")}', "timeDate", NOW + DAY),
        ('duration("PT1H")', "timeDuration", NOW + HOUR),
        ('due("handling")', "timeDate", NOW + 2 * DAY),
        ('due("paused")', "timeDate", NEVER),
    ],
)
def test_a_timer_is_due_when_its_text_says(text, kind, due_at):
    assert watched(("B", text), kind=kind).timers == {"B": due_at}


def test_a_timer_of_a_paused_clock_waits_for_ever():
    (waiting,) = watched(("B", 'due("paused")'), kind="timeDate").step.timers
    assert is_parked(waiting.due_at)
    assert not is_parked(NOW)


@pytest.mark.parametrize("value", ["noon", 5, None, datetime(2025, 1, 1)])  # noqa: DTZ001 because naive is the point
def test_a_timer_that_gets_no_time_is_an_engine_error(value):
    definition = compiled(*with_timers(("B", 'at("x")')))
    with pytest.raises(EngineError):
        Play(definition, functions={"at": lambda text: value})


def test_fire_fires_the_named_timer_and_leaves_another_overdue_one():
    play = watched(("B1", "PT1M"), ("B2", "PT2M")).fire("B1")
    assert play.open == ["A", "XB1"]
    assert list(play.timers) == ["B2"]
    assert play.fire("B2").open == ["A", "XB1", "XB2"]


def test_fire_reports_the_dropped_timer():
    play = watched(("B1", "PT1M"))
    (waiting,) = play.step.timers
    assert play.step.timers_set == (waiting,)
    play.fire("B1")
    assert (play.step.timers_dropped, play.step.timers_set) == ((waiting.token,), ())


def test_fire_passes_over_a_timer_that_has_fired_and_one_that_never_was():
    play = watched(("B1", "PT1M"))
    token = play.step.timers[0].token
    play.fire("B1")
    again = instance.fire(play.definition, play.step.state, [token, 10**9], play.moment())
    assert [i.element for i in again.items] == [i.element for i in play.step.items]
    assert again.trail == ()


def test_fire_passes_over_the_timer_of_a_completed_task():
    play = watched(("B1", "PT1M"))
    token = play.step.timers[0].token
    play.complete("A")
    assert play.step.timers_dropped == (token,)
    again = instance.fire(play.definition, play.step.state, [token], play.moment())
    assert [i.element for i in again.items] == ["N"]


def test_fire_passes_over_a_user_task():
    play = watched(("B1", "PT1M"))
    token = play.step.items[0].token
    again = instance.fire(play.definition, play.step.state, [token], play.moment())
    assert again.state == play.step.state


def test_an_interrupting_timer_closes_its_task():
    play = watched(("B1", "PT1M"), ("B2", "PT2M"), cancel=True)
    token = play.step.items[0].token
    play.fire("B1")
    assert (play.open, play.timers) == (["XB1"], {})
    assert play.step.items_closed == (token,)


def test_two_timers_of_one_step_both_fire():
    assert watched(("B1", "PT1M"), ("B2", "PT2M")).fire("B1", "B2").open == ["A", "XB1", "XB2"]


def test_an_intermediate_timer_holds_the_way():
    definition = compiled(
        begin(), catch("C", timer("PT1H")), user("A"), end(), chain("S", "C", "A", "E")
    )
    play = Play(definition)
    assert (play.open, play.timers) == ([], {"C": NOW + HOUR})
    assert play.fire("C").open == ["A"]


def test_a_repeating_timer_comes_as_often_as_it_says():
    play = watched(("B", "R2/PT1H"), kind="timeCycle")
    assert play.timers == {"B": NOW + HOUR}
    play.fire("B")
    assert (play.open, play.timers) == (["A", "XB"], {"B": NOW + 2 * HOUR})
    play.fire("B")
    assert (play.open, play.timers) == (["A", "XB", "XB"], {})


def test_a_repeating_timer_goes_with_its_task():
    play = watched(("B", "R/PT1H"), kind="timeCycle").fire("B").complete("A")
    assert "N" in play.open
    assert play.timers == {}


def test_what_a_repeating_timer_began_outlives_the_task():
    # BPMN 2.0, 10.5.6: the token of an event that does not interrupt goes its own way.
    play = watched(("B", "R/PT1H"), kind="timeCycle").fire("B").fire("B").complete("A")
    assert play.open == ["N", "XB", "XB"]


def test_what_a_spent_timer_began_outlives_the_instances_of_its_task():
    elements = list(with_timers(("B", "R1/PT1H"), kind="timeCycle"))
    elements[1] = user("A", many("2"))
    with time_machine.travel(NOW, tick=False) as clock:
        stock = Stock.of(*[e.replace("R1/PT1H", '"R1/PT1H"') for e in elements])
        stock.do("A")
        clock.move_to(NOW + 2 * HOUR, tick=False)
        stock.poll()
        stock.do("A")
    play = Play(compiled(*elements)).complete("A").fire("B").complete("A")
    assert stock.open == ["N", "XB"]
    assert play.open == stock.open


def test_what_a_timer_began_outlives_the_task():
    assert watched(("B", "PT1H")).fire("B").complete("A").open == ["N", "XB"]


def test_retime_moves_only_the_named_timers():
    play = watched(("B1", "PT1M"), ("B2", "PT2M"))
    token = next(t.token for t in play.step.timers if t.element == "B1")
    step = instance.retime(play.definition, play.step.state, {token: NOW + DAY}, play.moment())
    assert {t.element: t.due_at for t in step.timers} == {"B1": NOW + DAY, "B2": NOW + 2 * MINUTE}
    assert [t.element for t in step.timers_set] == ["B1"]


def test_retime_passes_over_a_timer_that_is_gone():
    play = watched(("B1", "PT1M"))
    token = play.step.timers[0].token
    play.fire("B1")
    step = instance.retime(play.definition, play.step.state, {token: NOW + DAY}, play.moment())
    assert step.timers == ()


def test_retime_moves_a_repeating_timer():
    play = watched(("B", "R3/PT1H"), kind="timeCycle")
    token = play.step.timers[0].token
    step = instance.retime(play.definition, play.step.state, {token: NOW + DAY}, play.moment())
    assert [t.due_at for t in step.timers] == [NOW + DAY]


def test_retime_refuses_a_time_without_zone():
    play = watched(("B1", "PT1M"))
    due = {play.step.timers[0].token: datetime(2025, 3, 4)}  # noqa: DTZ001 because naive is the point
    with pytest.raises((EngineError, ValueError)):
        instance.retime(play.definition, play.step.state, due, play.moment())


class Clocks:
    """Two clocks that a service can move."""

    def __init__(self) -> None:
        self.due_at = {"handling": NOW + DAY, "other": NOW + DAY}
        self.changed: set[str] = set()

    def due(self, name: str) -> datetime:
        return self.due_at[name]

    def move(self, call: ServiceCall) -> None:
        self.due_at["handling"] = datetime.fromisoformat(call.inputs["to"])
        self.changed.add("handling")


def clocked(clocks: Clocks) -> Play:
    """Return a task with a due date and two timers; the answers of B move the clock `handling`."""
    asks = user("A", camunda_dueDate='due("handling")')
    definition = compiled(
        *(begin(), asks, end(), chain("S", "A", "E")),
        *(boundary("T1", "A", timer('due("handling")', "timeDate"), cancel=False), end("E1")),
        *(boundary("T2", "A", timer('due("other")', "timeDate"), cancel=False), end("E2")),
        *(boundary("M", "A", trigger("message", "extend"), cancel=False), end("E3")),
        *(service("V", "move", {"to": "${to}"}), chain("T1", "E1"), chain("T2", "E2")),
        chain("M", "V", "E3"),
        roots=declared("message", "extend"),
    )
    return Play(definition, functions={"due": clocks.due}, services={"move": clocks.move})


def extended(play: Play, clocks: Clocks, to: datetime) -> instance.Step:
    moment = Moment(NOW, play.functions, play.services, clocks.changed)
    payload = {"to": to.isoformat()}
    return instance.receive(play.definition, play.step.state, "extend", payload, moment)


@pytest.mark.parametrize("to", [NOW + 5 * DAY, NOW + HOUR, NEVER])
def test_a_clock_moved_by_a_service_moves_its_timers_and_due_dates(to):
    clocks = Clocks()
    play = clocked(clocks)
    item = play.step.items[0]
    assert item.due == (NOW + DAY).isoformat()
    step = extended(play, clocks, to)
    assert {t.element: t.due_at for t in step.timers} == {"T1": to, "T2": NOW + DAY}
    assert [t.element for t in step.timers_set] == ["T1"]
    assert step.items_retimed == ((item.token, to.isoformat()),)


def test_a_clock_that_nobody_moved_moves_nothing():
    play = clocked(Clocks())
    play.receive("extend", to=NOW.isoformat())  # the moment of this step does not hear of the clock
    assert (play.step.timers_set, play.step.items_retimed) == ((), ())


def test_a_timer_that_has_fired_stays_fired_when_its_clock_moves():
    clocks = Clocks()
    play = clocked(clocks).fire("T1")
    step = extended(play, clocks, NOW + 5 * DAY)
    assert [t.element for t in step.timers] == ["T2"]


def test_a_timer_armed_again_by_a_loop_is_due_anew():
    definition = compiled(
        *(begin(), keeping("A", "again"), exclusive("G", "E"), end(), chain("S", "A", "G")),
        *(flow("G", "A", "again"), flow("G", "E")),
        *(boundary("B", "A", timer('due("handling")', "timeDate"), cancel=False), end("F")),
        chain("B", "F"),
    )
    clocks = Clocks()
    play = Play(definition, functions={"due": clocks.due}).fire("B")
    clocks.due_at["handling"] = NOW + 3 * DAY
    assert play.complete("A", again=True).timers == {"B": NOW + 3 * DAY}
