"""Schemes as pages: the list, the editor of lines, and the preview of the last months under a draft."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.accounts.roles import ASSESSOR, SUPERVISOR
from app.assessment.commands import DRAFT, AdoptScheme, DropScheme, SaveScheme
from app.assessment.pages.ranking import (
    SEE_ALL,
    blueprint,
    month_name,
    reader,
    runtime,
    unit_name,
    zone,
)
from app.assessment.ranking import GROUP_NAMES, Month
from app.assessment.scheme_forms import SchemeForm
from app.assessment.scheme_queries import counted_month, lost, scheme_of, schemes, tried
from app.assessment.scored import Counted, as_in_force, scheme_in_force
from app.assessment.tables import AssessmentScheme
from app.db.session import db
from app.errors import InvalidInput
from app.web.access import open_to
from app.web.acting import act
from app.web.errors import status_of
from app.web.kept import kept
from app.web.language import language_code
from sla.figures import MEASURES, POPULATIONS, Figure, figure_name
from sla.indicators import AVERAGE_NAMES, EVERY
from sla.scheme_files import parse_scheme, shipped_schemes
from sla.schemes import FIELDS_OF, TAKING_KINDS, Kind, Scheme

WRITERS: Final = (ASSESSOR,)
ADOPTERS: Final = (ASSESSOR, SUPERVISOR)
STATE_NAMES: Final = {
    "draft": ("○", _l("草稿")),
    "in_force": ("●", _l("生效")),
    "dropped": ("×", _l("作废")),
}
FIELD_NAMES: Final = {
    "points": _l("分值"),
    "target": _l("达标值"),
    "each": _l("扣（加）分"),
    "per": _l("每多少"),
    "cap": _l("上限"),
    "free": _l("免计件数"),
}


@blueprint.get("/schemes")
@open_to(*SEE_ALL)
def scheme_list(errors: Mapping[str, str] | None = None) -> str:
    """List the schemes, with the form that begins another."""
    session = db.session()
    month = Month.of(runtime().clock.now(), zone())
    return render_template(
        "assessment/schemes.html",
        lines=schemes(session),
        present=scheme_in_force(session, month.first_on),
        shipped=shipped_schemes(),
        state_names=STATE_NAMES,
        may_write=reader().has(*WRITERS),
        errors=errors or {},
        locale=language_code(),
    )


@blueprint.post("/schemes")
@open_to(*WRITERS)
def start_scheme() -> ResponseReturnValue:
    """Begin a draft from a shape that comes with the product or from a scheme there is."""
    try:
        base = _base(request.form.get("base", ""))
        name = request.form.get("name", "").strip()
        scheme_id = act(SaveScheme(None, base.as_plain() | {"name": name, "name_en": ""}))
    except InvalidInput as error:
        return scheme_list(error.fields), status_of(error)
    return redirect(url_for("assessment.scheme", scheme_id=scheme_id))


@blueprint.get("/schemes/<int:scheme_id>")
@open_to(*SEE_ALL)
def scheme(scheme_id: int) -> str:
    """Show a scheme: a draft in the editor, where the reader may write it."""
    row = scheme_of(db.session(), scheme_id)
    return _page(row, SchemeForm.of_plain(row.data | {"note": row.data.get("note", "")}), {})


@blueprint.post("/schemes/<int:scheme_id>")
@open_to(*WRITERS)
def save_scheme(scheme_id: int) -> ResponseReturnValue:
    """Save the draft, or add, remove or move a row of what stands in the form."""
    form = SchemeForm.of_request(request.form)
    action = request.form.get("action", "save")
    if form.change(action):
        return _page(scheme_of(db.session(), scheme_id), form, {})
    try:
        seen = request.form.get("seen", 0, int)
        act(SaveScheme(scheme_id, form.as_plain(), request.form.get("reason", ""), seen))
    except InvalidInput as error:
        faults = form.named(error.fields)
        return _page(scheme_of(db.session(), scheme_id), form, faults), status_of(error)
    flash(_("方案已保存。"), "success")
    if action == "preview":
        return redirect(url_for("assessment.try_scheme", scheme_id=scheme_id))
    return redirect(url_for("assessment.scheme", scheme_id=scheme_id))


def _counted(month: Month) -> Counted:
    """Return the counts of a month, a little old at most: a draft is tried again and again."""
    session = db.session()
    return kept(("counted", month), lambda: counted_month(session, month, zone()))[1]


@blueprint.get("/schemes/<int:scheme_id>/preview")
@open_to(*SEE_ALL)
def try_scheme(scheme_id: int) -> str:
    """Show the last months under the scheme beside what held: who moves, and why."""
    session = db.session()
    row = scheme_of(session, scheme_id)
    draft = parse_scheme(row.data)
    months = tried(session, draft, runtime().clock.now(), zone(), _counted)
    chosen = request.args.get("month")
    shown = next((one for one in months if str(one.month) == chosen), months[0])
    return render_template(
        "assessment/preview.html",
        row=row,
        draft=draft,
        months=months,
        shown=shown,
        group_name=lambda code: GROUP_NAMES[code][0 if language_code().startswith("zh") else 1],
        ranked_by=ranked_by,
        lost=lost,
        month_name=month_name,
        unit_name=unit_name,
        figure=Figure.of,
        locale=language_code(),
    )


@blueprint.post("/schemes/<int:scheme_id>/adopt")
@open_to(*ADOPTERS)
def adopt_scheme(scheme_id: int) -> ResponseReturnValue:
    """Put a draft in force, as the second person."""
    try:
        month = _month(request.form.get("valid_from", ""))
        act(AdoptScheme(scheme_id, month.first_on, request.form.get("seen", 0, int)))
    except InvalidInput as error:
        row = scheme_of(db.session(), scheme_id)
        return _page(row, SchemeForm.of_plain(row.data), error.fields), status_of(error)
    flash(_("方案从%(month)s起生效。", month=month_name(month)), "success")
    return redirect(url_for("assessment.scheme_list"))


@blueprint.post("/schemes/<int:scheme_id>/drop")
@open_to(*WRITERS)
def drop_scheme(scheme_id: int) -> ResponseReturnValue:
    """Lay a draft aside."""
    act(DropScheme(scheme_id, request.form.get("seen", 0, int)))
    flash(_("草稿已作废。"), "success")
    return redirect(url_for("assessment.scheme_list"))


def _page(row: AssessmentScheme, form: SchemeForm, errors: Mapping[str, str]) -> str:
    """Show a scheme with what stands in its form."""
    language = 0 if language_code().startswith("zh") else 1
    editing = row.state == DRAFT and reader().has(*WRITERS)
    return render_template(
        "assessment/scheme.html",
        row=row,
        form=form,
        labels=form.labels(),
        errors=errors,
        editing=editing,
        scheme=None if editing else as_in_force(row).scheme,
        may_adopt=row.state == DRAFT and reader().has(*ADOPTERS),
        is_own=reader().person_id in (row.created_by, row.changed_by),
        kinds=[(kind.value, kind.label(language_code())) for kind in Kind],
        taking=[(kind.value, kind.label(language_code())) for kind in Kind if kind in TAKING_KINDS],
        fields_of=_fields_of,
        field_names=FIELD_NAMES,
        indicators=[
            (code, figure_name(code)[language])
            for code in (*EVERY, *AVERAGE_NAMES)
            if code in MEASURES
        ],
        populations=[(code, names[language]) for code, names in POPULATIONS.items()],
        state_names=STATE_NAMES,
        this_month=Month.of(runtime().clock.now(), zone()),
        ranked_by=ranked_by,
        locale=language_code(),
    )


def _fields_of(kind: str) -> tuple[str, ...]:
    """Return the fields of a way of counting; none where it is not known."""
    if kind not in tuple(Kind):
        return ()
    needed, possible = FIELDS_OF[Kind(kind)]
    return (*needed, *possible)


def ranked_by(scheme: Scheme) -> str:
    """Say what a scheme ranks by."""
    if scheme.ranked_by == "score":
        return str(_("总分"))
    return Figure.of(scheme.ranked_by).label(language_code())


def _base(chosen: str) -> Scheme:
    """Return the scheme that a new draft begins with. Raises InvalidInput."""
    kind, _colon, name = chosen.partition(":")
    if kind == "shipped" and name in shipped_schemes():
        return shipped_schemes()[name]
    if kind == "scheme" and name.isdecimal() and len(name) < 18:
        return parse_scheme(scheme_of(db.session(), int(name)).data)
    raise InvalidInput({"base": _("请选择从哪一份起草")})


def _month(written: str) -> Month:
    try:
        return Month.parse(written.strip())
    except InvalidInput as error:
        raise InvalidInput({"valid_from": error.fields["month"]}) from error
