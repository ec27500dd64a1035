"""The month's figures, from facts made by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.assessment.queries import department_report
from app.assessment.ranking import Month, facts_of
from app.errors import InvalidInput
from sla.counting_rules import ClosedBy, Count, CountingRules, Per, SelfHandled
from sla.indicators import Reason, Tally
from tests.ranking_facts import SHANGHAI, Facts, november, october, september, small_city

NOVEMBER = Month(2025, 11)
TICK = timedelta(microseconds=1)


@pytest.fixture
def facts(session: Session) -> Facts:
    return small_city(session)


def reasons(facts: Facts, code: str) -> dict[Reason, int]:
    """What one unit's period sees, by why it counts or not."""
    ranking = facts.ranking()
    unit = next(row.unit for row in ranking.rows if row.unit.code == code)
    counted: dict[Reason, int] = {}
    for one in facts_of(facts.session, unit, ranking.basis).alike:
        reason = one.membership(ranking.basis).reason
        counted[reason] = counted.get(reason, 0) + one.number
    return counted


def test_month_is_from_midnight_to_midnight_of_the_city() -> None:
    period = Month.parse("2025-12").period(SHANGHAI)
    assert period.start.isoformat() == "2025-12-01T00:00:00+08:00"
    assert period.end.isoformat() == "2026-01-01T00:00:00+08:00"


@pytest.mark.parametrize("written", ["2025-13", "2025-00", "202510", "2025-1", "0000-01", "x", ""])
def test_month_that_is_none_is_refused(written: str) -> None:
    with pytest.raises(InvalidInput):
        Month.parse(written)


def test_unit_s_figures_and_rates(facts: Facts) -> None:
    # Due 4: on time, late, reworked and on time, open. Closed 3, on time 2, first pass 2, extended 1.
    facts.closed(11, due=october(10), done=october(9), closed=october(11))
    facts.closed(11, due=october(10), done=october(12), closed=october(13))
    facts.closed(11, due=october(20), done=october(19), closed=october(21), reworks=1)
    facts.open(11, due=october(25), extensions=1)
    ranking = facts.ranking()
    row = ranking.groups[0].rows[0]
    values = {code: figure.value(row.tally) for code, figure in ranking.figures.items()}
    assert row.unit.code == "D1"
    assert {code: str(value) for code, value in values.items()} == {
        "due": "4",
        "closed": "3",
        "on_time": "2",
        "closing_rate": "75.00",  # 3/4
        "on_time_closing_rate": "50.00",  # 2/4
        "extension_rate": "25.00",  # 1/4
        "first_pass_rate": "66.67",  # 2/3
        "rework_rate": "33.33",  # 1/3
        "overdue_open": "1",
        "unfounded_returns": "0",
        "media_supervisions": "0",
        "self_handled": "0",
    }


def test_case_carried_over_counts_until_the_month_it_is_closed_in(facts: Facts) -> None:
    facts.closed(11, due=september(20), done=october(14), closed=october(15))
    assert (facts.tally("D1", Month(2025, 9)).due, facts.tally("D1", Month(2025, 9)).closed) == (
        1,
        0,
    )
    tally = facts.tally("D1")
    assert (tally.due, tally.closed, tally.late) == (1, 1, 1)
    assert facts.tally("D1", NOVEMBER) == Tally()


def test_extension_moves_a_case_out_of_the_month(facts: Facts) -> None:
    facts.dispatch(
        11,
        (october(20), {"due_at": october(25)}),
        (october(24), {"due_at": november(3), "extensions": 1}),
    )
    assert facts.tally("D1") == Tally(filed=1)
    tally = facts.tally("D1", NOVEMBER)
    assert (tally.due, tally.extended, tally.overdue_open) == (1, 1, 1)


def test_extension_granted_after_the_month_leaves_the_month_alone(facts: Facts) -> None:
    facts.dispatch(
        11,
        (october(20), {"due_at": october(31, 10)}),
        (november(1), {"due_at": november(3), "extensions": 1}),
    )
    tally = facts.tally("D1")
    assert (tally.due, tally.extended, tally.overdue_open) == (1, 0, 1)


