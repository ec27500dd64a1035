"""Build the Flask application: runtime, extensions, shell, rooms."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from flask import Flask
from flask_migrate import Migrate
from werkzeug.middleware.proxy_fix import ProxyFix

from app.clock import Clock, SystemClock
from app.db.session import Database, db
from app.rooms import import_tables, register_rooms
from app.run import Runtime, Services, install
from app.settings import REPOSITORY, Settings
from app.web import shell
from app.web.access import check_rules
from app.web.kept import start_keeping


def build_app(
    settings: Settings | None = None,
    *,
    database: Database | None = None,
    clock: Clock | None = None,
) -> Flask:
    """Build the application of an installation; settings come from the environment by default."""
    settings = settings or Settings.from_env()
    settings.check_production()
    settings.check_media_origins()
    app = Flask(
        "app",
        root_path=str(Path(__file__).parent),
        static_folder="web/static",
        template_folder="web/templates",
    )
    app.config.from_mapping(_config(settings))
    if settings.proxies:
        # Without them the header is anybody's to write, and a sign-in's address whatever it says.
        count = settings.proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count)  # type: ignore[method-assign]
    runtime = Runtime(database or Database.at(settings), Services(settings), clock or SystemClock())
    app.extensions["jingwei"] = runtime
    install(runtime)
    db.init_app(app)
    import_tables()
    Migrate(app, db, directory=str(REPOSITORY / "migrations"))
    shell.init_app(app, settings)
    start_keeping(app)
    register_rooms(app)
    check_rules(app)
    return app


def _config(settings: Settings) -> dict[str, object]:
    """Return what Flask and its extensions want to know."""
    return {
        "SECRET_KEY": settings.secret_key,
        "TESTING": settings.testing,
        # Never connected to: the reading engine stands behind db.session.
        "SQLALCHEMY_DATABASE_URI": "postgresql+psycopg://",
        "SESSION_COOKIE_NAME": "jingwei",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": settings.secure_cookies,
        "PERMANENT_SESSION_LIFETIME": timedelta(hours=12),
        "MAX_CONTENT_LENGTH": settings.photo_bytes_limit * settings.photos_per_request + 2**20,
        "MAX_FORM_MEMORY_SIZE": 2 * 2**20,
        "WTF_CSRF_TIME_LIMIT": None,
        "BABEL_DEFAULT_LOCALE": settings.locale,
        "BABEL_DEFAULT_TIMEZONE": settings.timezone_name,
        "BABEL_TRANSLATION_DIRECTORIES": "web/translations",
        "API_TITLE": "Jingwei",
        "API_VERSION": "v1",
        "OPENAPI_VERSION": "3.1.0",
        "OPENAPI_URL_PREFIX": "/api",
        "OPENAPI_JSON_PATH": "openapi.json",
    }
