"""A month with everything that makes figures hard, for every format of the notice."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from sqlalchemy import insert, text
from sqlalchemy.orm import Session

from app.assessment.ranking import Month
from app.assessment.scored import ScoredRanking, scored
from app.assessment.tables import AssessmentMark
from sla.counting_rules import CountingRules
from sla.scheme_files import parse_scheme, shipped_schemes
from sla.schemes import Scheme
from tests.ranking_facts import OCTOBER, SHANGHAI, Facts, november, october, september, small_city

SEPTEMBER = OCTOBER.plus(-1)
MORE_UNITS = """
INSERT INTO units (id, code, name, name_en, level, parent_id, path, rank_group, district_code) VALUES
  (14, 'D4', '北区', 'North', 2, 1, '/1/14/', 'district', '140109'),
  (15, 'D5', '高新区[新]/开发区', 'Tech', 2, 1, '/1/15/', 'district', '140110'),
  (112, 'D1S2', '东二街道', 'East two', 3, 11, '/1/11/112/', 'district', NULL),
  (22, 'P2', '市交通运输局公路养护与应急抢险调度中心（含各县区派驻机构）', 'Roads', 2, 1, '/1/22/', 'department', NULL)
"""
MARKS = (
    (11, "campaigns", "8.75"),
    (12, "campaigns", "9.995"),
    (12, "events", "4"),
    (14, "groundwork", "0"),
)
# A line of every kind, each with what it may have.
EVERY_KIND = {
    "name": "各种计分办法",
    "total": "65",
    "decimals": 3,
    "minimum_cases": 2,
    "lines": [
        {"kind": "rate", "code": "late", "indicator": "late_rate", "points": 10, "target": 20, "each": 0.3, "per": 3, "better": "lower"},
        {"kind": "rate", "code": "hours", "indicator": "average_handling", "points": 5, "target": 4.5, "each": 1.25, "better": "lower", "missing": "nothing"},
        {"kind": "weighted", "code": "closed", "indicator": "first_pass_rate", "points": 15, "missing": "nothing"},
        {"kind": "bands", "code": "due", "indicator": "closing_rate", "population": "urgent", "points": 10, "bands": [
            {"from": 0, "below": 33.33, "score": 12.5}, {"from": 33.33, "below": 66.67, "score": 55}, {"from": 66.67, "score": 100}]},
        {"kind": "shortfall", "code": "short", "indicator": "on_time_closing_rate", "target": 95, "each": 0.05, "cap": 2},
        {"kind": "deduction", "code": "returned", "indicator": "unfounded_returns", "each": 0.5, "free": 1, "cap": 3, "double_for": "supervised"},
        {"kind": "deduction", "code": "open", "indicator": "overdue_open", "each": 0.7, "per": 3},
        {"kind": "bonus", "code": "own", "indicator": "self_handled", "each": 0.25, "cap": 1, "free": 0},
        {"kind": "entered", "code": "campaigns", "name": "专项工作", "points": 10, "missing": "nothing"},
        {"kind": "group", "code": "conduct", "name": "行为", "points": 10, "cap": 4, "lines": [
            {"kind": "deduction", "code": "pressed", "indicator": "supervisions", "each": 1},
            {"kind": "shortfall", "code": "reworked", "indicator": "rework_rate", "target": 10, "each": 0.125, "better": "lower"}]},
        {"kind": "group", "code": "media", "name": "媒体", "cap": 1, "lines": [
            {"kind": "deduction", "code": "pressed_media", "indicator": "media_supervisions", "each": 0.4}]},
        {"kind": "weighted", "code": "content", "indicator": "satisfaction_rate", "points": 5},
        {"kind": "deduction", "code": "appealed", "indicator": "appeals", "each": 0.1},
        {"kind": "column", "code": "extended", "indicator": "extension_rate"},
    ],
}  # fmt: skip


def every_scheme() -> Mapping[str, Scheme]:
    """The shipped schemes, one with every kind of line, and one ranked by a figure, lowest first."""
    by_figure = shipped_schemes()["taiyuan"].as_plain() | {
        "ranked_by": "closing_rate", "highest_first": False, "minimum_cases": 2,
    }  # fmt: skip
    return {
        **shipped_schemes(),
        "every_kind": parse_scheme(EVERY_KIND),
        "lowest_first": parse_scheme(by_figure),
    }


def awkward_month(session: Session) -> Facts:
    """Ties, no data, zero denominators, exempt, held, carried over, marks, units in units, halves, odd names."""
    facts = small_city(session)
    session.execute(text(MORE_UNITS))
    # D1: 8 due, 3 closed: 3/8 is a half at the third place; one late, one reworked, one extended.
    facts.closed(11, due=october(10), done=october(9), closed=october(11), worked_minutes=125)
    facts.closed(111, due=october(10), done=october(12), closed=october(13), urgent=True)
    facts.closed(1111, due=october(20), done=october(19), closed=october(21), reworks=4)
    for _ in range(4):
        facts.open(11, due=october(25), channel="media")
    facts.dispatch(
        11, (september(20), {"due_at": september(25), "extensions": 1, "channel": "leader"}),
        (october(7), {"unfounded_returns": 2, "media_supervisions": 1, "supervisions": 3}),
    )  # fmt: skip
    # In a ranked unit that lies in another: it counts for both.
    facts.closed(112, due=october(8), done=october(8), closed=october(9), urgent=True, reworks=1)
    facts.open(112, due=october(8), channel="hotline")
    # D2 and D4 are equal in everything; D3 has nothing.
    for unit_id in (12, 14):
        facts.closed(
            unit_id, due=october(10), done=october(9), closed=october(11), channel="public"
        )
        facts.open(unit_id, due=october(14))
        facts.open(unit_id, due=october(16), urgent=True)
    facts.open(15, due=october(5), exempt=True)
    facts.open(15, due=october(25), on_hold=True)
    facts.open(15, due=october(25), void=True)
    facts.open(15, due=november(8))
    facts.closed(21, due=october(10), done=october(9), closed=october(11), worked_minutes=31)
    facts.closed(21, due=october(10), done=october(11), closed=october(12), channel="leader")
    for _ in range(11):
        facts.closed(22, due=october(12), done=october(11), closed=october(12), channel="hotline")
    facts.open(22, due=september(12))
    facts.case(closed_as="self_handled", closed_at=october(3), district_code="140107")
    facts.case(closed_as="self_handled", closed_at=october(4), district_code="140108")
    # The month before.
    facts.closed(11, due=september(10), done=september(9), closed=september(11))
    facts.closed(12, due=september(10), done=september(12), closed=september(13))
    session.execute(
        text("INSERT INTO people (id, unit_id, login, name) VALUES (901, 41, 'a1', '甲')")
    )
    session.flush()
    # Of the cases of two units citizens said what they think of them.
    session.execute(
        text(
            "UPDATE cases c SET unit_id = f.unit_id FROM facts f"
            " WHERE f.case_id = c.id AND f.valid_to IS NULL AND f.unit_id IN (11, 22)"
        )
    )
    session.execute(
        text(
            "INSERT INTO case_feedback (case_id, at, recorded_by, satisfied, words)"
            " SELECT c.id, CAST(:at AS timestamptz), 901, c.unit_id = 11 OR c.id % 2 = 0, ''"
            " FROM cases c WHERE c.unit_id IN (11, 22)"
        ),
        {"at": october(28)},
    )
    for unit_id, line, points in MARKS:
        session.execute(
            insert(AssessmentMark).values(
                month=OCTOBER.first_on, unit_id=unit_id, line=line, points=Decimal(points),
                note="", entered_by=901, entered_at=november(2),
            )
        )  # fmt: skip
    session.flush()
    return facts


def drawn(
    facts: Facts, scheme: Scheme, month: Month = OCTOBER, policy: CountingRules | None = None
) -> ScoredRanking:
    """Draw a month's scored ranking."""
    facts.session.flush()
    return scored(facts.session, month.period(SHANGHAI), scheme, policy=policy)
