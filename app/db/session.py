"""Connections and sessions: one engine that steps write through, one that pages read through."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import psycopg
from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session as FlaskSession
from sqlalchemy import (
    BigInteger,
    Boolean,
    Connection,
    Date,
    Engine,
    LargeBinary,
    MetaData,
    Numeric,
    Text,
    create_engine,
    event,
    make_url,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker

from app.db.embedded import EmbeddedServer
from app.db.types import UtcDateTime
from app.errors import DatabaseUnusable
from app.settings import Settings

OLDEST_SERVER = 150000
# A connection error has no SQLSTATE, or one of class 08 or of the server's shutting down.
_SHUTTING_DOWN = frozenset({"57P01", "57P02", "57P03"})
# A step's statements are prepared and all alike: planning them again for each set of values is waste.
_WRITING_OPTIONS = "-c plan_cache_mode=force_generic_plan"
_SESSION_OPTIONS = "-c timezone=UTC -c idle_in_transaction_session_timeout=300000"


class Base(DeclarativeBase):
    """Base of every room's tables."""

    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        }
    )
    type_annotation_map = {
        int: BigInteger(),
        str: Text(),
        bool: Boolean(),
        bytes: LargeBinary(),
        Decimal: Numeric(),
        date: Date(),
        datetime: UtcDateTime(),
        dict[str, Any]: JSONB(),
    }


@dataclass(frozen=True)
class Database:
    """Where commands write and where pages read; in tests both are one open connection."""

    writing: Engine | Connection
    reading: Engine | Connection
    sessions: sessionmaker[Session]

    @classmethod
    def at(cls, settings: Settings) -> Database:
        """Return the database of an installation; nothing connects before the first use."""
        return cls.on(
            engine_for(settings, pool_size=10, max_overflow=40),
            engine_for(settings, pool_size=10, max_overflow=40, read_only=True),
        )

    @classmethod
    def on(cls, writing: Engine | Connection, reading: Engine | Connection) -> Database:
        """Return a database over two binds that exist already."""
        sessions = sessionmaker(
            writing, expire_on_commit=False, join_transaction_mode="create_savepoint"
        )
        return cls(writing, reading, sessions)

    def drop_connections(self) -> None:
        """Forget pooled connections, so that a lost server fails one step and not one per connection."""
        for bind in (self.writing, self.reading):
            if isinstance(bind, Engine):
                bind.dispose()


def place_of(database: Database, settings: Settings) -> Settings | str:
    """Return how another process reaches the same database: what its `engine_for` takes."""
    assert isinstance(database.writing, Engine), "other processes need connections of their own"
    url = database.writing.url
    # The embedded server is found by the installation's settings, wherever it listens by then.
    return settings if url.database is None else url.render_as_string(hide_password=False)


def engine_for(
    place: Settings | str, *, read_only: bool = False, options: str = "", **pool: Any
) -> Engine:
    """Return an engine for an installation or a URL.

    options: further `-c name=value` settings of the server session.
    """
    url = place if isinstance(place, str) else place.database_url
    wanted = " ".join(
        [
            _SESSION_OPTIONS,
            "-c default_transaction_read_only=on" if read_only else _WRITING_OPTIONS,
            options,
        ]
    ).strip()
    engine = create_engine(
        make_url(url or "postgresql://").set(drivername="postgresql+psycopg"),
        connect_args={"options": wanted, "application_name": "jingwei", "connect_timeout": 10},
        **pool,
    )
    if url is None and isinstance(place, Settings):
        event.listen(engine, "do_connect", _embedded_connector(EmbeddedServer(place.var_dir)))
    event.listen(engine, "connect", _refuse_old_server)
    return engine


def session_factory(settings: Settings) -> sessionmaker[Session]:
    """Return sessions for scripts and workers that stand outside the web."""
    return Database.at(settings).sessions


def connection_of(session: Session) -> psycopg.Connection[Any]:
    """Return the psycopg connection that a session speaks through."""
    raw = session.connection().connection.driver_connection
    assert isinstance(raw, psycopg.Connection)
    return raw


def is_lost_connection(error: BaseException) -> bool:
    """Tell whether an error means that the server went away, not that it refused something."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    if not isinstance(cause, psycopg.OperationalError | psycopg.InterfaceError):
        return False
    state = cause.sqlstate
    return state is None or state.startswith("08") or state in _SHUTTING_DOWN


def _embedded_connector(server: EmbeddedServer) -> Callable[..., Any]:
    """Return a connector that starts the embedded server when it does not answer."""

    def connect(dialect: Any, record: Any, args: Any, params: dict[str, Any]) -> Any:
        try:
            return dialect.connect(*args, **params, **server.address())
        except (psycopg.OperationalError, FileNotFoundError):
            server.ensure_running()
            return dialect.connect(*args, **params, **server.address())

    return connect


def _refuse_old_server(connection: psycopg.Connection[Any], record: Any) -> None:
    """Refuse a server older than the SQL of this product."""
    version = connection.info.server_version
    if version < OLDEST_SERVER:
        raise DatabaseUnusable(
            "PostgreSQL %(found)s 版本过低：需要 %(wanted)s 或更新的版本。",
            found=version // 10000,
            wanted=OLDEST_SERVER // 10000,
        )


class _ReadingSession(FlaskSession):
    """The session of a page: it reads; whatever changes a row is a command."""

    def _flush(self, objects: Any = None) -> None:
        raise RuntimeError("db.session only reads: change rows in a command, through run()")


class _ReadingSQLAlchemy(SQLAlchemy):
    """Flask-SQLAlchemy over the application's own reading engine."""

    def _make_engine(self, bind_key: str | None, options: dict[str, Any], app: Any) -> Any:
        return app.extensions["jingwei"].database.reading


db = _ReadingSQLAlchemy(
    metadata=Base.metadata,
    # rollback_only: closing the page's session leaves a test's surrounding transaction open.
    session_options={"class_": _ReadingSession, "join_transaction_mode": "rollback_only"},
)
