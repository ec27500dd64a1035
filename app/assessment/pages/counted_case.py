"""Why a case counts as it does in a unit's month: sentence by sentence, with its clock's arithmetic."""

from __future__ import annotations

from dataclasses import dataclass

from flask import render_template
from flask_babel import gettext as _

from app.assessment.appeals import appeal_of_case
from app.assessment.pages.ranking import (
    basis_or_404,
    blueprint,
    carried,
    count_name,
    month_name,
    month_or_404,
    now,
    shared_words,
    unit_or_404,
    zone,
)
from app.assessment.pages.sentences import Account, Sentence
from app.assessment.queries import Basis, CountedCase, counted_cases
from app.assessment.ranking import UnitFacts, facts_of
from app.assessment.scored import scheme_in_force
from app.cases.clocks import HANDLING
from app.cases.pages import words
from app.cases.pages.standing import accounts_of
from app.cases.queries.case_file import case_by_number, clocks_of, requests_of
from app.cases.queries.matching import without_nul
from app.cases.tables import Case
from app.db.session import db
from app.errors import NotFound
from app.web.access import SIGNED_IN, open_to
from app.web.language import language_code
from sla.figures import Figure
from sla.indicators import ALL_COUNTS, Indicator, every_indicator, in_population
from sla.schemes import Line, Scheme

# More dispatches than any case of the month has.
_MOST_DISPATCHES = 100


@dataclass(frozen=True, slots=True)
class LineEntered:
    """A line of the scheme whose figure a case enters, and how."""

    line: Line
    said: str


@dataclass(frozen=True, slots=True)
class Counted:
    """One dispatch as the page tells it. counts: the counts it enters, by code, with how much it adds to each."""

    case: CountedCase
    sentences: list[Sentence]
    counts: list[tuple[str, int]]
    lines: list[LineEntered]


@blueprint.get("/ranking/<written>/<unit_code>/cases/<number>")
@open_to(SIGNED_IN)
def counted_case(written: str, unit_code: str, number: str) -> str:
    """Explain how a case counts in a unit's month."""
    month, unit = month_or_404(written), unit_or_404(unit_code)
    basis, session = basis_or_404(month), db.session()
    case = case_by_number(session, without_nul(number))
    seen = [] if case is None else _dispatches(case, facts_of(session, unit, basis))
    if case is None or not seen:
        raise NotFound("案卷 %(number)s 与这个单位这个月的数字无关。", number=number)
    appeal = appeal_of_case(session, case.id)
    scheme = scheme_in_force(session, month.first_on)
    told = [
        Counted(
            one,
            Account(one, basis, appeal).sentences(),
            _counts(one),
            _lines(one, scheme.scheme, basis),
        )
        for one in seen
    ]
    clocks = [clock for clock in clocks_of(session, case.id) if clock.name == HANDLING]
    return render_template(
        "assessment/counted_case.html",
        month=month,
        month_name=month_name,
        unit=unit,
        case=case,
        told=told,
        appeal=appeal,
        scheme=scheme.scheme,
        requests=requests_of(session, case.id),
        words=words,
        clocks=accounts_of(session, case, clocks, now()),
        as_of=carried(basis, final=basis.period.end == month.period(zone()).end),
        basis=basis,
        **shared_words(),
    )


def _dispatches(case: Case, facts: UnitFacts) -> list[CountedCase]:
    """Return the dispatches of a case that a unit's month sees."""
    found = counted_cases(
        db.session(),
        facts.basis,
        facts.unit_ids,
        facts.alike,
        after=(case.id, -1),
        size=_MOST_DISPATCHES,
    )
    return [one for one in found if one.fact.case_id == case.id]


def _counts(case: CountedCase) -> list[tuple[str, int]]:
    entered = ((code, int(getattr(case.membership, code))) for code in ALL_COUNTS)
    return [(code, number) for code, number in entered if number]


def _lines(case: CountedCase, scheme: Scheme, basis: Basis) -> list[LineEntered]:
    known = every_indicator(basis.rules)
    entered = dict(_counts(case))
    found = []
    for line in scheme.every_line():
        if not line.indicator or not in_population(case.fact, line.population, basis.rules):
            continue
        said = _entered(known[line.indicator], entered)
        if said:
            label = Figure.of(line.figure).label(language_code())
            # A column is called what it shows.
            named = "" if label == line.label(language_code()) else f"{label}{_('：')}"
            found.append(LineEntered(line, named + said))
    return found


def _entered(indicator: Indicator, entered: dict[str, int]) -> str:
    """Say where in a figure a case stands; nothing where it is not in it."""
    quotient = indicator.ratio or indicator.average
    if quotient is None:
        number = entered.get(indicator.code)
        return str(_("计 %(n)s", n=number)) if number else ""
    over, of = quotient.over in entered, quotient.of in entered
    names = {"of": count_name(quotient.of), "over": count_name(quotient.over)}
    if over and of:
        return str(_("计入分子“%(of)s”和分母“%(over)s”", **names))
    if over:
        return str(_("只计入分母“%(over)s”", **names))
    return str(_("只计入分子“%(of)s”", **names)) if of else ""
