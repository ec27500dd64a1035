"""Schemes are written by one person and put in force by another; points given by hand are kept."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.accounts.commands import CreatePerson
from app.accounts.sign_in import signed_in
from app.assessment.commands import AdoptScheme, DropScheme, EnterMarks, SaveScheme
from app.assessment.scheme_queries import lost, tried
from app.assessment.scored import scheme_in_force, scored
from app.assessment.tables import AssessmentMark, AssessmentScheme
from app.clock import FixedClock
from app.errors import Forbidden, InvalidInput, NotFound, StateChanged
from app.run import SYSTEM, Actor, run
from sla.scheme_files import parse_scheme, shipped_schemes
from tests.ranking_facts import OCTOBER, SHANGHAI, Facts, october, small_city

SHIPPED = shipped_schemes()
OCT, NOV, DEC = (date(2025, month, 1) for month in (10, 11, 12))


@pytest.fixture
def facts(session: Session) -> Facts:
    facts = small_city(session)
    session.commit()
    return facts


def person(session: Session, login: str, *roles: str) -> Actor:
    run(CreatePerson(41, login, login, roles=roles, password="a long enough one"), actor=SYSTEM)
    found = session.execute(text("SELECT id FROM people WHERE login = :it"), {"it": login})
    reader = signed_in(session, found.scalar_one())
    assert reader is not None
    return reader.actor


@pytest.fixture
def assessor(facts: Facts) -> Actor:
    return person(facts.session, "assessor", "assessor")


@pytest.fixture
def supervisor(facts: Facts) -> Actor:
    return person(facts.session, "supervisor", "supervisor")


def stored(session: Session, scheme_id: int) -> AssessmentScheme:
    session.expire_all()
    return session.scalars(select(AssessmentScheme).where(AssessmentScheme.id == scheme_id)).one()


def save(actor: Actor, name: str = "jinhua") -> int:
    return int(run(SaveScheme(None, SHIPPED[name].as_plain()), actor=actor))


def test_draft_is_kept_and_changed(facts: Facts, assessor: Actor) -> None:
    scheme_id = save(assessor)
    data = SHIPPED["jinhua"].as_plain() | {"minimum_cases": 5}
    run(SaveScheme(scheme_id, data, "试", seen_version=1), actor=assessor)
    row = stored(facts.session, scheme_id)
    assert (row.edition, row.version, row.state, row.note) == (1, 2, "draft", "试")
    assert parse_scheme(row.data).minimum_cases == 5
    assert save(assessor) != scheme_id
    assert facts.session.scalars(select(AssessmentScheme.edition)).all() == [1, 2]


def test_faulty_scheme_is_refused_naming_the_line(facts: Facts, assessor: Actor) -> None:
    with pytest.raises(InvalidInput) as caught:
        run(SaveScheme(None, SHIPPED["jinhua"].as_plain() | {"total": 100}), actor=assessor)
    assert set(caught.value.fields) == {"total", "lines.3.points"}


def test_draft_saved_by_another_since_is_not_written_over(facts: Facts, assessor: Actor) -> None:
    scheme_id = save(assessor)
    run(SaveScheme(scheme_id, SHIPPED["jinhua"].as_plain(), seen_version=1), actor=assessor)
    with pytest.raises(StateChanged):
        run(SaveScheme(scheme_id, SHIPPED["jinhua"].as_plain(), seen_version=1), actor=assessor)
    with pytest.raises(NotFound):
        run(SaveScheme(999, SHIPPED["jinhua"].as_plain(), seen_version=1), actor=assessor)


def test_second_person_puts_it_in_force(facts: Facts, assessor: Actor, supervisor: Actor) -> None:
    scheme_id = save(assessor)
    with pytest.raises(Forbidden):
        run(AdoptScheme(scheme_id, NOV, 1), actor=assessor)
    run(AdoptScheme(scheme_id, NOV, 1), actor=supervisor)
    assert scheme_in_force(facts.session, NOV).id == scheme_id
    assert scheme_in_force(facts.session, OCT).id is None
    for again in (
        AdoptScheme(scheme_id, DEC, 2),
        SaveScheme(scheme_id, SHIPPED["jinhua"].as_plain(), seen_version=2),
        DropScheme(scheme_id, 2),
    ):
        with pytest.raises(StateChanged):
            run(again, actor=supervisor if isinstance(again, AdoptScheme) else assessor)


def test_month_of_adoption_is_checked(facts: Facts, assessor: Actor, supervisor: Actor) -> None:
    first, second = save(assessor), save(assessor, "area_index")
    with pytest.raises(InvalidInput):
        run(AdoptScheme(first, date(2025, 11, 2), 1), actor=supervisor)
    # Nothing is in force yet: the first may look back as far as it likes.
    run(AdoptScheme(first, date(2025, 1, 1), 1), actor=supervisor)
    for month in (date(2025, 9, 1), date(2025, 1, 1)):
        with pytest.raises(InvalidInput) as caught:
            run(AdoptScheme(second, month, 1), actor=supervisor)
        assert set(caught.value.fields) == {"valid_from"}
    run(AdoptScheme(second, OCT, 1), actor=supervisor)
    third = save(assessor)
    with pytest.raises(InvalidInput):
        run(AdoptScheme(third, OCT, 1), actor=supervisor)


def test_others_may_not(facts: Facts, supervisor: Actor) -> None:
    with pytest.raises(Forbidden):
        save(supervisor)
    with pytest.raises(Forbidden):
        run(EnterMarks(OCT, {}), actor=supervisor)


def test_dropped_draft_stays_to_be_read(facts: Facts, assessor: Actor) -> None:
    scheme_id = save(assessor)
    run(DropScheme(scheme_id, 1), actor=assessor)
    assert stored(facts.session, scheme_id).state == "dropped"


@pytest.fixture
def yangzhou(facts: Facts, assessor: Actor, supervisor: Actor) -> int:
    scheme_id = save(assessor, "yangzhou")
    run(AdoptScheme(scheme_id, OCT, 1), actor=supervisor)
    facts.closed(12, due=october(25), done=october(24), closed=october(25))
    facts.session.commit()
    return scheme_id


def test_points_given_by_hand_enter_the_score(
    facts: Facts, yangzhou: int, assessor: Actor, clock: FixedClock
) -> None:
    entered = {(12, "campaigns"): Decimal("7.5"), (12, "events"): Decimal(2)}
    assert run(EnterMarks(OCT, entered), actor=assessor) == 2
    assert run(EnterMarks(OCT, entered), actor=assessor) == 0
    row = scored(facts.session, OCTOBER.period(SHANGHAI)).row_of(12)
    assert row is not None
    assert str(row.total) == "99.50"  # 70 + 5 + 5 + 7.5 + 10 + 2
    assert run(EnterMarks(OCT, {(12, "campaigns"): None}), actor=assessor) == 1
    marks = facts.session.scalars(select(AssessmentMark).order_by(AssessmentMark.line)).all()
    assert [(mark.line, mark.replaced_at is None) for mark in marks] == [
        ("campaigns", False),
        ("events", True),
    ]


def test_wrong_points_are_refused_by_place(facts: Facts, yangzhou: int, assessor: Actor) -> None:
    wrong = {
        (12, "campaigns"): Decimal(11),
        (12, "groundwork"): Decimal("1.234"),
        (12, "nonsense"): Decimal(1),
        (11, "campaigns"): Decimal(3),
    }
    with pytest.raises(InvalidInput) as caught:
        run(EnterMarks(OCT, wrong), actor=assessor)
    assert set(caught.value.fields) == {"12.campaigns", "12.groundwork", "12.nonsense"}
    with pytest.raises(NotFound):
        run(EnterMarks(OCT, {(41, "campaigns"): Decimal(1)}), actor=assessor)


def test_draft_is_tried_on_the_last_six_months(
    facts: Facts, assessor: Actor, clock: FixedClock
) -> None:
    # East is late and was reworked; West is on time but open at the end: by on-time rate they tie.
    facts.closed(11, due=october(10), done=october(9), closed=october(11), reworks=3)
    facts.closed(11, due=october(10), done=october(12), closed=october(13))
    facts.closed(12, due=october(25), done=october(24), closed=october(25))
    facts.open(12, due=october(26))
    facts.session.flush()
    months = tried(facts.session, SHIPPED["jinhua"], clock.now(), SHANGHAI)
    assert [str(one.month) for one in months] == [
        "2025-10", "2025-09", "2025-08", "2025-07", "2025-06", "2025-05",
    ]  # fmt: skip
    moves = {move.unit.code: move for move in months[0].moves("district")}
    assert (moves["D1"].now.rank, moves["D2"].now.rank) == (1, 1)
    assert {code: (move.then.rank, move.steps) for code, move in moves.items()} == {
        "D1": (1, 0), "D2": (2, -1), "D3": (None, 0),
    }  # fmt: skip
    assert months[0].moved == 1
    # 20 points for 90 % closed, and half of them closed: 40 points short, all 20 lost; 50 - 20 kept.
    assert [(part.line.code, cost) for part, cost in lost(moves["D2"].then)] == [
        ("on_time", "20.00"),
        ("closing", "20.00"),
    ]