def test_case_on_hold_at_the_end_is_left_out_and_one_released_before_is_not(facts: Facts) -> None:
    held = (october(9), {"due_at": None, "on_hold": True})
    facts.dispatch(11, (october(8), {"due_at": october(10)}), held)
    facts.dispatch(
        12, (october(8), {"due_at": october(10)}), held,
        (october(20), {"due_at": october(21), "on_hold": False}),
    )  # fmt: skip
    assert reasons(facts, "D1") == {Reason.HELD: 1}
    assert facts.tally("D1").due == 0
    assert facts.tally("D2").due == 1


def test_hold_of_an_overdue_case_leaves_it_out_only_while_it_holds(facts: Facts) -> None:
    facts.dispatch(
        11,
        (october(8), {"due_at": october(10)}),
        (october(28), {"on_hold": True}),
        (november(5), {"on_hold": False}),
    )
    assert facts.tally("D1").due == 0
    # Drawn later, it was still on hold when October ended; in November it is carried over.
    assert facts.tally("D1", as_of=november(20)).due == 0
    assert facts.tally("D1", NOVEMBER).due == 1


def test_hold_released_at_the_very_end_was_still_a_hold(facts: Facts) -> None:
    facts.dispatch(
        11,
        (october(8), {"due_at": october(10)}),
        (october(28), {"on_hold": True}),
        (november(1, 0), {"on_hold": False}),
    )
    assert facts.tally("D1").due == 0
    assert facts.tally("D1", as_of=november(20)).due == 0


def test_hold_that_began_after_the_month_does_not_matter_to_it(facts: Facts) -> None:
    facts.dispatch(11, (october(8), {"due_at": october(10)}), (november(2), {"on_hold": True}))
    assert facts.tally("D1").due == 1
    assert facts.tally("D1", as_of=november(20)).due == 1


def test_void_case_is_left_out(facts: Facts) -> None:
    facts.closed(
        11, due=october(10), done=october(9), closed=october(11), closed_as="void", void=True
    )
    assert reasons(facts, "D1") == {Reason.VOID: 1}
    assert facts.tally("D1") == Tally()


def test_exempted_case_is_on_time(facts: Facts) -> None:
    facts.closed(11, due=october(10), done=october(12), closed=october(13), exempt=True)
    assert reasons(facts, "D1") == {Reason.DUE_IN_PERIOD: 1}
    assert facts.tally("D1").on_time == 1


def test_founded_return_moves_the_case_to_the_other_unit(facts: Facts) -> None:
    case_id = facts.dispatch(
        11,
        (october(8), {"due_at": october(10)}),
        (october(9), {"due_at": None, "taken_back_at": october(9)}),
    )
    facts.dispatch(
        12,
        (october(9, 10), {"due_at": october(12)}),
        (october(11), {"handed_in_at": october(11), "on_time": True}),
        (october(12), {"closed_at": october(12), "closed_as": "closed"}),
        case_id=case_id,
        dispatch_no=2,
    )
    assert (facts.tally("D1").due, facts.tally("D2").due, facts.tally("D2").on_time) == (0, 1, 1)
    assert reasons(facts, "D1") == {Reason.TAKEN_BACK: 1}
    # Left out in October; November no longer lists it.
    assert (
        facts_of(
            facts.session, facts.ranking(NOVEMBER).rows[0].unit, facts.ranking(NOVEMBER).basis
        ).alike
        == ()
    )


def test_unfounded_return_is_charged_in_the_month_of_its_ruling_only(facts: Facts) -> None:
    facts.dispatch(
        11,
        (september(20), {"due_at": september(25)}),
        (september(22), {"unfounded_returns": 1}),
        (october(7), {"unfounded_returns": 2, "media_supervisions": 1}),
    )
    assert facts.tally("D1", Month(2025, 9)).unfounded_returns == 1
    tally = facts.tally("D1")
    assert (tally.due, tally.unfounded_returns, tally.media_supervisions) == (1, 1, 1)
    # Still open and overdue in November, but not charged again.
    tally = facts.tally("D1", NOVEMBER)
    assert (tally.due, tally.unfounded_returns, tally.media_supervisions) == (1, 0, 0)


def test_unfounded_returns_may_be_charged_each(facts: Facts) -> None:
    facts.dispatch(
        11,
        (october(3), {"due_at": november(9)}),
        (october(4), {"unfounded_returns": 1}),
        (october(5), {"unfounded_returns": 2}),
        (november(2), {"unfounded_returns": 3}),
    )
    each = replace(CountingRules(), unfounded_returns=Per.EACH)
    ranking = facts.ranking(policy=each)
    # Not due before November, charged nevertheless: twice in October, once more in November.
    assert (ranking.rows[0].tally.due, ranking.rows[0].tally.unfounded_returns) == (0, 2)
    assert facts.ranking(as_of=november(20), policy=each).rows[0].tally.unfounded_returns == 2
    assert facts.ranking(NOVEMBER, policy=each).rows[0].tally.unfounded_returns == 1


