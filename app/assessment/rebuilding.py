"""Rebuild the facts of many cases, shared out to several processes, and rewrite those that the log contradicts."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from app.assessment.rebuild import (
    KINDS,
    Difference,
    Version,
    compared,
    rebuilt_facts,
)
from app.cases.calendars import clock_policies
from app.cases.clocks import HANDLING
from app.db.session import Database, engine_for, place_of
from app.settings import Settings
from sla.indicators import Period

_BATCH: Final = 500
# So many that the last ones to end do not keep a process waiting long.
_SHARES: Final = 40

_DISPATCHED: Final = (
    "(c.dispatches > 0 OR EXISTS (SELECT FROM facts f WHERE f.case_id = c.id)) {period}"
)
_OPEN_IN: Final = "AND c.reported_at < :end AND (c.closed_at IS NULL OR c.closed_at >= :start)"
_COLUMNS: Final = (
    "c.id, c.number, c.channel, c.district_code, c.grid_code, c.responsibility_code, c.exempt"
)
_EXTENT: Final = f"SELECT count(*), min(c.id), max(c.id) FROM cases c WHERE {_DISPATCHED}"  # noqa: S608 because only our own text is put in
_CASES: Final = f"""
SELECT {_COLUMNS} FROM cases c WHERE c.id > :after AND c.id <= :upto AND {_DISPATCHED}
ORDER BY c.id LIMIT :size
"""  # noqa: S608 because only our own text is put in
_THESE: Final = f"""
SELECT {_COLUMNS} FROM cases c WHERE c.id = ANY(CAST(:ids AS bigint[])) ORDER BY c.id
"""  # noqa: S608 because only our own text is put in
_LOG: Final = """
SELECT case_id, at, kind, data FROM case_log
WHERE case_id = ANY(CAST(:ids AS bigint[])) AND kind = ANY(CAST(:kinds AS text[]))
ORDER BY case_id, seq
"""
_FACTS: Final = """
SELECT * FROM facts WHERE case_id = ANY(CAST(:ids AS bigint[]))
ORDER BY case_id, dispatch_no, valid_from
"""

Row = Mapping[Any, Any]


@dataclass(frozen=True, slots=True)
class Checked:
    """One case whose facts were looked at."""

    case_id: int
    number: str
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """A case with the versions that its log tells of, and those that are stored."""

    case: Row
    versions: tuple[Version, ...]
    stored: tuple[Row, ...]

    @property
    def checked(self) -> Checked:
        """Say where the two differ."""
        found = tuple(compared(self.stored, self.versions))
        return Checked(self.case["id"], self.case["number"], found)


@dataclass(frozen=True, slots=True)
class Share:
    """Cases by their ids: above one, and up to the other."""

    after: int
    upto: int


def differences(session: Session, period: Period | None = None) -> Iterator[Checked]:
    """Check every dispatched case, or those that were open in a period."""
    _, shares = extent(session, period)
    for share in shares:
        yield from _checked(session, share, period)


def extent(session: Session, period: Period | None) -> tuple[int, list[Share]]:
    """Return how many cases there are to check, and their ids in shares, in order."""
    number, first, last = session.execute(
        text(_EXTENT.format(period=_OPEN_IN if period else "")), _bound(period)
    ).one()
    if number == 0:
        return 0, []
    edges = [first - 1 + (last - first + 1) * n // _SHARES for n in range(_SHARES + 1)]
    return number, [Share(after, upto) for after, upto in pairwise(edges) if after < upto]


def check_all(
    database: Database,
    settings: Settings,
    period: Period | None,
    *,
    processes: int = 1,
    begun: Callable[[int], object] = lambda number: None,
) -> Iterator[tuple[int, list[Checked]]]:
    """Yield how many cases of a share were checked and those with differences, share by share.

    begun: called with the number of all cases.
    """
    with database.sessions() as session:
        number, shares = extent(session, period)
    begun(number)
    if processes == 1 or not isinstance(database.writing, Engine):
        with database.sessions() as session:
            for share in shares:
                yield _differing(session, share, period)
        return
    context = multiprocessing.get_context("spawn")
    place = place_of(database, settings)
    with ProcessPoolExecutor(
        processes, mp_context=context, initializer=_begin, initargs=(place, period)
    ) as pool:
        yield from pool.map(_check_share, shares)


def rebuilt(session: Session, cases: Iterable[Row]) -> Iterator[Rebuilt]:
    """Rebuild the facts of these cases beside the stored ones."""
    cases = list(cases)
    policy = clock_policies()[HANDLING]
    ids = {"ids": [case["id"] for case in cases]}
    logs = _by_case(session.execute(text(_LOG), {**ids, "kinds": list(KINDS)}).mappings())
    stored = _by_case(session.execute(text(_FACTS), ids).mappings())
    for case in cases:
        versions = rebuilt_facts(case, logs.get(case["id"], ()), policy)
        yield Rebuilt(case, tuple(versions), tuple(stored.get(case["id"], ())))


def these_cases(session: Session, case_ids: Iterable[int]) -> list[Row]:
    """Return what is needed of cases to rebuild their facts."""
    return list(session.execute(text(_THESE), {"ids": list(case_ids)}).mappings())


def _checked(session: Session, share: Share, period: Period | None) -> Iterator[Checked]:
    statement = text(_CASES.format(period=_OPEN_IN if period else ""))
    bound = {"after": share.after, "upto": share.upto, "size": _BATCH, **_bound(period)}
    while cases := session.execute(statement, bound).mappings().all():
        for one in rebuilt(session, cases):
            yield one.checked
        bound["after"] = cases[-1]["id"]


def _differing(session: Session, share: Share, period: Period | None) -> tuple[int, list[Checked]]:
    number, found = 0, []
    for case in _checked(session, share, period):
        number += 1
        if case.differences:
            found.append(case)
    return number, found


def _bound(period: Period | None) -> dict[str, Any]:
    return {} if period is None else {"start": period.start, "end": period.end}


def _by_case(rows: Iterable[Row]) -> dict[int, list[Row]]:
    by_case: dict[int, list[Row]] = {}
    for row in rows:
        by_case.setdefault(row["case_id"], []).append(row)
    return by_case


_shared: Final[list[tuple[Database, Period | None]]] = []


def _begin(place: Settings | str, period: Period | None) -> None:
    engine = engine_for(place, read_only=True)
    _shared[:] = [(Database.on(engine, engine), period)]


def _check_share(share: Share) -> tuple[int, list[Checked]]:
    database, period = _shared[0]
    with database.sessions() as session:
        return _differing(session, share, period)
