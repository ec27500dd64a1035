"""The running month's end as it can be seen from the open cases: the least, the best, and what decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from flask import render_template, request

from app.accounts.tables import RANK_GROUPS, Unit
from app.assessment.forecast import Deciding, Forecast, Outlook
from app.assessment.pages.ranking import (
    blueprint,
    month_name,
    month_or_404,
    now,
    shared_words,
    zone,
)
from app.assessment.pages.scope import Scope, scope
from app.assessment.ranking import GROUP_NAMES, Month, counting_rules
from app.assessment.scored import scheme_in_force
from app.cases.pages.words import chosen_name
from app.db.session import db
from app.web.access import SIGNED_IN, open_to
from app.web.kept import kept
from sla.figures import Figure

MOST: Final = 50


@blueprint.get("/ranking/<written>/forecast")
@open_to(SIGNED_IN)
def forecast(written: str) -> str:
    """Show what the figures at the month's end lie between; a unit's with the cases that decide."""
    month, asked_for, moment = month_or_404(written), scope(), now()
    period = month.period(zone())
    running = period.holds(moment)
    outlooks: Mapping[int, Outlook] = {}
    deciding: tuple[list[Deciding], int] = ([], 0)
    scheme = scheme_in_force(db.session(), month.first_on)
    if running and not asked_for.empty:
        unit = asked_for.unit
        made = Forecast(db.session(), period, moment, counting_rules(), scheme, unit)
        key = ("forecast", month, unit and unit.id)
        moment, (outlooks, deciding) = kept(key, lambda: _made(made))
    return render_template(
        "assessment/forecast.html",
        month=month,
        month_name=month_name,
        running=running,
        over=moment >= period.end,
        moment=moment,
        scope=asked_for,
        unit=asked_for.unit,
        outlook=outlooks.get(asked_for.unit.id) if asked_for.unit else None,
        groups=_groups(asked_for, outlooks),
        deciding=deciding[0],
        number=deciding[1],
        most=MOST,
        scheme=scheme.scheme,
        figure=Figure.of,
        asked=request.args,
        section="forecast",
        now_month=Month.of(now(), zone()),
        **shared_words(),
    )


def _made(made: Forecast) -> tuple[dict[int, Outlook], tuple[list[Deciding], int]]:
    deciding: tuple[list[Deciding], int] = ([], 0)
    if made.unit is not None:
        deciding = made.deciding(made.unit, MOST)
    return made.outlooks(), deciding


def _groups(
    asked_for: Scope, outlooks: Mapping[int, Outlook]
) -> Sequence[tuple[str, list[tuple[Unit, Outlook]]]]:
    """Return the units of each group, those with most to win first."""
    found = []
    for group in RANK_GROUPS:
        rows = [
            (unit, outlooks[unit.id])
            for unit in asked_for.choices
            if unit.rank_group == group and unit.id in outlooks
        ]
        rows.sort(key=lambda row: (-row[1].undecided, row[0].code))
        if rows:
            found.append((chosen_name(GROUP_NAMES[group]), rows))
    return found