def test_charge_at_the_very_start_is_the_month_s_own(facts: Facts) -> None:
    facts.dispatch(
        11,
        (september(20), {"due_at": november(9)}),
        (september(22), {"unfounded_returns": 1}),
        (october(1, 0), {"unfounded_returns": 2}),
    )
    each = replace(CountingRules(), unfounded_returns=Per.EACH)
    assert facts.ranking(policy=each).rows[0].tally.unfounded_returns == 1


def test_charge_goes_along_to_the_next_dispatch_to_the_same_unit_but_counts_once(
    facts: Facts,
) -> None:
    case_id = facts.dispatch(
        11,
        (september(20), {"due_at": october(25)}),
        (september(22), {"unfounded_returns": 1}),
        (october(2), {"taken_back_at": october(2)}),
    )
    facts.dispatch(
        11, (october(3), {"due_at": october(25), "unfounded_returns": 1}),
        case_id=case_id, dispatch_no=2,
    )  # fmt: skip
    assert facts.tally("D1").unfounded_returns == 0


def test_charge_of_the_unit_before_is_not_the_next_one_s(facts: Facts) -> None:
    case_id = facts.dispatch(
        11,
        (september(20), {"due_at": october(25)}),
        (september(22), {"unfounded_returns": 2}),
        (october(2), {"taken_back_at": october(2)}),
    )
    facts.dispatch(
        12, (october(3), {"due_at": october(25)}), (october(4), {"unfounded_returns": 1}),
        case_id=case_id, dispatch_no=2,
    )  # fmt: skip
    assert facts.tally("D2").unfounded_returns == 1


def test_rework_makes_late_and_drops_first_pass(facts: Facts) -> None:
    facts.dispatch(
        11,
        (october(8), {"due_at": october(10)}),
        (october(9), {"handed_in_at": october(9), "on_time": True}),
        (october(12), {"handed_in_at": None, "on_time": None, "reworks": 1}),
        (october(13), {"handed_in_at": october(13), "on_time": False}),
        (october(14), {"closed_at": october(14), "closed_as": "closed"}),
    )
    tally = facts.tally("D1")
    assert (tally.closed, tally.on_time, tally.first_pass, tally.closed_reworked) == (1, 0, 0, 1)


def test_parent_counts_the_cases_of_all_units_below_it(facts: Facts) -> None:
    for unit_id in (11, 111, 1111, 12):
        facts.open(unit_id, due=october(10))
    assert (facts.tally("D1").due, facts.tally("D2").due) == (3, 1)
    alone = facts.ranking(policy=replace(CountingRules(), descendants=Count.LEAVE_OUT))
    assert {row.unit.code: row.tally.due for row in alone.groups[0].rows}["D1"] == 1


def test_equal_figures_share_a_rank_and_no_data_has_none(facts: Facts) -> None:
    # On time: D1 1/1, D2 1/2, D3 nothing due.
    facts.closed(11, due=october(10), done=october(9), closed=october(11))
    facts.closed(12, due=october(10), done=october(9), closed=october(11))
    facts.open(12, due=october(12))
    facts.open(21, due=october(12))
    ranking = facts.ranking()
    districts, departments, enterprises = ranking.groups
    assert [(row.unit.code, row.rank) for row in districts.rows] == [
        ("D1", 1),
        ("D2", 2),
        ("D3", None),
    ]
    # 0/1 is a figure; nothing due is none.
    assert [(row.unit.code, row.rank) for row in departments.rows] == [("P1", 1)]
    assert [(row.unit.code, row.rank) for row in enterprises.rows] == [("E1", None)]
    assert districts.total.due == 3
    facts.closed(13, due=october(10), done=october(9), closed=october(11))
    tied = facts.ranking().groups[0].rows
    assert [(row.unit.code, row.rank) for row in tied] == [("D1", 1), ("D3", 1), ("D2", 3)]


