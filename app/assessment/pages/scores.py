"""The month's scores as pages: every score opens to how it was made; and the points that people give."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Final

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.accounts.roles import ASSESSOR
from app.assessment.commands import EnterMarks
from app.assessment.editions import ranking_of_run
from app.assessment.pages.ranking import (
    SEE_ALL,
    basis_of,
    blueprint,
    edition_shown,
    is_own,
    month_name,
    month_or_404,
    reader,
    runtime,
    unit_name,
    zone,
)
from app.assessment.pages.schemes import ranked_by
from app.assessment.queries import rankable_units
from app.assessment.ranking import Month
from app.assessment.scored import (
    ScoredGroup,
    ScoredRanking,
    entered_codes,
    marks_of,
    scheme_in_force,
    scored,
)
from app.assessment.tables import Run
from app.db.session import db
from app.errors import InvalidInput, NotFound
from app.web.access import SIGNED_IN, open_to
from app.web.acting import act
from app.web.errors import status_of
from app.web.language import language_code
from sla.figures import Figure
from sla.scoring import entered_key

WRITERS: Final = (ASSESSOR,)


@blueprint.get("/ranking/<written>/scores")
@open_to(SIGNED_IN)
def scores(written: str) -> str:
    """Show the month's ranking by score: all of it, or the reader's own unit."""
    month = month_or_404(written)
    ranking, run = scored_month(month)
    return render_template(
        "assessment/scores.html",
        month=month,
        month_name=month_name,
        now_month=Month.of(runtime().clock.now(), zone()),
        ranking=ranking,
        run=run,
        groups=_groups_for(ranking) if ranking else (),
        may_see_all=reader().has(*SEE_ALL),
        may_enter=ranking is not None
        and reader().has(*WRITERS)
        and bool(entered_codes(ranking.scheme.scheme)),
        ranked_by=ranked_by,
        figure=Figure.of,
        unit_name=unit_name,
        locale=language_code(),
    )


def scored_month(month: Month) -> tuple[ScoredRanking | None, Run | None]:
    """Return a month's ranking by score and the edition it is of; none for a month to come, or that is counted now."""
    basis, run = basis_of(month), edition_shown(month)
    if run is not None:
        return ranking_of_run(run, zone()), run
    if basis is None:
        return None, None
    period = month.period(zone())
    # Of a month that is over, the points that people gave count by now: they give them after it.
    over = basis.period.end == period.end and not request.args.get("as_of")
    as_of = None if over else basis.as_of
    return scored(db.session(), period, None, as_of, basis.rules), None


@blueprint.get("/ranking/<written>/marks")
@open_to(*WRITERS)
def marks(written: str) -> str:
    """Show the form of points that people give for a month."""
    return _marks_page(month_or_404(written), {}, {})


@blueprint.post("/ranking/<written>/marks")
@open_to(*WRITERS)
def enter_marks(written: str) -> ResponseReturnValue:
    """Enter the points, or show the form again with what is wrong in it."""
    month = month_or_404(written)
    typed = {key: value.strip() for key, value in request.form.items() if "." in key}
    try:
        entered = {_place(key): _points(key, value) for key, value in typed.items()}
        number = act(EnterMarks(month.first_on, entered, request.form.get("note", "")))
    except InvalidInput as error:
        return _marks_page(month, typed, error.fields), status_of(error)
    flash(_("已录入，%(n)s 处有变化。", n=number), "success")
    return redirect(url_for("assessment.scores", written=month))


def _marks_page(month: Month, typed: Mapping[str, str], errors: Mapping[str, str]) -> str:
    session = db.session()
    scheme = scheme_in_force(session, month.first_on).scheme
    codes = entered_codes(scheme)
    known = marks_of(session, month.first_on)
    values = {
        f"{unit_id}.{code}": str(points[entered_key(code)])
        for unit_id, points in known.items()
        for code in codes
        if entered_key(code) in points
    }
    return render_template(
        "assessment/marks.html",
        month=month,
        month_name=month_name,
        scheme=scheme,
        lines=[line for line in scheme.lines if line.code in codes],
        units=[unit for unit in rankable_units(session) if unit.active],
        values=values | dict(typed),
        errors=errors,
        unit_name=unit_name,
        locale=language_code(),
    )


def _place(key: str) -> tuple[int, str]:
    unit_id, _dot, line = key.partition(".")
    if not unit_id.isdecimal() or len(unit_id) > 18:
        raise NotFound("没有这个参加排名的单位。")
    return int(unit_id), line


def _points(key: str, written: str) -> Decimal | None:
    if not written:
        return None
    try:
        points = Decimal(written)
    except InvalidOperation as error:
        raise InvalidInput({key: _("请填写数字")}) from error
    if not points.is_finite() or abs(points.adjusted()) > 6:
        raise InvalidInput({key: _("请填写数字")})
    return points


def _groups_for(ranking: ScoredRanking) -> list[ScoredGroup]:
    """Return the groups as the reader may see them; the ranks are those among all."""
    actor = reader()
    if actor.has(*SEE_ALL):
        return list(ranking.groups)
    own = (
        ScoredGroup(group.code, tuple(row for row in group.rows if is_own(actor, row.unit)))
        for group in ranking.groups
    )
    return [group for group in own if group.rows]
