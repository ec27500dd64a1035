"""The editor and the comparison: pages that hold a canvas, and what their scripts ask for."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import PurePosixPath
from typing import Any, Final

from flask import jsonify, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_wtf.csrf import generate_csrf

from app.accounts.roles import ROLES
from app.db.session import db
from app.errors import Fault, NotFound
from app.modeling.bundles import find_faults, forms_of
from app.modeling.draft_commands import SaveDraftFile
from app.modeling.draft_queries import (
    LARGEST_FILE,
    FileState,
    active_version,
    contents_of,
    draft_of,
    files_of,
)
from app.modeling.element_templates import element_templates
from app.modeling.pages.room import (
    ANALYSTS,
    READERS,
    blueprint,
    known_topics,
    may_change,
    with_canvas,
)
from app.modeling.pages.script_texts import compare_texts, editor_texts
from app.web.access import open_to
from app.web.acting import act

KINDS: Final = {".bpmn": "bpmn", ".dmn": "dmn", ".json": "form"}


@blueprint.get("/drafts/<int:draft_id>/<path>")
@open_to(*READERS)
def edit(draft_id: int, path: str) -> ResponseReturnValue:
    """Open a file in the editor of its kind."""
    session = db.session()
    draft = draft_of(session, draft_id)
    files = files_of(session, draft_id)
    _of(files, path)
    page = render_template(
        "modeling/editor.html",
        draft=draft,
        path=path,
        files=sorted(files),
        kind=KINDS[PurePosixPath(path).suffix],
        locked=draft.status != "open" or not may_change(),
        texts=editor_texts(),
        templates=_templates(files) if path.endswith(".bpmn") else [],
    )
    return with_canvas(page)


@blueprint.get("/drafts/<int:draft_id>/<path>/content")
@open_to(*READERS)
def content(draft_id: int, path: str) -> ResponseReturnValue:
    """Return a file's newest content and version, and a fresh token for saving it."""
    state = _of(files_of(db.session(), draft_id), path)
    assert state.content is not None
    return jsonify(
        version=state.version,
        content=state.content.decode(),
        saved_by=state.saved_by,
        saved_at=state.saved_at.isoformat(),
        token=generate_csrf(),
    )


@blueprint.post("/drafts/<int:draft_id>/<path>")
@open_to(*ANALYSTS)
def save(draft_id: int, path: str) -> ResponseReturnValue:
    """Keep what the editor sends: the file itself is the body, the version it was made from is asked by."""
    if (request.content_length or 0) > LARGEST_FILE:
        return jsonify(
            message=_("文件超过 2 MB，请拆分后再存")
        ), HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    seen = request.args.get("seen", 0, int)
    return jsonify(version=act(SaveDraftFile(draft_id, path, request.get_data(), seen)))


@blueprint.get("/drafts/<int:draft_id>/check")
@open_to(*READERS)
def check(draft_id: int) -> ResponseReturnValue:
    """Return every fault of the draft as the deployment would find it."""
    session = db.session()
    draft_of(session, draft_id)
    faults = find_faults(contents_of(session, draft_id), topics=known_topics())
    return jsonify(faults=[_fault(draft_id, fault) for fault in faults])


@blueprint.get("/drafts/<int:draft_id>/compare/<path>")
@open_to(*READERS)
def compare(draft_id: int, path: str) -> ResponseReturnValue:
    """Show a diagram beside the deployed one."""
    session = db.session()
    draft = draft_of(session, draft_id)
    state = _of(files_of(session, draft_id), path)
    active = active_version(session, draft.key)
    page = render_template(
        "modeling/compare.html",
        draft=draft,
        path=path,
        newer=(state.content or b"").decode(),
        older=(active.files.get(path, b"") if active else b"").decode(),
        active=active,
        texts=compare_texts(),
        drawn=path.endswith(".bpmn"),
    )
    return with_canvas(page)


def _of(files: dict[str, FileState], path: str) -> FileState:
    state = files.get(path)
    if state is None:
        raise NotFound("草稿中没有文件 %(path)s。", path=path)
    return state


def _fault(draft_id: int, fault: Fault) -> dict[str, Any]:
    there = url_for("modeling.edit", draft_id=draft_id, path=fault.file) if fault.file else ""
    return {
        "file": fault.file,
        "element": fault.element,
        "reason": fault.reason,
        "remedy": fault.remedy,
        "url": there,
    }


def _templates(files: dict[str, FileState]) -> list[dict[str, Any]]:
    locale = get_locale()
    place = 0 if locale is None or locale.language == "zh" else 1
    words = {
        "service": _("服务："),
        "user": _("人工："),
        "form": _("表单"),
        "clock": _("计时器"),
    }
    roles = {role: names[place] for role, names in ROLES.items()}
    return element_templates(
        known_topics(), roles, forms_of(dict.fromkeys(files, b"")), words=words
    )
