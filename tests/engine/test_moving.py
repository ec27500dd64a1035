"""Moving an instance to another version of its definition."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from unittest import mock

import pytest
from lxml import etree

from app.engine.definitions import Definition
from app.engine.moment import Moment
from app.engine.move_plans import Verdict
from app.engine.moving import moved, plan_move
from app.errors import StateChanged
from tests.engine import walks
from tests.engine.diagrams import (
    BPMN,
    begin,
    boundary,
    called,
    catch,
    chain,
    declared,
    document,
    end,
    flow,
    node,
    parallel,
    process,
    timer,
    trigger,
    user,
)
from tests.engine.play import NOW, Play, compiled, together

HOUR = timedelta(hours=1)
ONE = (begin(), user("A"), user("B"), end(), chain("S", "A", "B", "E"))


class MovingOurs(walks.Ours):
    """Our side of a walk, moved after every action between two definitions that number their nodes differently."""

    other: Definition
    # A picture is taken twice between two actions: moved once, the next action is done on the other side.
    arrived: bytes = b""

    def begin(self, data: dict[str, Any], now: datetime) -> None:
        ahead = process(begin(), user("A"), end(), chain("S", "A", "E"), name="aaa")
        self.other = walks._definition({**self.definition.files, "ahead.bpmn": document("", ahead)})
        super().begin(data, now)

    def picture(self) -> walks.Picture:
        if not self.step.ended and self.step.state != self.arrived:
            state, there = self.step.state, self.other
            plan = plan_move(state, self.definition, there, {})
            assert plan.verdict is Verdict.FINE
            self.step = moved(state, self.definition, there, {}, Moment(NOW))
            self.definition, self.other = there, self.definition
            self.arrived = self.step.state
            changed = (*self.step.items_opened, *self.step.items_closed)
            assert changed + self.step.timers_set + self.step.timers_dropped == ()
        return super().picture()


def move(play: Play, definition: object, now: datetime = NOW, **mapping: str) -> Play:
    """Take an instance to another definition."""
    play.step = moved(play.step.state, play.definition, definition, mapping, Moment(now))
    play.definition = definition
    return play


def guarded(*timers: str) -> object:
    """Return task A with a non-interrupting timer for each text, each leading to a task of its own."""
    events = [boundary(f"T{n}", "A", timer(text), cancel=False) for n, text in enumerate(timers)]
    after = [
        user(f"N{n}") + end(f"E{n}") + chain(f"T{n}", f"N{n}", f"E{n}") for n in range(len(timers))
    ]
    return compiled(*ONE, *events, *after)


def test_walks_that_move_to_the_same_definition_at_every_step_agree_with_the_stock_engine():
    with mock.patch.object(walks, "Ours", MovingOurs):
        count = walks.run(states=700, timers=60)
    assert count.messages > 20


def test_a_task_added_ahead_is_come_by():
    play = Play(compiled(*ONE))
    longer = compiled(
        begin(), user("A"), user("X"), user("B"), end(), chain("S", "A", "X", "B", "E")
    )
    token = play.step.items[0].token
    move(play, longer)
    assert (play.open, play.step.items[0].token) == (["A"], token)
    assert play.complete("A").open == ["X"]
    assert play.complete("X").complete("B").step.ended


def test_a_timer_added_to_a_live_task_is_armed_and_one_taken_away_is_gone():
    play = Play(compiled(*ONE))
    move(play, guarded("PT1H"))
    assert play.timers == {"T0": NOW + HOUR}
    assert play.fire("T0").open == ["A", "N0"]
    move(
        play,
        compiled(
            *ONE,
            user("N0"),
            user("E0x"),
            end("E0"),
            end("Ex"),
            boundary("T9", "B", timer("PT9H")),
            chain("T9", "N0", "E0"),
            chain("E0x", "Ex"),
            boundary("T8", "B", timer("PT8H")),
            chain("T8", "E0x"),
        ),
    )
    assert (play.open, play.timers) == (["A", "N0"], {})
    assert play.complete("A").open == ["B", "N0"]
    assert set(play.timers) == {"T8", "T9"}
    assert play.complete("N0").complete("B").step.ended


def test_an_unchanged_timer_keeps_its_time_and_a_changed_one_is_timed_anew():
    play = Play(guarded("PT1H", "PT2H"))
    kept = next(t for t in play.step.timers if t.element == "T0")
    move(play, guarded("PT1H", "PT5H"), now=NOW + HOUR / 2)
    assert play.timers == {"T0": NOW + HOUR, "T1": NOW + 5.5 * HOUR}
    assert kept in play.step.timers
    assert [t.element for t in play.step.timers_set] == ["T1"]


def test_a_timer_that_has_fired_is_not_armed_again():
    play = Play(guarded("PT1H")).fire("T0").complete("N0")
    assert move(play, guarded("PT1H", "PT2H")).timers == {"T1": NOW + 2 * HOUR}


def test_there_and_back_is_as_it_was():
    short, long = guarded("PT1H"), guarded("PT1H", "PT2H")
    play = Play(short)
    move(play, long)
    move(play, short)
    assert (play.open, play.timers) == (["A"], {"T0": NOW + HOUR})
    assert play.fire("T0").complete("N0").complete("A").complete("B").step.ended


def test_a_removed_element_has_to_be_mapped_and_then_moves():
    play = Play(compiled(*ONE))
    other = compiled(begin(), user("C"), user("B"), end(), chain("S", "C", "B", "E"))
    plan = plan_move(play.step.state, play.definition, other, {})
    assert plan.verdict is Verdict.NEEDS_MAPPING
    assert [o.element for o in plan.obstacles] == ["A"]
    with pytest.raises(StateChanged):
        move(play, other)
    assert move(play, other, A="C").open == ["C"]
    assert play.complete("C").open == ["B"]


def test_a_mapped_task_keeps_its_own_boundary_timer_where_that_is_mapped_too():
    play = Play(guarded("PT1H"))
    other = compiled(
        begin(), user("C"), user("B"), end(), chain("S", "C", "B", "E"),
        boundary("TC", "C", timer("PT1H"), cancel=False), user("N"), end("EN"), chain("TC", "N", "EN"),
    )  # fmt: skip
    move(play, other, now=NOW + HOUR / 2, A="C", T0="TC")
    assert play.timers == {"TC": NOW + HOUR}


def test_an_element_of_another_kind_is_no_counterpart():
    play = Play(compiled(*ONE))
    come = catch("A", trigger("message", "come"))
    other = compiled(begin(), come, end(), chain("S", "A", "E"), roots=declared("message", "come"))
    assert plan_move(play.step.state, play.definition, other, {}).verdict is Verdict.IMPOSSIBLE


def test_a_branch_that_nobody_will_come_by_is_no_place_to_wait_for():
    play = Play(compiled(*ONE))
    both = compiled(
        begin(), parallel("F"), user("A"), user("B"), parallel("J"), end(),
        chain("S", "F", "A", "J", "E"), flow("F", "B"), flow("B", "J"),
    )  # fmt: skip
    plan = plan_move(play.step.state, play.definition, both, {})
    assert plan.verdict is Verdict.IMPOSSIBLE
    assert [o.element for o in plan.obstacles] == ["J"]


def test_a_token_inside_a_called_process_moves_with_it():
    def whole(*inner: str) -> object:
        outer = process(begin(), called("K", "sub"), user("B"), end(), chain("S", "K", "B", "E"))
        return together(outer, process(*inner, name="sub"))

    play = Play(whole(begin("S2"), user("X"), end("E2"), chain("S2", "X", "E2")))
    longer = whole(begin("S2"), user("X"), user("Y"), end("E2"), chain("S2", "X", "Y", "E2"))
    move(play, longer)
    assert play.complete("X").open == ["Y"]
    assert play.complete("Y").open == ["B"]
    assert play.complete("B").step.ended


def test_an_ended_instance_does_not_move():
    play = Play(compiled(*ONE)).complete("A").complete("B")
    plan = plan_move(play.step.state, play.definition, play.definition, {})
    assert plan.verdict is Verdict.IMPOSSIBLE


class GuardedOurs(MovingOurs):
    """Our side of a walk, moved back and forth to where each task has an event more, which never comes."""

    def begin(self, data: dict[str, Any], now: datetime) -> None:
        super(MovingOurs, self).begin(data, now)
        root = etree.fromstring(self.definition.files["model.bpmn"])
        for task in [*root.iter(f"{{{BPMN}}}userTask"), *root.iter(f"{{{BPMN}}}subProcess")]:
            if task.get("triggeredByEvent") != "true":
                _guard(task)
        etree.SubElement(root, f"{{{BPMN}}}message", id="never", name="never")
        self.other = walks._definition({"model.bpmn": etree.tostring(root)})

    def picture(self) -> walks.Picture:
        seen = super().picture()
        seen.messages -= {"never"}
        return seen


def _guard(task: Any) -> None:
    name = f"guard_{task.get('id')}"
    event = etree.Element(
        f"{{{BPMN}}}boundaryEvent", id=name, attachedToRef=task.get("id"), cancelActivity="false"
    )
    etree.SubElement(event, f"{{{BPMN}}}messageEventDefinition", messageRef="never")
    over = etree.Element(f"{{{BPMN}}}endEvent", id=f"{name}_over")
    leads = etree.Element(
        f"{{{BPMN}}}sequenceFlow", id=f"{name}_leads", sourceRef=name, targetRef=f"{name}_over"
    )
    for element in (leads, over, event):
        task.addnext(element)


def test_walks_that_gain_and_lose_a_boundary_event_at_every_task_agree_with_the_stock_engine():
    with mock.patch.object(walks, "Ours", GuardedOurs):
        count = walks.run(states=700, timers=60)
    assert count.messages > 20


def test_a_called_process_gains_an_event_that_ends_it():
    inner = process(begin("S2"), user("X"), end("E2"), chain("S2", "X", "E2"), name="sub")
    plain = (begin(), called("K", "sub"), user("B"), end(), chain("S", "K", "B", "E"))
    late = (boundary("T", "K", timer("PT1H")), user("L"), end("EL"), chain("T", "L", "EL"))
    play = Play(together(process(*plain), inner))
    move(play, together(process(*plain, *late), inner))
    assert (play.open, play.timers) == (["X"], {"T": NOW + HOUR})
    assert play.fire("T").open == ["L"]
    assert play.complete("L").step.ended


def test_a_called_process_that_loses_its_events_goes_on():
    inner = process(begin("S2"), user("X"), end("E2"), chain("S2", "X", "E2"), name="sub")
    plain = (begin(), called("K", "sub"), user("B"), end(), chain("S", "K", "B", "E"))
    late = (boundary("T", "K", timer("PT1H")), user("L"), end("EL"), chain("T", "L", "EL"))
    play = Play(together(process(*plain, *late), inner))
    move(play, together(process(*plain), inner))
    assert play.timers == {}
    assert play.complete("X").complete("B").step.ended


def test_an_event_gateway_whose_timer_changed_waits_for_the_new_one():
    def waiting(text: str) -> object:
        return compiled(
            begin(), node("eventBasedGateway", "G"), catch("C", timer(text)),
            catch("M", trigger("message", "come")), user("B"), user("D"), end(),
            chain("S", "G", "C", "B", "E"), flow("G", "M"), chain("M", "D"), flow("D", "E"),
            roots=declared("message", "come"),
        )  # fmt: skip

    play = Play(waiting("PT1H"))
    assert move(play, waiting("PT1H"), now=NOW + HOUR / 2).timers == {"C": NOW + HOUR}
    assert move(play, waiting("PT3H")).timers == {"C": NOW + 3 * HOUR}
    assert play.receive("come").open == ["D"]
