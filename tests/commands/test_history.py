"""How units stood in earlier months: from the edition shown, or counted as of the month's end."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from sqlalchemy.orm import Session

from app.accounts.tables import Unit
from app.assessment.comparison import compare
from app.assessment.forecast import Forecast
from app.assessment.history import shown_in, standings_of
from app.assessment.ranking import counting_rules
from app.assessment.scored import scored, shipped_until_adopted
from tests.ranking_facts import OCTOBER, SHANGHAI, november, october, september, small_city


def test_month_without_an_edition_is_counted_as_of_its_end(session: Session) -> None:
    facts = small_city(session)
    facts.closed(11, due=october(10), done=october(9), closed=october(11))
    facts.closed(12, due=october(10), done=october(12), closed=november(2))
    session.flush()
    standings = standings_of(session, OCTOBER, None, SHANGHAI)
    assert (standings[11].rate, standings[11].rank) == (Decimal("100.00"), 1)
    # Closed after the month: open as of its end, and last.
    assert (standings[12].rate, standings[12].rank) == (Decimal("0.00"), 2)
    assert (standings[13].rate, standings[13].rank) == (None, None)
    assert shown_in(session, [date(2025, 10, 1)]) == {}


def test_outlook_of_a_unit_is_made_of_the_bounds_of_its_cases(session: Session) -> None:
    facts = small_city(session)
    facts.closed(11, due=october(10), done=october(9), closed=october(11))
    facts.open(111, due=october(12))
    for hour in (9, 10):
        facts.dispatch(111, (october(14), {"due_at": october(25, hour), "urgent": hour == 9}))
    facts.dispatch(
        11,
        (october(8), {"due_at": october(11)}),
        (october(10), {"handed_in_at": october(10), "on_time": True}),
    )
    facts.dispatch(11, (october(14), {"due_at": november(2)}))
    facts.dispatch(11, (september(20), {"due_at": september(25)}))
    session.flush()
    period, now, rules = OCTOBER.period(SHANGHAI), october(15), counting_rules()
    east = session.get_one(Unit, 11)
    made = Forecast(session, period, now, rules, shipped_until_adopted())
    outlook = made.outlooks()[11]
    # Due: six of October and before; one on time, two ahead and one handed in may still be.
    assert (outlook.due, outlook.on_time, outlook.undecided) == (6, 1, 3)
    assert (outlook.low_rate, outlook.high_rate) == (Decimal("16.67"), Decimal("66.67"))
    deciding, number = Forecast(
        session, period, now, rules, shipped_until_adopted(), east
    ).deciding(east, 1)
    assert (len(deciding), number) == (1, 2)
    assert deciding[0].case.fact.due_at == october(25, 9)
    # 4 of 6 less 3 of 6, as published.
    assert deciding[0].rate_points == Decimal("16.67")


def test_comparison_holds_figures_and_lines_against_each_other(session: Session) -> None:
    facts = small_city(session)
    facts.closed(11, due=october(10), done=october(9), closed=october(11))
    facts.open(12, due=october(10))
    session.flush()
    ranking = scored(session, OCTOBER.period(SHANGHAI))
    first, second = ranking.row_of(11), ranking.row_of(12)
    assert first is not None
    assert second is not None
    made = compare(first, second)
    rows = {row.key: row.difference for row in made.figures}
    assert (rows["on_time_closing_rate"], rows["due"]) == (Decimal("-100.00"), 0)
    # The scheme that holds until a city adopts one gives no points.
    assert made.decisive is None
