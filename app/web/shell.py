"""Give the application its shell: everything that all pages share."""

from __future__ import annotations

from flask import Flask
from flask_login import LoginManager
from flask_wtf import CSRFProtect

from app.settings import Settings
from app.web import access, assets, errors, formats, language, navigation, pages, security
from app.web.rest import rest

csrf = CSRFProtect()
login = LoginManager()


def init_app(app: Flask, settings: Settings) -> None:
    """Set up languages, formats, sign-in, form protection, the JSON API and error pages."""
    language.init_app(app)
    formats.init_app(app, settings)
    assets.init_app(app)
    navigation.init_app(app)
    security.init_app(app, settings)
    csrf.init_app(app)
    login.login_view = "accounts.sign_in"
    login.login_message = None
    login.session_protection = "basic"
    login.init_app(app)
    access.init_app(app)
    rest.init_app(app)
    # After the API, which would answer every HTTP error in JSON.
    errors.init_app(app)
    app.register_blueprint(pages.blueprint)
