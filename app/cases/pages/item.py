"""Working on one item: its form beside its case, drafts, claiming, assigning, completing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from flask import flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from markupsafe import Markup

from app.accounts.roles import DUTY_CHIEF, UNIT_MANAGER
from app.cases.commands import AssignItem, ClaimItem, CompleteWork, HandBackItem, SaveDraft
from app.cases.commands.authority import fits
from app.cases.pages import room
from app.cases.pages.choice_lists import choices_for, condition_options, person_options
from app.cases.pages.deadlines import item_deadline
from app.cases.pages.form_view import Control, controls_of, typed_answers, words_of_answers
from app.cases.pages.photos import add_uploaded
from app.cases.pages.room import blueprint
from app.cases.pages.standing import accounts_of
from app.cases.pages.summary import CaseSummary, summary_of
from app.cases.pages.words import element_word
from app.cases.queries import case_file
from app.cases.queries.choices import people_offered
from app.cases.queries.matching import without_nul
from app.cases.queries.nearby import WITHIN_DAYS, WITHIN_M, nearby_cases
from app.cases.queries.visibility import require_sight, sight_of
from app.cases.tables import Case, WorkItem
from app.db.session import db
from app.errors import Forbidden, InvalidInput, NotFound, StateChanged
from app.modeling.bundles import forms_of
from app.modeling.forms import Form
from app.modeling.queries import Deployed, deployed
from app.run import Actor
from app.web.access import SIGNED_IN, open_to
from app.web.acting import act
from app.web.errors import status_of, text_of

# No further than the database counts: what is beyond is not found, and not an error.
ITEM: Final = f"int(max={2**63 - 1}):item_id"


@dataclass(frozen=True)
class ItemForm:
    """An item with its case and the form of the version it runs on."""

    item: WorkItem
    case: Case
    version: Deployed

    @property
    def form(self) -> Form:
        """Return the form's questions."""
        return self.version.form(self.item.form_key)

    @property
    def schema(self) -> bytes:
        """Return the form as the form editor saved it."""
        return forms_of(self.version.files)[self.item.form_key]


@blueprint.get(f"/items/<{ITEM}>")
@open_to(SIGNED_IN)
def item(item_id: int) -> ResponseReturnValue:
    """Show an item's form beside its case; what was typed before comes back."""
    found = item_or_404(item_id)
    if found.item.status != "open":
        return _finished_page(found)
    return _open_page(found)


def _open_page(found: ItemForm) -> str:
    """Show an open item with what the person typed before."""
    item_id = found.item.id
    draft = case_file.draft_of(db.session(), item_id, room.reader().person_id)
    return _page(found, _first_values(found, draft.answers if draft else {}), draft=draft)


@blueprint.post(f"/items/<{ITEM}>")
@open_to(SIGNED_IN)
def complete(item_id: int) -> ResponseReturnValue:
    """Complete an item, keep a draft, or add photos, as the button pressed says."""
    found = item_or_404(item_id)
    answers = typed_answers(found.form, request.form, room.zone())
    wish = request.form.get("action", "complete")
    name = element_word(found.item.name)
    try:
        if wish == "choose":
            return _page(found, answers)
        add_uploaded(found.case.id, item_id=item_id)
        if wish != "complete":
            return _kept(item_id, answers, wish)
        act(CompleteWork(item_id, answers))
    except InvalidInput as error:
        return _page(item_or_404(item_id), answers, errors=error.fields), status_of(error)
    except (StateChanged, Forbidden) as error:
        return _changed_page(item_id, answers, error)
    said = _("案卷 %(number)s 的“%(item)s”已办结。", number=found.case.number, item=name)
    if beside():
        return _left(item_id, said)
    flash(said, "success")
    return redirect(url_for("cases.inbox"))


def _kept(item_id: int, answers: dict[str, Any], wish: str) -> ResponseReturnValue:
    """Keep a draft, with the photos that came along, and show the item again."""
    act(SaveDraft(item_id, answers))
    if beside():
        return _open_page(item_or_404(item_id))
    flash(_("草稿已保存。") if wish == "draft" else _("照片已上传。"), "success")
    return redirect(url_for("cases.item", item_id=item_id))


