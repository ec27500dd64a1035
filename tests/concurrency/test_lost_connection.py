"""The server goes away in the middle of a step: it happened wholly or not at all."""

from __future__ import annotations

import pytest
from sqlalchemy import create_engine, text

from app.cases import effects, store
from app.cases.commands import CompleteWork, ReportCase
from app.errors import DatabaseLost
from app.run import run

TABLES = (
    "cases", "process_instances", "work_items", "timers", "sla_clocks", "sla_clock_events",
    "case_log", "facts", "outbox", "case_requests",
)  # fmt: skip


def everything(desk):
    return {
        table: desk.rows(f"SELECT md5(t::text) AS row FROM {table} t ORDER BY 1")
        for table in TABLES
    }


@pytest.fixture
def killing(desk, monkeypatch):
    """Kill the step's own server process before its n-th write."""
    engine = create_engine(desk.database.writing.url, isolation_level="AUTOCOMMIT")

    def arm(n):
        written, execute = [0], store._execute

        def watched(connection, statement, row):
            if written[0] == n:
                with engine.connect() as other:
                    kill = text("SELECT pg_terminate_backend(:pid, 5000)")
                    assert other.scalar(kill, {"pid": connection.info.backend_pid})
            written[0] += 1
            return execute(connection, statement, row)

        monkeypatch.setattr(store, "_execute", watched)
        return lambda: monkeypatch.setattr(store, "_execute", execute)

    yield arm
    engine.dispose()


# The dispatch writes about a dozen statements: instance, case, items, timers, clocks, log, fact, outbox.
@pytest.mark.parametrize("n", range(0, 12, 2))
def test_killed_dispatch_leaves_nothing_and_can_be_done_again(desk, killing, n):
    case_id = desk.filed_case()
    before = everything(desk)
    item_id = desk.item(case_id, "T_dispatch")
    command = CompleteWork(item_id, {"outcome": "dispatch", "unit_id": 11})
    disarm = killing(n)
    with pytest.raises(DatabaseLost):
        run(command, actor=desk.city.dispatcher)
    disarm()
    assert everything(desk) == before
    run(command, actor=desk.city.dispatcher)
    assert desk.open_elements(case_id) == ["T_assign"]


def test_killed_report_leaves_no_case(desk, killing):
    before = everything(desk)
    disarm = killing(2)
    with pytest.raises(DatabaseLost):
        run(ReportCase(channel="collector", title="垃圾"), actor=desk.city.collector)
    disarm()
    assert everything(desk) == before
    assert desk.reported_case() > 0


def test_connection_lost_inside_a_service_is_no_fault_of_the_diagram(desk, monkeypatch):
    case_id = desk.accepted_case()
    lookup = effects.class_and_condition

    def lost(connection, code, day, seq):
        with desk.database.writing.connect() as other:
            other.execute(
                text("SELECT pg_terminate_backend(:pid, 5000)"),
                {"pid": connection.info.backend_pid},
            )
        return lookup(connection, code, day, seq)

    monkeypatch.setattr(effects, "class_and_condition", lost)
    answers = {"outcome": "file", "class_code": "E-01-02", "condition_seq": 1}
    with pytest.raises(DatabaseLost):
        run(CompleteWork(desk.item(case_id, "T_file"), answers), actor=desk.city.intake)
    assert desk.open_elements(case_id) == ["T_file"]
