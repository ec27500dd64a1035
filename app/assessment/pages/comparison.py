"""Two units in a month side by side, or one unit in two months."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from flask import render_template, request
from flask_babel import gettext as _

from app.accounts.tables import Unit
from app.assessment.comparison import Comparison, compare
from app.assessment.pages.ranking import (
    blueprint,
    month_name,
    month_or_404,
    now,
    shared_words,
    unit_name,
    unit_or_404,
    zone,
)
from app.assessment.pages.scope import readable_units
from app.assessment.pages.scores import scored_month
from app.assessment.ranking import Month
from app.assessment.scored import ScoredRanking, ScoredUnit
from app.web.access import SIGNED_IN, open_to
from app.web.language import language_code
from sla.figures import Figure

SHOWN_FIRST: Final = 12


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two that are compared. row: None where it was not ranked."""

    unit: Unit
    month: Month
    row: ScoredUnit | None

    def name(self, other: Side) -> str:
        """Return what tells it from the other."""
        if self.unit.id == other.unit.id:
            return month_name(self.month)
        if self.month == other.month:
            return unit_name(self.unit)
        return f"{unit_name(self.unit)} {month_name(self.month)}"


@blueprint.get("/ranking/compare")
@open_to(SIGNED_IN)
def compare_page() -> str:
    """Hold two standings against each other, or ask which."""
    choices = readable_units()
    month = _month("month", Month.of(now(), zone()).plus(-1))
    other_month = _month("other_month", month)
    sides = _sides(month, other_month)
    compared: Comparison | None = None
    if sides is not None and sides[0].row is not None and sides[1].row is not None:
        compared = compare(sides[0].row, sides[1].row)
    return render_template(
        "assessment/compare.html",
        month=month,
        other_month=other_month,
        now_month=Month.of(now(), zone()),
        month_name=month_name,
        choices=choices,
        asked=request.args,
        sides=sides,
        compared=compared,
        shown_first=SHOWN_FIRST,
        decisive=_decisive(sides, compared) if sides and compared else "",
        figure=Figure.of,
        section="compare",
        **shared_words(),
    )


def _sides(month: Month, other_month: Month) -> tuple[Side, Side] | None:
    """Return the two that the address names; None while it names none."""
    code = request.args.get("unit", "").strip()
    if not code:
        return None
    unit = unit_or_404(code)
    other = unit_or_404(request.args.get("other", "").strip() or code)
    rankings = {one: scored_month(one)[0] for one in {month, other_month}}
    return _side(rankings, unit, month), _side(rankings, other, other_month)


def _side(rankings: Mapping[Month, ScoredRanking | None], unit: Unit, month: Month) -> Side:
    ranking = rankings[month]
    return Side(unit, month, ranking.row_of(unit.id) if ranking else None)


def _month(name: str, otherwise: Month) -> Month:
    written = request.args.get(name, "").strip()
    return month_or_404(written) if written else otherwise


def _decisive(sides: tuple[Side, Side], compared: Comparison) -> str:
    """Say which line makes the most difference."""
    row = compared.decisive
    if row is None or row.difference is None:
        return str(_("得分各行没有差别。"))
    better, worse = (sides[1], sides[0]) if row.difference > 0 else (sides[0], sides[1])
    return str(
        _(
            "差别最大的一行是“%(line)s”：%(better)s比%(worse)s多 %(points)s 分。",
            line=row.line.label(language_code()),
            better=better.name(worse),
            worse=worse.name(better),
            points=abs(row.difference),
        )
    )
