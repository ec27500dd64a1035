"""A history played without the engine leaves the rows that the real commands leave."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import orjson
import pytest
from sqlalchemy import text

from app.cases.commands import (
    CompleteWork,
    FireTimers,
    RaiseSupervision,
    ReleaseHold,
    ReportCase,
    RequestExtension,
    RequestHold,
    RequestReturn,
)
from app.clock import FixedClock
from app.engine.moment import NEVER
from app.run import installed_runtime, run
from app.simulation.arrivals import Arrival
from app.simulation.fates import Fate, fate_of
from app.simulation.histories.course import Course, Happening
from app.simulation.histories.crowd import Crowd, oddities
from app.simulation.histories.drawing import MOST_REWORKS, Drawn, live
from app.simulation.histories.ground import Ground
from app.simulation.histories.writing import COLUMNS
from app.simulation.world import World
from tests.factories import IN_GRID, OUTSIDE, Desk

MONDAY = datetime(2025, 11, 24, 1, 0, tzinfo=UTC)  # 9:00 in Shanghai
HOUR = timedelta(hours=1)


class Recorded(Course):
    """A course that keeps what happened in it."""

    def __init__(self, ground: Ground, case_id: int, number: str) -> None:
        super().__init__(ground, case_id, number)
        self.happenings: list[Happening] = []

    def play(self, happening: Happening) -> None:
        super().play(happening)
        self.happenings.append(happening)


@dataclass
class Stage:
    """The small city, and its histories drawn and played both ways."""

    desk: Desk
    ground: Ground
    crowd: Crowd

    def arrival(self, at: datetime = MONDAY, **given: Any) -> Arrival:
        report = ReportCase(**{"channel": "collector", "title": "路边垃圾", **IN_GRID, **given})
        return Arrival(at, "collector", "E-01-02", report)

    def drawn(self, arrival: Arrival, fate: Fate, seed: int, until: datetime) -> list[Happening]:
        """Return what happens in a case."""
        course = Recorded(self.ground, 1, "drawn")
        course.report(arrival.report, arrival.at, self.desk.city.collector)
        live(course, Drawn(self.crowd, course, arrival, fate, Random(seed)), until)
        return course.happenings

    def lived(self, arrival: Arrival, happenings: list[Happening]) -> int:
        """Let the same happen by the real commands, and return the case's id."""
        case_id = int(
            run(
                arrival.report, actor=self.desk.city.collector, clock=FixedClock(arrival.at)
            ).case_id
        )
        for happening in happenings:
            command = self.command(case_id, happening)
            run(command, actor=happening.by, clock=FixedClock(happening.at))
        return case_id

    def command(self, case_id: int, happening: Happening) -> object:
        said = happening.answers
        command: object
        match happening.what:
            case "extension":
                command = RequestExtension(case_id, said["reason"], said["amount"])
            case "hold":
                command = RequestHold(case_id, said["until"], said["reason"])
            case "return":
                command = RequestReturn(case_id, said["reason"])
            case "supervision":
                command = RaiseSupervision(case_id, said["source"], said["reason"])
            case "release":
                command = ReleaseHold(case_id)
            case "timers":
                query = "SELECT id FROM process_instances WHERE case_id = :id"
                command = FireTimers(self.desk.rows(query, id=case_id)[0]["id"])
            case element:
                command = CompleteWork(self.desk.item(case_id, element), said)
        return command

    def played(
        self, case_id: int, arrival: Arrival, happenings: list[Happening]
    ) -> dict[str, list[dict[str, Any]]]:
        """Return the rows that the loader would write for a case, by table."""
        course = Course(self.ground, case_id, self.desk.case(case_id)["number"])
        course.report(arrival.report, arrival.at, self.desk.city.collector)
        for happening in happenings:
            course.play(happening)
        rows = {
            table: [dict(zip(COLUMNS[table], row, strict=True)) for row in found]
            for table, found in course.rows().items()
        }
        case = course.case
        return rows | {"cases": [{name: case[name] for name in COLUMNS["cases"]}]}

    def stored(self, case_id: int) -> dict[str, list[dict[str, Any]]]:
        """Return the rows of a case in the database, by table."""
        return {
            table: self.desk.rows(
                f"SELECT {', '.join(columns)} FROM {table}"
                f" WHERE {'id' if table == 'cases' else 'case_id'} = :id ORDER BY {table}.id",
                id=case_id,
            )
            for table, columns in COLUMNS.items()
        }

    def assert_same(
        self, arrival: Arrival, fate: Fate, seed: int, until: datetime
    ) -> list[Happening]:
        """Draw a history, live it by commands, play it, and hold the rows against each other."""
        happenings = self.drawn(arrival, fate, seed, until)
        case_id = self.lived(arrival, happenings)
        stored, played = self.stored(case_id), self.played(case_id, arrival, happenings)
        for table in sorted(COLUMNS):  # the log first: it says most
            ours, theirs = (ordered(table, plain(rows[table])) for rows in (played, stored))
            assert [changes(one, other) for one, other in zip(ours, theirs, strict=True)] == [
                {} for _ in ours
            ], table
        return happenings


