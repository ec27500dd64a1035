"""A history played without the engine leaves the rows that the real commands leave."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from app.cases.commands import (
    CompleteWork,
    FireTimers,
    RaiseSupervision,
    ReleaseHold,
    RequestExtension,
    RequestHold,
    RequestReturn,
)
from app.clock import FixedClock
from app.engine.moment import NEVER
from app.run import installed_runtime, run
from app.simulation.arrivals import Arrival
from app.simulation.fates import Fate
from app.simulation.histories.course import Course, Happening
from app.simulation.histories.crowd import Crowd
from app.simulation.histories.drawing import Drawn, live
from app.simulation.histories.ground import Ground
from app.simulation.histories.writing import COLUMNS
from app.simulation.world import World
from tests.factories import IN_GRID, Desk

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
        from app.cases.commands import ReportCase

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
        said, desk = happening.answers, self.desk
        match happening.what:
            case "extension":
                return RequestExtension(case_id, said["reason"], said["amount"])
            case "hold":
                return RequestHold(case_id, said["until"], said["reason"])
            case "return":
                return RequestReturn(case_id, said["reason"])
            case "supervision":
                return RaiseSupervision(case_id, said["source"], said["reason"])
            case "release":
                return ReleaseHold(case_id)
            case "timers":
                query = "SELECT id FROM process_instances WHERE case_id = :id"
                return FireTimers(desk.rows(query, id=case_id)[0]["id"])
            case element:
                return CompleteWork(desk.item(case_id, element), said)

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
    import orjson

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
