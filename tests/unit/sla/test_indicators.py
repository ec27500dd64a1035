"""Which counts a case enters, and the rates and ranks made of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from app.errors import InvalidInput
from sla.counting_rules import (
    ClosedBy,
    Count,
    CountingRules,
    ExemptAs,
    NothingDue,
    OnTimeBy,
    Per,
    SelfHandled,
)
from sla.indicators import (
    COUNTS,
    Fact,
    Period,
    Reason,
    Tally,
    counts_as,
    indicators,
    load_counting_rules,
    rank,
    rate,
    roll_up,
    tally,
    tally_by_unit,
)
from tests.unit.sla.moments import shanghai

RULES = load_counting_rules()
OCTOBER = Period(shanghai(10, 1, 0), shanghai(11, 1, 0))


def closed_case(**changes: object) -> Fact:
    """Due on 15 October, handed in on the 14th, closed on the 16th."""
    fact = Fact(
        case_id=1,
        unit_id=12,
        due_at=shanghai(10, 15, 18),
        stopped_at=shanghai(10, 14, 9),
        closed_at=shanghai(10, 16, 9),
        on_time=True,
    )
    return replace(fact, **changes)  # type: ignore[arg-type]  # the keywords are fields of Fact


def open_case(**changes: object) -> Fact:
    """Due on 15 October and not handed in."""
    return closed_case(**{"stopped_at": None, "closed_at": None, "on_time": None, **changes})


def test_shipped_rules_are_the_usual_ones() -> None:
    assert CountingRules() == RULES


def test_case_due_and_closed_in_the_period_counts_as_all_three() -> None:
    member = counts_as(closed_case(), OCTOBER, RULES)
    assert member.reason is Reason.DUE_IN_PERIOD
    assert (member.due, member.closed, member.on_time, member.first_pass) == (
        True,
        True,
        True,
        True,
    )
    assert (member.late, member.overdue_open, member.extended, member.reworked) == (False,) * 4


def test_on_time_is_the_clocks_word_not_the_closing() -> None:
    # Handed in on the 14th, closed after the due time: the unit is on time.
    assert counts_as(closed_case(), OCTOBER, RULES).on_time
    by_closing = replace(RULES, on_time_by=OnTimeBy.CLOSED)
    assert counts_as(closed_case(), OCTOBER, by_closing).late


def test_without_the_clocks_word_the_moments_decide() -> None:
    assert counts_as(closed_case(on_time=None), OCTOBER, RULES).on_time
    late = closed_case(on_time=None, stopped_at=shanghai(10, 15, 19))
    assert counts_as(late, OCTOBER, RULES).late


@pytest.mark.parametrize(
    ("due_at", "closed_at", "reason"),
    [
        (shanghai(10, 1, 0), None, Reason.DUE_IN_PERIOD),
        (shanghai(10, 1, 0) - timedelta(microseconds=1), None, Reason.CARRIED_OVER),
        (shanghai(9, 20, 9), shanghai(10, 1, 0), Reason.CARRIED_OVER),
        (shanghai(9, 20, 9), shanghai(9, 30, 23), Reason.SETTLED_BEFORE),
        (shanghai(11, 1, 0), shanghai(10, 20, 9), Reason.DUE_LATER),
        (None, None, Reason.NO_DEADLINE),
    ],
)
def test_edges_of_the_period(
    due_at: datetime | None, closed_at: datetime | None, reason: Reason
) -> None:
    member = counts_as(open_case(due_at=due_at, closed_at=closed_at), OCTOBER, RULES)
    assert member.reason is reason
    assert member.due == (reason in (Reason.DUE_IN_PERIOD, Reason.CARRIED_OVER))


def test_case_closed_before_the_period_but_due_in_it_is_due_and_closed() -> None:
    member = counts_as(closed_case(closed_at=shanghai(9, 29, 9)), OCTOBER, RULES)
    assert (member.due, member.closed) == (True, True)


def test_case_closed_after_the_period_is_open_as_of_its_end() -> None:
    fact = closed_case(closed_at=shanghai(11, 1, 0))
    member = counts_as(fact, OCTOBER, RULES)
    assert (member.due, member.closed, member.overdue_open, member.on_time) == (
        True,
        False,
        True,
        False,
    )
    assert counts_as(fact, OCTOBER, replace(RULES, closed_by=ClosedBy.ANY_TIME)).closed


@pytest.mark.parametrize(
    ("flag", "reason"),
    [
        ("void", Reason.VOID),
        ("held_at_end", Reason.HELD),
        ("exempt", Reason.EXEMPT),
        ("taken_back", Reason.TAKEN_BACK),
    ],
)
def test_case_left_out_says_why(flag: str, reason: Reason) -> None:
    rules = replace(RULES, exempt=ExemptAs.LEAVE_OUT)
    member = counts_as(closed_case(**{flag: True}), OCTOBER, rules)
    assert (member.reason, member.due, member.closed) == (reason, False, False)
    assert reason.label("zh")
    assert reason.label("en")


@pytest.mark.parametrize(
    ("fact", "rules"),
    [
        (closed_case(void=True), replace(RULES, void=Count.COUNT)),
        (closed_case(held_at_end=True), replace(RULES, held_at_end=Count.COUNT)),
        (closed_case(taken_back=True), replace(RULES, taken_back=Count.COUNT)),
    ],
)
def test_rule_that_leaves_out_can_be_turned_round(fact: Fact, rules: CountingRules) -> None:
    assert not counts_as(fact, OCTOBER, RULES).due
    assert counts_as(fact, OCTOBER, rules).due


@pytest.mark.parametrize(
    ("fact", "rules"),
    [
        (closed_case(), replace(RULES, due_in_period=Count.LEAVE_OUT)),
        (open_case(due_at=shanghai(9, 9, 9)), replace(RULES, carried_over=Count.LEAVE_OUT)),
    ],
)
def test_rule_that_counts_can_be_turned_round(fact: Fact, rules: CountingRules) -> None:
    assert counts_as(fact, OCTOBER, RULES).due
    assert counts_as(fact, OCTOBER, rules).reason is Reason.LEFT_OUT


def test_exemption_may_count_as_on_time_or_not_at_all() -> None:
    late = closed_case(exempt=True, on_time=False)
    assert counts_as(late, OCTOBER, replace(RULES, exempt=ExemptAs.ON_TIME)).on_time
    assert counts_as(late, OCTOBER, replace(RULES, exempt=ExemptAs.COUNT)).late


def test_extension_and_rework_are_counted_by_case() -> None:
    member = counts_as(closed_case(extensions=2, reworks=3), OCTOBER, RULES)
    assert (member.extended, member.reworked, member.closed_reworked, member.first_pass) == (
        True,
        True,
        True,
        False,
    )
    waiting = counts_as(open_case(reworks=1), OCTOBER, RULES)
    assert (waiting.reworked, waiting.closed_reworked, waiting.first_pass) == (True, False, False)


def test_conduct_deducts_whether_or_not_the_case_is_due() -> None:
    later = open_case(due_at=shanghai(11, 9, 9), unfounded_returns=2, media_supervisions=3)
    member = counts_as(later, OCTOBER, RULES)
    assert (member.due, member.unfounded_returns, member.media_supervisions) == (False, 1, 1)
    each = replace(RULES, unfounded_returns=Per.EACH, media_supervisions=Per.EACH)
    member = counts_as(later, OCTOBER, each)
    assert (member.unfounded_returns, member.media_supervisions) == (2, 3)


def test_conduct_in_a_void_case_or_one_taken_back_deducts_nothing() -> None:
    for flag in ("void", "taken_back"):
        member = counts_as(closed_case(unfounded_returns=1, **{flag: True}), OCTOBER, RULES)
        assert member.unfounded_returns == 0


def test_matter_handled_on_the_spot_is_counted_apart() -> None:
    fact = Fact(case_id=1, unit_id=12, closed_at=shanghai(10, 5, 9), self_handled=True)
    member = counts_as(fact, OCTOBER, RULES)
    assert (member.due, member.closed, member.self_handled) == (False, False, 1)
    november = Period(shanghai(11, 1, 0), shanghai(12, 1, 0))
    assert counts_as(fact, november, RULES).self_handled == 0
    counted = counts_as(fact, OCTOBER, replace(RULES, self_handled=SelfHandled.COUNT))
    assert (counted.due, counted.closed, counted.on_time) == (True, True, True)


def test_tallies_of_parts_add_up_to_the_whole() -> None:
    facts = [
        closed_case(),
        closed_case(on_time=False, reworks=1),
        open_case(extensions=1),
        closed_case(void=True),
    ]
    whole = tally(facts, OCTOBER, RULES)
    assert whole == tally(facts[:2], OCTOBER, RULES) + tally(facts[2:], OCTOBER, RULES)
    assert whole == Tally(
        due=3,
        closed=2,
        on_time=1,
        late=1,
        extended=1,
        first_pass=1,
        reworked=1,
        closed_reworked=1,
        overdue_open=1,
    )


def test_tally_filled_by_sql_gives_the_same_figures() -> None:
    figures = indicators(RULES)
    counted = Tally(due=972, closed=911, on_time=737)
    assert figures["closing_rate"].value(counted) == Decimal("93.72")
    assert figures["on_time_closing_rate"].value(counted) == Decimal("75.82")
    assert figures["due"].value(counted) == 972
    assert figures["first_pass_rate"].value(counted) == Decimal("0.00")


def test_unit_with_nothing_due_has_no_data() -> None:
    figure = indicators(RULES)["closing_rate"]
    assert figure.value(Tally()) is None
    full = indicators(replace(RULES, nothing_due=NothingDue.FULL))["closing_rate"]
    assert str(full.value(Tally())) == "100.00"


def test_formula_is_said_from_the_ratio_itself() -> None:
    figures = indicators(RULES)
    assert figures["on_time_closing_rate"].formula("zh") == "按期结案数 ÷ 应结案数 × 100%"
    assert figures["rework_rate"].formula("en") == "Cases closed after rework ÷ Cases closed × 100%"
    assert [figure.name for figure in figures.values()] == [
        "应结案数",
        "结案数",
        "按期结案数",
        "结案率",
        "按期结案率",
        "延期率",
        "一次完成率",
        "返工率",
        "超期未结",
        "推诿",
        "媒体督办",
        "自行处置",
    ]
    assert all(figure.source and figure.label("en") for figure in figures.values())


@pytest.mark.parametrize(
    ("of", "over", "percent"),
    [
        (1, 3, "33.33"),
        (2, 3, "66.67"),
        (1, 800, "0.13"),  # 0.125 is a half: up
        (3, 800, "0.38"),  # 0.375
        (1, 20_000, "0.01"),  # 0.005
        (0, 7, "0.00"),
        (7, 7, "100.00"),
    ],
)
def test_rate_is_rounded_half_up_to_two_places(of: int, over: int, percent: str) -> None:
    assert str(rate(of, over)) == percent


def test_rate_refuses_negative_counts_and_knows_no_data() -> None:
    assert rate(0, 0) is None
    with pytest.raises(InvalidInput):
        rate(-1, 5)


def test_equal_keys_share_a_rank_and_no_data_has_none() -> None:
    rows = [("a", 90), ("b", 95), ("c", None), ("d", 90), ("e", 80)]
    ranked = rank(rows, key=lambda row: row[1])
    assert [(entry.row[0], entry.rank) for entry in ranked] == [
        ("a", 2),
        ("b", 1),
        ("c", None),
        ("d", 2),
        ("e", 4),
    ]


def test_rank_is_kept_within_its_group() -> None:
    rows = [("district", 90), ("department", 70), ("district", 95), ("department", 80)]
    assert [entry.rank for entry in rank(rows, lambda row: row[1], lambda row: row[0])] == [
        2,
        2,
        1,
        1,
    ]
    lowest = rank(rows, lambda row: row[1], highest_first=False)
    assert [entry.rank for entry in lowest] == [3, 1, 4, 2]


def test_parent_counts_the_cases_of_all_below_it() -> None:
    parents = {1: None, 12: 1, 130: 12, 13: 1}
    own = tally_by_unit(
        [closed_case(unit_id=130), closed_case(unit_id=130), closed_case(unit_id=13)],
        OCTOBER,
        RULES,
    )
    tallies = {unit: counted for unit, counted in own.items() if unit is not None}
    totals = roll_up(tallies, parents, RULES)
    assert {unit: total.due for unit, total in totals.items()} == {1: 3, 12: 2, 130: 2, 13: 1}
    alone = roll_up(tallies, parents, replace(RULES, descendants=Count.LEAVE_OUT))
    assert {unit: total.due for unit, total in alone.items()} == {1: 0, 12: 0, 130: 2, 13: 1}


def test_units_above_each_other_in_a_ring_are_refused() -> None:
    with pytest.raises(InvalidInput):
        roll_up({1: Tally(due=1)}, {1: 2, 2: 1}, RULES)


def test_unknown_count_and_reversed_period_are_refused() -> None:
    with pytest.raises(InvalidInput):
        Tally().count("missing")
    with pytest.raises(InvalidInput):
        Period(shanghai(11, 1, 0), shanghai(10, 1, 0))


def test_every_count_is_a_name_of_a_tally() -> None:
    assert set(COUNTS) >= {ratio.of for ratio in RULES.rates.values()}
