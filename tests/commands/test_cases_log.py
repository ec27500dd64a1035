"""The log: chained, append-only, and honest about what was changed."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from app.cases.log import plain, verify_case, verify_cases
from app.errors import NotFound


def raw(session):
    return session.connection().connection.driver_connection


def without_trigger(session, statement, **parameters):
    """Change a row as somebody would who owns the table."""
    session.execute(text("ALTER TABLE case_log DISABLE TRIGGER refuse_change"))
    session.execute(text(statement), parameters)
    session.execute(text("ALTER TABLE case_log ENABLE TRIGGER refuse_change"))


def test_chain_of_a_whole_life_holds(desk, session):
    case_id = desk.closed_case()
    assert verify_case(raw(session), case_id) is None
    assert desk.log_kinds(case_id)[0] == "reported"
    assert desk.log_kinds(case_id)[-1] == "ended"


def test_changed_row_is_found(desk, session):
    case_id = desk.closed_case()
    without_trigger(
        session,
        """UPDATE case_log SET data = data || '{"outcome": "reject"}' WHERE case_id = :id AND seq = 2""",
        id=case_id,
    )
    broken = verify_case(raw(session), case_id)
    assert (broken.seq, broken.reason) == (2, "the row was changed")


def test_removed_row_is_found(desk, session):
    case_id = desk.closed_case()
    without_trigger(session, "DELETE FROM case_log WHERE case_id = :id AND seq = 3", id=case_id)
    assert verify_case(raw(session), case_id).seq == 3


def test_removed_end_is_found_by_the_head_kept_with_the_case(desk, session):
    case_id = desk.closed_case()
    last = len(desk.log_kinds(case_id))
    without_trigger(
        session, "DELETE FROM case_log WHERE case_id = :id AND seq = :seq", id=case_id, seq=last
    )
    assert verify_case(raw(session), case_id).seq == last


def test_row_moved_to_another_case_is_found(desk, session):
    first, second = desk.reported_case(), desk.reported_case()
    without_trigger(session, "DELETE FROM case_log WHERE case_id = :id", id=second)
    without_trigger(
        session,
        "UPDATE case_log SET case_id = :second WHERE case_id = :first",
        first=first,
        second=second,
    )
    assert len(verify_cases(raw(session), [first, second])) == 2


def test_unknown_case_has_no_log(session, open_database):
    with pytest.raises(NotFound):
        verify_case(raw(session), 4711)


@pytest.mark.parametrize(
    "statement",
    ["UPDATE case_log SET kind = 'x'", "DELETE FROM case_log", "TRUNCATE case_log"],
)
def test_database_refuses_to_change_the_log(desk, session, statement):
    desk.reported_case()
    with pytest.raises(ProgrammingError, match="case_log only grows"):
        session.execute(text(statement))


def test_fractions_become_text_because_jsonb_rewrites_numbers():
    assert plain({"a": 1e300, "b": [1.5, True, None]}) == {"a": "1e+300", "b": ["1.5", True, None]}
