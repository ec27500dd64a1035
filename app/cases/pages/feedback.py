"""The citizen's word on a closed case."""

from __future__ import annotations

from typing import Final

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.accounts.roles import DISPATCHER, INTAKE_OFFICER
from app.cases.commands import RecordFeedback
from app.cases.pages import room
from app.cases.pages.room import blueprint
from app.errors import InvalidInput, StateChanged
from app.web.access import open_to
from app.web.acting import act
from app.web.errors import text_of

RECORDERS: Final = (INTAKE_OFFICER, DISPATCHER)


@blueprint.post("/cases/<number>/feedback")
@open_to(*RECORDERS)
def record_feedback(number: str) -> ResponseReturnValue:
    """Record what the citizen says of a closed case."""
    case = room.case_or_404(number)
    said = request.form.get("satisfied")
    words = request.form.get("words", "").replace("\r\n", "\n")
    if said not in ("yes", "no"):
        flash(_("请选择市民是否认为已解决"), "error")
    else:
        _record(case.id, said == "yes", words)
    return redirect(url_for("cases.case_page", number=number, _anchor="feedback"))


def _record(case_id: int, satisfied: bool, words: str) -> None:
    try:
        act(RecordFeedback(case_id, satisfied, words))
        flash(_("已记录市民反馈。"), "success")
    except InvalidInput as error:
        fault = None if words.strip() else _("请写明市民的原话")
        flash(fault or text_of(error), "error")
    except StateChanged as error:
        flash(text_of(error), "error")
