"""Drafts as pages: the list, one draft with its files, and the way to a second person's approval."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from pathlib import PurePosixPath
from typing import Final

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from app.db.keyset import Place
from app.db.session import db
from app.errors import DefinitionError, InvalidInput
from app.modeling.bundles import find_faults
from app.modeling.draft_commands import (
    ApproveDraft,
    ProposeDraft,
    RejectDraft,
    RemoveDraftFile,
    RestoreDraftFile,
    SaveDraftFile,
    StartDraft,
    WithdrawDraft,
)
from app.modeling.draft_queries import (
    active_version,
    contents_of,
    draft_of,
    drafts,
    files_of,
    history_of,
    person_name,
    version_files,
)
from app.modeling.pages.room import (
    ANALYSTS,
    CASE_KEY,
    READERS,
    STATUS_NAMES,
    blueprint,
    known_topics,
)
from app.web.access import open_to
from app.web.acting import act

PAGE_SIZE: Final = 30


@blueprint.get("")
@open_to(*READERS)
def index(errors: Mapping[str, str] | None = None, title: str = "") -> str:
    """List the drafts, and the files of the version that new cases start on."""
    session = db.session()
    after = Place.read(request.args.get("after"))
    before = None if after is None else (after.at, after.id)
    lines = drafts(session, before=before, limit=PAGE_SIZE + 1)
    shown = lines[:PAGE_SIZE]
    more = Place(shown[-1].updated_at, shown[-1].id) if len(lines) > PAGE_SIZE else None
    return render_template(
        "modeling/index.html",
        lines=shown,
        next_place=more,
        first=after is None,
        active=active_version(session, CASE_KEY),
        status_names=STATUS_NAMES,
        errors=errors or {},
        title=title,
    )


@blueprint.post("/drafts")
@open_to(*ANALYSTS)
def start() -> ResponseReturnValue:
    """Begin a draft."""
    title = request.form.get("title", "")
    try:
        draft_id = act(StartDraft(CASE_KEY, title))
    except InvalidInput as error:
        return index(error.fields, title), HTTPStatus.UNPROCESSABLE_ENTITY
    return redirect(url_for("modeling.draft", draft_id=draft_id))


@blueprint.get("/drafts/<int:draft_id>")
@open_to(*READERS)
def draft(draft_id: int, errors: Mapping[str, str] | None = None) -> str:
    """Show a draft's files, what each is against the version it began from, and its faults."""
    session = db.session()
    found = draft_of(session, draft_id)
    files = files_of(session, draft_id)
    base = version_files(session, found.base_hash)
    active = active_version(session, found.key)
    checked = "check" in request.args or found.status == "proposed"
    contents = contents_of(session, draft_id) if checked else {}
    return render_template(
        "modeling/draft.html",
        draft=found,
        files=[(file, _against(base, file.path, file.content)) for file in files.values()],
        gone=sorted(base.keys() - files.keys()),
        owner=person_name(session, found.owner_id),
        proposer=person_name(session, found.proposed_by),
        decider=person_name(session, found.decided_by),
        mine=found.proposed_by == current_user.actor.person_id,
        active_hash=active.hash if active else "",
        status_names=STATUS_NAMES,
        checked=checked,
        faults=find_faults(contents, topics=known_topics()) if checked else [],
        errors=errors or {},
        typed=request.form,
    )


def _against(base: Mapping[str, bytes], path: str, content: bytes | None) -> str:
    if path not in base:
        return "added"
    return "same" if base[path] == content else "changed"


@blueprint.post("/drafts/<int:draft_id>/files")
@open_to(*ANALYSTS)
def add_file(draft_id: int) -> ResponseReturnValue:
    """Put a file of the reader's computer into the draft, in the place of one of the same name."""
    given = request.files.get("file")
    if given is None or not given.filename:
        return draft(draft_id, {"file": _("请选择文件")}), HTTPStatus.UNPROCESSABLE_ENTITY
    path = PurePosixPath(given.filename.replace("\\", "/")).name
    known = files_of(db.session(), draft_id).get(path)
    seen = known.version if known else 0
    try:
        act(SaveDraftFile(draft_id, path, given.read(), seen))
    except InvalidInput as error:
        return draft(draft_id, error.fields), HTTPStatus.UNPROCESSABLE_ENTITY
    flash(_("已放入草稿：%(path)s", path=path), "success")
    return redirect(url_for("modeling.draft", draft_id=draft_id))


