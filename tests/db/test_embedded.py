"""The embedded server: started once, shared, brought back with its data."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
from sqlalchemy import text

from app.db.embedded import EmbeddedServer
from app.db.session import engine_for
from app.settings import Settings


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    embedded = EmbeddedServer(tmp_path_factory.mktemp("var") / "var", {"shared_buffers": "16MB"})
    yield embedded
    embedded.remove()


def _postmaster(server: EmbeddedServer) -> psutil.Process:
    return psutil.Process(int((server.place().data / "postmaster.pid").read_text().split()[0]))


def _kill(server: EmbeddedServer) -> None:
    process = _postmaster(server)
    process.send_signal(signal.SIGKILL)
    process.wait(10)


def _connect(server: EmbeddedServer) -> psycopg.Connection:
    return psycopg.connect(**server.address(), autocommit=True)


def test_second_start_finds_the_first(server: EmbeddedServer) -> None:
    url = server.ensure_running()
    first = _postmaster(server).pid
    assert EmbeddedServer(server.var_dir).ensure_running() == url
    assert _postmaster(server).pid == first


def test_processes_that_start_together_share_one_server(server: EmbeddedServer) -> None:
    script = (
        "import sys; from pathlib import Path; from app.db.embedded import EmbeddedServer;"
        "print(EmbeddedServer(Path(sys.argv[1])).ensure_running())"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(server.var_dir)], stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    answers = {process.communicate(timeout=60)[0].strip() for process in started}
    assert answers == {server.url}


def test_data_survive_kill_9_of_the_postmaster(server: EmbeddedServer) -> None:
    server.ensure_running()
    with _connect(server) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    _kill(server)
    server.ensure_running()
    with _connect(server) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)


def test_starts_although_a_stranger_took_the_pid(server: EmbeddedServer) -> None:
    server.ensure_running()
    pid_file = server.place().data / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    _kill(server)
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    server.ensure_running()
    assert server.is_running()


def test_moves_to_another_port_when_its_own_is_taken(server: EmbeddedServer) -> None:
    server.ensure_running()
    before = server.place().port
    server.stop()
    squatter = "import socket,sys; s=socket.create_server(('127.0.0.1', int(sys.argv[1]))); print(); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-uc", squatter, str(before)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout
        process.stdout.readline()
        server.ensure_running()
        assert server.place().port != before
        process.communicate()


def test_refuses_a_wrong_password(server: EmbeddedServer) -> None:
    server.ensure_running()
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(**{**server.address(), "password": "guess"})


def test_keeps_its_secrets_to_its_owner(server: EmbeddedServer) -> None:
    server.ensure_running()
    modes = {
        path.name: path.stat().st_mode & 0o077
        for path in [server.var_dir / "postgres.password", server.place().data, server.place().log]
    }
    assert set(modes.values()) == {0}
    assert list(Path(server.place().home).glob("initdb*")) == []


def test_does_not_run_as_root(server: EmbeddedServer) -> None:
    server.ensure_running()
    assert _postmaster(server).uids().effective != 0


def test_connecting_starts_a_server_that_was_killed(server: EmbeddedServer) -> None:
    engine = engine_for(Settings(var_dir=server.var_dir, secret_key="x"))
    with engine.connect() as connection:
        assert connection.execute(text("SELECT 1")).scalar() == 1
    engine.dispose()
    _kill(server)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT 1")).scalar() == 1
    engine.dispose()


def test_stop_tells_whether_it_ran(server: EmbeddedServer) -> None:
    assert server.stop() is False
    server.ensure_running()
    assert server.stop() is True
    assert server.stop() is False
