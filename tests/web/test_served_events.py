"""The stream of events as the product's own server sends it, and that an open one does not keep the server from ending."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from urllib.parse import urlencode

import pytest
from sqlalchemy import text

from app.accounts.passwords import hash_of
from app.db.session import Database
from app.settings import REPOSITORY, Settings
from tests.factories import Desk, build_city

PASSWORD = "the same for all"
STOPS_WITHIN_S = 5


@pytest.fixture
def desk(database: Database) -> Desk:
    """Return the small city in a database that another process can read, whose people can sign in."""
    with database.sessions() as session:
        built = Desk(build_city(session), database)
        session.execute(text("UPDATE people SET password_hash = :it"), {"it": hash_of(PASSWORD)})
        session.commit()
    return built


class Served:
    """The web process as the Procfile starts it."""

    def __init__(self, database: Database, settings: Settings, log: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        [line] = re.findall(r"^web: (.+)$", (REPOSITORY / "Procfile").read_text(), re.MULTILINE)
        programs = Path(sys.executable).parent
        url = database.writing.url.render_as_string(hide_password=False)  # type: ignore[union-attr]
        self.log = log
        self.connections: list[HTTPConnection] = []
        with log.open("wb") as told:
            self.process = subprocess.Popen(
                ["/bin/sh", "-c", line],
                cwd=REPOSITORY,
                env={
                    **os.environ,
                    "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
                    "HOST": "127.0.0.1",
                    "PORT": str(self.port),
                    "DATABASE_URL": url,
                    "JINGWEI_VAR": str(settings.var_dir),
                },
                stdout=told,
                stderr=told,
                start_new_session=True,
            )
        self._wait_until_served()

    def _wait_until_served(self) -> None:
        for _ in range(600):
            try:
                if self.ask("GET", "/healthz").status == 200:
                    return
            except OSError:
                time.sleep(0.1)  # until it listens: nothing else tells
        raise AssertionError(self.log.read_text(errors="replace")[-2000:])

    def ask(
        self, method: str, path: str, cookie: str = "", form: dict[str, str] | None = None
    ) -> HTTPResponse:
        """Ask for a page; the answer's body can still be read."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        self.connections.append(connection)
        headers = {"Cookie": cookie} if cookie else {}
        if form:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection.request(method, path, urlencode(form) if form else None, headers)
        return connection.getresponse()

    def sign_in(self, login: str) -> str:
        """Return the cookie of a person who signed in."""
        page = self.ask("GET", "/sign-in")
        found = re.search(r'name="csrf_token" value="([^"]+)"', page.read().decode())
        assert found is not None
        form = {"login": login, "password": PASSWORD, "csrf_token": found[1]}
        answer = self.ask("POST", "/sign-in", _cookie_of(page), form)
        assert answer.status == 302
        return _cookie_of(answer)

    def stop(self) -> float:
        """Tell the server to end; return how long it took, in seconds."""
        since = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(60)
        finally:
            if self.process.poll() is None:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
            for connection in self.connections:
                connection.close()
        return time.monotonic() - since


def _cookie_of(answer: HTTPResponse) -> str:
    return (answer.getheader("Set-Cookie") or "").partition(";")[0]


@pytest.fixture
def served(desk: Desk, database: Database, settings: Settings, tmp_path: Path) -> Iterator[Served]:
    """Serve the product with its own server."""
    started = Served(database, settings, tmp_path / "web.log")
    yield started
    started.stop()


@pytest.mark.slow
def test_command_is_heard_over_http_and_the_server_ends_with_the_stream_open(
    served: Served, desk: Desk
) -> None:
    stream = served.ask("GET", "/inbox/events", served.sign_in("intake"))
    assert (stream.status, stream.getheader("Content-Type")) == (
        200, "text/event-stream; charset=utf-8",
    )  # fmt: skip
    assert stream.readline() == b"retry: 5000\n"
    said = b""
    # The watch looks once before it can tell what is new; each case is told while it listens.
    for _ in range(5):
        case_id = desk.reported_case()
        item = desk.item(case_id, "T_accept")
        said = _heard(stream)
        if f'"item":{item}'.encode() in said:
            break
    assert b'"kind":"new"' in said
    assert f'"item":{item}'.encode() in said
    assert served.stop() < STOPS_WITHIN_S


def _heard(stream: HTTPResponse) -> bytes:
    """Return the next event; nothing when a heartbeat comes before one."""
    line = b""
    while not line.startswith((b"data: ", b": here")):
        line = stream.readline()
        assert line, "the stream has ended"
    return line


@pytest.mark.slow
def test_nobody_hears_without_a_session(served: Served) -> None:
    answer = served.ask("GET", "/inbox/events")
    assert answer.status in (302, 401)
    assert served.stop() < STOPS_WITHIN_S
