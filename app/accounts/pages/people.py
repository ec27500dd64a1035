"""Administration of people: who they are, what they may do, how they get in again."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.accounts import administration
from app.accounts.administration import PersonLine
from app.accounts.commands import (
    ChangePerson,
    CreatePerson,
    DeactivatePerson,
    LiftLockOut,
    ReactivatePerson,
    SetPassword,
)
from app.accounts.pages.room import READERS, admin_words, blueprint, runtime
from app.accounts.passwords import SHORTEST
from app.accounts.roles import ADMINISTRATOR
from app.db.session import db
from app.errors import InvalidInput, NotFound
from app.web.access import open_to
from app.web.acting import act

_LONGEST_WORDS = 100


@blueprint.get("/admin/people")
@open_to(*READERS)
def people() -> ResponseReturnValue:
    """List people, by login."""
    words = _plain(request.args.get("q", ""))[:_LONGEST_WORDS]
    after = _plain(request.args.get("after", ""))
    size = runtime().services.settings.page_size
    page = administration.people_page(
        db.session(), words, runtime().clock.now(), after=after, size=size
    )
    query = words or None
    return render_template(
        "accounts/people.html",
        words_typed=words,
        lines=page.lines,
        next_url=url_for("accounts.people", q=query, after=page.next) if page.next else None,
        first_url=url_for("accounts.people", q=query) if after else None,
        **admin_words(),
    )


@blueprint.get("/admin/people/new")
@open_to(ADMINISTRATOR)
def new_person() -> ResponseReturnValue:
    """Show the form for a person."""
    return _form(None, {"unit_id": request.args.get("unit", "")}, (), {})


@blueprint.post("/admin/people/new")
@open_to(ADMINISTRATOR)
def create_person() -> ResponseReturnValue:
    """Add a person."""
    typed = request.form
    try:
        person_id = act(
            CreatePerson(
                _unit_id(),
                _plain(typed.get("login", "")),
                _plain(typed.get("name", "")),
                _plain(typed.get("phone", "")) or None,
                tuple(typed.getlist("roles")),
                typed.get("password") or None,
            )
        )
    except InvalidInput as error:
        page = _form(None, typed, tuple(typed.getlist("roles")), error.fields)
        return page, HTTPStatus.UNPROCESSABLE_ENTITY
    flash(_("人员已新建。首次登录时须修改密码。"), "success")
    return redirect(url_for("accounts.person", person_id=person_id))


@blueprint.get("/admin/people/<int:person_id>")
@open_to(*READERS)
def person(person_id: int) -> ResponseReturnValue:
    """Show one person."""
    line = _line_or_404(person_id)
    return _form(line, _as_typed(line), line.roles, {})


@blueprint.post("/admin/people/<int:person_id>")
@open_to(ADMINISTRATOR)
def change_person(person_id: int) -> ResponseReturnValue:
    """Change a person."""
    typed = request.form
    roles = tuple(typed.getlist("roles"))
    try:
        name, phone = _plain(typed.get("name", "")), _plain(typed.get("phone", "")) or None
        act(ChangePerson(person_id, _unit_id(), name, phone, roles))
    except InvalidInput as error:
        page = _form(_line_or_404(person_id), typed, roles, error.fields)
        return page, HTTPStatus.UNPROCESSABLE_ENTITY
    return _done(person_id, _("人员已修改。"))


@blueprint.post("/admin/people/<int:person_id>/deactivate")
@open_to(ADMINISTRATOR)
def deactivate_person(person_id: int) -> ResponseReturnValue:
    """End a person's access."""
    return _try(person_id, DeactivatePerson(person_id), _("账号已停用。"))


@blueprint.post("/admin/people/<int:person_id>/reactivate")
@open_to(ADMINISTRATOR)
def reactivate_person(person_id: int) -> ResponseReturnValue:
    """Let a person in again."""
    return _try(person_id, ReactivatePerson(person_id), _("账号已重新启用。"))


@blueprint.post("/admin/people/<int:person_id>/password")
@open_to(ADMINISTRATOR)
def set_password(person_id: int) -> ResponseReturnValue:
    """Give a person a password that they must change."""
    command = SetPassword(person_id, request.form.get("password", ""))
    return _try(person_id, command, _("密码已重设。下次登录时须修改。"))


@blueprint.post("/admin/people/<int:person_id>/unlock")
@open_to(ADMINISTRATOR)
def unlock_person(person_id: int) -> ResponseReturnValue:
    """Let a person who was locked out try again."""
    return _try(person_id, LiftLockOut(person_id), _("登录锁定已解除。"))


def _try(person_id: int, command: object, done: str) -> ResponseReturnValue:
    """Run the command and lead back to the person, or show what was wrong with it."""
    try:
        act(command)
    except InvalidInput as error:
        line = _line_or_404(person_id)
        page = _form(line, _as_typed(line), line.roles, error.fields)
        return page, HTTPStatus.UNPROCESSABLE_ENTITY
    return _done(person_id, done)


def _done(person_id: int, message: str) -> ResponseReturnValue:
    flash(message, "success")
    return redirect(url_for("accounts.person", person_id=person_id))


def _form(
    line: PersonLine | None,
    typed: Mapping[str, str],
    roles: tuple[str, ...],
    faults: Mapping[str, str],
) -> str:
    own_unit = line.unit.id if line else None
    listed = administration.units_in_order(db.session())
    return render_template(
        "accounts/person.html",
        line=line,
        typed=typed,
        held=roles,
        faults=faults,
        units=[unit for unit in listed if unit.active or unit.id == own_unit],
        shortest=SHORTEST,
        changes=administration.changes_of(db.session(), person_id=line.person.id) if line else (),
        **admin_words(),
    )


def _as_typed(line: PersonLine) -> dict[str, str]:
    person = line.person
    return {"name": person.name, "phone": person.phone or "", "unit_id": str(person.unit_id)}


def _unit_id() -> int:
    written = request.form.get("unit_id", "")
    if not written.isdecimal() or len(written) > 18:
        raise InvalidInput({"unit_id": "请选择单位"})
    return int(written)


def _plain(text: str) -> str:
    """Return a typed text without what PostgreSQL cannot store."""
    return text.replace("\0", " ").strip()


def _line_or_404(person_id: int) -> PersonLine:
    line = administration.person_line(db.session(), person_id, runtime().clock.now())
    if line is None:
        raise NotFound("没有编号为 %(id)s 的单位或人员。", id=person_id)
    return line