@blueprint.post(f"/items/<{ITEM}>/draft")
@open_to(SIGNED_IN)
def draft(item_id: int) -> ResponseReturnValue:
    """Keep what was typed so far; asked by the page's script."""
    found = item_or_404(item_id)
    answers = typed_answers(found.form, request.form, room.zone())
    act(SaveDraft(item_id, answers))
    return jsonify({"saved_at": room.now().astimezone(room.zone()).strftime("%H:%M:%S")})


@blueprint.post(f"/items/<{ITEM}>/claim")
@open_to(SIGNED_IN)
def claim(item_id: int) -> ResponseReturnValue:
    """Take an item and open it."""
    if not beside():
        act(ClaimItem(item_id))
    else:
        try:
            act(ClaimItem(item_id))
        except (StateChanged, Forbidden) as error:
            return _changed_page(item_id, {}, error)
        return _open_page(item_or_404(item_id))
    flash(_("已认领。"), "success")
    return redirect(url_for("cases.item", item_id=item_id))


@blueprint.post(f"/items/<{ITEM}>/hand-back")
@open_to(SIGNED_IN)
def hand_back(item_id: int) -> ResponseReturnValue:
    """Give an item back to its group."""
    act(HandBackItem(item_id))
    if beside():
        return _left(item_id, _("已退回本组，其他人可以认领。"))
    flash(_("已退回本组，其他人可以认领。"), "success")
    return redirect(url_for("cases.inbox"))


@blueprint.post(f"/items/<{ITEM}>/assign")
@open_to(SIGNED_IN)
def assign(item_id: int) -> ResponseReturnValue:
    """Give an item to a person."""
    found = item_or_404(item_id)
    try:
        act(AssignItem(item_id, _chosen_person()))
    except InvalidInput as error:
        values = _first_values(item_or_404(item_id), {})
        return _page(item_or_404(item_id), values, errors=error.fields), status_of(error)
    if beside():
        return _left(item_id, _("已指派。"))
    flash(_("已指派。"), "success")
    return redirect(url_for("cases.case_page", number=found.case.number))


def beside() -> bool:
    """Tell whether an item is asked for beside its list: a part of a page, not a whole one."""
    return "pane" in request.args


def pane_of(item_id: int) -> Markup | None:
    """Return an item as it stands beside the list; None where the reader may not see it."""
    try:
        found = item_or_404(item_id)
        open_ = found.item.status == "open"
        return Markup(_open_page(found) if open_ else _finished_page(found))  # noqa: S704 because a template escaped it
    except (NotFound, Forbidden):
        return None


def _left(item_id: int, said: str) -> ResponseReturnValue:
    """Tell the list that an item left it, and why."""
    return jsonify({"left": item_id, "said": said})


def _template(name: str) -> str:
    """Return the template of a whole page, or of the part that stands beside the list."""
    alone = request.endpoint != "cases.inbox" and not beside()
    return f"cases/{name}.html" if alone else f"cases/{name}_beside.html"


def _chosen_person() -> int:
    text = request.form.get("person_id", "")
    if not text.isdecimal() or len(text) > 15:
        raise InvalidInput({"person_id": "请选择人员"})
    return int(text)


@blueprint.get("/cases/conditions")
@open_to(SIGNED_IN)
def conditions() -> ResponseReturnValue:
    """Return the filing conditions of a class, for the page's script."""
    code = without_nul(request.args.get("class_code", ""))
    options = condition_options(db.session(), code, room.today())
    return jsonify([{"value": option.value, "text": option.text} for option in options])


def may_work_on(actor: Actor, work_item: WorkItem) -> bool:
    """Tell whether an item is of the person's role and unit, or theirs."""
    return fits(actor, _as_row(work_item))


def may_complete(actor: Actor, work_item: WorkItem) -> bool:
    """Tell whether the person may complete an item: nobody else has taken it."""
    taken = work_item.assignee_id not in (None, actor.person_id)
    return may_work_on(actor, work_item) and not taken


def may_assign(actor: Actor, unit_id: int | None) -> bool:
    """Tell whether the person may give an item of a unit, or of none, to somebody."""
    if unit_id is None:
        return actor.has(DUTY_CHIEF)
    return actor.has(UNIT_MANAGER) and unit_id == actor.unit_id


