"""The lists of the cases room: they page without gaps, and read the indexes made for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import event, text
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Session

from app.accounts.roles import ROLES
from app.cases.queries import inbox, search
from app.cases.queries.inbox import InboxFilter
from app.cases.queries.keyset import Page, Place
from app.cases.queries.visibility import WHOLE
from app.clock import FixedClock
from app.db.session import Database
from tests.factories import Desk, build_city

ALL = InboxFilter()


@pytest.fixture
def desk(session: Session, open_database: Database) -> Desk:
    return Desk(build_city(session), open_database)


def _walk(read: Callable[[Place | None], Page[inbox.InboxLine]]) -> list[inbox.InboxLine]:
    """Return the lines of every page of a list."""
    page = read(None)
    lines = list(page.lines)
    while page.next is not None:
        page = read(Place.read(str(page.next)))
        lines += page.lines
    return lines


def test_group_pages_have_no_gap_and_no_double(
    desk: Desk, session: Session, clock: FixedClock
) -> None:
    actor = desk.city.intake
    for number in range(7):
        # Two at a time fall due at the same moment: the id decides.
        clock.advance(timedelta(minutes=number % 2))
        desk.reported_case()
    lines = _walk(lambda after: inbox.group_items(session, actor, ALL, after=after, size=3))
    assert len({line.item_id for line in lines}) == len(lines) == 7
    assert [(line.due_at, line.item_id) for line in lines] == sorted(
        (line.due_at, line.item_id) for line in lines
    )


def test_lists_of_several_roles_are_merged_by_due_time(desk: Desk, session: Session) -> None:
    filed, waiting = desk.filed_case(), desk.reported_case()
    actor = desk.city.dispatcher
    both = replace(actor, roles=frozenset({"dispatcher", "intake_officer"}))
    lines = _walk(lambda after: inbox.group_items(session, both, ALL, after=after, size=1))
    assert {line.case_id for line in lines} == {filed, waiting}


def test_centre_watches_over_the_whole_city(desk: Desk, session: Session) -> None:
    # A centre is a second-level unit like any other, but nobody ranks it.
    session.execute(text("UPDATE units SET rank_group = NULL WHERE id = 12"))
    chief = replace(desk.city.chief, unit_id=12, unit_path="/1/12/")
    assert inbox.scope_of(session, chief, tuple(ROLES)).everywhere
    scope = inbox.scope_of(session, desk.city.manager2, tuple(ROLES))
    assert (scope.everywhere, scope.units) == (False, (12,))
    assert not inbox.scope_of(session, desk.city.manager1, tuple(ROLES)).everywhere


def test_count_stops_at_its_limit(
    desk: Desk, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "COUNT_LIMIT", 2)
    for _ in range(4):
        desk.reported_case()
    assert inbox.count_items(session, desk.city.intake) == (0, 3)


# A third each: taken by one person, waiting for a role, waiting for a unit; and as many done.
CROWD = """
INSERT INTO work_items (instance_id, case_id, token, element, name, form_key, stage, role, unit_id,
    assignee_id, status, created_at, due_at, finished_at)
SELECT instance_id, case_id, 1000 + n, element, name, form_key, stage,
    CASE WHEN n % 3 = 2 THEN 'unit_manager' ELSE role END, CASE WHEN n % 3 = 2 THEN 11 END,
    CASE WHEN n % 3 = 0 THEN 102 END, CASE WHEN n > 3000 THEN 'done' ELSE 'open' END,
    created_at, created_at + n * interval '1 minute', CASE WHEN n > 3000 THEN created_at END
FROM work_items, generate_series(1, 6000) AS n
"""


def _plans(session: Session, ask: Callable[[], object]) -> str:
    """Return the plans of the statements that a question runs."""
    asked: list[tuple[str, object]] = []

    def note(
        connection: Connection, cursor: object, statement: str, parameters: object, *rest: object
    ) -> None:
        asked.append((statement, parameters))

    bind = session.connection()
    event.listen(bind, "before_cursor_execute", note)
    ask()
    event.remove(bind, "before_cursor_execute", note)
    plans = [bind.exec_driver_sql(f"EXPLAIN {sql}", values).scalars() for sql, values in asked]  # type: ignore[arg-type]  # as given
    return "\n".join(line for plan in plans for line in plan)


def test_lists_read_the_indexes_over_open_items(desk: Desk, session: Session) -> None:
    desk.reported_case()
    session.execute(text(CROWD))
    session.execute(text("ANALYZE work_items"))
    city, after = desk.city, Place.read("2025-11-25T00:00:00+00:00_1")
    mine = _plans(session, lambda: inbox.my_items(session, city.intake, ALL, after=after, size=50))
    assert "ix_work_items_assigned" in mine
    group = _plans(
        session, lambda: inbox.group_items(session, city.manager1, ALL, after=after, size=50)
    )
    assert group.count("ix_work_items_waiting") == 2
    assert "Seq Scan on work_items" not in group
    scope = inbox.scope_of(session, city.chief, tuple(ROLES))
    watched = _plans(
        session, lambda: inbox.watched_items(session, scope, ALL, after=after, size=50)
    )
    assert "ix_work_items_open" in watched


def test_search_reads_the_indexes_over_cases(desk: Desk, session: Session) -> None:
    desk.reported_case()
    # One case is quicker read without an index.
    session.execute(text("SET LOCAL enable_seqscan = off"))
    session.execute(text("SET LOCAL enable_sort = off"))
    by_number = _plans(
        session, lambda: search.find_cases(session, "20251125", WHOLE, before=None, size=50)
    )
    assert "uq_cases_number" in by_number
    by_text = _plans(
        session, lambda: search.find_cases(session, "垃圾", WHOLE, before=None, size=50)
    )
    assert "ix_cases_reported_at" in by_text


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("2025", ("20250000000000", "20259999999999")),
        ("20251125000001", ("20251125000001", "20251125000001")),
        (" 202511 ", ("20251100000000", "20251199999999")),
        ("12345", None),
        ("迎泽大街 128 号", None),
        ("2025年", None),
    ],
)
def test_digits_that_begin_like_a_year_are_a_number(
    words: str, found: tuple[str, str] | None
) -> None:
    assert search.number_range(words) == found
