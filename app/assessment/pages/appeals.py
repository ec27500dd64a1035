"""Appeals as pages: the list, filing one, and deciding on one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask import Response, flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.accounts.roles import UNIT_MANAGER
from app.accounts.tables import Person, Unit
from app.assessment.appeals import (
    Contest,
    appeal_lines,
    appeal_of,
    appeal_of_case,
    appeal_of_process,
    appeal_rules,
    contests_of,
    evidence_of,
    sees_all_appeals,
)
from app.assessment.commands import FileAppeal
from app.assessment.editions import run_of_process
from app.assessment.effects import APPEAL
from app.assessment.pages.ranking import blueprint, month_name, reader, runtime, unit_name
from app.assessment.ranking import Month
from app.assessment.tables import Appeal
from app.cases.pages import room, words
from app.cases.pages.photos import SHOWN_TYPES
from app.cases.photos import photo_path
from app.cases.queries.visibility import visible_case
from app.cases.tables import Case
from app.db.keyset import Place
from app.db.session import db
from app.errors import Forbidden, InvalidInput, NotFound, StateChanged
from app.processes.pages.deciding import decide, deciding_of, typed_decision
from app.processes.queries import count_waiting_for, items_of, waiting_for
from app.processes.tables import Process
from app.web.access import SIGNED_IN, open_to
from app.web.acting import act
from app.web.errors import status_of, text_of

DECISIONS: Final = {
    None: ("○", _l("待裁定")),
    "upheld": ("✓", _l("申诉成立")),
    "refused": ("✕", _l("不成立")),
}
# Diagrams whose items are decided on these pages.
DECIDED_HERE: Final = (APPEAL, "assessment")
_ID: Final = f"int(max={2**63 - 1}):appeal_id"


@blueprint.get("/appeals")
@open_to(SIGNED_IN)
def appeal_list() -> str:
    """List what waits for the reader's decision, and the appeals they may see, the newest first."""
    session, actor = db.session(), reader()
    waiting = waiting_for(session, actor, DECIDED_HERE)
    size = runtime().services.settings.page_size
    undecided = request.args.get("undecided") == "1"
    place = Place.read(request.args.get("after"))
    before = None if place is None else (place.at, place.id)
    lines = appeal_lines(session, actor, undecided=undecided, before=before, size=size + 1)
    last = lines[size - 1].appeal if len(lines) > size else None
    return render_template(
        "assessment/appeals.html",
        waiting=waiting,
        pages={process.id: _page_of(process) for _item, process in waiting},
        titles={process.id: _title_of(process) for _item, process in waiting},
        lines=lines[:size],
        next_place=str(Place(last.filed_at, last.id)) if last else None,
        undecided=undecided,
        **_shared(),
    )


@blueprint.get("/appeals/waiting")
@open_to(SIGNED_IN)
def waiting_line() -> str:
    """Say in one line how many decisions wait for the reader; nothing when none does. For the inbox."""
    return render_template(
        "assessment/waiting_line.html",
        number=count_waiting_for(db.session(), reader(), DECIDED_HERE),
    )


@blueprint.get("/appeals/new/<number>")
@open_to(UNIT_MANAGER)
def new_appeal(number: str) -> ResponseReturnValue:
    """Show the form of an appeal, with what the case's unit was charged with."""
    return _form(number, {}, {})


@blueprint.post("/appeals/new/<number>")
@open_to(UNIT_MANAGER)
def file_appeal(number: str) -> ResponseReturnValue:
    """File an appeal, or show the form again with what is wrong; files must be chosen again then."""
    case = visible_case(db.session(), reader(), number)
    typed = request.form.to_dict()
    files = [file for file in request.files.getlist("evidence") if file.filename]
    evidence = tuple((file.filename or "", file.read()) for file in files)
    command = FileAppeal(case.id, typed.get("ground", ""), typed.get("reason", ""), evidence)
    try:
        appeal_id = act(command)
    except InvalidInput as error:
        return _form(number, typed, error.fields), status_of(error)
    except (StateChanged, Forbidden) as error:
        return _form(number, typed, {"": text_of(error)}), status_of(error)
    flash(_("申诉已提交，等待初审。"), "success")
    return redirect(url_for("assessment.appeal", appeal_id=appeal_id))


@blueprint.get(f"/appeals/<{_ID}>")
@open_to(SIGNED_IN)
def appeal(appeal_id: int) -> ResponseReturnValue:
    """Show an appeal: what it is against, its reason and files, and the decisions on it."""
    return _page(_visible(appeal_id), None, {})


