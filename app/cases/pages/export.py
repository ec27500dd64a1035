"""Excel of exactly what a list shows: the inbox with its filter, the cases found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from flask import Response, request
from flask_babel import gettext as _

from app.cases.pages import room, words
from app.cases.pages.deadlines import Deadline, case_deadline, line_deadline
from app.cases.pages.inbox import EXPORT_LIMIT, asked_for, done_lines_of, lines_of
from app.cases.pages.room import blueprint
from app.cases.queries.case_file import names_of
from app.cases.queries.handed_on import DoneLine
from app.cases.queries.inbox import InboxLine
from app.cases.queries.keyset import Place
from app.cases.queries.matching import LONGEST_WORDS, without_nul
from app.cases.queries.places import district_names
from app.cases.queries.search import FoundCase, find_cases
from app.cases.queries.visibility import sight_of
from app.db.session import db
from app.web.access import SIGNED_IN, open_to
from app.web.spreadsheets.transfer import as_download
from app.web.spreadsheets.writing import Value, table_of

_Line = InboxLine | DoneLine | FoundCase


@blueprint.get("/inbox.xlsx")
@open_to(SIGNED_IN)
def export_inbox() -> Response:
    """Write the tab and filter of the inbox as a workbook."""
    actor, now = room.reader(), room.now()
    asked = asked_for(actor)
    if asked.tab in ("waiting", "done"):
        done = done_lines_of(actor, asked, now, EXPORT_LIMIT)
        return _sheet(_done_rows(done.lines, now), cut=done.next is not None)
    page = lines_of(actor, asked, now, EXPORT_LIMIT)
    return _sheet(_item_rows(page.lines, now), cut=page.next is not None)


@blueprint.get("/cases.xlsx")
@open_to(SIGNED_IN)
def export_cases() -> Response:
    """Write the cases found as a workbook."""
    session, now = db.session(), room.now()
    typed = without_nul(request.args.get("q", "")).strip()[:LONGEST_WORDS]
    sight = sight_of(session, room.reader())
    before = Place.read(request.args.get("before"))
    found = find_cases(session, typed, sight, before=before, size=EXPORT_LIMIT).page
    return _sheet(_case_rows(found.lines, now), cut=found.next is not None)


def _item_rows(lines: Sequence[InboxLine], now: datetime) -> Iterable[Sequence[Value]]:
    place, class_name = _place_words(lines)
    yield (
        _("剩余时间"), _("案卷号"), _("案件"), _("分类"), _("地点"), _("环节"), _("渠道"),
        _("收到"), _("办理人"), _("承办单位"),
    )  # fmt: skip
    for line in lines:
        yield (
            _left(line_deadline(line, now)), line.number, line.title, class_name(line),
            place(line), words.element_word(line.name), words.channel_word(line.channel),
            _local(line.created_at), line.assignee_name or words.role_word(line.role),
            _unit(line),
        )  # fmt: skip


def _done_rows(lines: Sequence[DoneLine], now: datetime) -> Iterable[Sequence[Value]]:
    place, class_name = _place_words(lines)
    yield (
        _("剩余时间"), _("案卷号"), _("案件"), _("分类"), _("地点"), _("我办的"), _("办结于"),
        _("现在"), _("办理人"), _("承办单位"),
    )  # fmt: skip
    for line in lines:
        here = line.next_name and words.element_word(line.next_name)
        yield (
            _left(case_deadline(line, now)), line.number, line.title, class_name(line),
            place(line), words.element_word(line.name), _local(line.finished_at),
            here or words.word(words.STAGES, line.closed_as or line.stage),
            line.next_person or words.role_word(line.next_role), _unit(line),
        )  # fmt: skip


def _case_rows(lines: Sequence[FoundCase], now: datetime) -> Iterable[Sequence[Value]]:
    place, class_name = _place_words(lines)
    yield (
        _("剩余时间"), _("案卷号"), _("案件"), _("分类"), _("地点"), _("环节"), _("承办单位"),
        _("渠道"), _("上报"),
    )  # fmt: skip
    for line in lines:
        yield (
            _left(case_deadline(line, now)), line.number, line.title, class_name(line),
            place(line), words.word(words.STAGES, line.stage), _unit(line),
            words.channel_word(line.channel), _local(line.reported_at),
        )  # fmt: skip


def _place_words(
    lines: Sequence[_Line],
) -> tuple[Callable[[_Line], str], Callable[[_Line], str]]:
    """Return how the place and the class of a line are said, with all names read at once."""
    session = db.session()
    districts = district_names(session)
    classes = names_of(session, classes=[line.class_code for line in lines]).classes

    def place(line: _Line) -> str:
        outside = _("市外") if line.outside_city else ""
        district = districts.get(line.district_code or "", "")
        return " ".join(filter(None, (outside, district, line.address))) or "—"

    def class_name(line: _Line) -> str:
        code = line.class_code or ""
        return words.chosen_name(classes.get(code), code or "—")

    return place, class_name


def _unit(line: _Line) -> str:
    return words.chosen_name((line.unit_name, line.unit_name_en or "")) if line.unit_name else "—"


def _left(due: Deadline) -> str:
    names = {
        "overdue": _("超期"),
        "near": _("临期"),
        "normal": _("正常"),
        "paused": _("停表"),
        "done": _("已止"),
        "none": _("无时限"),
    }
    return f"{names[due.state]} {due.text}".strip()


def _local(moment: datetime) -> datetime:
    """Return a moment as a cell holds it: the city's time, to the minute."""
    return moment.astimezone(room.zone()).replace(tzinfo=None, second=0, microsecond=0)


def _sheet(rows: Iterable[Sequence[Value]], *, cut: bool) -> Response:
    """rows: the headings first."""
    headings, *lines = rows
    note = _("只列出前 %(n)s 行，其余请缩小范围后再导出。", n=EXPORT_LIMIT) if cut else None
    now = room.now()
    content = table_of(_("清单"), [str(heading) for heading in headings], lines, now, note=note)
    return as_download(content, f"{now.astimezone(room.zone()):%Y%m%d-%H%M}.xlsx")
