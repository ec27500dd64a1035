"""A case replayed on its own diagram, step by step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from flask import Response, render_template
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l

from app.cases.pages import room as cases_room
from app.cases.pages.timeline import TimelineLine, timeline_of
from app.cases.pages.words import element_word
from app.cases.queries.case_file import main_instance
from app.cases.queries.outline import outline_of
from app.cases.tables import CaseLog
from app.db.session import db
from app.errors import CalendarMissing, NotFound
from app.modeling.queries import deployed
from app.oversight.pages import room
from app.oversight.pages.room import READERS, blueprint
from app.oversight.queries.diagrams import MAIN, Drawings, drawings_of
from app.oversight.queries.replay import LONGEST_REPLAY, first_rows
from app.web.access import open_to
from app.web.formats import working_minutes

# A request's row names no element: it came in where the diagram takes its message.
_MESSAGES: Final = {"supervision_requested": "supervision_raised"}

# Names that the shipped diagrams give what the platform does itself; a city's own are shown as written.
ELEMENTS: Final = (
    _l("信息收集"), _l("案卷办理"), _l("登记自行处置"), _l("登记不予受理"), _l("登记并案"),
    _l("登记作废"), _l("登记立案并确定时限"), _l("派遣到责任单位"), _l("登记推诿"),
    _l("登记处置完成"), _l("登记返工"), _l("登记结案"), _l("临期提醒"), _l("登记超期"),
    _l("登记严重超期"), _l("登记核查超时"), _l("登记核实超时"), _l("收回派遣"), _l("挂账停表"),
    _l("恢复计时"), _l("登记不同意挂账"), _l("登记不同意延期"), _l("延长处置时限"),
    _l("延期申请失效"), _l("登记督办"), _l("登记督办答复"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ReplayStep:
    """One row of the log on the diagram. took: working time since the row before."""

    number: int
    at: datetime
    who: str
    line: TimelineLine
    element: str
    element_name: str
    file: str
    took: str


@blueprint.get("/oversight/replay/<number>")
@open_to(*READERS)
def replay(number: str) -> ResponseReturnValue:
    """Show the case on its diagram, with every step as text beside it."""
    session, case = db.session(), cases_room.case_or_404(number)
    instance = main_instance(session, case.id)
    if instance is None:
        raise NotFound
    version = deployed(cases_room.connection(), instance.definition_hash)
    drawings = drawings_of(version.files)
    rows, is_cut = first_rows(session, case.id)
    outline = outline_of(version.files, MAIN)
    # A timeline is told newest first.
    entries = timeline_of(session, rows[::-1], version, outline)
    told = {
        seq: (entry.who, line)
        for entry in entries
        for seq, line in zip(entry.seqs, entry.lines, strict=True)
    }
    page = render_template(
        "oversight/replay.html",
        case=case,
        steps=list(_steps(rows, drawings, outline.names, told)),
        is_cut=is_cut,
        longest=LONGEST_REPLAY,
        drawings=drawings,
        version_hash=version.hash,
    )
    return room.with_library_styles(page)


@blueprint.get("/oversight/diagrams/<version_hash>/<name>")
@open_to(*READERS)
def diagram(version_hash: str, name: str) -> ResponseReturnValue:
    """Serve one diagram of a version; what a hash names never changes."""
    files = deployed(cases_room.connection(), version_hash).files
    if name not in files or not name.endswith(".bpmn"):
        raise NotFound
    response = Response(files[name], mimetype="application/xml")
    response.headers["Cache-Control"] = "private, max-age=31536000, immutable"
    return response


def _steps(
    rows: Sequence[CaseLog],
    drawings: Drawings,
    names: Mapping[str, str],
    told: dict[int, tuple[str, TimelineLine]],
) -> Iterator[ReplayStep]:
    here, before = drawings.start or "", None
    for number, row in enumerate(rows, start=1):
        here = _element(row, drawings) or here
        name = names.get(here, "")
        who, line = told[row.seq]
        took = "" if before is None else _took(before, row.at)
        file = drawings.file_of.get(here, drawings.main)
        yield ReplayStep(
            number, row.at, who, line, here, element_word(name) if name else "", file, took
        )
        before = row.at


def _element(row: CaseLog, drawings: Drawings) -> str | None:
    """Return where in the diagrams a row happened; None when it stays where the one before did."""
    if row.element in drawings.file_of:
        return row.element
    return drawings.receiver_of.get(_MESSAGES.get(row.kind, row.kind))


def _took(start: datetime, end: datetime) -> str:
    try:
        return working_minutes(room.working_minutes_between(start, end))
    except CalendarMissing:
        return room.lateness(start, end, None)
