"""Facts: a version for each change that counts, and a view as of any moment."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

from app.cases.commands import RaiseSupervision, RequestExtension
from app.run import run

AS_OF = """
SELECT due_at, extensions, closed_as, handed_in_at FROM facts
WHERE case_id = :id AND valid_from <= :at AND (valid_to IS NULL OR valid_to > :at)
"""


def test_case_has_no_fact_before_its_dispatch(desk):
    assert desk.facts(desk.filed_case()) == []


def test_fact_as_of_a_moment_shows_what_was_known_then(desk, clock):
    case_id = desk.dispatched_case()
    dispatched_at = clock.now()
    clock.advance(timedelta(hours=1))
    run(RequestExtension(case_id, "下雨"), actor=desk.city.manager1)
    desk.do(case_id, "T_approve_extension", desk.city.chief, "grant")
    granted_at = clock.now()
    clock.advance(timedelta(hours=1))
    desk.hand_in(case_id)
    before, after = (
        desk.rows(AS_OF, id=case_id, at=at)[0]
        for at in (granted_at - timedelta(seconds=1), granted_at)
    )
    assert (before["extensions"], after["extensions"]) == (0, 1)
    assert before["due_at"] < after["due_at"]
    assert desk.rows(AS_OF, id=case_id, at=dispatched_at - timedelta(seconds=1)) == []
    assert desk.rows(AS_OF, id=case_id, at=clock.now())[0]["handed_in_at"] == clock.now()


def test_changes_at_one_moment_share_a_version(desk):
    case_id = desk.closed_case()
    versions = desk.rows("SELECT closed_as FROM facts WHERE case_id = :id", id=case_id)
    assert versions == [{"closed_as": "closed"}]


def test_change_by_a_host_whose_clock_is_behind_goes_into_the_current_version(desk, clock):
    case_id = desk.dispatched_case()
    dispatched_at = clock.now()
    clock.advance(timedelta(milliseconds=-5))
    desk.hand_in(case_id)
    rows = desk.rows(
        "SELECT valid_from, valid_to, on_time FROM facts WHERE case_id = :id", id=case_id
    )
    assert rows == [{"valid_from": dispatched_at, "valid_to": None, "on_time": True}]


def test_versions_follow_each_other_without_gap(desk, clock):
    case_id = desk.dispatched_case()
    for _ in range(3):
        clock.advance(timedelta(minutes=10))
        desk.hand_in(case_id)
        clock.advance(timedelta(minutes=10))
        desk.do(case_id, "T_review", desk.city.dispatcher, "rework", opinion="没有清干净")
    rows = desk.rows("SELECT * FROM facts WHERE case_id = :id ORDER BY valid_from", id=case_id)
    assert len(rows) == 7
    assert all(a["valid_to"] == b["valid_from"] for a, b in pairwise(rows))
    assert rows[-1]["valid_to"] is None
    assert rows[-1]["reworks"] == 3


def test_steps_that_change_nothing_that_counts_write_no_version(desk, clock):
    case_id = desk.dispatched_case()
    clock.advance(timedelta(minutes=10))
    desk.do(case_id, "T_assign", desk.city.manager1, "assign", handler_id=112)
    assert len(desk.rows("SELECT id FROM facts WHERE case_id = :id", id=case_id)) == 1


def test_fact_tells_the_clock_s_minutes_while_the_case_is_handed_in(desk, clock):
    case_id = desk.dispatched_case()
    clock.advance(timedelta(minutes=90, seconds=30))
    desk.hand_in(case_id)
    assert desk.facts(case_id)[0]["worked_minutes"] == 91  # a half is rounded up
    clock.advance(timedelta(minutes=10))
    desk.do(case_id, "T_review", desk.city.dispatcher, "rework", opinion="没有清干净")
    assert desk.facts(case_id)[0]["worked_minutes"] is None
    clock.advance(timedelta(minutes=20))
    desk.hand_in(case_id)
    # 90.5 + 20: the ten minutes of the review are nobody's.
    assert desk.facts(case_id)[0]["worked_minutes"] == 111


def test_fact_tells_every_supervision_of_its_unit_and_whether_the_case_is_urgent(desk, clock):
    case_id = desk.dispatched_case()
    for source in ("leader", "media"):
        clock.advance(timedelta(minutes=1))
        run(RaiseSupervision(case_id, source, "催办"), actor=desk.city.chief)
    fact = desk.facts(case_id)[0]
    assert (fact["supervisions"], fact["media_supervisions"]) == (2, 1)
    unit = desk.rows("SELECT limit_unit FROM cases WHERE id = :id", id=case_id)[0]["limit_unit"]
    assert fact["urgent"] is unit.startswith("urgent")
