"""Asking for something in a case: extension, hold and its release, return, supervision."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.cases.commands import (
    RaiseSupervision,
    ReleaseHold,
    RequestExtension,
    RequestHold,
    RequestReturn,
)
from app.cases.pages import room
from app.cases.pages.case import Refused, show_case
from app.cases.pages.room import blueprint
from app.errors import InvalidInput, NotFound, StateChanged
from app.web.access import SIGNED_IN, open_to
from app.web.acting import act
from app.web.errors import status_of, text_of

Typed = Mapping[str, str]

# sla names a faulty limit by its parts; the form has one field for it.
_FIELDS: Final = {"limit": "amount", "limit_value": "amount", "limit_unit": "amount", "at": "until"}
_DONE: Final = {
    "extension": _l("延期申请已提交，等待审批。"),
    "hold": _l("挂账申请已提交，等待审批。"),
    "return": _l("退单申请已提交，等待裁定。"),
    "supervision": _l("督办已发出。"),
    "release": _l("已解除挂账，恢复计时。"),
}


@blueprint.post("/cases/<number>/requests/<kind>")
@open_to(SIGNED_IN)
def ask(number: str, kind: str) -> ResponseReturnValue:
    """Ask for something in a case, or show its page again with what is wrong."""
    build = _COMMANDS.get(kind)
    if build is None:
        raise NotFound
    case_id = room.case_or_404(number).id
    typed = request.form.to_dict()
    try:
        act(build(case_id, typed))
    except InvalidInput as error:
        faults = {_FIELDS.get(name, name): fault for name, fault in error.fields.items()}
        return show_case(number, Refused(kind, faults, typed)), status_of(error)
    except StateChanged as error:
        faults = {"": text_of(error)}
        return show_case(number, Refused(kind, faults, typed)), status_of(error)
    flash(str(_DONE[kind]), "success")
    return redirect(url_for("cases.case_page", number=number))


def _extension(case_id: int, typed: Typed) -> object:
    amount = typed.get("amount", "").strip() or None
    return RequestExtension(case_id, typed.get("reason", ""), amount)


def _hold(case_id: int, typed: Typed) -> object:
    until = moment_typed(typed, "until")
    if until is None:
        raise InvalidInput({"until": _("请填写挂账到什么时候")})
    return RequestHold(case_id, until, typed.get("reason", ""))


def _return(case_id: int, typed: Typed) -> object:
    return RequestReturn(case_id, typed.get("reason", ""))


def _supervision(case_id: int, typed: Typed) -> object:
    return RaiseSupervision(
        case_id, typed.get("source", ""), typed.get("reason", ""), moment_typed(typed, "due_at")
    )


def _release(case_id: int, typed: Typed) -> object:
    return ReleaseHold(case_id)


_COMMANDS: Final[Mapping[str, Callable[[int, Typed], object]]] = {
    "extension": _extension,
    "hold": _hold,
    "return": _return,
    "supervision": _supervision,
    "release": _release,
}


def moment_typed(typed: Typed, name: str) -> datetime | None:
    """Return a local time typed into a field as an aware moment; None for an empty field."""
    text = typed.get(name, "").strip()
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as exc:
        raise InvalidInput({name: "日期时间的格式不对"}) from exc
    return moment if moment.tzinfo else moment.replace(tzinfo=room.zone())
