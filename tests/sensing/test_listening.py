"""SL 651 stations over TCP: a report is answered once it is stored, whatever else comes down the line."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from app.clock import SystemClock
from app.db.embedded import EmbeddedServer
from app.db.migrate import upgrade
from app.db.session import Database
from app.run import SYSTEM, Runtime, Services, install, run
from app.sensing import listening
from app.sensing.commands import AddDevices, NewDevice
from app.sensing.listening import Listener
from app.settings import REPOSITORY, Settings
from connectors.sl651 import BEIJING
from tests.device_messages import HALF_A_MILLIMETRE, KEEP_ALIVE, frame
from tests.sensing.broker import wait_until
from tests.sensing.conftest import NOON, Gauge

STATION = "0012345678"


def report(number: int, at: Any = NOON, station: str = STATION) -> bytes:
    """Return a report of so many tenths of a millimetre, sent and observed at a moment."""
    moment = at.astimezone(BEIJING)
    sent, seen = moment.strftime("%y%m%d%H%M%S"), moment.strftime("%y%m%d%H%M")
    body = f"{number:04X}{sent}F1F1{station}48F0F0{seen}2019{number:06d}"
    return frame(f"7E7E01{station}123432", body)


def answered(reply: bytes) -> int:
    """Return the serial number that a reply repeats."""
    assert len(reply) == 25
    return int.from_bytes(reply[14:16])


Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[Any]]


def talk(do: Talk, **given: Any) -> Any:
    """Let a station talk to a listener."""

    async def both() -> Any:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        stopping = asyncio.Event()
        serving = asyncio.create_task(
            Listener(pause_s=0.01, **given).serve("127.0.0.1", port, stopping)
        )
        await asyncio.sleep(0.05)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            return await asyncio.wait_for(do(reader, writer), 20)
        finally:
            writer.close()
            await asyncio.sleep(0.1)
            stopping.set()
            await serving

    # In a thread of its own: where a browser has been driven before, this one has a loop already.
    with ThreadPoolExecutor(1) as alone:
        return alone.submit(asyncio.run, both()).result()


@pytest.fixture
def station(gauge: Gauge) -> Gauge:
    run(AddDevices([NewDevice(STATION, "rain", "汾河")]), actor=SYSTEM)
    return gauge


def test_a_report_is_answered_and_stored(station: Gauge) -> None:
    async def send(reader, writer) -> bytes:
        writer.write(bytes.fromhex(KEEP_ALIVE) + report(5))
        return await reader.readexactly(25)

    assert answered(talk(send)) == 5
    assert station.rows("SELECT value FROM readings") == [(0.5,)]


def test_no_answer_before_it_is_stored(station: Gauge, monkeypatch) -> None:
    seen = []

    def kept(frame):
        seen.extend(station.rows("SELECT count(*) FROM readings"))
        return b"x" * 25

    monkeypatch.setattr(listening, "reply_to", kept)

    async def send(reader, writer) -> bytes:
        writer.write(report(1))
        return await reader.readexactly(25)

    talk(send)
    assert seen == [(1,)]


def test_a_sign_of_life_gets_no_answer(station: Gauge) -> None:
    async def send(reader, writer) -> bytes:
        writer.write(bytes.fromhex(KEEP_ALIVE))
        with suppress(TimeoutError):
            return await asyncio.wait_for(reader.read(1), 0.2)
        return b""

    assert talk(send) == b""


def test_a_broken_frame_is_counted_and_the_next_answered(station: Gauge) -> None:
    broken = bytearray(report(1))
    broken[20] ^= 1

    async def send(reader, writer) -> bytes:
        writer.write(bytes(broken) + report(2))
        return await reader.readexactly(25)

    assert answered(talk(send)) == 2
    assert station.rows("SELECT source, reason, n FROM refused_readings") == [
        ("sl651", "malformed", 1)
    ]


def test_a_length_that_lies_holds_up_no_report_for_long(station: Gauge) -> None:
    # It says 4095 bytes; the next report stands behind it.
    lying = report(1)[:11] + b"\x0f\xff" + report(1)[13:20]

    async def send(reader, writer) -> bytes:
        writer.write(lying + report(3))
        return await reader.readexactly(25)

    assert answered(talk(send, rest_of_frame_s=0.1)) == 3


def test_a_flood_of_rubbish_closes_the_line_and_is_counted(station: Gauge) -> None:
    async def send(reader, writer) -> bytes:
        with suppress(OSError):
            for _ in range(100):
                writer.write(b"rubbish!" * 100)
                await writer.drain()
        with suppress(OSError):
            return await reader.read(1)
        return b""

    assert talk(send) == b""
    counted = station.rows("SELECT n, example FROM refused_readings WHERE reason = 'malformed'")
    assert counted[0][0] > 1


def test_an_unknown_station_is_counted_not_stored(station: Gauge) -> None:
    async def send(reader, writer) -> bytes:
        writer.write(report(1, station="0099999999"))
        return await reader.readexactly(25)

    talk(send)
    assert station.rows("SELECT reason, example FROM refused_readings") == [
        ("unknown_device", "0099999999")
    ]
    assert station.rows("SELECT count(*) FROM readings") == [(0,)]


def test_an_old_report_is_answered_too_so_that_it_is_not_sent_for_ever(station: Gauge) -> None:
    async def send(reader, writer) -> bytes:
        writer.write(bytes.fromhex(HALF_A_MILLIMETRE))
        return await reader.readexactly(25)

    # Of 2059, as published.
    assert answered(talk(send)) == 3
    assert {row[0] for row in station.rows("SELECT reason FROM refused_readings")} <= {
        "future", "too_old",
    }  # fmt: skip


@pytest.fixture
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="jingwei-stations-"))
    # The account that runs PostgreSQL for root must be able to pass through.
    made.chmod(0o711)
    yield made
    shutil.rmtree(made)


@pytest.fixture
def durable(folder: Path) -> Iterator[Database]:
    settings = Settings(var_dir=folder / "var", secret_key="for tests only", testing=True)
    server = EmbeddedServer(settings.var_dir)
    server.ensure_running()
    database = Database.at(settings)
    install(Runtime(database, Services(settings), SystemClock()))
    upgrade(database.writing)
    yield database
    database.drop_connections()
    server.remove()


def _listening(folder: Path, port: int) -> subprocess.Popen[bytes]:
    log = folder / "log"
    before = log.read_text().count("listening") if log.exists() else 0
    environment = {**os.environ, "FLASK_APP": "wsgi", "JINGWEI_VAR": str(folder / "var")}
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "flask", "sensing", "listen-sl651", "--host", "127.0.0.1", "--port", str(port)],
            cwd=REPOSITORY, env=environment, stdout=out, stderr=out,
        )  # fmt: skip
    wait_until(lambda: log.read_text().count("listening") > before, "the listener")
    return process


def test_a_killed_listener_has_stored_all_that_it_answered(folder: Path, durable: Database) -> None:
    run(AddDevices([NewDevice(STATION, "rain", "汾河")]), actor=SYSTEM)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    begin = SystemClock().now().replace(second=0, microsecond=0) - timedelta(hours=10)
    done: set[int] = set()
    for kill_after in (7, 19, 40):
        process = _listening(folder, port)
        try:
            with socket.create_connection(("127.0.0.1", port)) as line:
                line.settimeout(20)
                # All at once: when it is killed, some are stored and not answered, and some are neither.
                for number in range(1, 101):
                    line.sendall(report(number, begin + timedelta(minutes=number)))
                rest = b""
                for _ in range(kill_after):
                    while len(rest) < 25:
                        rest += line.recv(25 - len(rest))
                    done.add(answered(rest))
                    rest = b""
                process.send_signal(signal.SIGKILL)
                process.wait()
        finally:
            process.kill()
    assert len(done) >= 40
    with durable.sessions() as session:
        stored = session.connection().exec_driver_sql("SELECT value FROM readings").scalars()
        assert done <= {round(10 * value) for value in stored}


def test_a_listener_ends_when_told_to(folder: Path, durable: Database) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = _listening(folder, port)
    process.terminate()
    assert process.wait(20) == 0, (folder / "log").read_text()
