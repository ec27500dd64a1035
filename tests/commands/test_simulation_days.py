"""A simulated city lives: by its people, in their roles, the same way for the same seed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from flask import Flask
from sqlalchemy import URL, text

from app.accounts.roles import ROLES
from app.cases.calendars import working_calendar
from app.cases.log import verify_cases
from app.clock import FixedClock
from app.db.session import Database, engine_for
from app.errors import StateChanged
from app.run import SYSTEM, Runtime, Services, install, installed_runtime, run
from app.settings import REPOSITORY, Settings
from app.simulation.assessed import assess_last_month
from app.simulation.commands import BeginRun
from app.simulation.demo import demo_span, staged_cases
from app.simulation.equipping import equip
from app.simulation.habits import habits, on_duty
from app.simulation.living import Lived, last_run, live_through
from app.simulation.tables import SimulationRun
from app.simulation.virtual import Agenda
from tests.conftest import cloned_database

pytestmark = pytest.mark.skipif(
    not (REPOSITORY / "node_modules").is_dir(),
    reason="node_modules is not there: python -m app.web.build",
)

# Monday 2025-11-24, 00:00 in Taiyuan, and Tuesday, 11:00.
MONDAY = datetime(2025, 11, 23, 16, 0, tzinfo=UTC)
TUESDAY = MONDAY + timedelta(hours=35)


def begun(
    from_at: datetime, until_at: datetime, *, per_day: float = 25.0, is_demo: bool = False
) -> SimulationRun:
    """A span of the demo city, which is built if there is none."""
    runtime = installed_runtime()
    equip(runtime)
    run(BeginRun("demo", 1, per_day, is_demo, from_at, until_at), actor=SYSTEM)
    with runtime.database.sessions() as session:
        span = last_run(session)
    assert span is not None
    return span


def rows(database: Database, statement: str) -> list[tuple[object, ...]]:
    with database.sessions() as session:
        return [tuple(row) for row in session.execute(text(statement))]


@contextmanager
def city(server_url: URL, template_url: URL, settings: Settings) -> Iterator[Database]:
    """A database of its own: ids count from 1, so that two of them can be compared."""
    with cloned_database(server_url, template_url) as url:
        engine = engine_for(url.render_as_string(hide_password=False))
        database = Database.on(engine, engine)
        install(Runtime(database, Services(settings), FixedClock(MONDAY)))
        yield database
        database.drop_connections()


@pytest.fixture(scope="module")
def module_settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(var_dir=tmp_path_factory.mktemp("var"), secret_key="for tests only")


@pytest.fixture(scope="module")
def lived(
    server_url: URL, template_url: URL, module_settings: Settings
) -> Iterator[tuple[Database, Lived]]:
    """A demo city that has lived for a day and a half; the tests that share it only look."""
    with city(server_url, template_url, module_settings) as database:
        span = begun(MONDAY, TUESDAY, is_demo=True)
        yield database, live_through(installed_runtime(), span, staged=staged_cases)


def test_same_seed_gives_the_same_logs(
    lived: tuple[Database, Lived], server_url: URL, template_url: URL, module_settings: Settings
) -> None:
    heads = "SELECT id, number, source_key, log_seq, encode(log_hash, 'hex') FROM cases ORDER BY id"
    with city(server_url, template_url, module_settings) as other:
        span = begun(MONDAY, TUESDAY, is_demo=True)
        live_through(installed_runtime(), span, staged=staged_cases)
        assert rows(other, heads) == rows(lived[0], heads)


def test_people_are_hardly_ever_refused(lived: tuple[Database, Lived]) -> None:
    _, outcome = lived
    assert outcome.counted["cases"] > 50
    assert sum(outcome.refused.values()) <= outcome.counted["steps"] // 100


def test_every_step_is_a_persons_of_that_role(lived: tuple[Database, Lived]) -> None:
    strangers = """
    SELECT w.element, w.role FROM work_items w LEFT JOIN people p ON p.id = w.finished_by
    WHERE w.status = 'done' AND NOT EXISTS (
        SELECT FROM person_roles r WHERE r.person_id = p.id AND r.role = w.role)
    """
    assert rows(lived[0], strangers) == []
    by_the_platform = "SELECT DISTINCT kind FROM case_log WHERE actor_id IS NULL"
    assert {kind for (kind,) in rows(lived[0], by_the_platform)} <= {
        "timer_fired", "near_due", "overdue", "long_overdue", "late", "hold_released",
    }  # fmt: skip


def test_nothing_happens_outside_the_span_or_against_the_clock(
    lived: tuple[Database, Lived],
) -> None:
    database, _ = lived
    ((first, last),) = rows(database, "SELECT min(at), max(at) FROM case_log")
    # What is staged for the demo's end may have to begin before the span.
    assert first <= last <= TUESDAY  # type: ignore[operator]
    backwards = """
    SELECT case_id, seq FROM (
        SELECT case_id, seq, at, lag(at) OVER (PARTITION BY case_id ORDER BY seq) AS before
        FROM case_log) AS l WHERE at < before
    """
    assert rows(database, backwards) == []
    # A limit of two hours is near its end from the beginning.
    late = "SELECT DISTINCT element FROM timer_firings WHERE lateness_ms > 0"
    assert rows(database, late) in ([], [("B_near_due",)])
    waiting = f"SELECT element FROM timers WHERE try_at <= '{TUESDAY.isoformat()}'"
    assert rows(database, waiting) == []


def test_cases_take_many_ways(lived: tuple[Database, Lived]) -> None:
    database, _ = lived
    endings = {how for (how,) in rows(database, "SELECT DISTINCT closed_as FROM cases")}
    assert endings >= {None, "closed", "self_handled"}
    channels = {name for (name,) in rows(database, "SELECT DISTINCT channel FROM cases")}
    assert channels >= {"collector", "hotline", "public"}
    placed = "SELECT count(*) FILTER (WHERE grid_code IS NULL AND NOT outside_city) FROM cases"
    assert rows(database, placed) == [(0,)]


def test_log_chains_hold(lived: tuple[Database, Lived]) -> None:
    database, _ = lived
    with database.sessions() as session:
        connection = session.connection().connection.driver_connection
        ids = [case_id for (case_id,) in rows(database, "SELECT id FROM cases")]
        assert verify_cases(connection, ids) == []  # type: ignore[arg-type]


# A working morning, the middle of a night, a Sunday, the National Day, the first minute of a month.
@pytest.mark.parametrize(
    "local",
    [
        "2025-11-25T10:30",
        "2025-11-26T03:00",
        "2025-11-23T15:00",
        "2025-10-03T12:00",
        "2025-12-01T00:01",
    ],
)
def test_demo_ends_with_something_for_everyone(
    open_database: Database, settings: Settings, local: str
) -> None:
    until = datetime.fromisoformat(local).replace(tzinfo=settings.timezone).astimezone(UTC)
    span = begun(until - timedelta(days=12), until, per_day=0.001, is_demo=True)
    outcome = live_through(installed_runtime(), span, staged=staged_cases)
    assert outcome.refused == {}
    open_items = {
        (str(key).rpartition(":")[2], element)
        for key, element in rows(
            open_database,
            "SELECT c.source_key, w.element FROM work_items w JOIN cases c ON c.id = w.case_id"
            " WHERE w.status = 'open'",
        )
    }
    assert open_items >= {
        ("overdue", "T_handle"), ("overdue-unassigned", "T_assign"), ("near-due", "T_handle"),
        ("extension", "T_approve_extension"), ("longer-extension", "T_approve_extension"),
        ("return", "T_rule_return"), ("hold-asked", "T_approve_hold"), ("confirm", "T_confirm"),
        ("supervision", "T_answer_supervision"), ("media", "T_answer_supervision"),
        ("rework", "T_handle"), ("verify-1", "T_verify"), ("accept-1", "T_accept"),
        ("file", "T_file"), ("dispatch-1", "T_dispatch"), ("review", "T_review"),
        ("check", "T_check"), ("close", "T_close"),
    }  # fmt: skip
    marks = (
        "SELECT split_part(source_key, ':', 4), {} FROM cases WHERE source_key LIKE 'sim:show:%'"
    )
    marked = {
        name: {key for key, mark in rows(open_database, marks.format(name)) if mark}
        for name in ("overdue", "near_due", "on_hold")
    }
    assert marked["overdue"] == {"overdue", "overdue-unassigned", "supervision"}
    assert marked["near_due"] >= {"near-due", "near-due-unassigned"}
    assert marked["on_hold"] == {"hold"}


def test_demo_accounts_have_work(lived: tuple[Database, Lived]) -> None:
    of_nobody = """
    SELECT p.login FROM people p JOIN person_roles r ON r.person_id = p.id
    WHERE p.is_demo AND r.role = ANY(ARRAY[
        'collector', 'intake_officer', 'duty_chief', 'dispatcher', 'supervisor', 'unit_handler',
        'unit_manager'])
      -- Whose work is in the rain.
      AND p.login <> 'flood'
      AND NOT EXISTS (
        SELECT FROM work_items w WHERE w.status = 'open' AND (w.assignee_id = p.id
            OR w.assignee_id IS NULL AND w.role = r.role AND coalesce(w.unit_id, p.unit_id) = p.unit_id))
    """
    assert rows(lived[0], of_nobody) == []


class Interrupted(Exception):
    pass


def test_interrupted_span_is_lived_to_its_end(database: Database) -> None:
    span = begun(MONDAY, TUESDAY, per_day=12)
    ticks = 0

    def interrupt(at: datetime) -> None:
        nonlocal ticks
        ticks += 1
        if ticks == 60:
            raise Interrupted

    with pytest.raises(Interrupted):
        live_through(installed_runtime(), span, tick=interrupt)
    ((before,),) = rows(database, "SELECT count(*) FROM cases")
    again = live_through(installed_runtime(), span)
    ((cases, keys),) = rows(database, "SELECT count(*), count(DISTINCT source_key) FROM cases")
    assert cases == keys == before + again.counted["cases"]  # type: ignore[operator]
    assert 0 < before < cases  # type: ignore[operator]
    with database.sessions() as session:
        finished = last_run(session)
    assert finished is not None
    assert finished.finished_at is not None


def test_next_days_go_on_with_what_is_open(database: Database) -> None:
    is_open = "SELECT id FROM cases WHERE closed_at IS NULL"
    live_through(installed_runtime(), begun(MONDAY, TUESDAY, per_day=12))
    left = set(rows(database, is_open))
    live_through(installed_runtime(), begun(TUESDAY, TUESDAY + timedelta(days=2), per_day=1))
    assert len(left & set(rows(database, is_open))) < len(left) / 2


def test_real_city_is_not_simulated_in(open_database: Database) -> None:
    with open_database.sessions() as session:
        session.execute(
            text(
                "INSERT INTO units (id, code, name, name_en, level, path)"
                " OVERRIDING SYSTEM VALUE VALUES (1, 'real', 'real', 'real', 1, '/1/')"
            )
        )
        session.commit()
    with pytest.raises(StateChanged):
        run(BeginRun("demo", 1, 1, False, MONDAY, MONDAY + timedelta(days=1)), actor=SYSTEM)


def test_demo_seed_is_sown_once_and_names_its_accounts(
    app: Flask, open_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(habits()["per_day"], "demo", 0.2)
    runner = app.test_cli_runner()
    first = runner.invoke(args=["demo", "seed", "--if-empty"])
    assert first.exit_code == 0, first.output
    printed = runner.invoke(args=["demo", "accounts"]).output
    assert len(printed.splitlines()) == 1 + len(ROLES)
    assert all(name in printed and english in printed for name, english in ROLES.values())
    kept = "SELECT (SELECT count(*) FROM cases), (SELECT count(*) FROM readings)"
    before = rows(open_database, kept)
    assert runner.invoke(args=["demo", "seed", "--if-empty"]).output == ""
    assert runner.invoke(args=["demo", "seed"]).exit_code == 1
    assert rows(open_database, kept) == before


def test_demo_s_sensors_have_measured_a_calm_day(
    app: Flask, open_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(habits()["per_day"], "demo", 0.2)
    assert app.test_cli_runner().invoke(args=["demo", "seed"]).exit_code == 0
    measured = "SELECT max(at) - min(at) FROM readings"
    assert rows(open_database, measured) == [(timedelta(days=1),)]
    assert rows(open_database, "SELECT count(*) FROM alerts") == [(0,)]
    assert rows(open_database, "SELECT count(*) FROM refused_readings") == [(0,)]


def test_simulate_goes_on_from_day_to_day(app: Flask, open_database: Database) -> None:
    runner = app.test_cli_runner()
    options = ["simulate", "--size", "demo", "--per-day", "4"]
    first = runner.invoke(args=[*options, "--from", "2025-11-24"])
    second = runner.invoke(args=options)
    assert (first.exit_code, second.exit_code) == (0, 0), repr(first.exception)
    spans = rows(open_database, "SELECT from_at, until_at FROM simulation_runs ORDER BY id")
    assert spans == [
        (MONDAY, MONDAY + timedelta(days=1)),
        (MONDAY + timedelta(days=1), MONDAY + timedelta(days=2)),
    ]
    refused = runner.invoke(args=[*options, "--from", "2025-11-24"])
    assert "The city has lived until 2025-11-26 00:00." in refused.output


def test_demo_lives_from_the_month_before(settings: Settings) -> None:
    calendar = working_calendar(settings)
    now = datetime(2026, 1, 5, 4, 0, 0, 7, tzinfo=UTC)
    # 2025-12-01 00:00 in Taiyuan.
    assert demo_span(now, calendar) == (
        datetime(2025, 11, 30, 16, tzinfo=UTC),
        datetime(2026, 1, 5, 4, tzinfo=UTC),
    )
    start, until = demo_span(datetime(2099, 6, 1, tzinfo=UTC), calendar)
    assert start < until < datetime(2030, 1, 1, tzinfo=UTC)


def test_agenda_keeps_the_order_of_time_and_of_adding() -> None:
    agenda: Agenda[str] = Agenda()
    for hours, name in ((2, "c"), (1, "a"), (1, "b"), (3, "d")):
        agenda.add(MONDAY + timedelta(hours=hours), name)
    taken = []
    while (event := agenda.next_until(MONDAY + timedelta(hours=2))) is not None:
        taken.append(event[1])
    assert taken == ["a", "b", "c"]
    assert len(agenda) == 1


@pytest.mark.parametrize("hour", range(0, 24, 3))
@pytest.mark.parametrize("day", [24, 29])
def test_people_begin_soon_after_their_hours_do(settings: Settings, day: int, hour: int) -> None:
    # Monday the 24th, and Saturday the 29th of November: an office opens at 7:45, or at 9.
    calendar = working_calendar(settings)
    at = datetime(2025, 11, day, hour, tzinfo=settings.timezone)
    begins = on_duty(Random(hour), at, "office", calendar)
    opens = timedelta(hours=7.75 if day == 24 else 9)
    closes = timedelta(hours=18.5 if day == 24 else 16)
    since_midnight = at - at.replace(hour=0)
    if opens <= since_midnight < closes:
        assert begins == at
    else:
        local = begins.astimezone(settings.timezone)
        assert at < begins < at + timedelta(hours=20)
        assert (
            timedelta(0)
            <= timedelta(hours=local.hour, minutes=local.minute) - timedelta(hours=7, minutes=45)
            < timedelta(hours=2)
        )


def test_last_month_is_assessed_once_and_at_its_own_times(
    server_url: URL, template_url: URL, module_settings: Settings
) -> None:
    with city(server_url, template_url, module_settings) as database:
        span = begun(MONDAY, TUESDAY, is_demo=True)
        live_through(installed_runtime(), span, staged=staged_cases)
        until = datetime(2025, 12, 10, 4, 0, tzinfo=UTC)
        assess_last_month(installed_runtime(), until)
        assess_last_month(installed_runtime(), until)
        query = "SELECT month::text, edition, state, signed_by IS NOT NULL, published_at FROM assessment_runs"
        # Laid out on the 1st at nine; five working days; two hours to sign.
        assert rows(database, query) == [
            ("2025-11-01", 1, "published", True, datetime(2025, 12, 8, 3, 0, tzinfo=UTC))
        ]


def test_a_month_just_over_is_only_laid_out(
    server_url: URL, template_url: URL, module_settings: Settings
) -> None:
    with city(server_url, template_url, module_settings) as database:
        begun(MONDAY, TUESDAY, is_demo=True)
        assess_last_month(installed_runtime(), datetime(2025, 12, 2, 4, 0, tzinfo=UTC))
        assert rows(database, "SELECT state FROM assessment_runs") == [("confirming",)]
        assess_last_month(installed_runtime(), datetime(2025, 11, 30, 4, 0, tzinfo=UTC))
        assert rows(
            database, "SELECT count(*) FROM assessment_runs WHERE month < '2025-11-01'"
        ) == [(1,)]
