"""Several workers, and workers beside people: each timer fires once, each message is claimed once."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random

from app.cases.commands import CompleteWork, FindDueTimers, FireTimers
from app.exchange.outbox import ClaimMessages
from app.run import SYSTEM, run
from app.worker.schedules import BeginRun
from app.worker.timers import TimerLoop

DUE = datetime(2025, 11, 25, 7, 0, tzinfo=UTC)


def instance_of(desk, case_id):
    found = desk.rows("SELECT id FROM process_instances WHERE case_id = :id", id=case_id)
    return found[0]["id"]


def test_worker_passes_over_an_instance_a_person_is_working_on(desk, stage, clock):
    case_id = desk.dispatched_case()
    clock.move_to(DUE)
    hand_in = CompleteWork(
        desk.item(case_id, "T_assign"), {"outcome": "direct", "opinion": "已清除"}
    )
    with stage.standing_before_commit(hand_in, desk.city.manager1):
        assert run(FireTimers(instance_of(desk, case_id)), actor=SYSTEM) == 0
    # The result was in: the timers went with it, and the case is on time.
    assert run(FireTimers(instance_of(desk, case_id)), actor=SYSTEM) == 0
    assert desk.rows("SELECT * FROM timer_firings") == []
    assert not desk.case(case_id)["overdue"]


def test_person_waits_for_the_worker_and_goes_on_from_there(desk, stage, clock, aside):
    case_id = desk.dispatched_case()
    clock.move_to(DUE)
    assign = CompleteWork(desk.item(case_id, "T_assign"), {"outcome": "assign", "handler_id": 112})
    with stage.standing_before_commit(FireTimers(instance_of(desk, case_id)), SYSTEM) as fired:
        person = aside(run, assign, actor=desk.city.manager1)
        stage.wait_until_somebody_waits()
    assert fired == 2
    assert person.result(timeout=10).opened == ("T_handle",)
    case = desk.case(case_id)
    assert (case["overdue"], case["near_due"], case["handler_id"]) == (True, True, 112)
    assert desk.rows("SELECT version FROM process_instances")[0]["version"] == 6


def test_second_worker_passes_over_what_the_first_is_firing(desk, stage, clock):
    case_id = desk.dispatched_case()
    clock.move_to(DUE)
    instance_id = instance_of(desk, case_id)
    with stage.standing_before_commit(FireTimers(instance_id), SYSTEM) as first:
        assert run(FindDueTimers(10), actor=SYSTEM) == [instance_id]
        assert run(FireTimers(instance_id), actor=SYSTEM) == 0
    assert first == 2
    assert run(FireTimers(instance_id), actor=SYSTEM) == 0
    assert len(desk.rows("SELECT id FROM timer_firings")) == 2


def test_two_workers_at_once_fire_each_timer_once(desk, clock, aside):
    cases = [desk.dispatched_case() for _ in range(12)]
    clock.move_to(DUE)
    loops = [TimerLoop(desk.database, clock, batch=5, random=Random(n)) for n in range(2)]

    def work(loop):
        while loop.step():
            pass

    for future in [aside(work, loop) for loop in loops]:
        future.result(timeout=60)
    while loops[0].step():
        pass  # What one passed over because the other held it, when the other had just ended.
    fired = desk.rows("SELECT instance_id, element, count(*) AS n FROM timer_firings GROUP BY 1, 2")
    assert len(fired) == 2 * len(cases)
    assert {row["n"] for row in fired} == {1}
    assert all(desk.log_kinds(case_id).count("overdue") == 1 for case_id in cases)


def test_worker_killed_before_its_commit_leaves_the_timer(desk, stage, clock):
    case_id = desk.dispatched_case()
    clock.move_to(DUE)
    stage.run_and_roll_back(FireTimers(instance_of(desk, case_id)), SYSTEM)
    assert len(desk.rows("SELECT id FROM timers")) == 3
    assert not desk.case(case_id)["overdue"]
    assert run(FireTimers(instance_of(desk, case_id)), actor=SYSTEM) == 2


def test_two_senders_claim_different_messages(desk, stage):
    for _ in range(4):
        desk.filed_case()
    with stage.standing_before_commit(ClaimMessages(2), SYSTEM) as first:
        second = run(ClaimMessages(10), actor=SYSTEM)
    assert len(first) == 2
    assert len(second) == 2
    assert {m.id for m in first}.isdisjoint(m.id for m in second)
    assert run(ClaimMessages(10), actor=SYSTEM) == []


def test_planned_run_is_taken_by_one_of_two(desk, stage, clock, aside):
    take = BeginRun("sweep", clock.now())
    with stage.standing_before_commit(take, SYSTEM) as first:
        other = aside(run, take, actor=SYSTEM)
        stage.wait_until_somebody_waits()
    assert first is True
    assert other.result(timeout=10) is False
