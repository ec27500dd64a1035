"""Counted in SQL by shape or one by one in Python: any facts give the same figures and lists."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from app.assessment.breakdown import BY, Breakdown
from app.assessment.queries import (
    Basis,
    alike_facts,
    counted_cases,
    ranked_unit_ids,
    unit_parents,
)
from app.assessment.ranking import facts_of, ranking_of, tallies_by_population, tallies_by_unit
from app.assessment.tables import Fact as FactRow
from sla.counting_rules import ClosedBy, Count, CountingRules, ExemptAs, OnTimeBy, Per
from sla.forecast import best_course, bounds_of
from sla.indicators import (
    ALL_COUNTS,
    Fact,
    Tally,
    counts_as,
    in_population,
    roll_up,
    tally_by_unit,
)
from tests.ranking_facts import OCTOBER, SHANGHAI, Facts, november, october, september, small_city

PERIOD = OCTOBER.period(SHANGHAI)
TICK = timedelta(microseconds=1)
EDGES = [
    september(20), PERIOD.start - TICK, PERIOD.start, october(10), october(11),
    PERIOD.end - TICK, PERIOD.end, november(5),
]  # fmt: skip
CASES = 6

moments = st.sampled_from(EDGES)
maybe = st.one_of(st.none(), moments)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "due_at": maybe,
    "handed_in_at": maybe,
    "on_time": st.sampled_from([None, True, False]),
    "closed_at": maybe,
    "taken_back_at": maybe,
    "extensions": st.integers(0, 2),
    "reworks": st.integers(0, 4),
    "unfounded_returns": st.integers(0, 3),
    "media_supervisions": st.integers(0, 2),
    "supervisions": st.integers(0, 3),
    "worked_minutes": st.sampled_from([None, 0, 7]),
    "urgent": st.booleans(),
    "channel": st.sampled_from(["collector", "hotline", "media"]),
    "on_hold": st.booleans(),
    "void": st.booleans(),
    "exempt": st.booleans(),
}
change = st.fixed_dictionaries({}, optional=FIELDS)
one_field = st.sampled_from(sorted(FIELDS)).flatmap(
    lambda name: st.tuples(st.just(name), FIELDS[name])
)
places = st.tuples(st.integers(0, CASES - 1), st.integers(1, 3))
# Several dispatches that share a history but for a field or two: it is among such that a shape could be too coarse.
families = st.fixed_dictionaries(
    {
        "begun": st.sampled_from(EDGES[:5]),
        "first": change,
        "changes": st.lists(st.tuples(moments, change), max_size=3),
        "members": st.dictionaries(
            places, st.tuples(st.sampled_from([11, 12, 111, 1111, 41]), one_field), max_size=10
        ),
    }
)
rules = st.builds(
    CountingRules,
    taken_back=st.sampled_from(Count),
    descendants=st.sampled_from(Count),
    on_time_by=st.sampled_from(OnTimeBy),
    due_in_period=st.sampled_from(Count),
    carried_over=st.sampled_from(Count),
    void=st.sampled_from(Count),
    held_at_end=st.sampled_from(Count),
    exempt=st.sampled_from(ExemptAs),
    closed_by=st.sampled_from(ClosedBy),
    unfounded_returns=st.sampled_from(Per),
    media_supervisions=st.sampled_from(Per),
    many_reworks=st.integers(1, 4),
)
often = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture
def case_ids(session: Session) -> list[int]:
    facts: Facts = small_city(session)
    return [facts.case() for _ in range(CASES)]


def store(session: Session, case_ids: list[int], drawn: Iterable[dict[str, Any]]) -> None:
    """Replace the facts by those drawn: one history for each case and dispatch."""
    session.execute(delete(FactRow))
    histories = {
        place: (family, unit_id, own)
        for family in drawn
        for place, (unit_id, own) in family["members"].items()
    }
    rows: list[dict[str, Any]] = []
    for (case, dispatch_no), (family, unit_id, (name, value)) in histories.items():
        changes = {family["begun"]: family["first"]}
        changes |= {at: values for at, values in family["changes"] if at > family["begun"]}
        values: dict[str, Any] = UNCHANGED | {
            "case_id": case_ids[case],
            "dispatch_no": dispatch_no,
            "unit_id": unit_id,
            "dispatched_at": family["begun"],
        }
        starts = sorted(changes)
        for at, end in zip(starts, [*starts[1:], None], strict=True):
            # What a unit was charged with stays: a step only ever adds to it.
            charged = {count: values[count] for count in CHARGES}
            values = values | changes[at]
            values |= {count: max(values[count], before) for count, before in charged.items()}
            rows.append(values | {name: value, "valid_from": at, "valid_to": end})
    if rows:
        session.execute(insert(FactRow), rows)


CHARGES = ("unfounded_returns", "media_supervisions", "supervisions")
UNCHANGED: dict[str, Any] = {
    "channel": "collector",
    **dict.fromkeys(("due_at", "handed_in_at", "on_time", "closed_at", "taken_back_at")),
    **dict.fromkeys(("extensions", "reworks", "unfounded_returns", "media_supervisions"), 0),
    **dict.fromkeys(("on_hold", "void", "exempt", "overdue_flag", "urgent"), False),
    "supervisions": 0,
    "worked_minutes": None,
}


def valid_at(rows: list[FactRow], at: datetime) -> list[FactRow]:
    return [r for r in rows if r.valid_from <= at and (r.valid_to is None or r.valid_to > at)]


def facts_one_by_one(session: Session, basis: Basis) -> list[Fact]:
    """Read every fact as of the basis, the slow and plain way."""
    rows = list(session.scalars(select(FactRow)))
    at_end = {
        (r.case_id, r.dispatch_no): r
        for r in valid_at(rows, min(basis.as_of, basis.period.end - TICK))
    }
    at_start = {(r.case_id, r.dispatch_no): r for r in valid_at(rows, basis.period.start - TICK)}

    def within(row: FactRow, name: str) -> int:
        ending = at_end.get((row.case_id, row.dispatch_no))
        begun = [at_start.get((row.case_id, row.dispatch_no - back)) for back in (0, 1)]
        before = next(
            (one for one in begun if one is not None and one.unit_id == row.unit_id), None
        )
        counted = 0 if ending is None else getattr(ending, name)
        return max(counted - (0 if before is None else getattr(before, name)), 0)

    return [
        Fact(
            case_id=row.case_id,
            unit_id=row.unit_id,
            due_at=row.due_at,
            closed_at=row.closed_at,
            stopped_at=row.handed_in_at,
            on_time=row.on_time,
            extensions=row.extensions,
            reworks=row.reworks,
            unfounded_returns=within(row, "unfounded_returns"),
            media_supervisions=within(row, "media_supervisions"),
            held_at_end=(row.case_id, row.dispatch_no) in at_end
            and at_end[row.case_id, row.dispatch_no].on_hold,
            void=row.void,
            exempt=row.exempt,
            taken_back=row.taken_back_at is not None,
            dispatched_at=row.dispatched_at,
            worked_minutes=row.worked_minutes,
            supervisions=within(row, "supervisions"),
            supervised=row.supervisions > 0,
            urgent=row.urgent,
            channel=row.channel,
        )
        for row in valid_at(rows, basis.as_of)
    ]


# Every way in which two facts of one unit can differ, so that each pair of shapes is tried beside each other.
EVERY_FACT = list(
    product(
        [None, september(20), october(10), november(5)],  # due
        [None, october(1), october(12)],  # handed in
        [None, True, False],  # the clock's word
        [None, september(25), october(5), october(20)],  # closed
        [0, 1],  # extensions
        [0, 2, 3],  # reworks
        [None, october(9)],  # taken back
        *[[False, True]] * 3,  # on hold, void, exempt
    )
)
EVERY_RULE = [
    {},
    {"taken_back": Count.COUNT},
    {"on_time_by": OnTimeBy.CLOSED},
    {"due_in_period": Count.LEAVE_OUT},
    {"carried_over": Count.LEAVE_OUT},
    {"void": Count.COUNT},
    {"held_at_end": Count.COUNT},
    {"exempt": ExemptAs.ON_TIME},
    {"exempt": ExemptAs.COUNT},
    {"closed_by": ClosedBy.ANY_TIME},
]


@pytest.fixture(scope="module")
def every_fact() -> list[dict[str, Any]]:
    names = (
        "due_at", "handed_in_at", "on_time", "closed_at", "extensions", "reworks",
        "taken_back_at", "on_hold", "void", "exempt",
    )  # fmt: skip
    return [UNCHANGED | dict(zip(names, one, strict=True)) for one in EVERY_FACT]


def test_no_two_facts_that_count_differently_share_a_shape(
    session: Session, case_ids: list[int], every_fact: list[dict[str, Any]]
) -> None:
    begun = {"case_id": case_ids[0], "unit_id": 11, "dispatched_at": september(1)}
    session.execute(
        insert(FactRow),
        [
            fact | begun | {"dispatch_no": number, "valid_from": september(1)}
            for number, fact in enumerate(every_fact)
        ],
    )
    # The same once more with something to charge, which is looked at however long ago the case was settled.
    session.execute(
        insert(FactRow),
        [
            fact | begun | {"unit_id": 12, "dispatch_no": -1 - number, "valid_from": october(1)}
            | {"unfounded_returns": 1}
            for number, fact in enumerate(every_fact)
        ],
    )  # fmt: skip
    facts = facts_one_by_one(session, Basis.of(PERIOD, None, CountingRules()))
    for changed in EVERY_RULE:
        policy = replace(CountingRules(), **changed)
        tallies = {row.unit.id: row.tally for row in ranking_of(session, PERIOD, None, policy).rows}
        expected = tally_by_unit(facts, PERIOD, policy)
        assert (tallies[11], tallies[12]) == (expected[11], expected[12]), changed


@often
@given(
    drawn=st.lists(families, max_size=3),
    policy=rules,
    as_of=st.sampled_from([None, october(11), PERIOD.end, november(6)]),
)
def test_figures_are_those_of_each_fact_counted_by_itself(
    session: Session,
    case_ids: list[int],
    drawn: list[dict[str, Any]],
    policy: CountingRules,
    as_of: datetime | None,
) -> None:
    store(session, case_ids, drawn)
    ranking = ranking_of(session, PERIOD, as_of, policy)
    facts = facts_one_by_one(session, ranking.basis)
    own = tally_by_unit(facts, ranking.basis.period, policy)
    totals = roll_up(
        {unit_id: tally for unit_id, tally in own.items() if unit_id is not None},
        unit_parents(session),
        policy,
    )
    assert {row.unit.id: row.tally for row in ranking.rows} == {
        row.unit.id: totals[row.unit.id] for row in ranking.rows
    }
    among = tallies_by_population(alike_facts(session, ranking.basis), ranking.basis)
    for population, tallies in among.items():
        some = [fact for fact in facts if in_population(fact, population, policy)]
        expected = tally_by_unit(some, ranking.basis.period, policy)
        for unit_id in expected.keys() | tallies.keys():
            assert tallies.get(unit_id, Tally()) == expected.get(unit_id, Tally()), population


@settings(often, max_examples=15)
@given(drawn=st.lists(families, min_size=1, max_size=3), policy=rules)
def test_each_figure_opens_to_as_many_cases_as_it_says(
    session: Session, case_ids: list[int], drawn: list[dict[str, Any]], policy: CountingRules
) -> None:
    store(session, case_ids, drawn)
    ranking = ranking_of(session, PERIOD, None, policy)
    for row in ranking.rows:
        opened = facts_of(session, row.unit, ranking.basis)
        assert opened.tally == row.tally
        for code in ALL_COUNTS:
            if code == "worked_minutes":
                continue  # not cases
            listed = list(
                counted_cases(session, ranking.basis, opened.unit_ids, opened.entering(code))
            )
            counted = [counts_as(one.fact, PERIOD, policy) for one in listed]
            assert sum(getattr(one, code) for one in counted) == row.tally.count(code)
            assert all(getattr(one, code) for one in counted)


@settings(often, max_examples=20)
@given(
    drawn=st.lists(families, min_size=1, max_size=3),
    policy=rules,
    by=st.sampled_from(["class", "channel", "responsibility", "grid", "person", "unit", "group"]),
)
def test_parts_of_any_breakdown_add_up_and_open_to_their_cases(
    session: Session,
    case_ids: list[int],
    drawn: list[dict[str, Any]],
    policy: CountingRules,
    by: str,
) -> None:
    store(session, case_ids, drawn)
    ranking = ranking_of(session, PERIOD, None, policy)
    made = Breakdown(session, ranking.basis, by)
    parts = made.parts()
    # The city platform's own cases are in no ranking, nor in what it is broken down into.
    ranked = set(ranked_unit_ids(session, policy))
    alike = [one for one in alike_facts(session, ranking.basis) if one.unit_id in ranked]
    whole = sum(tallies_by_unit(alike, ranking.basis).values(), Tally())
    assert sum((part.tally for part in parts), Tally()) == whole
    for part in parts:
        opened = made.facts_of(part.key)
        assert opened.tally == part.tally
        due = opened.entering("due")
        listed = counted_cases(session, ranking.basis, opened.unit_ids, due, by=BY[by])
        assert sum(1 for _one in listed) == part.tally.due


@settings(often, max_examples=20)
@given(drawn=st.lists(families, min_size=1, max_size=3), policy=rules)
def test_bounds_counted_by_shape_are_those_of_each_fact_by_itself(
    session: Session, case_ids: list[int], drawn: list[dict[str, Any]], policy: CountingRules
) -> None:
    store(session, case_ids, drawn)
    basis = Basis(PERIOD, october(11), policy)
    alike = alike_facts(session, basis, None, "openness")
    best = [replace(one, fact=best_course(one.fact, basis.as_of)) for one in alike]
    facts = facts_one_by_one(session, basis)
    bounds = bounds_of(facts, PERIOD, basis.as_of, policy)
    for found, expected in ((alike, bounds.low), (best, bounds.high)):
        whole = sum(tallies_by_unit(found, basis).values(), Tally())
        assert (whole.due, whole.closed, whole.on_time) == (
            expected.due,
            expected.closed,
            expected.on_time,
        )