def test_same_month_drawn_later_is_the_same_whatever_happened_since(facts: Facts) -> None:
    case_id = facts.open(11, due=october(10))
    before = facts.ranking().as_plain()
    facts.session.execute(
        text("UPDATE facts SET valid_to = :at WHERE case_id = :id"),
        {"at": november(3), "id": case_id},
    )
    facts.dispatch(
        11,
        (november(3), {"due_at": october(10), "closed_at": november(3), "closed_as": "closed"}),
        case_id=case_id,
    )
    facts.open(12, due=november(5))
    assert facts.ranking().as_plain() == before


def test_what_happens_at_the_very_end_belongs_to_the_next_month(facts: Facts) -> None:
    end = november(1, 0)
    facts.closed(11, due=october(10), done=october(9), closed=end)
    facts.dispatch(12, (october(8), {"due_at": october(10)}), (end, {"unfounded_returns": 1}))
    assert (facts.tally("D1").due, facts.tally("D1").closed) == (1, 0)
    assert (facts.tally("D1", NOVEMBER).due, facts.tally("D1", NOVEMBER).closed) == (1, 1)
    assert facts.tally("D2").unfounded_returns == 0
    assert facts.tally("D2", NOVEMBER).unfounded_returns == 1


def test_running_month_counts_what_is_due_by_now(facts: Facts) -> None:
    facts.closed(11, due=october(10), done=october(9), closed=october(11))
    facts.open(11, due=october(20))
    # Closed at this very moment: seen.
    ranking = facts.ranking(as_of=october(11))
    assert (ranking.rows[0].tally.due, ranking.rows[0].tally.closed) == (1, 1)
    assert not ranking.is_final
    assert ranking.basis.period.end == october(11) + TICK
    assert facts.ranking(as_of=october(21)).rows[0].tally.due == 2


def test_moment_before_the_month_is_refused(facts: Facts) -> None:
    with pytest.raises(InvalidInput):
        facts.ranking(as_of=september(30))


def test_closing_after_the_month_counts_where_the_rules_say_so(facts: Facts) -> None:
    facts.closed(11, due=october(10), done=october(9), closed=november(4))
    any_time = replace(CountingRules(), closed_by=ClosedBy.ANY_TIME)
    assert facts.tally("D1", as_of=november(20)).closed == 0
    assert facts.ranking(as_of=november(20), policy=any_time).rows[0].tally.closed == 1


def test_matters_put_right_on_the_spot_are_counted_apart_for_their_district(facts: Facts) -> None:
    facts.case(closed_as="self_handled", closed_at=october(3), district_code="140107")
    facts.case(closed_as="self_handled", closed_at=september(3), district_code="140107")
    facts.case(closed_as="self_handled", closed_at=october(3), district_code="999999")
    facts.case(closed_as="rejected", closed_at=october(3), district_code="140107")
    tally = facts.tally("D2")
    assert (tally.self_handled, tally.due) == (1, 0)
    both = facts.ranking(policy=replace(CountingRules(), self_handled=SelfHandled.COUNT))
    row = next(row for row in both.rows if row.unit.code == "D2")
    assert (row.tally.due, row.tally.on_time, row.rank) == (1, 1, 1)


def test_unit_closed_down_since_is_ranked_while_it_had_cases(facts: Facts) -> None:
    facts.open(11, due=october(10))
    facts.session.execute(text("UPDATE units SET active = FALSE WHERE code IN ('D1', 'D2')"))
    assert [row.unit.code for row in facts.ranking().groups[0].rows] == ["D1", "D3"]
    assert [row.unit.code for row in facts.ranking(Month(2025, 8)).groups[0].rows] == ["D3"]


def test_department_report_counts_own_dispatches_as_of_a_moment(facts: Facts) -> None:
    facts.closed(
        11, due=october(10), done=october(10), closed=october(11)
    )  # on time: no later than due
    facts.closed(11, due=october(10), done=october(12), closed=october(13))  # late
    facts.closed(
        11, due=october(10), done=october(9), closed=november(2)
    )  # not closed yet, overdue
    facts.dispatch(11, (october(8), {"due_at": november(9)}))  # open, not overdue
    facts.open(11, due=None)  # no due time: not counted
    facts.dispatch(11, (october(8), {"due_at": october(10), "taken_back_at": october(9)}))
    facts.open(111, due=october(10))
    report = department_report(facts.session, october(31))
    assert report == [
        {"department": "东一街道", "n": 1, "closed": 0, "on_time": 0, "late": 0, "overdue_open": 1},
        {"department": "东区", "n": 4, "closed": 2, "on_time": 1, "late": 1, "overdue_open": 1},
    ]
