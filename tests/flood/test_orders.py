"""An order is answered, carried out step by step, refused or taken back; one click is one step."""

from __future__ import annotations

import pytest

from app.errors import Forbidden, InvalidInput, StateChanged
from app.flood.commands.orders import CancelOrder, IssueOrder, StepOrder
from app.flood.orders import count_orders_for, orders_for
from app.run import Actor, run
from tests.flood.conftest import COMMANDER, OTHER, STAFF, Flood, key

STEPS = (
    ("T_acknowledge", "acknowledge"),
    ("T_on_way", "on_way"),
    ("T_on_site", "on_site"),
    ("T_done", "done"),
)
RESULT = {"opinion": "积水已抽干"}


def issue(flood: Flood, **given) -> int:
    to = given or {"person_id": STAFF.person_id}
    return run(IssueOrder("到桃园南路抽水", **to), actor=COMMANDER)["order_id"]


def step(order_id: int, element: str, outcome: str, actor: Actor = STAFF, **more) -> dict:
    number = more.pop("key", None)
    answers = {"outcome": outcome, **more}
    return run(StepOrder(order_id, element, answers, number), actor=actor)


def order(flood: Flood) -> dict:
    (found,) = flood.rows("SELECT * FROM flood_orders")
    return found


def test_of_many_orders_the_oldest_come_first_and_all_are_counted(flood: Flood) -> None:
    numbers = []
    for _ in range(3):
        numbers.append(issue(flood))
        flood.later(minutes=1)
    issue(flood, person_id=OTHER.person_id)
    with flood.database.sessions() as session:
        shown = [line.order.id for line in orders_for(session, STAFF, 2)]
        assert (shown, count_orders_for(session, STAFF)) == (numbers[:2], 3)


def test_order_records_its_four_moments(flood: Flood) -> None:
    number = issue(flood, person_id=STAFF.person_id, site_id=flood.sites["F-1"])
    moments = []
    for element, outcome in STEPS:
        moments.append(flood.later(minutes=3))
        step(number, element, outcome, **RESULT if element == "T_done" else {})
    found = order(flood)
    names = ("acknowledged_at", "on_way_at", "on_site_at", "done_at")
    assert [found[name] for name in names] == moments
    assert flood.open_items() == []


def test_order_is_not_done_without_what_came_of_it(flood: Flood) -> None:
    number = issue(flood)
    for element, outcome in STEPS[:3]:
        step(number, element, outcome)
    for nothing in ({}, {"opinion": ""}):
        with pytest.raises(InvalidInput) as refused:
            step(number, "T_done", "done", **nothing)
        assert "opinion" in refused.value.fields
    step(number, "T_done", "done", **RESULT)
    assert order(flood)["reason"] == RESULT["opinion"]


def test_second_click_takes_no_second_step(flood: Flood) -> None:
    number = issue(flood)
    step(number, "T_acknowledge", "acknowledge")
    with pytest.raises(StateChanged):
        step(number, "T_acknowledge", "acknowledge")
    assert order(flood)["on_way_at"] is None


def test_same_request_again_is_answered_the_same(flood: Flood) -> None:
    number = issue(flood)
    first = step(number, "T_acknowledge", "acknowledge", key=key(1))
    flood.later(minutes=1)
    assert step(number, "T_acknowledge", "acknowledge", key=key(1)) == first
    assert flood.open_items() == ["T_on_way"]


def test_key_of_another_request_is_refused(flood: Flood) -> None:
    number = issue(flood)
    step(number, "T_acknowledge", "acknowledge", key=key(1))
    with pytest.raises(InvalidInput) as refused:
        step(number, "T_on_way", "on_way", key=key(1))
    assert "key" in refused.value.fields


def test_issuing_twice_with_one_key_is_one_order(flood: Flood) -> None:
    command = IssueOrder("到桃园南路抽水", person_id=STAFF.person_id, key=key(7))
    assert run(command, actor=COMMANDER) == run(command, actor=COMMANDER)
    order(flood)


def test_order_is_nobody_else_s(flood: Flood) -> None:
    number = issue(flood)
    with pytest.raises(Forbidden):
        step(number, "T_acknowledge", "acknowledge", OTHER)


def test_refusal_wants_a_reason_and_ends_the_order(flood: Flood) -> None:
    number = issue(flood)
    with pytest.raises(InvalidInput):
        step(number, "T_acknowledge", "refuse")
    step(number, "T_acknowledge", "refuse", opinion="车辆故障")
    assert order(flood)["reason"] == "车辆故障"
    assert flood.open_items() == []


def test_whoever_of_the_unit_answers_has_the_order(flood: Flood) -> None:
    number = issue(flood, unit_id=11, site_id=flood.sites["F-1"])
    mate = Actor(143, 11, "/1/11/", frozenset({"flood_staff"}), "队员丙", ranked=True)
    with pytest.raises(Forbidden):
        step(number, "T_acknowledge", "acknowledge", OTHER)
    step(number, "T_acknowledge", "acknowledge")
    with pytest.raises(Forbidden):
        step(number, "T_on_way", "on_way", mate)


def test_order_to_a_truck_is_its_driver_s(flood: Flood) -> None:
    number = issue(flood, truck_id=flood.truck())
    with pytest.raises(Forbidden):
        step(number, "T_acknowledge", "acknowledge", OTHER)
    step(number, "T_acknowledge", "acknowledge")
    assert order(flood)["person_id"] == STAFF.person_id


def test_late_step_reminds_the_commander(flood: Flood) -> None:
    issue(flood)
    flood.later(minutes=6)
    assert flood.fire() == 1
    (told,) = flood.rows("SELECT payload FROM outbox WHERE payload ->> 'template' = 'order_late'")
    assert told["payload"]["role"] == "flood_commander"
    assert flood.open_items() == ["T_acknowledge"]


def test_cancelled_order_ends_at_any_step(flood: Flood) -> None:
    number = issue(flood)
    step(number, "T_acknowledge", "acknowledge")
    step(number, "T_on_way", "on_way")
    run(CancelOrder(number, "积水已退"), actor=COMMANDER)
    assert order(flood)["reason"] == "积水已退"
    with pytest.raises(StateChanged):
        step(number, "T_on_site", "on_site")
    with pytest.raises(StateChanged):
        run(CancelOrder(number, "积水已退"), actor=COMMANDER)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"person_id": 140}, "person_id"),
        ({"unit_id": 11}, "site_id"),
        ({"truck_id": 5}, "truck_id"),
        ({"person_id": 141, "unit_id": 11}, "target"),
        ({"person_id": 141, "site_id": 10**9}, "site_id"),
    ],
)
def test_order_that_cannot_be_given_names_the_field(flood: Flood, given, field) -> None:
    with pytest.raises(InvalidInput) as refused:
        issue(flood, **given)
    assert field in refused.value.fields


def test_only_the_commander_issues(flood: Flood) -> None:
    with pytest.raises(Forbidden):
        run(IssueOrder("去", person_id=142), actor=STAFF)
