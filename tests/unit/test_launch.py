"""What make run refuses before it touches the data of another."""

from __future__ import annotations

import fcntl
import socket

import pytest

from app.errors import AppError
from app.launch import _database_running, _refuse_busy_port
from app.settings import Settings


def test_busy_port_is_refused_by_its_number() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(AppError, match=str(port)):
            _refuse_busy_port("127.0.0.1", port)


def test_second_run_on_the_same_data_is_refused(settings: Settings) -> None:
    settings.var_dir.mkdir()
    with (settings.var_dir / "run.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(AppError, match="JINGWEI_VAR"), _database_running(settings):
            pass
    assert not (settings.var_dir / "postgres.json").exists()
