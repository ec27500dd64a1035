"""Fixtures: a real PostgreSQL, migrated once; a test runs in a savepoint or in a database of its own.

JINGWEI_TEST_DATABASE_URL names a server to test on (its user may create databases); without it an
embedded server is started for the session and thrown away after it.
"""

from __future__ import annotations

import fcntl
import gc
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jinja2 import FileSystemBytecodeCache
from sqlalchemy import URL, create_engine, make_url, text
from sqlalchemy.orm import Session

from app import create_app
from app.clock import FixedClock
from app.db.embedded import EmbeddedServer
from app.db.migrate import upgrade
from app.db.session import Database, engine_for
from app.run import Runtime, Services, install
from app.settings import Settings

TEMPLATE = "jingwei_template"
# Shared by the workers of pytest-xdist, which inherit the environment of the controller.
SHARED = "JINGWEI_TEST_DIR"
# New objects after which the collector looks for cycles; each test makes an application of some hundred thousand.
COLLECT_AFTER = 50_000


def pytest_configure(config: pytest.Config) -> None:
    """Choose the folder that every worker of this session shares."""
    if not hasattr(config, "workerinput"):
        shared = Path(tempfile.mkdtemp(prefix="jingwei-test-"))
        # The account that runs PostgreSQL for root must be able to pass through.
        shared.chmod(0o711)
        os.environ[SHARED] = str(shared)


def pytest_collection_finish() -> None:
    """Let the collector pass over the modules and tests, which stay: it would walk them again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Throw the session's server away."""
    if not hasattr(config, "workerinput") and SHARED in os.environ:
        shared = Path(os.environ.pop(SHARED))
        _session_server(shared).remove()
        shutil.rmtree(shared, ignore_errors=True)


def _session_server(shared: Path) -> EmbeddedServer:
    # Nothing here outlives the session, so nothing needs to reach the disk.
    extra = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
    return EmbeddedServer(shared, {**extra, "shared_buffers": "128MB"})


@pytest.fixture(scope="session")
def server_url() -> URL:
    """Return the URL of the server to test on."""
    given = os.environ.get("JINGWEI_TEST_DATABASE_URL")
    if given:
        return make_url(given).set(drivername="postgresql+psycopg")
    return make_url(_session_server(Path(os.environ[SHARED])).ensure_running())


@pytest.fixture(scope="session")
def template_url(server_url: URL) -> URL:
    """Return the URL of the migrated database that others are cloned from; nobody stays connected to it."""
    url = server_url.set(database=f"{TEMPLATE}_{Path(os.environ[SHARED]).name[-8:]}")
    with _alone():
        if _create_database(server_url, url.database or "", ignore_existing=True):
            engine = engine_for(_text(url))
            upgrade(engine)
            engine.dispose()
    return url


@contextmanager
def _alone() -> Iterator[None]:
    """Keep the other workers out: the template is migrated once, and cloned by one at a time."""
    with Path(os.environ[SHARED], "template.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def cloned_database(server_url: URL, template_url: URL) -> Iterator[URL]:
    """Clone the template and drop the clone afterwards."""
    url = server_url.set(database=f"jingwei_{uuid4().hex[:12]}")
    with _alone():
        _create_database(server_url, url.database or "", template=template_url.database)
    try:
        yield url
    finally:
        _execute(server_url, f'DROP DATABASE "{url.database}" WITH (FORCE)')


@pytest.fixture
def empty_database_url(server_url: URL) -> Iterator[str]:
    """Return the URL of a database without any table, dropped after the test."""
    url = server_url.set(database=f"jingwei_{uuid4().hex[:12]}")
    _create_database(server_url, url.database or "")
    yield _text(url)
    _execute(server_url, f'DROP DATABASE "{url.database}" WITH (FORCE)')


@pytest.fixture(scope="session")
def _worker_database(server_url: URL, template_url: URL) -> Iterator[Database]:
    """One clone for all the tests of this worker that roll back."""
    with cloned_database(server_url, template_url) as url:
        engine = engine_for(_text(url))
        yield Database.on(engine, engine)
        engine.dispose()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return settings with a var folder of the test's own."""
    return Settings(
        var_dir=tmp_path / "var", secret_key="for tests only", testing=True, answers_kept_s=0
    )


@pytest.fixture
def clock() -> FixedClock:
    """Return a clock that stands at 09:00 of a working Tuesday in Shanghai."""
    return FixedClock(datetime(2025, 11, 25, 1, 0, tzinfo=UTC))


@pytest.fixture
def open_database(
    _worker_database: Database, settings: Settings, clock: FixedClock
) -> Iterator[Database]:
    """Return a database over one connection whose transaction is rolled back after the test; run() uses it."""
    engine = _worker_database.writing
    with engine.connect() as connection:
        outer = connection.begin()
        database = Database.on(connection, connection)
        install(Runtime(database, Services(settings), clock))
        yield database
        outer.rollback()


@pytest.fixture
def session(open_database: Database) -> Iterator[Session]:
    """Return a session beside run()'s, in the same rolled back transaction; commit() to let run() see its rows."""
    with open_database.sessions() as opened:
        yield opened


@pytest.fixture
def database(
    server_url: URL, template_url: URL, settings: Settings, clock: FixedClock
) -> Iterator[Database]:
    """Return a database of the test's own, cloned from the template: for tests that commit; run() uses it."""
    with cloned_database(server_url, template_url) as url:
        writing, reading = engine_for(_text(url)), engine_for(_text(url), read_only=True)
        cloned = Database.on(writing, reading)
        install(Runtime(cloned, Services(settings), clock))
        yield cloned
        cloned.drop_connections()


@pytest.fixture
def app(settings: Settings, open_database: Database, clock: FixedClock) -> Iterator[Flask]:
    """Return the application over the rolled back transaction."""
    built = create_app(settings, database=open_database, clock=clock)
    keep_templates(built)
    built.config["WTF_CSRF_ENABLED"] = False
    yield built


def keep_templates(app: Flask) -> None:
    """Let the applications of a session compile each template once: every test has an application of its own."""
    folder = Path(os.environ[SHARED], "templates")
    folder.mkdir(exist_ok=True)
    app.jinja_env.bytecode_cache = FileSystemBytecodeCache(str(folder))


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Return a browser's stand-in that nobody is signed in with."""
    return app.test_client()


def _create_database(
    server_url: URL, name: str, *, template: str | None = None, ignore_existing: bool = False
) -> bool:
    """Create a database; return whether it was there to be created."""
    if ignore_existing and _execute(
        server_url, "SELECT 1 FROM pg_database WHERE datname = :name", name=name
    ):
        return False
    source = f'"{template}"' if template else "template0"
    _execute(server_url, f"""CREATE DATABASE "{name}" TEMPLATE {source} ENCODING 'UTF8'""")
    return True


def _execute(server_url: URL, statement: str, **parameters: object) -> bool:
    """Execute one statement outside a transaction; return whether it found a row."""
    engine = create_engine(server_url, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            result = connection.execute(text(statement), parameters)
            return result.returns_rows and result.first() is not None
    finally:
        engine.dispose()


def _text(url: URL) -> str:
    return url.render_as_string(hide_password=False)
