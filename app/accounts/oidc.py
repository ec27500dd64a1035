"""Signing in with the city's own identity provider (OpenID Connect), where an installation names one.

Who exists and what they may do stays ours: the provider only says who stands there.
"""

from __future__ import annotations

from typing import Any

from authlib.integrations.base_client import OAuthError
from authlib.integrations.flask_client import OAuth
from flask import Blueprint, current_app, flash, redirect, request, session, url_for
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_user
from requests import RequestException

from app.accounts.queries import person_by_login
from app.accounts.sign_in import signed_in
from app.db.session import db
from app.errors import NotFound
from app.run import Runtime
from app.settings import Settings
from app.web.access import PUBLIC, open_to

blueprint = Blueprint("oidc", __name__)

_ONWARD = "oidc.onward"


@blueprint.record_once
def _register(state: BlueprintSetupState) -> None:
    """Make the provider known, and tell the sign-in page whether there is one."""
    runtime: Runtime = state.app.extensions["jingwei"]
    settings = runtime.services.settings
    oauth = OAuth(state.app)
    if settings.oidc_issuer:
        oauth.register(
            "city",
            client_id=settings.oidc_client_id,
            client_secret=settings.oidc_client_secret,
            server_metadata_url=f"{settings.oidc_issuer.rstrip('/')}/.well-known/openid-configuration",
            client_kwargs={
                "scope": "openid profile",
                "code_challenge_method": "S256",
                "timeout": 10,
            },
        )
    state.app.extensions["jingwei.oidc"] = oauth
    state.app.add_template_global(_offered, "oidc_name")


@blueprint.get("/sign-in/oidc")
@open_to(PUBLIC)
def leave() -> ResponseReturnValue:
    """Lead to the provider."""
    session[_ONWARD] = request.args.get("next", "")
    try:
        answer: ResponseReturnValue = _provider().authorize_redirect(
            url_for("oidc.come_back", _external=True)
        )
    except (OAuthError, RequestException):
        current_app.logger.exception("the identity provider does not answer")
        return _refused(_("统一身份认证没有应答，请稍后再试，或用登录名和密码登录。"))
    return answer


@blueprint.get("/sign-in/oidc/back")
@open_to(PUBLIC)
def come_back() -> ResponseReturnValue:
    """Open a session for the person the provider names."""
    try:
        claims = _provider().authorize_access_token()["userinfo"]
    except (OAuthError, RequestException, KeyError):
        current_app.logger.exception("the identity provider's answer could not be used")
        return _refused(_("统一身份认证没有成功，请重新登录。"))
    name = str(claims.get(_settings().oidc_login_claim) or "").strip().lower()
    person = person_by_login(db.session(), name) if name else None
    user = signed_in(db.session(), person.id) if person else None
    if user is None:
        return _refused(
            _("统一身份认证的账号“%(name)s”在本系统中没有对应的人员，请联系管理员。", name=name)
        )
    onward = session.pop(_ONWARD, "")
    # A new session: nothing that was written before signing in is carried over.
    session.clear()
    login_user(user)
    return redirect(url_for("accounts.sign_in", next=onward) if onward else "/")


def _provider() -> Any:
    """Return the provider. Raises NotFound where the installation names none."""
    if not _settings().oidc_issuer:
        raise NotFound
    return current_app.extensions["jingwei.oidc"].city


def _settings() -> Settings:
    runtime: Runtime = current_app.extensions["jingwei"]
    return runtime.services.settings


def _offered() -> str | None:
    """Return the name that the door of the provider bears; None where there is none."""
    settings = _settings()
    return settings.oidc_name if settings.oidc_issuer else None


def _refused(why: str) -> ResponseReturnValue:
    flash(why, "warning")
    return redirect(url_for("accounts.sign_in"))