def changes(ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return where two rows differ."""
    return {name: (ours[name], theirs[name]) for name in ours if ours[name] != theirs[name]}


def plain(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return rows as the database gives them back."""
    return [
        {
            name: orjson.loads(value)
            if name in ("data", "events", "event", "details") and isinstance(value, str)
            else bytes(value)
            if isinstance(value, memoryview)
            else value
            for name, value in row.items()
        }
        for row in rows
    ]


def ordered(table: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    keys = {
        "sla_clocks": ("name", "round"),
        "sla_clock_events": ("name", "round", "seq"),
        "case_requests": ("kind", "no"),
        "facts": ("dispatch_no", "valid_from"),
    }
    return sorted(rows, key=lambda row: [row[name] for name in keys.get(table, ())])


@pytest.fixture
def stage(desk: Desk) -> Stage:
    return stage_of(desk)


def stage_of(desk: Desk) -> Stage:
    runtime = installed_runtime()
    with desk.database.sessions() as session:
        world = World.of(session, runtime.services.settings, MONDAY, 1)
        ground = Ground.of(session, runtime.services.settings)
    return Stage(desk, ground, Crowd.of(world, ground.connection))


FATES = {
    "plain": Fate(),
    "direct": Fate(direct=True, by_photo=True),
    "late": Fate(lateness=-1, supervised="duty"),
    "rework": Fate(reworked=True, redo=True),
    "check fails": Fate(checked="fail", lateness=-1),
    "check unclear": Fate(checked="unclear"),
    "close rework": Fate(close_rework=True, direct=True),
    "extended": Fate(extensions=2),
    "longer": Fate(extensions=1, longer=True, extension_refused=True),
    "held": Fate(held="granted", extensions=1),
    "hold refused": Fate(held="refused"),
    "returned": Fate(returned="founded"),
    "return unfounded": Fate(returned="unfounded", reworked=True),
    "media": Fate(supervised="media"),
    "leader": Fate(supervised="leader", returned="founded", direct=True),
    "sent back": Fate(is_sent_back=True),
    "rejected": Fate(acceptance="reject"),
    "void": Fate(filing="void"),
    "verify again": Fate(acceptance="verify"),
}


@pytest.mark.parametrize("fate", FATES.values(), ids=FATES)
def test_played_history_has_the_rows_of_the_lived_one(stage: Stage, fate: Fate) -> None:
    for seed in range(3):
        stage.assert_same(stage.arrival(), fate, seed, NEVER)


def test_any_history_has_the_rows_of_the_lived_one(stage: Stage) -> None:
    begin = MONDAY - timedelta(days=3)
    kinds = set()
    for seed in range(60):
        random = Random(f"history {seed}")
        arrival = stage.arrival(
            begin + timedelta(minutes=random.randrange(6 * 1440)),
            channel=random.choice(["collector", "hotline", "media", "video"]),
            self_handled=random.random() < 0.05,
            class_code=random.choice([None, "E-01-02"]),
            **(OUTSIDE if random.random() < 0.05 else IN_GRID),
        )
        until = random.choice([NEVER, begin + timedelta(days=random.uniform(0.1, 9))])
        happenings = stage.assert_same(arrival, eventful(random), seed, until)
        kinds |= {happening.what for happening in happenings}
    assert kinds >= {"extension", "hold", "return", "supervision", "timers", "T_check", "T_close"}


def eventful(random: Random) -> Fate:
    """Return a fate in which more goes wrong than usual."""
    fate = fate_of(random)
    return replace(
        fate,
        returned=random.choice([None, None, "founded", "unfounded"]),
        held=random.choice([None, None, None, "granted", "refused"]),
        extensions=random.choice([0, 0, 1, 2]),
        lateness=random.choice([1, 1, -1]),
        reworked=random.random() < 0.3,
        supervised=random.choice([None, None, "media", "leader", "duty"]),
    )


@pytest.mark.parametrize(
    "certain",
    ["neglected", "long_hold", "released_early", "rework_again", "to_the_same", "asked_late",
     "agreed", "unlimited"],
)  # fmt: skip
def test_odd_history_has_the_rows_of_the_lived_one(
    stage: Stage, certain: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(oddities()["rates"], certain, 1.0)
    for seed in range(8):
        stage.assert_same(stage.arrival(), eventful(Random(seed)), seed, NEVER)


def test_urgent_history_has_the_rows_of_the_lived_one(desk: Desk) -> None:
    with desk.database.sessions() as session:
        session.execute(text("UPDATE filing_conditions SET limit_unit = 'urgent_hour'"))
        session.commit()
    stage = stage_of(desk)
    for seed in range(8):
        stage.assert_same(stage.arrival(), eventful(Random(seed)), seed, NEVER)
    assert {row["urgent"] for row in desk.rows("SELECT urgent FROM facts")} == {True}


def test_clock_with_many_events_is_carried_in_both(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(oddities()["rates"], "rework_again", 1.0)
    fate = Fate(reworked=True, held="granted", extensions=2, returned="unfounded")
    happenings = stage.assert_same(stage.arrival(), fate, 5, NEVER)
    assert [happening.what for happening in happenings].count("T_review") == MOST_REWORKS + 1
    assert stage.desk.rows("SELECT id FROM sla_clock_events")
