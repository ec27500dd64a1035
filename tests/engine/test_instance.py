"""Starting, completing, receiving: what a step takes, refuses and reports."""

from __future__ import annotations

import pytest

from app.engine import instance
from app.engine.moment import Moment, ServiceCall
from app.errors import EngineError, NotFound, StateChanged
from tests.engine.diagrams import (
    begin,
    called,
    catch,
    chain,
    decision,
    declared,
    end,
    keeping,
    mapping,
    nested,
    node,
    process,
    service,
    trigger,
    user,
)
from tests.engine.play import NOW, Play, compiled, together

TWO_TASKS = (begin(), user("A"), user("B"), end(), chain("S", "A", "B", "E"))
WAITING = (begin(), catch("C", trigger("message", "come")), end(), chain("S", "C", "E"))


def test_start_opens_the_first_task_and_says_so():
    step = Play(compiled(*TWO_TASKS)).step
    (item,) = step.items
    assert (item.element, item.form_key, item.groups) == ("A", "f", ("dispatcher",))
    assert step.items_opened == step.items
    assert [p.element for p in step.trail] == ["S"]


def test_start_refuses_a_process_the_definition_has_not():
    with pytest.raises(EngineError, match="nowhere"):
        instance.start(compiled(*TWO_TASKS), "nowhere", {}, Moment(NOW))


def test_complete_closes_the_task_and_opens_the_next():
    play = Play(compiled(*TWO_TASKS))
    token = play.step.items[0].token
    play.complete("A")
    assert play.step.items_closed == (token,)
    assert play.open == ["B"]
    assert [p.element for p in play.step.trail] == ["A"]


def test_complete_refuses_a_second_completion():
    play = Play(compiled(*TWO_TASKS))
    token = play.step.items[0].token
    play.complete("A")
    with pytest.raises(StateChanged):
        instance.complete(play.definition, play.step.state, token, {}, play.moment())


@pytest.mark.parametrize("token", [0, -1, 1, 2, 10**9])
def test_complete_refuses_a_token_that_is_no_open_item(token):
    play = Play(compiled(*TWO_TASKS))
    with pytest.raises(StateChanged):
        instance.complete(play.definition, play.step.state, token, {}, play.moment())


def test_a_refused_completion_leaves_the_state_usable():
    play = Play(compiled(*TWO_TASKS), hot=True)
    with pytest.raises(StateChanged):
        instance.complete(play.definition, play.step.state, 10**9, {}, play.moment())
    assert play.complete("A").open == ["B"]


def test_complete_keeps_only_what_the_diagram_names():
    play = Play(
        compiled(begin(), keeping("A", "kept"), user("B"), end(), chain("S", "A", "B", "E"))
    )
    play.complete("A", kept=1, dropped=2)
    assert play.data("B") == {"kept": 1}


def test_complete_keeps_the_outcome_of_a_task_that_names_nothing():
    play = Play(compiled(*TWO_TASKS))
    play.complete("A", outcome="accept", remark="x")
    assert play.data("B") == {"outcome": "accept"}


@pytest.mark.parametrize(
    ("text", "kept"), [("${true}", True), ("${false}", False), ("${null}", None)]
)
def test_an_output_parameter_that_is_a_constant_is_kept_as_that_constant(text, kept):
    task = user("A", mapping(outputs={"known": text}))
    play = Play(compiled(begin(), task, user("B"), end(), chain("S", "A", "B", "E")))
    assert play.complete("A").data("B") == {"known": kept}


def test_an_instance_ends_with_its_last_token():
    play = Play(compiled(*TWO_TASKS)).complete("A").complete("B")
    assert play.step.ended
    assert (play.step.items, play.step.timers, play.step.messages) == ((), (), ())


def test_receive_takes_the_awaited_message_with_its_payload():
    roots = declared("message", "come")
    play = Play(compiled(*WAITING[:2], user("A"), end(), chain("S", "C", "A", "E"), roots=roots))
    assert play.step.messages == ("come",)
    play.receive("come", reason="rain")
    assert play.data("A") == {"reason": "rain"}


@pytest.mark.parametrize("message", ["go", "", "come "])
def test_receive_refuses_a_message_nothing_waits_for(message):
    play = Play(compiled(*WAITING, roots=declared("message", "come")))
    with pytest.raises(StateChanged):
        play.receive(message)


def test_receive_refuses_the_same_message_twice():
    play = Play(compiled(*WAITING, roots=declared("message", "come"))).receive("come")
    with pytest.raises(StateChanged):
        play.receive("come")


def test_read_tells_what_is_open_without_running():
    play = Play(compiled(*TWO_TASKS))
    step = instance.read(play.definition, play.step.state, play.moment())
    assert (step.state, [i.element for i in step.items]) == (play.step.state, ["A"])


def test_open_elements_tells_where_the_tokens_stand():
    inner = nested("SP", begin("S2"), user("A"), end("E2"), chain("S2", "A", "E2"))
    play = Play(compiled(begin(), inner, end(), chain("S", "SP", "E")))
    elements = instance.open_elements(play.definition, play.step.state, play.moment())
    assert sorted(elements) == ["A", "SP"]


def test_a_service_sees_its_inputs_and_gives_its_results():
    seen: list[ServiceCall] = []

    def weigh(call: ServiceCall) -> dict[str, int]:
        seen.append(call)
        return {"weight": 7}

    task = service("V", "weigh", {"of": "${stone}", "by": "hand"})
    definition = compiled(begin(), task, user("A"), end(), chain("S", "V", "A", "E"))
    play = Play(definition, {"stone": "grey"}, services={"weigh": weigh})
    assert (seen[0].inputs, seen[0].element) == ({"of": "grey", "by": "hand"}, "V")
    assert play.data("A") == {"stone": "grey", "weight": 7}


def test_an_error_of_ours_raised_by_a_service_passes_unchanged():
    raised = NotFound("no such unit")

    def lose(call: ServiceCall) -> None:
        raise raised

    definition = compiled(begin(), service("V", "lose"), end(), chain("S", "V", "E"))
    with pytest.raises(NotFound) as caught:
        Play(definition, services={"lose": lose})
    assert caught.value is raised


def test_a_service_that_nobody_registered_is_named_with_its_element():
    definition = compiled(begin(), service("V", "zip"), end(), chain("S", "V", "E"))
    with pytest.raises(EngineError, match=r"V.*zip"):
        Play(definition)


def test_a_business_rule_task_asks_its_table():
    rule = node("businessRuleTask", "R", camunda_decisionRef="choose")
    table = decision(('"high"', '"city"'), ("-", '"district"'))
    definition = compiled(begin(), rule, user("A"), end(), chain("S", "R", "A", "E"), d=table)
    assert Play(definition, {"level": "high"}).data("A")["unit"] == "city"
    assert Play(definition, {"level": "low"}).data("A")["unit"] == "district"


def test_a_called_process_works_on_the_callers_data_and_hands_back():
    inner = process(begin("S2"), keeping("A", "x"), end("E2"), chain("S2", "A", "E2"), name="inner")
    outer = process(begin(), called("C", "inner"), user("B"), end(), chain("S", "C", "B", "E"))
    play = Play(together(outer, inner), {"y": 2})
    assert play.data("A") == {"y": 2}
    assert play.complete("A", x=1).data("B") == {"x": 1, "y": 2}
