"""One unit's month: all its figures, its score line by line, how it stood before, and what is still open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from flask import render_template, url_for
from flask_babel import gettext as _

from app.accounts.tables import Unit
from app.assessment.appeals import appeals_bearing_on
from app.assessment.history import Standing, standings_in
from app.assessment.pages.appeals import DECISIONS
from app.assessment.pages.charts import Curve
from app.assessment.pages.ranking import (
    blueprint,
    carried,
    month_name,
    month_or_404,
    now,
    shared_words,
    unit_name,
    unit_or_404,
    zone,
)
from app.assessment.pages.scores import scored_month
from app.assessment.pages.trends import MONTHS_OF_CHART, Trends, chart_of, trends_before
from app.assessment.queries import CountedCase, counted_cases
from app.assessment.ranking import Month, facts_of
from app.assessment.scored import ScoredRanking, ScoredUnit
from app.cases.pages.words import GROUNDS
from app.db.session import db
from app.errors import NotFound
from app.web.access import SIGNED_IN, open_to
from app.web.language import language_code
from sla.figures import POPULATIONS, Figure, figure_key
from sla.indicators import EVERY, Indicator

MOST_OPEN: Final = 20
# What units and citizens say is counted without facts, and has no list of cases.
_WITHOUT_CASES: Final = frozenset(
    {"appeals", "appeals_upheld", "rated", "satisfaction_rate", "satisfied"}
)


@dataclass(frozen=True, slots=True)
class Cell:
    """A figure of one population of cases; url: its cases, where it has any."""

    text: str
    url: str | None


@dataclass(frozen=True, slots=True)
class FigureLine:
    """A figure as the page shows it: its name, how it is made, and a cell for each population."""

    label: str
    formula: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class History:
    """A unit's months, the oldest first, and its rate over them drawn."""

    months: tuple[tuple[Month, Standing | None], ...]
    chart: Curve | None


@blueprint.get("/ranking/<written>/units/<unit_code>")
@open_to(SIGNED_IN)
def unit_page(written: str, unit_code: str) -> str:
    """Show all of one unit's month."""
    month, unit = month_or_404(written), unit_or_404(unit_code)
    ranking, run = scored_month(month)
    if ranking is None:
        raise NotFound("这个月还没有开始。")
    row = ranking.row_of(unit.id)
    basis = ranking.counted.basis
    as_of = carried(basis, final=ranking.counted.is_final and not run)
    trends = trends_before(month, MONTHS_OF_CHART)
    history = _history(trends, ranking, unit)
    standing = history.months[-1][1]
    period = ranking.counted.period
    return render_template(
        "assessment/unit.html",
        month=month,
        month_name=month_name,
        now_month=Month.of(now(), zone()),
        unit=unit,
        row=row,
        run=run,
        ranking=ranking,
        as_of=as_of,
        standing=standing,
        steps=trends.steps(unit.id, standing.rank if standing else None),
        populations=[name[_language()] for name in POPULATIONS.values()],
        figures=_figure_lines(row, ranking.counted.indicators, month, as_of) if row else (),
        history=history,
        appeals=appeals_bearing_on(db.session(), unit, period.start, period.end),
        decisions=DECISIONS,
        grounds=GROUNDS,
        open_cases=_open_cases(unit, ranking),
        most_open=MOST_OPEN,
        figure=Figure.of,
        section="unit",
        **shared_words(),
    )


def _history(trends: Trends, ranking: ScoredRanking, unit: Unit) -> History:
    present = standings_in(ranking).get(unit.id)
    months = (*trends.standings(unit.id), (trends.month, present))
    rates = [None if one is None else one.rate for _month, one in months]
    title = str(_("%(unit)s 各月按期结案率", unit=unit_name(unit)))
    return History(months, chart_of([month for month, _one in months], rates, title))


def _figure_lines(
    row: ScoredUnit, known: Mapping[str, Indicator], month: Month, as_of: str | None
) -> Sequence[FigureLine]:
    locale, lines = language_code(), []
    for code in EVERY:
        cells = tuple(_cell(row, code, population, month, as_of) for population in POPULATIONS)
        lines.append(FigureLine(known[code].label(locale), known[code].formula(locale), cells))
    return lines


def _cell(row: ScoredUnit, code: str, population: str, month: Month, as_of: str | None) -> Cell:
    figure, value = Figure(code, population), row.value(figure_key(code, population))
    if code in _WITHOUT_CASES and population != "all":
        return Cell("", None)
    text = figure.text(value, language_code())
    nothing = value is None or (value == 0 and isinstance(value, int))
    if nothing or code in _WITHOUT_CASES:
        return Cell(text, None)
    among = None if population == "all" else population
    url = url_for(
        "assessment.cases",
        written=month,
        unit_code=row.unit.code,
        code=code,
        among=among,
        as_of=as_of,
    )
    return Cell(text, url)


def _open_cases(unit: Unit, ranking: ScoredRanking) -> tuple[list[CountedCase], int]:
    """Return the first cases that are late and open, the longest overdue first, and how many there are."""
    facts = facts_of(db.session(), unit, ranking.counted.basis)
    open_ = facts.entering("overdue_open")
    cases = counted_cases(db.session(), facts.basis, facts.unit_ids, open_)
    lines = sorted(cases, key=lambda case: (case.fact.due_at, case.number))
    return lines[:MOST_OPEN], len(lines)


def _language() -> int:
    return 0 if language_code().startswith("zh") else 1
