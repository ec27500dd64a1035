"""Kill web, worker and PostgreSQL with -9 at random under load, then look for damage.

`python -m tests.chaos.kill_test --kills 200`: people work through the pages, timers fall due, messages go out. After
the last kill everything is started once more, comes to rest, and the whole database is checked: every step that was
acknowledged is there, nothing is doubled, lost or orphaned. Exit status 1 with a line for each finding.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any

import psutil
import psycopg

from app.accounts.passwords import hash_of
from app.clock import SystemClock
from app.db.embedded import EmbeddedServer
from app.db.migrate import upgrade
from app.db.session import Database, engine_for
from app.run import Runtime, Services, install
from app.settings import REPOSITORY, Settings
from tests.chaos.consistency import damage
from tests.chaos.people import PASSWORD, Acknowledged, Person, summary
from tests.factories import build_city

LOGINS = (
    "collector", "collector", "intake", "intake2", "dispatcher", "chief", "manager1", "manager2", "handler1",
    "handler2",
)  # fmt: skip
WORKERS = 2
REST_S = 90


class City:
    """The processes of one installation in a temporary folder."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="jingwei-chaos-"))
        self.folder.chmod(0o711)
        self.settings = Settings(var_dir=self.folder, secret_key="chaos", testing=True)
        self.server = EmbeddedServer(self.folder)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def prepare(self) -> None:
        url = self.server.ensure_running()
        engine = engine_for(url)
        upgrade(engine)
        database = Database.on(engine, engine)
        install(Runtime(database, Services(self.settings), SystemClock()))
        with database.sessions() as session:
            build_city(session)
        engine.dispose()
        with self.connected() as connection:
            connection.execute("UPDATE people SET password_hash = %s", (hash_of(PASSWORD),))

    def connected(self) -> psycopg.Connection[Any]:
        """Connect, starting PostgreSQL when it does not answer."""
        for _ in range(60):
            try:
                url = self.server.ensure_running()
                return psycopg.connect(
                    url.replace("postgresql+psycopg", "postgresql"), autocommit=True
                )
            except psycopg.OperationalError:
                time.sleep(0.2)  # because the server is recovering from the last kill
        raise RuntimeError("PostgreSQL does not come back")

    def start(self, name: str) -> None:
        programs = Path(sys.executable).parent
        environment = {
            **os.environ,
            "JINGWEI_VAR": str(self.folder),
            "SECRET_KEY": "chaos",
            "FLASK_APP": "wsgi",
            "PATH": f"{programs}{os.pathsep}{os.environ.get('PATH', '')}",
        }
        if name == "web":
            command = [
                "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(self.port), "--workers", "1",
                "--blocking-threads", "24", "--no-ws", "--log-level", "error", "wsgi:app",
            ]  # fmt: skip
        else:
            command = ["flask", "worker"]
        log = (self.folder / f"{name}.log").open("ab")
        self.processes[name] = subprocess.Popen(
            command,
            cwd=REPOSITORY,
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )

    def names(self) -> list[str]:
        return ["web", *(f"worker{n}" for n in range(WORKERS))]

    def kill(self, name: str) -> None:
        """Kill -9 a process with all its children, or PostgreSQL with all its backends."""
        if name == "postgres":
            place = self.server.place()
            for process in postgres_processes(place):
                _kill(process)
            return
        process = self.processes[name]
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def stop(self) -> None:
        for name, process in self.processes.items():
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill(name)

    def remove(self) -> None:
        self.server.remove()
        shutil.rmtree(self.folder, ignore_errors=True)


def postgres_processes(place: Any) -> list[psutil.Process]:
    """Return the server of a place with all its backends; nothing when it does not run."""
    pid_file = place.data / "postmaster.pid"
    try:
        postmaster = psutil.Process(int(pid_file.read_text().split()[0]))
        return [postmaster, *postmaster.children(recursive=True)]
    except (OSError, psutil.Error, ValueError, IndexError):
        return []


def _kill(process: psutil.Process) -> None:
    with contextlib.suppress(psutil.Error):
        process.kill()


def _stir(city: City, stop: threading.Event) -> None:
    """Let some waiting timers fall due within seconds, again and again."""
    while not stop.wait(0.5):
        try:
            with city.connected() as connection:
                connection.execute(
                    "UPDATE timers SET due_at = %(soon)s, try_at = %(soon)s WHERE id IN ("
                    " SELECT id FROM timers WHERE due_at > %(soon)s ORDER BY random() LIMIT 4"
                    " FOR UPDATE SKIP LOCKED)",
                    {"soon": SystemClock().now()},
                )
        except (psycopg.Error, RuntimeError):
            continue


