"""Rain events: the list, an event with its process, its reports as pages and as documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.accounts.roles import FLOOD_COMMANDER
from app.accounts.tables import Person
from app.db.keyset import Place
from app.db.session import db
from app.errors import Forbidden, InvalidInput, NotFound, StateChanged
from app.flood.documents.contents import contents_of
from app.flood.documents.pdf import report_pdf
from app.flood.documents.word import report_word
from app.flood.events import event_of, events, levels_of, report_of, reports_of
from app.flood.pages import tables_of
from app.flood.pages.room import ID, WHOLE_CITY, blueprint
from app.flood.tables import RainReport
from app.processes.pages.deciding import Deciding, decide, deciding_of, typed_decision
from app.processes.queries import item_of, items_of
from app.web.access import open_to
from app.web.current import runtime, zone
from app.web.errors import status_of, text_of
from app.web.spreadsheets.transfer import as_download

_WORD: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


@blueprint.get("/events")
@open_to(*WHOLE_CITY)
def events_page() -> str:
    """List rain events, the newest first."""
    size = runtime().services.settings.page_size
    found = events(db.session(), Place.read(request.args.get("after")), size + 1)
    last = found[size - 1] if len(found) > size else None
    onward = str(Place(last.opened_at, last.id)) if last else None
    return render_template(
        "flood/events.html",
        events=found[:size],
        next_url=url_for("flood.events_page", after=onward) if onward else None,
        first_url=url_for("flood.events_page") if request.args.get("after") else None,
    )


@blueprint.get(f"/events/<{ID}:event_id>")
@open_to(*WHOLE_CITY)
def event_page(event_id: int) -> str:
    """Show an event: its levels, what it waits for, its reports."""
    return _page(event_id, None, {})


@blueprint.post(f"/events/<{ID}:event_id>/items/<{ID}:item_id>")
@open_to(FLOOD_COMMANDER)
def decide_event(event_id: int, item_id: int) -> ResponseReturnValue:
    """Hand a decision in, or show the event again with what is wrong and what was typed."""
    session = db.session()
    if item_of(session, item_id).process_id != event_of(session, event_id).process_id:
        raise NotFound
    answers = typed_decision(item_id)
    try:
        decide(item_id, answers)
    except InvalidInput as error:
        return _page(event_id, answers, error.fields), status_of(error)
    except (StateChanged, Forbidden) as error:
        return _page(event_id, answers, {"": text_of(error)}), status_of(error)
    flash(_("已提交。"), "success")
    return redirect(url_for("flood.event_page", event_id=event_id))


@blueprint.get(f"/reports/<{ID}:report_id>")
@open_to(*WHOLE_CITY)
def report_page(report_id: int) -> str:
    """Show a report: every figure as it was, each opening to its lines."""
    session = db.session()
    report = report_of(session, report_id)
    return render_template(
        "flood/report.html",
        report=report,
        event=event_of(session, report.event_id),
        figures=report.data["figures"],
        columns_of=tables_of.columns_of,
        asked=tables_of.asked,
        cell=tables_of.cell,
        number=tables_of.number,
    )


@blueprint.get(f"/reports/<{ID}:report_id>/report.docx")
@open_to(*WHOLE_CITY)
def report_as_word(report_id: int) -> ResponseReturnValue:
    """Send a report as a Word document."""
    report = report_of(db.session(), report_id)
    return as_download(report_word(contents_of(report, zone())), _named(report, "docx"), _WORD)


@blueprint.get(f"/reports/<{ID}:report_id>/report.pdf")
@open_to(*WHOLE_CITY)
def report_as_pdf(report_id: int) -> ResponseReturnValue:
    """Send a report as PDF."""
    report = report_of(db.session(), report_id)
    content = report_pdf(contents_of(report, zone()))
    return as_download(content, _named(report, "pdf"), "application/pdf")


def _named(report: RainReport, ending: str) -> str:
    return f"rain-{report.kind}-{report.as_of.astimezone(zone()):%Y%m%d-%H%M}.{ending}"


def _page(event_id: int, answers: Mapping[str, Any] | None, errors: Mapping[str, Any]) -> str:
    session = db.session()
    event = event_of(session, event_id)
    items = items_of(session, event.process_id) if event.process_id else []
    people = {one.finished_by for one in items if one.finished_by}
    return render_template(
        "flood/event.html",
        event=event,
        levels=levels_of(session, event_id),
        reports=reports_of(session, event_id),
        items=items,
        names={key: session.get_one(Person, key).name for key in people},
        deciding=_deciding(event.process_id, answers),
        errors=errors,
    )


def _deciding(process_id: int | None, answers: Mapping[str, Any] | None) -> Deciding | None:
    return None if process_id is None else deciding_of(process_id, answers)
