"""The worker's loops, one step at a time: timers, outbox, schedules."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime, timedelta
from threading import Thread
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from app.cases.commands import RequestHold, SaveDraft
from app.errors import ConnectorError, DatabaseLost, DefinitionError
from app.exchange.outbox import LEASE_S
from app.run import run
from app.worker.loop import Worker
from app.worker.schedules import Schedule, ScheduleLoop, sweep, verify_sample
from app.worker.sender import SenderLoop
from app.worker.timers import TimerLoop
from connectors.fakes import FakeConnector
from connectors.log_file import LogFile
from connectors.messages import Message
from connectors.registry import Connectors, load_connectors

DUE = datetime(2025, 11, 25, 7, 0, tzinfo=UTC)
SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.fixture
def timers(desk, clock):
    return TimerLoop(desk.database, clock)


def test_nothing_fires_before_its_time(desk, timers, clock):
    desk.dispatched_case()
    clock.advance(timedelta(minutes=1))
    assert timers.step() is False
    assert desk.rows("SELECT * FROM timer_firings") == []


def test_near_due_timer_reminds_once(desk, timers, clock):
    case_id = desk.dispatched_case()
    clock.move_to(datetime(2025, 11, 25, 3, 0, 1, tzinfo=UTC))  # two working hours before 15:00
    assert timers.step() is True
    assert timers.step() is False
    case = desk.case(case_id)
    assert (case["near_due"], case["overdue"]) == (True, False)
    assert desk.log_kinds(case_id)[-2:] == ["timer_fired", "near_due"]
    firing = desk.rows("SELECT element, lateness_ms FROM timer_firings")
    assert firing == [{"element": "B_near_due", "lateness_ms": 1000}]
    notices = desk.rows(
        "SELECT payload->>'template' AS t FROM outbox WHERE topic = 'notice' ORDER BY id"
    )
    assert [n["t"] for n in notices] == ["dispatched", "near_due"]


def test_due_timer_marks_the_case_overdue_and_its_fact(desk, timers, clock):
    case_id = desk.dispatched_case()
    clock.move_to(DUE)
    timers.step()
    assert desk.case(case_id)["overdue"]
    assert desk.facts(case_id)[0]["overdue_flag"]
    assert desk.rows("SELECT element FROM timers") == [{"element": "B_long_overdue"}]


def test_hold_ends_by_itself_on_its_day(desk, timers, clock):
    case_id = desk.dispatched_case()
    until = clock.now() + timedelta(days=2)
    run(RequestHold(case_id, until, "等待设备"), actor=desk.city.manager1)
    desk.do(case_id, "T_approve_hold", desk.city.chief, "grant")
    clock.move_to(until)
    timers.step()
    case = desk.case(case_id)
    assert (case["on_hold"], case["stage"]) == (False, "handling")
    assert case["due_at"] == until + timedelta(hours=6)  # 4 working hours, with the noon break


def test_timers_of_a_closed_case_are_gone(desk, timers, clock):
    desk.closed_case()
    clock.move_to(DUE + timedelta(days=30))
    assert timers.step() is False


def test_broken_instance_is_put_off_and_holds_up_nobody(desk, timers, clock, session, caplog):
    broken, sound = desk.dispatched_case(), desk.dispatched_case()
    session.execute(
        text("UPDATE process_instances SET state = 'junk' WHERE case_id = :id"), {"id": broken}
    )
    session.commit()
    clock.move_to(DUE)
    with caplog.at_level(logging.CRITICAL, logger="app.worker.timers"):
        assert timers.step() is True
    assert desk.case(sound)["overdue"]
    waiting = desk.rows(
        "SELECT t.tries, t.try_at, t.due_at, t.last_error FROM timers t"
        " JOIN process_instances i ON i.id = t.instance_id WHERE i.case_id = :id AND t.element = 'B_due'",
        id=broken,
    )[0]
    assert (waiting["tries"], waiting["due_at"]) == (1, DUE)
    assert waiting["try_at"] == DUE + timedelta(seconds=30)
    assert waiting["last_error"].startswith("EngineError")
    assert timers.step() is False


def test_each_failure_waits_twice_as_long(desk, timers, clock, session, caplog):
    broken = desk.dispatched_case()
    session.execute(
        text("UPDATE process_instances SET state = 'junk' WHERE case_id = :id"), {"id": broken}
    )
    session.commit()
    clock.move_to(DUE)
    with caplog.at_level(logging.CRITICAL, logger="app.worker.timers"):
        timers.step()
        clock.advance(timedelta(seconds=30))
        timers.step()
    found = desk.rows("SELECT tries, try_at FROM timers WHERE element = 'B_due'")
    assert found == [{"tries": 2, "try_at": clock.now() + timedelta(seconds=60)}]


@pytest.fixture
def fake():
    return FakeConnector()


@pytest.fixture
def sender(desk, clock, fake):
    return SenderLoop(desk.database, clock, Connectors((("*", fake),)))


def test_message_is_sent_once_and_marked(desk, sender, fake):
    desk.filed_case()
    assert sender.step() is True
    assert sender.step() is False
    assert [m.topic for m in fake.delivered] == ["report.case"]
    assert fake.delivered[0].payload["event"] == "filed"
    assert desk.rows("SELECT sent_at IS NOT NULL AS sent, attempts FROM outbox") == [
        {"sent": True, "attempts": 1}
    ]


def test_failed_message_waits_longer_each_time_and_keeps_its_key(desk, sender, fake, clock):
    desk.filed_case()
    fake.failures = [ConnectorError("busy", permanent=False)] * 2
    sender.step()
    assert sender.step() is False
    clock.advance(timedelta(seconds=5))
    sender.step()
    clock.advance(timedelta(seconds=9))
    assert sender.step() is False  # the second pause is ten seconds
    clock.advance(timedelta(seconds=1))
    sender.step()
    row = desk.rows("SELECT key, attempts, last_error, sent_at FROM outbox")[0]
    assert (fake.keys, row["attempts"], row["sent_at"]) == ([row["key"]], 3, clock.now())


def test_permanent_failure_is_parked(desk, sender, fake, clock):
    desk.filed_case()
    fake.failures = [ConnectorError("no such number", permanent=True)]
    sender.step()
    clock.advance(timedelta(days=30))
    assert sender.step() is False
    row = desk.rows("SELECT parked_at, last_error, sent_at FROM outbox")[0]
    assert row["parked_at"] is not None
    assert (row["last_error"], row["sent_at"]) == ("no such number", None)


def test_crash_between_sending_and_marking_sends_again_under_the_same_key(
    desk, sender, fake, clock, monkeypatch
):
    desk.filed_case()

    def crash(claimed):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("app.worker.sender.MarkSent", crash)
        with pytest.raises(KeyboardInterrupt):
            sender.step()
    assert sender.step() is False  # the lease of the dead worker
    clock.advance(timedelta(seconds=LEASE_S))
    sender.step()
    assert len(fake.keys) == 2
    assert len(set(fake.keys)) == 1


def test_message_whose_lease_ended_is_left_to_others(desk, fake, clock):
    desk.filed_case()
    desk.filed_case()

    class Slow:
        def deliver(self, message):
            fake.deliver(message)
            clock.advance(timedelta(seconds=LEASE_S))

    SenderLoop(desk.database, clock, Connectors((("*", Slow()),))).step()
    assert len(fake.keys) == 1


def test_topic_without_a_route_is_parked(desk, clock):
    desk.filed_case()
    SenderLoop(desk.database, clock, Connectors(())).step()
    assert desk.rows("SELECT parked_at FROM outbox")[0]["parked_at"] is not None


def test_first_fitting_route_takes_the_topic():
    a, b, c = FakeConnector(), FakeConnector(), FakeConnector()
    connectors = Connectors((("report.*", a), ("notice", b), ("*", c)))
    topics = ("report.case", "notice", "noticed", "report")
    assert [connectors.for_topic(topic) for topic in topics] == [a, b, c, c]


def test_shipped_settings_lead_every_topic_to_a_file(tmp_path):
    connector = load_connectors(tmp_path).for_topic("anything")
    connector.deliver(Message("anything", "k1", {"text": "案件"}))
    line = json.loads((tmp_path / "outbox.jsonl").read_text())
    assert line == {"key": "k1", "topic": "anything", "text": "案件"}


def test_file_that_cannot_be_written_can_be_tried_again(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConnectorError) as failed:
        LogFile(tmp_path / "file" / "below").deliver(Message("t", "k", {}))
    assert not failed.value.permanent


@pytest.mark.parametrize(
    ("settings", "element"),
    [
        ("routes: 7", "routes"),
        ("routes: [{connector: log_file}]", "routes[0]"),
        ("routes: [{topic: '*', connector: pigeon}]", "routes[0]"),
    ],
)
def test_faulty_settings_name_the_route(tmp_path, settings, element):
    path = tmp_path / "outbox.yml"
    path.write_text(settings)
    with pytest.raises(DefinitionError) as refused:
        load_connectors(tmp_path, path)
    assert [(f.file, f.element) for f in refused.value.faults] == [("outbox.yml", element)]


def hourly(job):
    return Schedule("hourly", minute="0", hour="*", job=job)


def test_planned_run_is_done_once_by_two_workers(desk, clock):
    done = []
    schedule = hourly(lambda tx, planned_at: done.append(planned_at))
    first, second = (ScheduleLoop(desk.database, clock, SHANGHAI, (schedule,)) for _ in range(2))
    first.step(), second.step()
    clock.advance(timedelta(hours=1))
    assert first.step() is True
    assert second.step() is False
    assert done[-1] == clock.now()
    assert len(done) == 2


def test_worker_that_was_down_makes_up_for_the_last_run_only(desk, clock):
    done = []
    loop = ScheduleLoop(
        desk.database, clock, SHANGHAI, (hourly(lambda tx, planned_at: done.append(planned_at)),)
    )
    loop.step()
    clock.advance(timedelta(hours=5, minutes=30))
    loop.step()
    assert done[1:] == [clock.now() - timedelta(minutes=30)]


def test_failed_run_is_recorded_and_not_repeated(desk, clock, caplog):
    loop = ScheduleLoop(desk.database, clock, SHANGHAI, (hourly(lambda tx, planned_at: 1 / 0),))
    with caplog.at_level(logging.CRITICAL, logger="app.worker.schedules"):
        assert loop.step() is True
    assert loop.step() is False
    row = desk.rows("SELECT finished_at, error FROM schedule_runs")[0]
    assert row["finished_at"] is not None
    assert row["error"].startswith("ZeroDivisionError")


def test_plan_follows_the_citys_own_time():
    daily = Schedule("daily", minute="30", hour="3", job=sweep)
    night = datetime(2025, 11, 24, 19, 30, tzinfo=UTC)  # 03:30 of the 25th in Shanghai
    minute = timedelta(minutes=1)
    assert daily.planned_between(night - minute, night, SHANGHAI) == night
    assert daily.planned_between(night, night + minute, SHANGHAI) is None


def test_sample_of_logs_reports_a_break(desk, clock, session, caplog):
    case_id = desk.reported_case()
    session.execute(text("ALTER TABLE case_log DISABLE TRIGGER refuse_change"))
    session.execute(text("UPDATE case_log SET actor_label = 'x'"))
    session.commit()
    ScheduleLoop(desk.database, clock, SHANGHAI, (hourly(verify_sample),)).step()
    assert f"log of case {case_id} breaks at 1" in caplog.text


def test_sweep_drops_drafts_of_finished_items(desk, clock):
    finished, waiting = desk.reported_case(), desk.reported_case()
    for case_id in (finished, waiting):
        run(SaveDraft(desk.item(case_id, "T_accept"), {"opinion": "待查"}), actor=desk.city.intake)
    desk.do(finished, "T_accept", desk.city.intake, "accept")
    ScheduleLoop(desk.database, clock, SHANGHAI, (hourly(sweep),)).step()
    assert desk.rows("SELECT item_id FROM drafts") == [{"item_id": desk.item(waiting, "T_accept")}]


def test_worker_finishes_its_step_and_stops():
    worker, done = Worker({}), []

    class Long:
        def step(self):
            worker.stop()
            done.append("to its end")
            return True

    worker.loops = {"long": (Long(), 0.0)}
    thread = Thread(target=worker.run)
    thread.start()
    thread.join(timeout=10)
    assert not thread.is_alive()
    assert done == ["to its end"]


def test_worker_outlives_a_failing_step_and_a_lost_database(caplog, monkeypatch):
    monkeypatch.setattr("app.worker.loop.AFTER_ERROR_S", 0.0)
    worker = Worker({})
    failures = [DatabaseLost(), RuntimeError("broken")]

    class Failing:
        def step(self):
            if failures:
                raise failures.pop(0)
            worker.stop()
            return False

    worker.loops = {"failing": (Failing(), 0.0)}
    with caplog.at_level(logging.WARNING, logger="app.worker.loop"):
        worker.run()
    assert "database does not answer" in caplog.text
    assert "a step failed" in caplog.text
