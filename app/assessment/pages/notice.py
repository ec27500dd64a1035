"""The month's notice to take along: as a workbook, as PDF, as Word document and as CSV.

Of a published month it is the edition's own file, the same bytes for everybody; else a preview.
"""

from __future__ import annotations

from typing import Final

from flask import request
from flask.typing import ResponseReturnValue

from app.assessment.commands import PrintEdition
from app.assessment.editions import PUBLISHED, ranking_of_run, run_of
from app.assessment.notice.months import earlier_rankings
from app.assessment.pages.ranking import (
    basis_of,
    blueprint,
    edition_shown,
    month_or_404,
    require_centre,
    runtime,
    zone,
)
from app.assessment.published import (
    FILES,
    Edition,
    kept_file,
)
from app.assessment.ranking import Month
from app.assessment.scored import scored
from app.assessment.tables import Run
from app.db.session import db
from app.errors import NotFound
from app.run import SYSTEM, run
from app.web.access import SIGNED_IN, open_to
from app.web.spreadsheets.transfer import as_download

_TYPES: Final = {
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@blueprint.get("/ranking/<written>/ranking.xlsx")
@open_to(SIGNED_IN)
def workbook(written: str) -> ResponseReturnValue:
    """Send the month's workbook."""
    return _file(written, "ranking.xlsx")


@blueprint.get("/ranking/<written>/notice.pdf")
@open_to(SIGNED_IN)
def notice_as_pdf(written: str) -> ResponseReturnValue:
    """Send the month's tables as they are printed."""
    return _file(written, "notice.pdf")


@blueprint.get("/ranking/<written>/notice.docx")
@open_to(SIGNED_IN)
def notice_as_word(written: str) -> ResponseReturnValue:
    """Send the month's tables for whoever writes around them."""
    return _file(written, "notice.docx")


@blueprint.get("/ranking/<written>/notice.csv")
@open_to(SIGNED_IN)
def notice_as_csv(written: str) -> ResponseReturnValue:
    """Send the month's tables for other programs."""
    return _file(written, "notice.csv")


@blueprint.get(f"/ranking/runs/<int(max={2**63 - 1}):run_id>/files/<name>")
@open_to(SIGNED_IN)
def edition_file(run_id: int, name: str) -> ResponseReturnValue:
    """Send a file of a published edition."""
    require_centre()
    found = run_of(db.session(), run_id)
    if name not in FILES or found.state != PUBLISHED:
        raise NotFound("没有这份文件。")
    return _published(found, name)


def _file(written: str, name: str) -> ResponseReturnValue:
    """Send the file that holds for a month. Raises Forbidden for who may not see all."""
    require_centre()
    month = month_or_404(written)
    shown = edition_shown(month)
    if shown is not None and shown.state == PUBLISHED:
        return _published(shown, name)
    content = FILES[name](db.session(), _preview(month, shown), _address())
    return as_download(content, _named(name, str(month)), _type(name))


def _published(found: Run, name: str) -> ResponseReturnValue:
    """Send the file of an edition as it was first made; who comes before the worker has made it waits until it is."""
    session, run_id = db.session(), found.id
    saved = _named(name, f"{found.month:%Y-%m}-{found.edition}")
    kept = kept_file(session, run_id, name)
    if kept is None:
        # The page's reading connection goes back before another is taken.
        db.session.remove()
        run(PrintEdition(run_id), actor=SYSTEM)
        kept = kept_file(db.session(), run_id, name)
        assert kept is not None, "it was made just now"
    return as_download(kept.content, saved, _type(name))


def _preview(month: Month, shown: Run | None) -> Edition:
    """Draw a month that is not published. Raises NotFound for a month to come."""
    basis = basis_of(month)
    if basis is None:
        raise NotFound("这个月还没有开始。")
    period, session = month.period(zone()), db.session()
    if shown is not None:
        ranking = ranking_of_run(shown, zone())
    else:
        # Of a month that is over, the points that people gave count by now: they give them after it.
        over = basis.period.end == period.end and not request.args.get("as_of")
        ranking = scored(session, period, None, None if over else basis.as_of, basis.rules)
    earlier = earlier_rankings(session, month, zone())
    return Edition(ranking, month, zone(), None, tuple(earlier))


def _address() -> str:
    """Return what a preview's links begin with."""
    return runtime().services.settings.address or request.url_root


def _named(name: str, of: str) -> str:
    stem, _dot, ending = name.partition(".")
    return f"{stem}-{of}.{ending}"


def _type(name: str) -> str:
    return _TYPES[name.rpartition(".")[2]]
