"""Reads of the try-outs room: the replays of a draft and what came of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.cases.tables import Case
from app.errors import NotFound
from app.tryouts.tables import DraftReplay, DraftReplayCase

NEWLY_LATE: Final = "newly-late"
NO_LONGER_LATE: Final = "no-longer-late"
LATE_BEFORE: Final = "late-before"
LATE_AFTER: Final = "late-after"
FAILED: Final = "failed"
OTHER_PATH: Final = "other-path"
OTHER_END: Final = "other-end"
OTHER_DUE: Final = "other-due"
ASSUMED: Final = "assumed"
UNHEARD: Final = "unheard"
PASSED: Final = "passed-"
"""Before an element's id."""


@dataclass(frozen=True, slots=True)
class Line:
    """One case of a replay; before and after hold an Outcome, or neither does and failure says why."""

    id: int
    number: str
    title: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    failure: Mapping[str, Any] | None

    @property
    def gained(self) -> tuple[str, ...]:
        """Return the elements that only the draft passes, or passes more often."""
        return _more(self.after["passed"], self.before["passed"])

    @property
    def lost(self) -> tuple[str, ...]:
        """Return the elements that only the deployed version passes, or passes more often."""
        return _more(self.before["passed"], self.after["passed"])


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a replay is."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Group:
    """Cases that differ alike. key: by which their list is asked for."""

    key: str
    gained: tuple[str, ...]
    lost: tuple[str, ...]
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class OtherLimit:
    """A clock whose limit differs, and in which cases."""

    key: str
    clock: str
    before: str
    after: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Way:
    """A way through the user tasks, and which cases take it on either version."""

    tasks: tuple[str, ...]
    before: tuple[Line, ...]
    after: tuple[Line, ...]
    key: str


@dataclass(frozen=True, slots=True)
class Figures:
    """What a replay comes to. lists: the cases behind each figure, by key."""

    told: tuple[Line, ...]
    lists: Mapping[str, tuple[Line, ...]]
    groups: tuple[Group, ...]
    limits: tuple[OtherLimit, ...]
    ways: tuple[Way, ...]
    mean_before: float
    mean_after: float

    def of(self, key: str) -> tuple[Line, ...]:
        """Return the cases behind a figure. Raises NotFound for one there is not."""
        found: dict[str, tuple[Line, ...]] = {one.key: one.lines for one in self.groups}
        found |= {one.key: one.lines for one in self.limits}
        for way in self.ways:
            found |= {f"before-{way.key}": way.before, f"after-{way.key}": way.after}
        found |= self.lists
        if key.startswith(PASSED):
            return self.passing(key.removeprefix(PASSED))
        if key not in found:
            raise NotFound
        return found[key]

    def passing(self, element: str) -> tuple[Line, ...]:
        """Return the cases that pass an element on either version."""
        return tuple(
            line
            for line in self.told
            if element in line.before["passed"] or element in line.after["passed"]
        )


# Which cases each figure counts.
_COUNTED: Final[Mapping[str, Callable[[Line], bool]]] = {
    LATE_BEFORE: lambda line: line.before["late"],
    LATE_AFTER: lambda line: line.after["late"],
    NEWLY_LATE: lambda line: line.after["late"] and not line.before["late"],
    NO_LONGER_LATE: lambda line: line.before["late"] and not line.after["late"],
    OTHER_PATH: lambda line: bool(line.gained or line.lost),
    OTHER_END: lambda line: line.before["closed_as"] != line.after["closed_as"],
    OTHER_DUE: lambda line: line.before["due_at"] != line.after["due_at"],
    ASSUMED: lambda line: bool(line.before["assumed"] or line.after["assumed"]),
    UNHEARD: lambda line: bool(line.before["unheard"] or line.after["unheard"]),
}


def replay_of(session: Session, replay_id: int) -> DraftReplay:
    """Return a replay. Raises NotFound."""
    found = session.get(DraftReplay, replay_id) if replay_id < 2**63 else None
    if found is None:
        raise NotFound("没有这次回放。")
    return found