@blueprint.post(f"/appeals/<{_ID}>/items/<int(max={2**63 - 1}):item_id>")
@open_to(SIGNED_IN)
def decide_appeal(appeal_id: int, item_id: int) -> ResponseReturnValue:
    """Hand a decision in, or show the appeal again with what is wrong and what was typed."""
    found = _visible(appeal_id)
    answers = typed_decision(item_id)
    try:
        decide(item_id, answers)
    except InvalidInput as error:
        return _page(_visible(appeal_id), answers, error.fields), status_of(error)
    except (StateChanged, Forbidden) as error:
        return _page(_visible(appeal_id), answers, {"": text_of(error)}), status_of(error)
    flash(_("审批意见已提交。"), "success")
    return redirect(url_for("assessment.appeal", appeal_id=found.id))


@blueprint.get(f"/appeals/<{_ID}>/files/<sha256>")
@open_to(SIGNED_IN)
def evidence(appeal_id: int, sha256: str) -> Response:
    """Send one file of an appeal."""
    found = _visible(appeal_id)
    kept = next((one for one in evidence_of(db.session(), found.id) if one.sha256 == sha256), None)
    if kept is None:
        raise NotFound
    path = photo_path(runtime().services.settings.photo_dir, kept.sha256)
    if not path.exists():
        raise NotFound
    shown = kept.media_type in SHOWN_TYPES
    response = send_file(
        path, mimetype=kept.media_type, as_attachment=not shown, download_name=kept.name
    )
    response.headers["Cache-Control"] = "private, max-age=604800, immutable"
    return response


def _form(number: str, typed: Mapping[str, str], errors: Mapping[str, Any]) -> str:
    session = db.session()
    case = visible_case(session, reader(), number)
    if not errors and (case.unit_id is None or case.unit_id != reader().unit_id):
        raise Forbidden("案卷不在您的单位办理。")
    now = runtime().clock.now()
    contests = _contests(case)
    return render_template(
        "assessment/appeal_new.html",
        case=case,
        contests=[one for one in contests if now <= one.until],
        missed=[one for one in contests if now > one.until],
        before=appeal_of_case(session, case.id),
        typed=typed,
        errors=errors,
        most_files=appeal_rules().most_files,
        **_shared(),
    )


def _page(found: Appeal, answers: Mapping[str, Any] | None, errors: Mapping[str, Any]) -> str:
    session = db.session()
    items = items_of(session, found.process_id)
    people = {one.finished_by for one in items if one.finished_by} | {found.filed_by}
    names = {key: session.get_one(Person, key).name for key in people}
    return render_template(
        "assessment/appeal.html",
        appeal=found,
        case=session.get_one(Case, found.case_id),
        unit=session.get_one(Unit, found.unit_id),
        evidence=evidence_of(session, found.id),
        items=items,
        names=names,
        deciding=deciding_of(found.process_id, answers),
        errors=errors,
        **_shared(),
    )


def _shared() -> Mapping[str, object]:
    return {
        "words": words,
        "grounds": words.GROUNDS,
        "decisions": DECISIONS,
        "unit_name": unit_name,
        "may_file": reader().has(UNIT_MANAGER),
    }


def _page_of(process: Process) -> str:
    """Return the address of what a process is about."""
    session = db.session()
    if process.process_id == APPEAL:
        found = appeal_of_process(session, process.id)
        assert found is not None, "an appeal is made with its process"
        return url_for("assessment.appeal", appeal_id=found.id)
    run = run_of_process(session, process.id)
    return url_for("assessment.month_run", written=f"{run.month:%Y-%m}")


def _title_of(process: Process) -> str:
    """Return what a process is about."""
    if process.process_id == APPEAL:
        return process.title
    run = run_of_process(db.session(), process.id)
    month = month_name(Month.beginning(run.month))
    return str(_("%(month)s考核，第 %(n)s 版", month=month, n=run.edition))


def _contests(case: Case) -> list[Contest]:
    return contests_of(db.session(), case, room.calendar())


def _visible(appeal_id: int) -> Appeal:
    """Return an appeal. Raises NotFound, or Forbidden when it is another unit's."""
    session, actor = db.session(), reader()
    found = appeal_of(session, appeal_id)
    unit = session.get_one(Unit, found.unit_id)
    own = actor.ranked and unit.path.startswith(actor.unit_path)
    if not own and not sees_all_appeals(actor):
        raise Forbidden("这份申诉不是您单位的。")
    return found
