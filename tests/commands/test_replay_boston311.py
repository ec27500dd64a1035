"""A real history runs through the diagram at its own times, and its figures are those of the file."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import text

from app.db.session import Database
from app.run import Runtime, Services, install, installed_runtime
from app.settings import REPOSITORY, Settings
from app.simulation.equipping import deploy_where_none_is
from app.simulation.replay.boston311 import read_requests
from app.simulation.replay.history import Problem, Request, moment_of
from app.simulation.replay.whole import Replayed, replay

ZONE = ZoneInfo("America/New_York")
AS_OF = "2016-01-12T23:59:59"
SHARED = REPOSITORY.parent / "shared" / "data" / "boston311"
MONTHS = ("2015-04.csv.gz", "2015-05.csv.gz")

COLUMNS = [
    "case_enquiry_id", "open_dt", "target_dt", "closed_dt", "case_title", "subject", "reason",
    "type", "queue", "department", "source", "location", "neighborhood", "latitude", "longitude",
]  # fmt: skip
# What is odd about each, the promised time and the closing; all are opened on 2015-04-01 at noon.
ODD = {
    "in time": ("2015-04-03T08:30:00", "2015-04-02T10:00:00"),
    "in time to the second": ("2015-04-03T08:30:00", "2015-04-03T08:30:00"),
    "a second late": ("2015-04-03T08:30:00", "2015-04-03T08:30:01"),
    "open and late": ("2015-04-03T08:30:00", ""),
    "open and promised for later": ("2016-03-31T08:30:00", ""),
    "promised for the very last moment": (AS_OF, ""),
    "nothing promised": ("", "2015-04-09T09:00:00"),
    "nothing promised and open": ("", ""),
    "closed before it was opened": ("2015-04-03T08:30:00", "2015-04-01T11:59:30"),
    "closed before it was opened, and late": ("2015-03-31T08:30:00", "2015-04-01T11:59:30"),
    "promised for before it was opened": ("2015-03-30T08:30:00", "2015-04-02T10:00:00"),
    "promised for when it was opened": ("2015-04-01T12:00:00", "2015-05-04T00:00:00"),
    "closed as it was opened": ("2015-04-03T08:30:00", "2015-04-01T12:00:00"),
    "in an hour that was skipped, in time": ("2015-03-08T02:40:00", "2015-03-08T02:10:00"),
    "in an hour that was skipped, late": ("2015-03-08T02:10:00", "2015-03-08T02:40:00"),
    "promised for an hour that was skipped": ("2015-03-08T02:59:59", "2015-03-08T03:00:00"),
    "twice the same hour in autumn": ("2015-11-01T01:30:00", "2015-11-01T01:40:00"),
}


def rule(rows: Iterable[dict[str, str]], as_of: str = AS_OF) -> list[dict[str, object]]:
    """The figures that the file itself gives, by its own local times as they are written."""
    figures: dict[str, dict[str, object]] = {}
    for row in rows:
        promised, closed, end = row["target_dt"], row["closed_dt"], as_of
        if not promised:
            continue
        counts = figures.setdefault(
            row["department"], dict.fromkeys(("n", "closed", "on_time", "late", "overdue_open"), 0)
        )
        counts["n"] += 1  # type: ignore[operator]
        counts["closed"] += bool(closed)  # type: ignore[operator]
        counts["on_time"] += bool(closed) and closed <= promised  # type: ignore[operator]
        counts["late"] += bool(closed) and closed > promised  # type: ignore[operator]
        counts["overdue_open"] += not closed and promised < end  # type: ignore[operator]
    return [{"department": name, **figures[name]} for name in sorted(figures)]


def row(number: int, promised: str, closed: str, **other: str) -> dict[str, str]:
    given = {
        "case_enquiry_id": str(number),
        "open_dt": "2015-04-01T12:00:00",
        "target_dt": promised,
        "closed_dt": closed,
        "case_title": "Street Light Outages",
        "reason": "Street Lights",
        "department": "PWDx",
        "source": "Constituent Call",
        "latitude": "42.3594",
        "longitude": "-71.0587",
    }
    return dict.fromkeys(COLUMNS, "") | given | other


def write(path: Path, rows: Iterable[dict[str, str]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return path


def replayed(path: Path, as_of: str = AS_OF, processes: int = 1) -> Replayed:
    until = moment_of(datetime.fromisoformat(as_of), ZONE)
    rows = list(read_requests(path, ZONE))
    return replay(installed_runtime(), "boston311", rows, until, processes=processes)


def by_department(report: list[dict[str, object]]) -> list[dict[str, object]]:
    return sorted(report, key=lambda figures: str(figures["department"]))


def counted(database: Database, statement: str) -> int:
    with database.sessions() as session:
        return int(session.execute(text(statement)).scalar_one())


@pytest.fixture
def deployed(open_database: Database) -> Database:
    deploy_where_none_is(installed_runtime())
    return open_database


def test_odd_rows_count_as_the_file_says(deployed: Database, tmp_path: Path) -> None:
    rows = [row(n, *times, department=odd) for n, (odd, times) in enumerate(ODD.items())]
    outcome = replayed(
        write(tmp_path / "odd.csv", [*rows, row(99, *ODD["in time"], department="")])
    )
    assert outcome.played.problems == []
    wanted = rule([*rows, row(99, *ODD["in time"], department="")])
    assert by_department(outcome.report) == wanted


def test_months_of_boston_count_as_the_file_says(deployed: Database, tmp_path: Path) -> None:
    if not SHARED.is_dir():
        pytest.skip(f"the months of Boston are not in {SHARED}")
    chosen: list[dict[str, str]] = []
    for month in MONTHS:
        with gzip.open(SHARED / month, "rt", encoding="utf-8") as file:
            rows = [{name: one[name] for name in COLUMNS} for one in csv.DictReader(file)]
        odd = [r for r in rows if r["closed_dt"] and r["closed_dt"] < r["open_dt"]]
        chosen += [*rows[::350], *odd[::4], *(r for r in rows if r["target_dt"] == r["open_dt"])]
    unique = list({r["case_enquiry_id"]: r for r in chosen}.values())
    outcome = replayed(write(tmp_path / "sample.csv", unique))
    assert outcome.played.played == len(unique) > 60
    assert by_department(outcome.report) == rule(unique)


def test_each_timer_fires_at_its_own_time(deployed: Database, tmp_path: Path) -> None:
    replayed(write(tmp_path / "late.csv", [row(1, *ODD["open and late"]), row(2, "", "")]))
    with deployed.sessions() as session:
        fired = session.execute(
            text("SELECT element, fired_at = due_at FROM timer_firings ORDER BY fired_at, element")
        ).all()
    # A hotline report is verified on the spot; what was never closed runs through all its timers.
    assert [tuple(firing) for firing in fired] == [
        ("B_near_due", True),
        ("B_due", True),
        ("B_long_overdue", True),
    ]


def test_events_carry_their_own_times(deployed: Database, tmp_path: Path) -> None:
    replayed(write(tmp_path / "one.csv", [row(7, *ODD["in time"])]))
    with deployed.sessions() as session:
        case = session.execute(text("SELECT * FROM cases")).mappings().one()
        at = session.execute(text("SELECT DISTINCT at FROM case_log ORDER BY at")).scalars().all()
    opened, closed = datetime(2015, 4, 1, 16, tzinfo=UTC), datetime(2015, 4, 2, 14, tzinfo=UTC)
    assert case["source_key"] == "boston311:7"
    assert (case["reported_at"], case["closed_at"]) == (opened, closed)
    assert case["due_at"] == datetime(2015, 4, 3, 12, 30, tzinfo=UTC)
    assert list(at) == [opened, closed]


def test_replaying_again_does_nothing_again(deployed: Database, tmp_path: Path) -> None:
    path = write(tmp_path / "odd.csv", [row(n, *times) for n, times in enumerate(ODD.values())])
    first, lines = replayed(path), counted(deployed, "SELECT count(*) FROM case_log")
    second = replayed(path)
    assert (first.played.played, second.played.played) == (len(ODD), 0)
    assert second.played.already == len(ODD)
    assert counted(deployed, "SELECT count(*) FROM case_log") == lines
    assert second.report == first.report


def test_replaying_to_a_later_moment_goes_on(deployed: Database, tmp_path: Path) -> None:
    rows = [row(n, *times) for n, times in enumerate(ODD.values())]
    path = write(tmp_path / "odd.csv", [*rows, row(50, "", "", open_dt="2015-08-01T00:00:00")])
    early = replayed(path, "2015-04-02T18:00:00")
    assert early.played.later == 1
    assert early.report[0]["closed"] < rule(rows)[0]["closed"]  # type: ignore[operator]
    assert replayed(path).report == rule(rows)


def test_report_is_about_the_files_given(deployed: Database, tmp_path: Path) -> None:
    april = [row(1, *ODD["in time"]), row(2, *ODD["a second late"])]
    replayed(write(tmp_path / "april.csv", april))
    may = [row(3, *ODD["open and late"])]
    assert replayed(write(tmp_path / "may.csv", may)).report == rule(may)


def test_unreadable_rows_are_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    path = write(tmp_path / "bad.csv", [row(n, *ODD["in time"]) for n in range(1, 9)])
    lines = path.read_bytes().splitlines(keepends=True)
    lines[1] = lines[1].replace(b"2015-04-01T12:00:00", b"first of April")
    lines[3] = lines[3].replace(b"Street Light Outages", b'"Street Light Outages')
    lines[4] = lines[4].replace(b"Outages", b"\xff\xfe")
    lines[5] = b"5,too short\r\n"
    lines[6] = lines[6].replace(b"6,", b",", 1)
    lines[7] = lines[7].replace(b"42.3594", b"north")
    path.write_bytes(b"".join(lines))
    read = list(read_requests(path, ZONE))
    problems = {one.line: one.reason for one in read if isinstance(one, Problem)}
    assert [one.source_key for one in read if isinstance(one, Request)] == [
        "boston311:2",
        "boston311:8",
    ]
    assert sorted(problems) == [2, 4, 5, 6, 7, 8]
    assert problems[2] == "open_dt is no time: 'first of April'"
    assert problems[6] == "2 fields, 15 wanted"
    assert str(read[0]) == f"{path}:2: open_dt is no time: 'first of April'"


def test_damaged_files_are_named(tmp_path: Path) -> None:
    whole = gzip.compress(",".join(COLUMNS).encode() + b"\r\n" + b"x" * 9999)
    (tmp_path / "cut.csv.gz").write_bytes(whole[:-20])
    (tmp_path / "other.csv").write_text("name,age\nA,1\n")
    cut = list(read_requests(tmp_path / "cut.csv.gz", ZONE))
    other = list(read_requests(tmp_path / "other.csv", ZONE))
    assert "cannot be read to its end" in str(cut[-1])
    assert str(other[0]).startswith(f"{tmp_path / 'other.csv'}:1: no column case_enquiry_id, ")
    assert len(other) == 1


def test_request_told_twice_is_one_and_told_otherwise_a_problem(
    deployed: Database, tmp_path: Path
) -> None:
    same, other = row(1, *ODD["in time"]), row(1, *ODD["a second late"])
    outcome = replayed(write(tmp_path / "twice.csv", [same, same, other]))
    assert outcome.played.played == 1
    assert [problem.line for problem in outcome.played.problems] == [4]
    assert outcome.report == rule([same])


def test_command_reports_and_fails_when_a_row_does(
    app: Flask, deployed: Database, tmp_path: Path
) -> None:
    path = write(tmp_path / "some.csv", [row(1, *ODD["in time"]), row(2, "never", "")])
    report = tmp_path / "report.json"
    arguments = ["replay", "boston311", str(path), "--as-of", AS_OF, "--report", str(report)]
    result = app.test_cli_runner().invoke(args=arguments)
    assert result.exit_code == 1
    assert f"{path}:3: target_dt is no time: 'never'" in result.output
    assert "1 requests and 0 timers in" in result.output
    assert json.loads(report.read_text()) == rule([row(1, *ODD["in time"])])


@pytest.fixture
def committed(database: Database, settings: Settings) -> Database:
    """A database that other processes see."""
    url = database.writing.engine.url.render_as_string(hide_password=False)
    install(Runtime(database, Services(replace(settings, database_url=url))))
    deploy_where_none_is(installed_runtime())
    return database


def test_two_processes_share_a_history(committed: Database, tmp_path: Path) -> None:
    rows = [row(n, *times) for n, times in enumerate(ODD.values())]
    outcome = replayed(write(tmp_path / "odd.csv", rows), processes=2)
    assert outcome.played.problems == []
    assert outcome.played.played == len(ODD)
    assert outcome.report == rule(rows)
    assert counted(committed, "SELECT count(*) FROM timer_firings WHERE fired_at < due_at") == 0


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("2015-03-08T01:59:59", "2015-03-08T02:00:00"),
        ("2015-03-08T02:10:00", "2015-03-08T02:10:01"),
        ("2015-03-08T02:59:59", "2015-03-08T03:00:00"),
        ("2015-11-01T01:59:59", "2015-11-01T02:00:00"),
    ],
)
def test_moments_keep_the_order_of_local_times(earlier: str, later: str) -> None:
    # 02:00 to 03:00 of 8 March was skipped: it lies before the skip's end all the same.
    first, second = (moment_of(datetime.fromisoformat(at), ZONE) for at in (earlier, later))
    assert timedelta(0) < second - first
