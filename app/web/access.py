"""Who may open which page: each view says so, and the application does not start with one that does not."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final, TypeVar

from flask import Flask, abort, current_app, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app.errors import Forbidden
from app.web.current import now
from app.web.errors import wants_json

View = TypeVar("View", bound=Callable[..., Any])

# Instead of roles: anybody at all, and anybody who is signed in.
PUBLIC: Final = "public"
SIGNED_IN: Final = "signed_in"
_RULE: Final = "open_to"
# All that is open to a person whose password somebody else chose.
PASSWORD_PAGE: Final = "accounts.password"  # noqa: S105 (the name of a page)
_OF_ONE_S_OWN: Final = frozenset({PASSWORD_PAGE, "accounts.change_password"})
# How often a session begins anew while its person is at work; the cookie holds when it last did.
RENEWED_EVERY_S: Final = 600
_RENEWED: Final = "renewed"
# Flask's own and the API's description: files that everybody may read.
_FILES: Final = frozenset({"static", "api-docs.openapi_json"})


class RuleMissing(TypeError):
    """A view says nothing of who may open it."""


def open_to(*roles: str) -> Callable[[View], View]:
    """Let a view be opened by these roles, by everybody who is signed in (SIGNED_IN) or by all (PUBLIC).

    Stands below the blueprint's own decorator.
    """

    def mark(view: View) -> View:
        setattr(view, _RULE, frozenset(roles))
        return view

    return mark


def rule_of(app: Flask, endpoint: str) -> frozenset[str]:
    """Return who may open an endpoint. Raises RuleMissing."""
    if endpoint in _FILES:
        return frozenset({PUBLIC})
    view = app.view_functions[endpoint]
    rule = getattr(view, _RULE, None) or getattr(getattr(view, "view_class", None), _RULE, None)
    if rule is None:
        raise RuleMissing(f"{endpoint}: put @open_to(...) on its view")
    found: frozenset[str] = rule
    return found


def init_app(app: Flask) -> None:
    """Hold every request against its view's rule."""
    app.before_request(_hold)


def check_rules(app: Flask) -> None:
    """Raise RuleMissing when a view has no rule."""
    for endpoint in app.view_functions:
        rule_of(app, endpoint)


def _hold() -> ResponseReturnValue | None:
    if request.endpoint is None:
        return None
    rule = rule_of(current_app, request.endpoint)
    if PUBLIC in rule:
        return None
    if not current_user.is_authenticated:
        if wants_json():
            # A program follows no redirect to a form.
            abort(HTTPStatus.UNAUTHORIZED)
        if _is_part():
            # The form would stand in its place.
            return "", HTTPStatus.UNAUTHORIZED
        return current_app.login_manager.unauthorized()  # type: ignore[attr-defined, no-any-return]  # set by Flask-Login
    _renew_session()
    if current_user.must_change_password and request.endpoint not in _OF_ONE_S_OWN:
        return _first_password()
    if SIGNED_IN not in rule:
        current_user.actor.require(*rule)
    return None


def _is_part() -> bool:
    """Tell whether a page asks for a part of itself."""
    return "HX-Request" in request.headers


def _renew_session() -> None:
    """Let the session last from now on: it ends hours after what a person did, not after what their page asks for."""
    by_itself = _is_part() or not request.accept_mimetypes.accept_html
    if "X-By-Itself" in request.headers or (request.method == "GET" and by_itself):
        return
    at = int(now().timestamp())
    if at - session.get(_RENEWED, 0) >= RENEWED_EVERY_S:
        session[_RENEWED] = at


def _first_password() -> ResponseReturnValue:
    """Lead to the form for a password of one's own, and back to where one wanted to go after it."""
    if request.path.startswith("/api/") or _is_part():
        raise Forbidden("请先修改由管理员设置的密码。")
    onward = request.full_path.rstrip("?") if request.method == "GET" else None
    return redirect(url_for(PASSWORD_PAGE, next=onward))
