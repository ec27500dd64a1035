"""Signing in and out, and changing one's own password."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from math import ceil
from typing import Any

from flask import redirect, render_template, request, session, url_for
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_user, logout_user

from app.accounts import queries
from app.accounts.commands import (
    AttemptSignIn,
    ChangePassword,
    ForgetAttempts,
    RecordFailure,
    RefreshPasswordHash,
)
from app.accounts.pages.room import blueprint, role_name, runtime
from app.accounts.passwords import DEMO_PASSWORD, SHORTEST, is_outdated
from app.accounts.sign_in import SignedIn, signed_in, signed_in_by_token, verified_person
from app.db.session import db
from app.errors import InvalidInput, Text
from app.run import SYSTEM, run
from app.web.access import PUBLIC, SIGNED_IN, open_to
from app.web.errors import status_of


def load_user(token: str) -> SignedIn | None:
    """Return the person of a session cookie; Flask-Login asks at every request."""
    return signed_in_by_token(db.session(), token)


@blueprint.record_once
def _offer_loader(state: BlueprintSetupState) -> None:
    state.app.login_manager.user_loader(load_user)  # type: ignore[attr-defined]  # set by Flask-Login


@blueprint.get("/sign-in")
@open_to(PUBLIC)
def sign_in() -> ResponseReturnValue:
    """Show the form; who is signed in already goes on."""
    if current_user.is_authenticated:
        return redirect(_destination())
    return _sign_in_form()


@blueprint.post("/sign-in")
@open_to(PUBLIC)
def open_session() -> ResponseReturnValue:
    """Open a session for a right login and password, or show the form again."""
    login, password = request.form.get("login", ""), request.form.get("password", "")
    admission = _from_system(AttemptSignIn(login, request.remote_addr or ""))
    if admission.attempt_id is None:
        return _shut(login, admission.shut_until)
    person = verified_person(db.session(), login, password)
    if person is None:
        shut_until = _from_system(RecordFailure(admission.attempt_id))
        if shut_until is not None:
            return _shut(login, shut_until)
        wrong = InvalidInput({"login": "登录名或密码不正确。"})
        return _sign_in_form(login, wrong.fields), status_of(wrong)
    person_id, present = person.id, person.password_hash
    _from_system(ForgetAttempts(login))
    user = signed_in(db.session(), person_id)
    if present and is_outdated(present) and user:
        db.session.remove()
        run(RefreshPasswordHash(password), actor=user.actor)
        user = signed_in(db.session(), person_id)
    login_user(user)
    return redirect(_destination())


@blueprint.post("/sign-out")
@open_to(PUBLIC)
def sign_out() -> ResponseReturnValue:
    """Close the session. The next one's forms are not those that this one left open."""
    logout_user()
    session.clear()
    return redirect(url_for("accounts.sign_in"))


@blueprint.get("/password")
@open_to(SIGNED_IN)
def password() -> ResponseReturnValue:
    """Show the form for a new password."""
    if not current_user.is_authenticated:
        return redirect(url_for("accounts.sign_in", next=url_for("accounts.password")))
    return _password_form({})


@blueprint.post("/password")
@open_to(SIGNED_IN)
def change_password() -> ResponseReturnValue:
    """Replace one's own password; the session goes on, those elsewhere end."""
    if not current_user.is_authenticated:
        return redirect(url_for("accounts.sign_in", next=url_for("accounts.password")))
    typed = request.form.get
    command = ChangePassword(typed("present", ""), typed("password", ""), typed("repeated", ""))
    actor = current_user.actor
    # The page's connection goes back before the command takes one of its own.
    db.session.remove()
    try:
        run(command, actor=actor)
    except InvalidInput as error:
        return _password_form(error.fields), status_of(error)
    login_user(signed_in(db.session(), actor.person_id))
    return redirect(_destination())


def _password_form(faults: Mapping[str, str]) -> str:
    return render_template(
        "accounts/password.html",
        faults=faults,
        shortest=SHORTEST,
        onward=request.values.get("next", ""),
    )


def _from_system(command: object) -> Any:
    """Run a command of the platform's own: nobody is signed in yet."""
    # The page's connection goes back before the command takes one of its own.
    db.session.remove()
    return run(command, actor=SYSTEM)


def _shut(login: str, until: datetime) -> ResponseReturnValue:
    """Show the form again and say how long to wait; the same for a login that nobody has."""
    wait = until - runtime().clock.now()
    minutes = max(1, ceil(wait.total_seconds() / 60))
    fault = Text(
        "密码错误次数过多，请在 %(n)s 分钟后再试；忘记密码时，请管理员重设密码并解除锁定。",
        n=minutes,
    )
    headers = {"Retry-After": str(minutes * 60)}
    return _sign_in_form(login, {"login": fault}), HTTPStatus.TOO_MANY_REQUESTS, headers


def _sign_in_form(login: str = "", faults: Mapping[str, str] | None = None) -> str:
    return render_template(
        "accounts/sign_in.html",
        login=login,
        faults=faults or {},
        onward=request.values.get("next", ""),
        demo_accounts=queries.demo_accounts(db.session()),
        demo_password=DEMO_PASSWORD,
        role_name=role_name,
    )


def _destination() -> str:
    """Return where to go after signing in: a path of this site, never another host."""
    if current_user.is_authenticated and current_user.must_change_password:
        return url_for("accounts.password")
    onward = request.values.get("next", "")
    # Browsers drop control characters, and what is left could begin with two slashes.
    stays = onward.startswith("/") and onward[1:2] not in {"/", "\\"} and onward.isprintable()
    return onward if stays else "/"