def _as_row(work_item: WorkItem) -> dict[str, Any]:
    names = ("role", "unit_id", "assignee_id")
    return {name: getattr(work_item, name) for name in names}


def item_or_404(item_id: int) -> ItemForm:
    """Return an item with its case. Raises NotFound, or Forbidden when the case is not for this reader."""
    session = db.session()
    found = case_file.work_item(session, item_id)
    if found is None:
        raise NotFound
    case = case_file.case_by_id(session, found.case_id)
    instance = case_file.instance_by_id(session, found.instance_id)
    assert case is not None, "a foreign key leads from the item to its case"
    require_sight(session, room.reader(), case)
    assert instance is not None, "a foreign key leads from the item to its instance"
    version = deployed(room.connection(), instance.definition_hash)
    return ItemForm(found, case, version)


def _first_values(found: ItemForm, typed: dict[str, Any]) -> dict[str, Any]:
    """Return what the form begins with: what is known, what the step suggests, what was typed before."""
    known = {
        field.key: found.case.class_code
        for field in found.form.fields
        if field.source == "classes" and found.case.class_code
    }
    return {**known, **(found.item.defaults or {}), **typed}


def _page(
    found: ItemForm,
    values: dict[str, Any],
    *,
    errors: dict[str, str] | None = None,
    draft: Any = None,
) -> str:
    actor, work_item = room.reader(), found.item
    if not (may_work_on(actor, work_item) or may_assign(actor, work_item.unit_id)):
        raise Forbidden("这项工作不归您的角色或单位办理。")
    values = {**(work_item.defaults or {}), **values}
    people = (
        person_options(people_offered(db.session(), work_item.role, work_item.unit_id))
        if may_assign(actor, work_item.unit_id)
        else []
    )
    return render_template(
        _template("item"),
        item=work_item,
        case=found.case,
        summary=_summary(found),
        deadline=item_deadline(work_item, found.case, room.now()),
        controls=_controls(found, values),
        errors=errors or {},
        draft=draft,
        may_complete=may_complete(actor, work_item),
        may_claim=work_item.assignee_id is None and may_work_on(actor, work_item),
        mine=work_item.assignee_id == actor.person_id,
        people=people,
        me=actor.person_id,
        **_around(found),
    )


def _around(found: ItemForm) -> dict[str, Any]:
    """Return what helps to decide: cases near this one, and its limits with their arithmetic."""
    session, case = db.session(), found.case
    nearby = nearby_cases(session, case, sight_of(session, room.reader()))
    codes = [one.class_code for one in nearby]
    return {
        "nearby": nearby,
        "nearby_classes": case_file.names_of(session, classes=codes).classes,
        "within_m": WITHIN_M,
        "within_days": WITHIN_DAYS,
        "clocks": accounts_of(session, case, case_file.clocks_of(session, case.id), room.now())[:2],
    }


def _controls(found: ItemForm, values: dict[str, Any]) -> list[Control]:
    choices = choices_for(db.session(), found.form, found.case, values, room.today())
    return controls_of(found.schema, found.form, values, choices)


def _summary(found: ItemForm) -> CaseSummary:
    return summary_of(db.session(), found.case, found.version)


def _finished_page(found: ItemForm) -> str:
    return render_template(
        _template("item_closed"),
        item=found.item,
        case=found.case,
        finish=case_file.finish_of(db.session(), found.item.id),
        summary=_summary(found),
        message=None,
        typed=[],
    )


def _changed_page(
    item_id: int, answers: dict[str, Any], error: StateChanged | Forbidden
) -> ResponseReturnValue:
    """Say who was first, how the case stands now, and give back what was typed."""
    found = item_or_404(item_id)
    choices = choices_for(db.session(), found.form, found.case, answers, room.today())
    page = render_template(
        _template("item_closed"),
        item=found.item,
        case=found.case,
        finish=case_file.finish_of(db.session(), item_id),
        summary=_summary(found),
        message=text_of(error),
        typed=words_of_answers(found.schema, found.form, answers, choices),
    )
    return page, status_of(error)
