"""The month on the map: responsibility grids coloured by a figure, with the table that says the same."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from itertools import pairwise
from typing import Final

from flask import render_template, request, url_for
from flask_babel import gettext as _

from app.assessment.breakdown import Breakdown, Part
from app.assessment.pages.ranking import (
    basis_for,
    blueprint,
    carried,
    figure_text,
    month_name,
    month_or_404,
    shared_words,
    zone,
)
from app.assessment.pages.scope import Scope, scope
from app.assessment.queries import Basis
from app.assessment.ranking import RANKED_BY, Month
from app.db.session import db
from app.errors import NotFound
from app.places.queries import responsibility_grids
from app.web.access import SIGNED_IN, open_to
from app.web.kept import kept
from sla.figures import Value
from sla.indicators import Indicator, indicators

FIGURES: Final = (RANKED_BY, "due", "overdue_open")
# From the worst to the best: a darker area is always one to look at.
_RATE_STEPS: Final = (60, 80, 90, 95)
BANDS: Final = 5


@dataclass(frozen=True, slots=True)
class Area:
    """One responsibility grid. band: from 1 to BANDS, the highest is drawn darkest; 0: without data."""

    code: str
    name: str
    value: Value
    text: str
    due: int
    band: int
    url: str | None


@dataclass(frozen=True, slots=True)
class Band:
    """One colour of the map and what it stands for."""

    number: int
    label: str


@blueprint.get("/ranking/<written>/map")
@open_to(SIGNED_IN)
def month_map(written: str) -> str:
    """Show a month's figure grid by grid."""
    month, asked_for = month_or_404(written), scope()
    code = request.args.get("figure", RANKED_BY)
    if code not in FIGURES:
        raise NotFound
    basis = basis_for(month.period(zone()))
    areas: list[Area] = []
    bands: list[Band] = []
    as_of, known = None, None
    if basis is not None and not asked_for.empty:
        basis, parts = _counted(month, basis, asked_for)
        as_of = carried(basis, final=basis.period.end == month.period(zone()).end)
        known = indicators(basis.rules)
        bands = _bands(code, [_value(known[code], part) for part in parts])
        areas = _areas(
            known[code], parts, partial(_cases_url, known[code], month, asked_for, as_of)
        )
    return render_template(
        "assessment/map.html",
        month=month,
        month_name=month_name,
        figures=[known[one] for one in FIGURES] if known else [],
        chosen=known[code] if known else None,
        areas=areas,
        drawn={
            area.code: [area.band, f"{area.name} {area.text}", area.url]
            for area in areas
            if area.code
        },
        bands=bands,
        as_of=as_of,
        basis=basis,
        scope=asked_for,
        section="map",
        **shared_words(),
    )


def _counted(month: Month, basis: Basis, asked_for: Scope) -> tuple[Basis, Sequence[Part]]:
    """Return the parts with the basis they were counted on: kept for a while, they are a little older than now."""
    unit = asked_for.unit
    key = ("map", month, unit and unit.id, request.args.get("as_of"))
    made = Breakdown(db.session(), basis, "responsibility", unit)
    return kept(key, lambda: (basis, made.parts()))[1]


def _value(figure: Indicator, part: Part) -> Value:
    return figure.value(part.tally)


def _areas(figure: Indicator, parts: Sequence[Part], url_of: Callable[[Part], str]) -> list[Area]:
    """Return the grids, those that are drawn darkest first."""
    names = {grid.code: grid.name for grid in responsibility_grids(db.session())}
    values = [_value(figure, part) for part in parts]
    highest = max((int(value) for value in values if isinstance(value, int)), default=0)
    found = [
        Area(
            part.key,
            names.get(part.key, part.key) or str(_("不在任何网格内")),
            value,
            figure_text(value),
            part.tally.due,
            _band_of(value, highest),
            None if value is None else url_of(part),
        )
        for part, value in zip(parts, values, strict=True)
    ]
    return sorted(found, key=lambda area: (-area.band, area.code))


def _band_of(value: Value, highest: int) -> int:
    """Return how dark a value is drawn: a low rate and a high count are dark."""
    if value is None:
        return 0
    if isinstance(value, Decimal):
        return BANDS - bisect_right(_RATE_STEPS, value)
    return max(-(-value * BANDS // highest), 1) if highest else 1


def _bands(code: str, values: Sequence[Value]) -> list[Band]:
    """Return the legend, the lightest first."""
    if code == RANKED_BY:
        pairs = list(pairwise((0, *_RATE_STEPS, 100)))
        return [
            Band(number, f"{low}%–{high}%") for number, (low, high) in enumerate(reversed(pairs), 1)
        ]
    highest = max((int(value) for value in values if value is not None), default=0)
    if not highest:
        return []
    found, low = [], 0
    for number in range(1, BANDS + 1):
        high = highest * number // BANDS
        if high >= low:
            found.append(Band(number, f"{low}–{high}" if high > low else f"{low}"))
        low = max(low, high + 1)
    return found


def _cases_url(
    figure: Indicator, month: Month, asked_for: Scope, as_of: str | None, part: Part
) -> str:
    values = {
        "from": month.first_on.isoformat(),
        "to": month.last_on.isoformat(),
        "by": "responsibility",
        "key": part.key,
        "code": figure.code,
        "as_of": as_of,
        "unit": asked_for.unit.code if asked_for.unit and asked_for.may_see_all else None,
    }
    return url_for("assessment.part_cases", **values)  # type: ignore[arg-type]  # names of ours
