"""The inbox with ten thousand and with a million cases in the table."""

from __future__ import annotations

import statistics
import time

from sqlalchemy import URL
from sqlalchemy.orm import Session

from app.cases.queries.inbox import (
    InboxFilter,
    Scope,
    count_items,
    group_items,
    my_items,
    watched_items,
)
from app.run import Actor
from tests.bench.crowd import connected, copy_case, copy_items
from tests.bench.scratch import Scratch
from tests.factories import City, Desk

OPEN = 5_000
FIRST = 1_000_000
ROUNDS = 60
SIZE = 50


def inbox_times(
    scratch: Scratch, base: URL, city: City, *, few: int, many: int
) -> dict[str, tuple[float, float]]:
    """Return the median seconds of each list with few and with many cases; the open items are as many in both."""
    with scratch.clone(base) as url:
        desk = Desk(city, scratch.opened(url))
        case_id = desk.dispatched_case()
        with connected(url) as connection:
            copy_case(connection, case_id, few, FIRST)
            copy_items(connection, case_id, OPEN, FIRST, finished=False)
            copy_items(connection, case_id, few - OPEN, FIRST + OPEN, finished=True)
            connection.execute("VACUUM ANALYZE")
        first = _times(desk, city)
        with connected(url) as connection:
            copy_case(connection, case_id, many - few, FIRST + few)
            copy_items(connection, case_id, many - few, FIRST + few, finished=True)
            connection.execute("VACUUM ANALYZE")
        second = _times(desk, city)
        desk.database.drop_connections()
    return {name: (first[name], second[name]) for name in first}


def _times(desk: Desk, city: City) -> dict[str, float]:
    asked = InboxFilter()
    with desk.database.sessions() as session:
        return {
            "mine": _median(
                session, city.manager1, lambda s, a: my_items(s, a, asked, after=None, size=SIZE)
            ),
            "group": _median(
                session, city.manager1, lambda s, a: group_items(s, a, asked, after=None, size=SIZE)
            ),
            "all": _median(
                session,
                city.supervisor,
                lambda s, a: watched_items(s, Scope(everywhere=True), asked, after=None, size=SIZE),
            ),
            "count": _median(session, city.manager1, count_items),
        }


def _median(session: Session, actor: Actor, ask: object) -> float:
    times = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        ask(session, actor)  # type: ignore[operator]
        times.append(time.perf_counter() - begin)
    return statistics.median(times)
