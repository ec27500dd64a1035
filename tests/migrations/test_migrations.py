"""Migrations build the very schema that the models describe, on every PostgreSQL we promise."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text

from app.db.migrate import upgrade
from app.db.session import Base, engine_for
from app.rooms import import_tables
from app.settings import REPOSITORY
from tests.migrations.catalog import schema_of

DEBIAN_PROGRAMS = Path("/usr/lib/postgresql/15/bin")


@pytest.fixture
def empty_engine(empty_database_url: str) -> Iterator[Engine]:
    engine = engine_for(empty_database_url)
    yield engine
    engine.dispose()


def _difference(expected: dict[str, str], found: dict[str, str]) -> dict[str, tuple[str, str]]:
    """Return what differs, as (models say, migrations made)."""
    names = sorted({*expected, *found})
    pairs = {name: (expected.get(name, "absent"), found.get(name, "absent")) for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def test_migrations_form_one_chain() -> None:
    config = Config()
    config.set_main_option("script_location", str(REPOSITORY / "migrations"))
    script = ScriptDirectory.from_config(config)
    assert len(script.get_heads()) == 1
    assert len(script.get_bases()) == 1


def test_alembic_sees_no_difference(empty_engine: Engine) -> None:
    import_tables()
    upgrade(empty_engine)
    with empty_engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, Base.metadata) == []


def test_catalogue_shows_no_difference(empty_engine: Engine) -> None:
    # Alembic compares neither checks nor the details of indexes; the server knows both.
    import_tables()
    with empty_engine.begin() as connection:
        Base.metadata.create_all(connection)
    expected = schema_of(empty_engine)
    with empty_engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    upgrade(empty_engine)
    assert _difference(expected, schema_of(empty_engine)) == {}


def test_upgrading_twice_changes_nothing(empty_engine: Engine) -> None:
    upgrade(empty_engine)
    before = schema_of(empty_engine)
    upgrade(empty_engine)
    assert schema_of(empty_engine) == before


@pytest.fixture
def debian_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run Debian's PostgreSQL 15 for one test."""
    if not (DEBIAN_PROGRAMS / "postgres").exists():
        pytest.skip("Debian's PostgreSQL 15 is not installed")
    account = "postgres" if os.geteuid() == 0 else None
    data = Path("/tmp") / f"jingwei-debian-{os.getpid()}"
    data.mkdir(mode=0o700)
    if account:
        os.chown(data, pwd.getpwnam(account).pw_uid, -1)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    def call(program: str, *arguments: str) -> None:
        subprocess.run(
            [DEBIAN_PROGRAMS / program, "-D", data, *arguments],
            check=True, cwd="/", user=account, stdout=subprocess.DEVNULL,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
        )  # fmt: skip

    options = f"-c port={port} -c unix_socket_directories='' -c fsync=off"
    call("initdb", "-A", "trust", "-U", "jingwei", "-E", "UTF8", "-N")
    call("pg_ctl", "start", "-w", "-s", "-l", str(data / "log"), "-o", options)
    yield f"postgresql://jingwei@127.0.0.1:{port}/postgres"
    call("pg_ctl", "stop", "-w", "-s", "-m", "immediate")
    shutil.rmtree(data)


def test_debians_postgresql_15_gets_the_same_schema(debian_url: str, empty_engine: Engine) -> None:
    upgrade(empty_engine)
    engine = engine_for(debian_url)
    upgrade(engine)
    with engine.connect() as connection:
        assert connection.dialect.server_version_info[0] == 15
    assert _difference(schema_of(empty_engine), schema_of(engine)) == {}
    engine.dispose()