@blueprint.post("/drafts/<int:draft_id>/<path>/remove")
@open_to(*ANALYSTS)
def remove_file(draft_id: int, path: str) -> ResponseReturnValue:
    """Take a file out of the draft."""
    act(RemoveDraftFile(draft_id, path, request.form.get("seen", 0, int)))
    flash(_("已移出草稿：%(path)s", path=path), "success")
    return redirect(url_for("modeling.draft", draft_id=draft_id))


@blueprint.get("/drafts/<int:draft_id>/history/<path>")
@open_to(*READERS)
def history(draft_id: int, path: str) -> ResponseReturnValue:
    """List the saved states of a file."""
    session = db.session()
    found = draft_of(session, draft_id)
    before = request.args.get("before", type=int)
    states = history_of(session, draft_id, path, before=before, limit=PAGE_SIZE + 1)
    return render_template(
        "modeling/history.html",
        draft=found,
        path=path,
        states=states[:PAGE_SIZE],
        next_before=states[PAGE_SIZE - 1].version if len(states) > PAGE_SIZE else None,
        first=before is None,
    )


@blueprint.post("/drafts/<int:draft_id>/history/<path>")
@open_to(*ANALYSTS)
def restore(draft_id: int, path: str) -> ResponseReturnValue:
    """Make an older state the newest."""
    act(RestoreDraftFile(draft_id, path, request.form.get("version", 0, int)))
    flash(_("已恢复为所选的一稿。"), "success")
    return redirect(url_for("modeling.edit", draft_id=draft_id, path=path))


@blueprint.post("/drafts/<int:draft_id>/propose")
@open_to(*ANALYSTS)
def propose(draft_id: int) -> ResponseReturnValue:
    """Hand the draft in for approval; what is wrong with it is listed on its page."""
    try:
        act(ProposeDraft(draft_id, request.form.get("note", ""), known_topics()))
    except InvalidInput as error:
        return draft(draft_id, error.fields), HTTPStatus.UNPROCESSABLE_ENTITY
    except DefinitionError:
        flash(_("草稿尚有错误，改正后才能提交。"), "error")
        return redirect(url_for("modeling.draft", draft_id=draft_id, check=1))
    flash(_("已提交，等待另一人审批。"), "success")
    return redirect(url_for("modeling.draft", draft_id=draft_id))


@blueprint.post("/drafts/<int:draft_id>/withdraw")
@open_to(*ANALYSTS)
def withdraw(draft_id: int) -> ResponseReturnValue:
    """Take a proposal back."""
    act(WithdrawDraft(draft_id))
    return redirect(url_for("modeling.draft", draft_id=draft_id))


@blueprint.post("/drafts/<int:draft_id>/approve")
@open_to(*ANALYSTS)
def approve(draft_id: int) -> ResponseReturnValue:
    """Deploy the draft as the second person."""
    seen = request.form.get("seen", 0, int)
    try:
        act(ApproveDraft(draft_id, seen, request.form.get("active", ""), known_topics()))
    except DefinitionError:
        flash(_("草稿尚有错误，不能部署。"), "error")
    else:
        flash(_("已部署：新案卷按这一版办理，在办案卷仍按原版。"), "success")
    return redirect(url_for("modeling.draft", draft_id=draft_id))


@blueprint.post("/drafts/<int:draft_id>/reject")
@open_to(*ANALYSTS)
def reject(draft_id: int) -> ResponseReturnValue:
    """Give the draft back with a reason."""
    try:
        act(RejectDraft(draft_id, request.form.get("reason", "")))
    except InvalidInput as error:
        return draft(draft_id, error.fields), HTTPStatus.UNPROCESSABLE_ENTITY
    flash(_("已退回修改。"), "success")
    return redirect(url_for("modeling.draft", draft_id=draft_id))
