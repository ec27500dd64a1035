"""A server of the benchmarks' own, durable as in production, and databases cloned on it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from sqlalchemy import URL, create_engine, make_url, text

from app.clock import FixedClock
from app.db.embedded import EmbeddedServer
from app.db.migrate import upgrade
from app.db.session import Database, engine_for
from app.run import Runtime, Services, install
from app.settings import Settings
from tests.factories import City, build_city

MORNING = datetime(2025, 11, 25, 2, 0, tzinfo=UTC)  # 10:00 of a working Tuesday in Shanghai


class Scratch:
    """A temporary server whose fsync stays on."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="jingwei-bench-"))
        self.folder.chmod(0o711)
        self.settings = Settings(var_dir=self.folder / "var", secret_key="bench", testing=True)
        self._server = EmbeddedServer(self.folder, {"checkpoint_timeout": "30min"})
        self.url: URL = make_url(self._server.ensure_running())

    def close(self) -> None:
        self._server.remove()
        shutil.rmtree(self.folder, ignore_errors=True)

    def migrated(self, name: str) -> URL:
        """Create a database with our tables."""
        self.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")
        url = self.url.set(database=name)
        engine = engine_for(as_text(url))
        upgrade(engine)
        engine.dispose()
        return url

    def with_city(self, name: str) -> tuple[URL, City]:
        """Create a database with the small city of the tests and the shipped diagrams."""
        url = self.migrated(name)
        database = self.opened(url)
        with database.sessions() as session:
            city = build_city(session)
        database.drop_connections()
        return url, city

    @contextmanager
    def clone(self, template: URL) -> Iterator[URL]:
        name = f"bench_{uuid4().hex[:10]}"
        self.execute(f'CREATE DATABASE {name} TEMPLATE "{template.database}"')
        try:
            yield self.url.set(database=name)
        finally:
            self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def opened(self, url: URL) -> Database:
        """Open a database and let run() use it, at a fixed moment."""
        writing, reading = engine_for(as_text(url)), engine_for(as_text(url), read_only=True)
        database = Database.on(writing, reading)
        install(Runtime(database, Services(self.settings), FixedClock(MORNING)))
        return database

    def execute(self, statement: str) -> None:
        engine = create_engine(
            self.url.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT"
        )
        with engine.connect() as connection:
            connection.execute(text(statement))
        engine.dispose()


def as_text(url: URL) -> str:
    """Return a URL with its password, for what reads text."""
    return url.render_as_string(hide_password=False)
