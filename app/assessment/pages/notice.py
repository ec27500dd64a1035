"""The month's notice to take along: as a workbook, as PDF, as Word document and as CSV."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from flask import request
from flask.typing import ResponseReturnValue

from app.assessment.notice.csv_file import notice_csv
from app.assessment.notice.months import earlier_rankings
from app.assessment.notice.pdf import notice_pdf
from app.assessment.notice.word import notice_word
from app.assessment.notice.workbook import notice_workbook
from app.assessment.pages.ranking import (
    SEE_ALL,
    basis_of,
    blueprint,
    month_or_404,
    reader,
    zone,
)
from app.assessment.ranking import Month
from app.assessment.scored import ScoredRanking, scored
from app.db.session import db
from app.errors import NotFound
from app.web.access import SIGNED_IN, open_to
from app.web.spreadsheets.transfer import as_download

_PDF: Final = "application/pdf"
_WORD: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_CSV: Final = "text/csv; charset=utf-8"


@dataclass(frozen=True, slots=True)
class _Asked:
    """The month that an address names, and the months before it."""

    month: Month
    ranking: ScoredRanking
    earlier: list[ScoredRanking]


@blueprint.get("/ranking/<written>/ranking.xlsx")
@open_to(SIGNED_IN)
def workbook(written: str) -> ResponseReturnValue:
    """Send the month's workbook."""
    asked = _asked(written)
    content = notice_workbook(
        db.session(),
        asked.ranking,
        asked.month,
        zone(),
        earlier=asked.earlier,
        address=request.url_root,
    )
    return as_download(content, f"ranking-{asked.month}.xlsx")


@blueprint.get("/ranking/<written>/notice.pdf")
@open_to(SIGNED_IN)
def notice_as_pdf(written: str) -> ResponseReturnValue:
    """Send the month's tables as they are printed."""
    asked = _asked(written)
    content = notice_pdf(asked.ranking, asked.month, zone(), earlier=asked.earlier)
    return as_download(content, f"notice-{asked.month}.pdf", _PDF)


@blueprint.get("/ranking/<written>/notice.docx")
@open_to(SIGNED_IN)
def notice_as_word(written: str) -> ResponseReturnValue:
    """Send the month's tables for whoever writes around them."""
    asked = _asked(written)
    content = notice_word(asked.ranking, asked.month, zone(), earlier=asked.earlier)
    return as_download(content, f"notice-{asked.month}.docx", _WORD)


@blueprint.get("/ranking/<written>/notice.csv")
@open_to(SIGNED_IN)
def notice_as_csv(written: str) -> ResponseReturnValue:
    """Send the month's tables for other programs."""
    asked = _asked(written)
    content = notice_csv(asked.ranking, asked.month, earlier=asked.earlier)
    return as_download(content, f"notice-{asked.month}.csv", _CSV)


def _asked(written: str) -> _Asked:
    """Draw what the address names. Raises NotFound for a month to come, Forbidden for who may not see all."""
    reader().require(*SEE_ALL)
    month = month_or_404(written)
    basis = basis_of(month)
    if basis is None:
        raise NotFound("这个月还没有开始。")
    period, session = month.period(zone()), db.session()
    # Of a month that is over, the points that people gave count by now: they give them after it.
    over = basis.period.end == period.end and not request.args.get("as_of")
    ranking = scored(session, period, None, None if over else basis.as_of, basis.rules)
    return _Asked(month, ranking, earlier_rankings(session, month, zone(), basis.rules))
