"""One decision for several work items: claim, assign, or the same answer. Each is a transaction of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from flask import render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.cases.commands import AssignItem, ClaimItem, CompleteWork
from app.cases.pages import room
from app.cases.pages.choice_lists import person_options
from app.cases.pages.form_view import Control, Option, controls_of
from app.cases.pages.item import ItemForm, item_or_404, may_assign
from app.cases.pages.room import blueprint
from app.cases.pages.words import element_word
from app.cases.queries.choices import people_offered
from app.db.session import db
from app.errors import Forbidden, InvalidInput, NotFound, StateChanged
from app.modeling.forms import Form
from app.web.access import SIGNED_IN, open_to
from app.web.acting import act
from app.web.errors import text_of
from app.web.language import said

MOST: Final = 100
_LONGEST_ID: Final = 19


@dataclass(frozen=True, slots=True)
class Told:
    """What happened to one item."""

    number: str
    name: str
    done: bool
    text: str


@blueprint.post("/inbox/bulk")
@open_to(SIGNED_IN)
def bulk() -> ResponseReturnValue:
    """Do one thing to every item ticked; ask first what is to be answered, or who gets them."""
    found = [item_or_404(item_id) for item_id in _ticked()]
    wish = request.form.get("action")
    if not found:
        return _page(found, fault=_("请先在列表中勾选工作。"))
    if wish == "claim":
        return _done([_try(one, ClaimItem(one.item.id), _("已认领")) for one in found])
    if wish == "assign":
        return _assign(found)
    if wish == "answer":
        return _answer(found)
    raise NotFound


def answered_by_choice(form: Form) -> bool:
    """Tell whether a form asks for a choice alone, and perhaps for words about it."""
    asked = [field for field in form.fields if not field.readonly]
    choices = [field for field in asked if field.type == "radio"]
    rest = [field for field in asked if field.type != "radio"]
    return (
        len(choices) == 1
        and choices[0].key == "outcome"
        and all(field.key == "opinion" and field.type == "textarea" for field in rest)
    )


def _ticked() -> list[int]:
    """Return the items ticked, each once, in the order of the list."""
    texts = dict.fromkeys(request.form.getlist("item"))
    ids = [int(text) for text in texts if text.isdecimal() and len(text) < _LONGEST_ID]
    if len(ids) > MOST:
        raise InvalidInput({"": _("一次最多 %(n)s 项。", n=MOST)})
    return ids


def _answer(found: Sequence[ItemForm]) -> ResponseReturnValue:
    first = found[0]
    alike = {(one.item.element, one.item.form_key, one.schema) for one in found}
    if len(alike) > 1:
        return _page(found, fault=_("所选工作不是同一环节，不能一并办理。"))
    if not answered_by_choice(first.form):
        return _page(found, fault=_("这一环节的表单不只是一个选择，请逐项办理。"))
    controls = {control.key: control for control in controls_of(first.schema, first.form, {}, {})}
    options = controls["outcome"].options
    answers: dict[str, Any] = {
        key: request.form[key] for key in ("outcome", "opinion") if request.form.get(key)
    }
    if answers.get("outcome") not in {option.value for option in options}:
        fault = _("请选择办理意见。") if "asked" in request.form else None
        return _page(
            found, fault=fault, outcomes=options, opinion=controls.get("opinion"), typed=answers
        )
    return _done([_try(one, CompleteWork(one.item.id, answers), _("已办结")) for one in found])


def _assign(found: Sequence[ItemForm]) -> ResponseReturnValue:
    actor, first = room.reader(), found[0].item
    if any(not may_assign(actor, one.item.unit_id) for one in found):
        raise Forbidden
    if len({(one.item.role, one.item.unit_id) for one in found}) > 1:
        return _page(found, fault=_("所选工作不属于同一角色和单位，不能一并指派。"))
    people = person_options(people_offered(db.session(), first.role, first.unit_id))
    chosen = request.form.get("person_id", "")
    if chosen not in {option.value for option in people}:
        fault = _("请选择人员") if "asked" in request.form else None
        return _page(found, fault=fault, people=people)
    return _done([_try(one, AssignItem(one.item.id, int(chosen)), _("已指派")) for one in found])


def _try(one: ItemForm, command: object, done: str) -> Told:
    """Run a command of one item; what hinders it hinders no other."""
    number, name = one.case.number, element_word(one.item.name)
    try:
        act(command)
    except InvalidInput as error:
        labels = {
            control.key: control.label for control in controls_of(one.schema, one.form, {}, {})
        }
        text = "；".join(
            f"{labels[key]}{_('：')}{said(fault)}" if key in labels else said(fault)
            for key, fault in error.fields.items()
        )
        return Told(number, name, False, text or text_of(error))
    except (StateChanged, Forbidden) as error:
        return Told(number, name, False, text_of(error))
    return Told(number, name, True, done)


def _done(told: Sequence[Told]) -> str:
    return render_template("cases/bulk_done.html", told=told, tab=request.form.get("tab", ""))


def _page(
    found: Sequence[ItemForm],
    *,
    fault: str | None,
    outcomes: Sequence[Option] = (),
    opinion: Control | None = None,
    people: Sequence[Option] = (),
    typed: dict[str, Any] | None = None,
) -> ResponseReturnValue:
    page = render_template(
        "cases/bulk.html",
        found=found,
        fault=fault,
        outcomes=outcomes,
        opinion=opinion,
        people=people,
        typed=typed or {},
        tab=request.form.get("tab", ""),
    )
    return page, 422 if fault else 200
