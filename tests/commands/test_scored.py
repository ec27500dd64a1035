"""A month's ranking by score, from facts made by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import insert, text
from sqlalchemy.orm import Session

from app.assessment.ranking import Month
from app.assessment.scored import as_plain, counted, scheme_in_force, scored, scored_by
from app.assessment.tables import AssessmentMark, AssessmentScheme
from sla.scheme_files import shipped_schemes
from tests.ranking_facts import OCTOBER, SHANGHAI, Facts, november, october, september, small_city

PERIOD = OCTOBER.period(SHANGHAI)
SHIPPED = shipped_schemes()


@pytest.fixture
def facts(session: Session) -> Facts:
    facts = small_city(session)
    # East: three urgent cases, one of them late and reworked four times; West: one on time.
    facts.closed(11, due=october(10), done=october(9), closed=october(11), urgent=True)
    facts.closed(111, due=october(10), done=october(12), closed=october(13), urgent=True, reworks=4)
    facts.closed(11, due=october(20), done=october(19), closed=october(21), worked_minutes=90)
    charged = {"unfounded_returns": 1, "channel": "hotline", "supervisions": 1}
    facts.dispatch(11, (october(30), {"due_at": november(3), **charged}))
    facts.closed(12, due=october(25), done=october(24), closed=october(25), worked_minutes=31)
    session.flush()
    return facts


def adopt(session: Session, name: str, month: date, edition: int = 1) -> None:
    session.execute(
        text(
            "INSERT INTO people (id, unit_id, login, name) VALUES (901, 41, 'a1', '甲'), (902, 41, 'a2', '乙')"
            " ON CONFLICT DO NOTHING"
        )
    )
    session.execute(
        insert(AssessmentScheme).values(
            name=name, edition=edition, data=SHIPPED[name].as_plain(), state="in_force",
            valid_from=month, note="", version=1, created_by=901, created_at=september(1),
            changed_by=901, changed_at=september(1), adopted_by=902, adopted_at=september(2),
        )
    )  # fmt: skip


def test_figures_of_populations_and_conduct(facts: Facts) -> None:
    row = scored(facts.session, PERIOD, SHIPPED["jinhua"]).row_of(11)
    assert row is not None
    shown = {
        key: str(row.value(key))
        for key in (
            "due", "due@urgent", "on_time_closing_rate@urgent", "many_reworked", "filed", "supervisions",
            "public_filed", "unfounded_returns", "unfounded_returns@supervised", "average_handling",
            "unfounded_rate", "public_report_rate",
        )
    }  # fmt: skip
    expected = {
        "due": "3",
        "due@urgent": "2",
        "on_time_closing_rate@urgent": "50.00",
        "many_reworked": "1",
        "filed": "4",  # three of them due in October, one in November; the parent counts its street's
        "supervisions": "1",
        "public_filed": "1",
        "unfounded_returns": "1",  # of the case that is due later, as before
        "unfounded_returns@supervised": "1",
        "average_handling": "1.50",  # 90 minutes; the other two have no word of their clock
        "unfounded_rate": "0.00",  # no due case had one
        "public_report_rate": "25.00",
    }
    assert shown == expected


def test_score_and_rank_under_a_scheme(facts: Facts) -> None:
    ranking = scored(facts.session, PERIOD, SHIPPED["jinhua"])
    districts = ranking.groups[0]
    # East: 66.67 of 70: 50 - 3.33; 20; urgent 10 - 0 - 45 x 0.5, none left; conduct 5 - 0.2 - 0.3 - 2.
    assert [(row.unit.code, str(row.total), row.rank) for row in districts.rows] == [
        ("D2", "85.00", 1),
        ("D1", "69.17", 2),
        ("D3", "None", None),
    ]
    east = districts.rows[1]
    assert {part.line.code: str(part.points) for part in east.scored.parts} == {
        "on_time": "46.67", "closing": "20.00", "urgent": "0.00", "conduct": "2.50",
    }  # fmt: skip
    plain = as_plain(ranking)
    assert plain["groups"][0]["units"][1]["lines"]["on_time"] == {
        "value": "66.67", "points": "46.67",
    }  # fmt: skip
    assert len(plain["scheme"]["hash"]) == 64


def test_one_count_serves_two_schemes(facts: Facts) -> None:
    once = counted(facts.session, PERIOD)
    for scheme in SHIPPED.values():
        assert as_plain(scored_by(once, scheme)) == as_plain(scored(facts.session, PERIOD, scheme))


def test_shipped_columns_hold_until_a_scheme_is_adopted(facts: Facts) -> None:
    session = facts.session
    assert scheme_in_force(session, date(2025, 10, 1)).scheme == SHIPPED["taiyuan"]
    adopt(session, "jinhua", date(2025, 9, 1))
    adopt(session, "area_index", date(2025, 11, 1))
    assert scheme_in_force(session, date(2025, 8, 1)).id is None
    assert scheme_in_force(session, date(2025, 10, 1)).scheme == SHIPPED["jinhua"]
    assert scheme_in_force(session, date(2025, 12, 1)).scheme == SHIPPED["area_index"]
    assert scored(session, PERIOD).scheme.scheme == SHIPPED["jinhua"]


def test_points_entered_by_hand_are_those_known_at_the_moment(facts: Facts) -> None:
    adopt(facts.session, "yangzhou", date(2025, 10, 1))
    mark = {
        "month": date(2025, 10, 1), "unit_id": 12, "line": "campaigns", "note": "", "entered_by": 901,
    }  # fmt: skip
    facts.session.execute(
        insert(AssessmentMark),
        [
            mark | {"points": Decimal(4), "entered_at": november(2), "replaced_at": november(4)},
            mark | {"points": Decimal(7), "entered_at": november(4), "replaced_at": None},
        ],
    )
    by_moment = {}
    for name, as_of in {"now": None, "third": november(3), "first": november(1)}.items():
        row = scored(facts.session, PERIOD, as_of=as_of).row_of(12)
        assert row is not None
        by_moment[name] = str(row.scored.points_of("campaigns"))
    assert by_moment == {"now": "7.00", "third": "4.00", "first": "10.00"}


def test_month_without_anything_is_scored_too(session: Session) -> None:
    small_city(session)
    ranking = scored(session, Month(2024, 1).period(SHANGHAI), SHIPPED["jinhua"])
    assert {(row.total, row.rank) for row in ranking.rows} == {(None, None)}
