"""The month's run as a page: where it stands, who has confirmed, what changed, signing, and the files of each edition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.accounts.roles import ASSESSOR, SUPERVISOR, UNIT_MANAGER
from app.accounts.tables import Person
from app.assessment.appeals import won_since
from app.assessment.commands import BeginRun, ConfirmMonth, CorrectMonth
from app.assessment.editions import (
    CONFIRMING,
    OPEN,
    PUBLISHED,
    SIGNING,
    confirmations_of,
    editions_of,
    ranking_of_run,
    run_of,
)
from app.assessment.pages.ranking import (
    SEE_ALL,
    blueprint,
    is_of_centre,
    is_own,
    month_name,
    month_or_404,
    reader,
    require_centre,
    runtime,
    unit_name,
    zone,
)
from app.assessment.ranking import Month
from app.assessment.running import month_of_run, span_of
from app.assessment.scored import ScoredRanking
from app.assessment.tables import Confirmation, Run, Snapshot
from app.cases.pages import words
from app.db.session import db
from app.errors import AppError, Forbidden, InvalidInput, NotFound, StateChanged
from app.processes.pages.deciding import Deciding, decide, deciding_of, typed_decision
from app.processes.queries import items_of
from app.web.access import SIGNED_IN, open_to
from app.web.acting import act
from app.web.errors import status_of, text_of
from app.web.language import language_code
from sla.indicators import COUNT_NAMES

BEGINNERS: Final = (ASSESSOR, SUPERVISOR)
STATES: Final = {
    "confirming": ("○", _l("待单位确认")),
    "ruling": ("○", _l("待申诉裁定")),
    "signing": ("○", _l("待签发")),
    "published": ("●", _l("已公布")),
    "abandoned": ("×", _l("已作废")),
}
_RUN: Final = f"int(max={2**63 - 1}):run_id"


@dataclass(frozen=True)
class EditionView:
    """One edition as the page tells it."""

    run: Run
    ranking: ScoredRanking
    signer: str | None
    confirmed: Mapping[int, Confirmation]
    deciding: Deciding | None
    won_since: int
    opinions: Sequence[Any]

    @property
    def units(self) -> Sequence[Any]:
        """Return the ranked units, those who have not confirmed first."""
        rows = [row.unit for row in self.ranking.rows]
        return sorted(rows, key=lambda unit: (unit.id in self.confirmed, unit.code))


@blueprint.get("/ranking/<written>/run")
@open_to(SIGNED_IN)
def month_run(written: str) -> ResponseReturnValue:
    """Show where the month's run stands."""
    return _page(month_or_404(written), None, {})


@blueprint.post("/ranking/<written>/run")
@open_to(*BEGINNERS)
def begin_run(written: str) -> ResponseReturnValue:
    """Begin the month's run, or a correction of it."""
    chosen = month_or_404(written)
    try:
        if request.form.get("action") == "correct":
            act(CorrectMonth(chosen.first_on, request.form.get("reason", "")))
        else:
            act(BeginRun(chosen.first_on))
    except InvalidInput as error:
        return _page(chosen, None, error.fields), status_of(error)
    except AppError as error:
        return _page(chosen, None, {"": text_of(error)}), status_of(error)
    flash(_("考核已开始。"), "success")
    return redirect(url_for("assessment.month_run", written=chosen))


@blueprint.post(f"/ranking/runs/<{_RUN}>/confirm")
@open_to(UNIT_MANAGER)
def confirm_month(run_id: int) -> ResponseReturnValue:
    """Confirm the figures of the reader's unit."""
    month = run_of(db.session(), run_id).month
    unit_id = reader().unit_id
    assert unit_id is not None, "a manager stands in a unit"
    act(ConfirmMonth(run_id, unit_id))
    flash(_("已确认。"), "success")
    return redirect(url_for("assessment.month_run", written=f"{month:%Y-%m}"))


@blueprint.post(f"/ranking/runs/<{_RUN}>/items/<int(max={2**63 - 1}):item_id>")
@open_to(*BEGINNERS)
def sign(run_id: int, item_id: int) -> ResponseReturnValue:
    """Sign an edition, have it drawn anew, or lay it aside."""
    chosen = month_of_run(run_of(db.session(), run_id))
    answers = typed_decision(item_id)
    try:
        decide(item_id, answers)
    except InvalidInput as error:
        return _page(chosen, answers, error.fields), status_of(error)
    except (StateChanged, Forbidden) as error:
        return _page(chosen, answers, {"": text_of(error)}), status_of(error)
    flash(_("已办理。"), "success")
    return redirect(url_for("assessment.month_run", written=chosen))


@blueprint.get(f"/ranking/runs/<{_RUN}>/facts.csv.zst")
@open_to(*SEE_ALL)
def facts_file(run_id: int) -> Response:
    """Send the facts that an edition was counted from, as they were kept."""
    require_centre()
    run = run_of(db.session(), run_id)
    if run.facts_hash is None:
        raise NotFound("这一版还没有定稿。")
    kept = db.session().get_one(Snapshot, run.facts_hash)
    response = Response(kept.content, mimetype="application/zstd")
    response.headers["Content-Disposition"] = (
        f'attachment; filename="facts-{run.month:%Y-%m}-{run.edition}.csv.zst"'
    )
    return response


def _page(chosen: Month, answers: Mapping[str, Any] | None, errors: Mapping[str, Any]) -> str:
    session, actor = db.session(), reader()
    period, now = chosen.period(zone()), runtime().clock.now()
    views = [_view(run, answers) for run in editions_of(session, chosen.first_on)]
    if not actor.has(*SEE_ALL):
        views = [one for one in views if any(is_own(actor, unit) for unit in one.units)]
    is_open = any(one.run.state in OPEN for one in views)
    published = any(one.run.state == PUBLISHED for one in views)
    return render_template(
        "assessment/run.html",
        month=chosen,
        month_name=month_name,
        views=views,
        over=now >= period.end,
        may_begin=actor.has(*BEGINNERS) and not is_open and not published,
        may_correct=actor.has(*BEGINNERS) and not is_open and published,
        may_see_all=actor.has(*SEE_ALL),
        may_print=is_of_centre(),
        own=[
            row.unit.id
            for one in views
            for row in one.ranking.rows
            if one.run.state == CONFIRMING
            and actor.has(UNIT_MANAGER)
            and row.unit.path == actor.unit_path
        ],
        is_own=lambda unit: is_own(actor, unit),
        states=STATES,
        errors=errors,
        words=words,
        unit_name=unit_name,
        count_name=lambda code: COUNT_NAMES[code][0 if language_code().startswith("zh") else 1],
        locale=language_code(),
    )


def _view(run: Run, answers: Mapping[str, Any] | None) -> EditionView:
    session = db.session()
    is_open = run.state in OPEN
    signer = None if run.signed_by is None else session.get_one(Person, run.signed_by).name
    return EditionView(
        run,
        ranking_of_run(run, zone()),
        signer,
        confirmations_of(session, run.id),
        deciding_of(run.process_id, answers) if is_open else None,
        len(won_since(session, *span_of(run), run.as_of)) if run.state == SIGNING else 0,
        [one for one in items_of(session, run.process_id) if one.opinion],
    )
