"""The desks' pages through the real server: thirty people, few and many cases in the tables."""

from __future__ import annotations

import os
import random
import re
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode

from sqlalchemy import URL

from app.accounts.passwords import hash_of
from tests.bench.crowd import connected, copy_lived
from tests.bench.scratch import Scratch, as_text
from tests.factories import City, Desk

USERS = 30
# A person reads what they opened; thirty who never read would be a crowd of six hundred.
THINKING_S = 1.0
PASSWORD = "the same for all"
OPEN = 20_000
FIRST = 1_000_000


@dataclass(frozen=True)
class Visit:
    """A page and who opens it."""

    name: str
    login: str
    path: str


def desk_times(
    scratch: Scratch, base: URL, city: City, *, few: int, many: int, seconds: float
) -> dict[str, tuple[float, float]]:
    """Return the 95th percentile, in seconds, of each page with few cases and with many."""
    with scratch.clone(base) as url:
        desk = Desk(city, scratch.opened(url))
        living, ended = desk.dispatched_case(), desk.closed_case()
        number = str(desk.case(living)["number"])
        desk.database.drop_connections()
        with connected(url) as connection:
            connection.execute("UPDATE people SET password_hash = %s", (hash_of(PASSWORD),))
        _fill(url, living, ended, FIRST, few, OPEN // 4)
        first = _load(scratch, url, number, seconds)
        _fill(url, living, ended, FIRST + few, many - few, OPEN - OPEN // 4)
        second = _load(scratch, url, number, seconds)
        desk.database.drop_connections()
    return {name: (first[name], second[name]) for name in first}


def _fill(url: URL, living: int, ended: int, first: int, count: int, opened: int) -> None:
    """Copy the living case `opened` times, over the last month, and the ended one over the year before.

    Of one ended case in ten every item is kept, of the others the handling: a city's log is as large.
    """
    with connected(url) as connection:
        copy_lived(connection, living, opened, first, days=30, items="TRUE")
        kept = "n %% 10 = 0 OR element = 'T_handle'"
        copy_lived(connection, ended, count - opened, first + opened, days=365, items=kept)
        connection.execute("VACUUM ANALYZE")


def visits(number: str) -> list[Visit]:
    """Return what people open, each as often as the others."""
    return [
        Visit("inbox", "manager1", "/inbox?tab=group"),
        # What many cases hold, and what a few do.
        Visit("search", "supervisor", "/cases?" + urlencode({"q": "垃圾"})),
        Visit("search", "supervisor", "/cases?" + urlencode({"q": "胜利街12号 井盖"})),
        Visit("case", "supervisor", f"/cases/{number}"),
        Visit("overdue", "supervisor", "/oversight/overdue"),
        Visit("heat", "supervisor", "/oversight/heat?month=2025-11"),
    ]


def _load(scratch: Scratch, url: URL, number: str, seconds: float) -> dict[str, float]:
    """Let thirty people open pages for some seconds; return each page's 95th percentile."""
    listed = visits(number)
    times: dict[str, list[float]] = {visit.name: [] for visit in listed}
    with _served(scratch, url) as port:
        cookies = {login: _signed_in(port, login) for login in {v.login for v in listed}}
        for visit in listed:
            _open(port, visit, cookies[visit.login])
        ends = time.monotonic() + seconds
        people = [
            threading.Thread(target=_person, args=(port, listed, cookies, times, ends, seed))
            for seed in range(USERS)
        ]
        for person in people:
            person.start()
        for person in people:
            person.join()
    return {name: statistics.quantiles(found, n=20)[-1] for name, found in times.items()}


def _person(
    port: int,
    listed: list[Visit],
    cookies: dict[str, str],
    times: dict[str, list[float]],
    ends: float,
    seed: int,
) -> None:
    chance = random.Random(seed)
    # Nobody opens the door to thirty people at one stroke.
    time.sleep(chance.uniform(0, 1.5) * THINKING_S)
    while time.monotonic() < ends:
        visit = chance.choice(listed)
        times[visit.name].append(_open(port, visit, cookies[visit.login]))
        time.sleep(chance.uniform(0.5, 1.5) * THINKING_S)


def _open(port: int, visit: Visit, cookie: str) -> float:
    """Open a page; return the seconds it took. Raises RuntimeError when it is not the page."""
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    begin = time.perf_counter()
    connection.request("GET", visit.path, headers={"Cookie": cookie})
    answer = connection.getresponse()
    answer.read()
    took = time.perf_counter() - begin
    connection.close()
    if answer.status != 200:
        raise RuntimeError(f"{visit.path}: {answer.status}")
    return took


def _signed_in(port: int, login: str) -> str:
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/sign-in")
    answer = connection.getresponse()
    page = answer.read().decode()
    cookie = (answer.headers["Set-Cookie"] or "").split(";")[0]
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found is not None
    form = {"login": login, "password": PASSWORD, "csrf_token": found[1]}
    headers = {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"}
    connection.request("POST", "/sign-in", urlencode(form), headers)
    answer = connection.getresponse()
    answer.read()
    if answer.status != 302:
        raise RuntimeError(f"{login} could not sign in: {answer.status}")
    return (answer.headers["Set-Cookie"] or "").split(";")[0]


@contextmanager
def _served(scratch: Scratch, url: URL) -> Iterator[int]:
    """Run the product's own server over a database."""
    port = _free_port()
    environment = {
        **os.environ,
        "DATABASE_URL": as_text(url.set(drivername="postgresql")),
        "JINGWEI_VAR": str(scratch.folder / "var"),
    }
    server = subprocess.Popen(
        [
            sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1",
            "--port", str(port), "--workers", "2", "--blocking-threads", "64", "--no-ws",
            "--log-level", "warning", "wsgi:app",
        ],
        env=environment,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    try:
        _wait_for(port)
        yield port
    finally:
        server.terminate()
        server.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        connection = HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/healthz")
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.2)
        finally:
            connection.close()
    raise RuntimeError("the server did not come up")
