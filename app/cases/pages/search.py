"""Find cases by number or text."""

from __future__ import annotations

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.cases.pages import room
from app.cases.pages.deadlines import case_deadline
from app.cases.pages.inbox import EXPORT_LIMIT
from app.cases.pages.room import blueprint
from app.cases.queries.case_file import case_by_number, names_of
from app.cases.queries.keyset import Place
from app.cases.queries.matching import LONGEST_WORDS, without_nul
from app.cases.queries.places import district_names
from app.cases.queries.search import WINDOW, find_cases
from app.cases.queries.visibility import may_see, sight_of
from app.db.session import db
from app.web.access import SIGNED_IN, open_to


@blueprint.get("/cases")
@open_to(SIGNED_IN)
def search() -> ResponseReturnValue:
    """List the cases found, newest first; a whole number leads straight to its case."""
    session, now = db.session(), room.now()
    words = without_nul(request.args.get("q", "")).strip()[:LONGEST_WORDS]
    whole = case_by_number(session, words) if words.isdecimal() else None
    if whole is not None and may_see(session, room.reader(), whole.id):
        return redirect(url_for("cases.case_page", number=words))
    sight = sight_of(session, room.reader())
    before = Place.read(request.args.get("before"))
    found = find_cases(session, words, sight, before=before, size=room.settings().page_size)
    lines, onward = found.page.lines, found.page.next
    return render_template(
        "cases/search.html",
        words_typed=words,
        lines=lines,
        deadlines={line.id: case_deadline(line, now) for line in lines},
        class_names=names_of(session, classes=[line.class_code for line in lines]).classes,
        districts=district_names(session),
        searched_to=found.searched_to,
        window=WINDOW,
        sees_all=sight.whole,
        export_limit=EXPORT_LIMIT,
        next_url=url_for("cases.search", q=words or None, before=str(onward)) if onward else None,
        first_url=url_for("cases.search", q=words or None) if before else None,
    )