def _wait_until_served(city: City) -> None:
    """Wait until a page comes back: an accepted connection alone says nothing."""
    for _ in range(600):
        try:
            with urllib.request.urlopen(f"{city.base}/sign-in", timeout=5):
                return
        except OSError:
            time.sleep(0.1)  # because there is nothing to be told by
    log = (city.folder / "web.log").read_text(errors="replace")
    raise RuntimeError(f"the web server does not start: {log[-2000:]}")


def _rest(city: City) -> None:
    """Wait until no timer is due and no message waits."""
    deadline = time.monotonic() + REST_S
    while time.monotonic() < deadline:
        with city.connected() as connection:
            waiting = connection.execute(
                "SELECT (SELECT count(*) FROM timers WHERE try_at <= %(now)s),"
                " (SELECT count(*) FROM outbox WHERE sent_at IS NULL)",
                {"now": SystemClock().now()},
            ).fetchone()
        if waiting == (0, 0):
            return
        time.sleep(0.5)  # because the workers are still at it
    print(f"not at rest after {REST_S} s: due timers and unsent messages {waiting}")


def _missing(connection: psycopg.Connection[Any], noted: Acknowledged) -> list[str]:
    """Return a line for each acknowledged step that the database does not hold."""
    done = dict(
        connection.execute(
            "SELECT w.id, p.login FROM work_items w JOIN people p ON p.id = w.finished_by"
            " WHERE w.status = 'done'"
        ).fetchall()
    )
    numbers = {row[0] for row in connection.execute("SELECT number FROM cases")}
    asked = set(
        connection.execute(
            "SELECT c.number, r.kind FROM case_requests r JOIN cases c ON c.id = r.case_id"
        ).fetchall()
    )
    found = [
        f"item {item_id} was acknowledged to {login}, the database says {done.get(item_id)}"
        for item_id, login in noted.items.items()
        if done.get(item_id) != login
    ]
    found += [f"case {number} was acknowledged and is gone" for number in noted.cases - numbers]
    found += [
        f"request {request} was acknowledged and is gone" for request in noted.requests - asked
    ]
    return found


def run(kills: int, seed: int, pause_s: float) -> list[str]:
    """Run the whole test; return what was found."""
    rng = random.Random(seed)
    city = City()
    noted, stop = Acknowledged(), threading.Event()
    try:
        city.prepare()
        for name in city.names():
            city.start(name)
        _wait_until_served(city)
        people = [Person(city.base, login, noted, stop, seed + n) for n, login in enumerate(LOGINS)]
        for thread in [*people, threading.Thread(target=_stir, args=(city, stop), daemon=True)]:
            thread.start()
        counts = dict.fromkeys(("web", "worker", "postgres"), 0)
        for number in range(kills):
            time.sleep(
                rng.uniform(0.3, 1.7) * pause_s
            )  # because the kill must hit at a random moment
            target = rng.choice(("web", "postgres", *city.names()[1:]))
            city.kill(target)
            counts[target.rstrip("0123456789")] += 1
            if target == "postgres":
                city.connected().close()
            else:
                city.start(target)
            for name in city.names():
                if city.processes[name].poll() is not None:
                    city.start(name)
            _wait_until_served(city)
            if (number + 1) % 20 == 0:
                print(f"{number + 1} kills {counts} {summary(noted)}", flush=True)
        time.sleep(3)  # because the last steps under way may still be acknowledged
        stop.set()
        for thread in people:
            thread.join(30)
        _rest(city)
        city.stop()
        with city.connected() as connection:
            found = _missing(connection, noted) + list(damage(connection))
            sizes = connection.execute(
                "SELECT (SELECT count(*) FROM cases), (SELECT count(*) FROM work_items),"
                " (SELECT count(*) FROM timer_firings), (SELECT count(*) FROM outbox)"
            ).fetchone()
        print(f"kills {counts}; acknowledged {summary(noted)}")
        print(f"cases, items, fired timers, messages: {sizes}")
        return found
    finally:
        stop.set()
        for name in city.processes:
            city.kill(name)
        city.remove()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pause", type=float, default=1.0, help="mean seconds between kills")
    arguments = parser.parse_args()
    found = run(arguments.kills, arguments.seed, arguments.pause)
    for line in found:
        print(line)
    if found:
        sys.exit(1)
    print("no damage")


if __name__ == "__main__":
    main()
