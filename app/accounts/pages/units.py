"""Administration of units."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.accounts import administration
from app.accounts.commands import ChangeUnit, CloseUnit, CreateUnit, MoveUnit, ReopenUnit
from app.accounts.pages.room import READERS, admin_words, blueprint
from app.accounts.roles import ADMINISTRATOR
from app.accounts.tables import Unit
from app.db.session import db
from app.errors import InvalidInput, NotFound
from app.web.access import open_to
from app.web.acting import act

_LONGEST_ID = 18


@blueprint.get("/admin")
@open_to(*READERS)
def admin() -> ResponseReturnValue:
    """Lead to the first page of the administration."""
    return redirect(url_for("accounts.units"))


@blueprint.get("/admin/units")
@open_to(*READERS)
def units() -> ResponseReturnValue:
    """Show the tree of units."""
    return render_template(
        "accounts/units.html",
        units=administration.units_in_order(db.session()),
        heads=administration.head_counts(db.session()),
        **admin_words(),
    )


@blueprint.get("/admin/units/new")
@open_to(ADMINISTRATOR)
def new_unit() -> ResponseReturnValue:
    """Show the form for a unit below another."""
    return _form(None, {"parent_id": request.args.get("parent", "")}, {})


@blueprint.post("/admin/units/new")
@open_to(ADMINISTRATOR)
def create_unit() -> ResponseReturnValue:
    """Add a unit."""
    typed = request.form
    try:
        parent_id = typed.get("parent_id", "")
        if parent_id and not parent_id.isdecimal():
            raise NotFound
        act(
            CreateUnit(
                typed.get("code", "").strip(),
                parent_id=int(parent_id) if parent_id else None,
                **_described(),
            )
        )
    except InvalidInput as error:
        return _form(None, typed, error.fields), HTTPStatus.UNPROCESSABLE_ENTITY
    flash(_("单位已新建。"), "success")
    return redirect(url_for("accounts.units"))


@blueprint.get("/admin/units/<int:unit_id>")
@open_to(*READERS)
def unit(unit_id: int) -> ResponseReturnValue:
    """Show one unit."""
    found = _unit_or_404(unit_id)
    return _form(found, _as_typed(found), {})


@blueprint.post("/admin/units/<int:unit_id>")
@open_to(ADMINISTRATOR)
def change_unit(unit_id: int) -> ResponseReturnValue:
    """Change a unit."""
    try:
        act(ChangeUnit(unit_id, **_described()))
    except InvalidInput as error:
        page = _form(_unit_or_404(unit_id), request.form, error.fields)
        return page, HTTPStatus.UNPROCESSABLE_ENTITY
    flash(_("单位已修改。"), "success")
    return redirect(url_for("accounts.unit", unit_id=unit_id))


@blueprint.post("/admin/units/<int:unit_id>/close")
@open_to(ADMINISTRATOR)
def close_unit(unit_id: int) -> ResponseReturnValue:
    """Take a unit and those below it out of use."""
    act(CloseUnit(unit_id))
    flash(_("单位及其下级单位已停用。"), "success")
    return redirect(url_for("accounts.unit", unit_id=unit_id))


@blueprint.post("/admin/units/<int:unit_id>/reopen")
@open_to(ADMINISTRATOR)
def reopen_unit(unit_id: int) -> ResponseReturnValue:
    """Bring a unit back into use."""
    command = ReopenUnit(unit_id, with_those_below=request.form.get("with_those_below") == "1")
    return _try(unit_id, command, _("单位已重新启用。"))


@blueprint.post("/admin/units/<int:unit_id>/move")
@open_to(ADMINISTRATOR)
def move_unit(unit_id: int) -> ResponseReturnValue:
    """Put a unit under another."""
    chosen = request.form.get("parent_id", "")
    if not chosen.isdecimal() or len(chosen) > _LONGEST_ID:
        found = _unit_or_404(unit_id)
        page = _form(found, _as_typed(found), {"parent_id": _("请选择上级单位")})
        return page, HTTPStatus.UNPROCESSABLE_ENTITY
    return _try(unit_id, MoveUnit(unit_id, int(chosen)), _("单位已移动，可见范围随之改变。"))


def _try(unit_id: int, command: object, done: str) -> ResponseReturnValue:
    """Run the command and lead back to the unit, or show what stands in the way."""
    try:
        act(command)
    except InvalidInput as error:
        found = _unit_or_404(unit_id)
        typed = {**_as_typed(found), "parent_id": request.form.get("parent_id", "")}
        return _form(found, typed, error.fields), HTTPStatus.UNPROCESSABLE_ENTITY
    flash(done, "success")
    return redirect(url_for("accounts.unit", unit_id=unit_id))


def _form(found: Unit | None, typed: Mapping[str, str], faults: Mapping[str, str]) -> str:
    return render_template(
        "accounts/unit.html",
        unit=found,
        typed=typed,
        faults=faults,
        parents=[
            one
            for one in administration.units_in_order(db.session())
            if one.active and not (found and one.path.startswith(found.path))
        ],
        changes=administration.changes_of(db.session(), unit_id=found.id) if found else (),
        **admin_words(),
    )


def _described() -> dict[str, Any]:
    typed = request.form
    duties = typed.get("duties", "").replace("、", " ").replace("，", " ").replace(",", " ")
    return {
        "name": typed.get("name", "").strip(),
        "name_en": typed.get("name_en", "").strip(),
        "rank_group": typed.get("rank_group") or None,
        "district_code": typed.get("district_code", "").strip() or None,
        "duties": tuple(dict.fromkeys(duties.split())),
    }


def _as_typed(found: Unit) -> dict[str, str]:
    return {
        "code": found.code,
        "name": found.name,
        "name_en": found.name_en,
        "rank_group": found.rank_group or "",
        "district_code": found.district_code or "",
        "duties": " ".join(found.duties),
    }


def _unit_or_404(unit_id: int) -> Unit:
    found = db.session().get(Unit, unit_id)
    if found is None:
        raise NotFound("没有编号为 %(id)s 的单位或人员。", id=unit_id)
    return found
