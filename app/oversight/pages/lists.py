"""What is disputed, what was asked for and decided, what stands on hold."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l

from app.cases.pages import room as cases_room
from app.cases.pages.words import Words
from app.cases.queries.case_file import names_of
from app.cases.queries.keyset import Place
from app.db.session import db
from app.oversight.pages import room
from app.oversight.pages.room import READERS, blueprint
from app.oversight.queries import requests as lists
from app.oversight.queries.requests import AskedLine
from app.web.access import open_to

DISPUTES: Final[Words] = {
    "return": _l("退单待裁定"),
    "rework": _l("返工超过两次"),
    "supervision": _l("督办未答复"),
    "feedback": _l("市民反映未解决"),
}
RULINGS: Final[Words] = {
    "granted": _l("同意"),
    "refused": _l("不同意"),
    "waiting": _l("等待审批"),
    "lapsed": _l("已失效"),
}


@blueprint.get("/oversight/disputed")
@open_to(*READERS)
def disputed() -> ResponseReturnValue:
    """List returns to be ruled on, cases sent back again and again, supervisions without an answer, citizens not content."""
    kind = request.args.get("kind", "return")
    kind = kind if kind in DISPUTES else "return"
    if kind == "rework":
        return _standing("rework", "oversight.disputed", DISPUTES, kind)
    session, now = db.session(), cases_room.now()
    after, size = Place.read(request.args.get("after")), cases_room.settings().page_size
    if kind == "feedback":
        page = lists.unsolved_for_citizens(session, room.sight(), after=after, size=size)
    else:
        page = lists.waiting_requests(session, room.sight(), kind, after=after, size=size)
    return render_template(
        "oversight/asked.html",
        view="disputed",
        tabs=_tabs("oversight.disputed", "kind", DISPUTES),
        tab=kind,
        lines=page.lines,
        class_names=names_of(session, classes=[line.class_code for line in page.lines]).classes,
        waited={line.id: room.lateness(line.asked_at, now, None) for line in page.lines},
        answer_late={line.id for line in page.lines if _answer_due(line, now)},
        next_url=url_for("oversight.disputed", kind=kind, after=str(page.next)) if page.next else None,
        first_url=url_for("oversight.disputed", kind=kind) if after else None,
    )  # fmt: skip


@blueprint.get("/oversight/extensions")
@open_to(*READERS)
def extensions() -> ResponseReturnValue:
    """List extensions: granted, refused, waiting, lapsed."""
    session, now, sight = db.session(), cases_room.now(), room.sight()
    ruling = request.args.get("ruling", "granted")
    ruling = ruling if ruling in RULINGS else "granted"
    place, size = Place.read(request.args.get("after")), cases_room.settings().page_size
    if ruling == "waiting":
        page = lists.waiting_requests(session, sight, "extension", after=place, size=size)
    else:
        page = lists.decided_requests(session, sight, "extension", ruling, before=place, size=size)
    onward = url_for("oversight.extensions", ruling=ruling, after=str(page.next))
    return render_template(
        "oversight/asked.html",
        view="extensions",
        tabs=_tabs("oversight.extensions", "ruling", RULINGS),
        tab=ruling,
        lines=page.lines,
        class_names=names_of(session, classes=[line.class_code for line in page.lines]).classes,
        waited={line.id: room.lateness(line.asked_at, now, None) for line in page.lines},
        answer_late=set(),
        next_url=onward if page.next else None,
        first_url=url_for("oversight.extensions", ruling=ruling) if place else None,
    )


@blueprint.get("/oversight/held")
@open_to(*READERS)
def held() -> ResponseReturnValue:
    """List the cases on hold."""
    return _standing("held", "oversight.held", {}, "")


def _standing(view: str, endpoint: str, tabs: Words, tab: str) -> ResponseReturnValue:
    session, sight, now = db.session(), room.sight(), cases_room.now()
    after, size = Place.read(request.args.get("after")), cases_room.settings().page_size
    read = lists.held_cases if view == "held" else lists.reworked_cases
    page = read(session, sight, after=after, size=size)
    kind = tab or None
    return render_template(
        "oversight/standing.html",
        view=view,
        tabs=_tabs(endpoint, "kind", tabs),
        tab=tab,
        lines=page.lines,
        class_names=names_of(session, classes=[line.class_code for line in page.lines]).classes,
        stood={line.id: room.lateness(line.since, now, None) for line in page.lines if line.since},
        next_url=url_for(endpoint, kind=kind, after=str(page.next)) if page.next else None,
        first_url=url_for(endpoint, kind=kind) if after else None,
    )


def _tabs(endpoint: str, name: str, tabs: Words) -> list[tuple[str, object, str]]:
    found = [(key, label, url_for(endpoint, **{name: key})) for key, label in tabs.items()]  # type: ignore[arg-type]  # names of ours
    if endpoint == "oversight.disputed":
        # A list of its own, of the room that keeps them.
        found.append(("appeal", _l("申诉"), url_for("assessment.appeal_list", undecided=1)))
    return found


def _answer_due(line: AskedLine, now: datetime) -> bool:
    """Tell whether the answer to a supervision is overdue."""
    written = line.details.get("due_at")
    return isinstance(written, str) and datetime.fromisoformat(written) < now