def replays_of(session: Session, draft_id: int, limit: int) -> Sequence[DraftReplay]:
    """Return the latest replays of a draft, newest first."""
    return session.scalars(
        select(DraftReplay)
        .where(DraftReplay.draft_id == draft_id)
        .order_by(DraftReplay.id.desc())
        .limit(limit)
    ).all()


def progress_of(session: Session, replay_id: int) -> Progress:
    """Return how far a replay is."""
    done, total = session.execute(
        select(func.count().filter(DraftReplayCase.done), func.count()).where(
            DraftReplayCase.replay_id == replay_id
        )
    ).one()
    return Progress(done, total)


def figures_of(session: Session, replay_id: int) -> Figures:
    """Return what a replay comes to, as far as it is."""
    rows = session.execute(
        select(DraftReplayCase, Case.number, Case.title)
        .join(Case, Case.id == DraftReplayCase.case_id)
        .where(DraftReplayCase.replay_id == replay_id, DraftReplayCase.done)
        .order_by(Case.number)
    ).all()
    lines = [
        Line(row.id, number, title, row.before or {}, row.after or {}, row.failure)
        for row, number, title in rows
    ]
    return figures(lines)


def figures(lines: Sequence[Line]) -> Figures:
    """Work the figures out."""
    told = tuple(line for line in lines if line.failure is None)
    lists = {key: tuple(filter(counts, told)) for key, counts in _COUNTED.items()}
    lists[FAILED] = tuple(line for line in lines if line.failure is not None)
    return Figures(
        told=told,
        lists=lists,
        groups=_groups(lists[OTHER_PATH]),
        limits=_limits(told),
        ways=_ways(told),
        mean_before=_mean([line.before["seconds"] for line in told]),
        mean_after=_mean([line.after["seconds"] for line in told]),
    )


def _groups(lines: Sequence[Line]) -> tuple[Group, ...]:
    alike: dict[tuple[tuple[str, ...], tuple[str, ...]], list[Line]] = {}
    for line in lines:
        alike.setdefault((line.gained, line.lost), []).append(line)
    ranked = sorted(alike.items(), key=lambda one: (-len(one[1]), one[0]))
    return tuple(
        Group(f"path-{number}", gained, lost, tuple(found))
        for number, ((gained, lost), found) in enumerate(ranked, start=1)
    )


def _limits(lines: Sequence[Line]) -> tuple[OtherLimit, ...]:
    alike: dict[tuple[str, str, str], list[Line]] = {}
    for line in lines:
        before, after = line.before["limits"], line.after["limits"]
        for clock in sorted(before.keys() | after.keys()):
            one, other = before.get(clock, ""), after.get(clock, "")
            if one != other:
                alike.setdefault((clock, one, other), []).append(line)
    return tuple(
        OtherLimit(f"limit-{number}", *key, tuple(found))
        for number, (key, found) in enumerate(sorted(alike.items()), start=1)
    )


def _ways(lines: Sequence[Line]) -> tuple[Way, ...]:
    alike: dict[tuple[str, ...], tuple[list[Line], list[Line]]] = {}
    for line in lines:
        for side, outcome in enumerate((line.before, line.after)):
            alike.setdefault(tuple(outcome["tasks"]), ([], []))[side].append(line)
    ranked = sorted(alike.items(), key=lambda one: (-len(one[1][0]), -len(one[1][1]), one[0]))
    return tuple(
        Way(tasks, tuple(before), tuple(after), f"way-{number}")
        for number, (tasks, (before, after)) in enumerate(ranked, start=1)
    )


def _more(these: Mapping[str, int], those: Mapping[str, int]) -> tuple[str, ...]:
    return tuple(
        element for element, times in sorted(these.items()) if times > those.get(element, 0)
    )


def _mean(seconds: Sequence[int]) -> float:
    return sum(seconds) / len(seconds) if seconds else 0.0
