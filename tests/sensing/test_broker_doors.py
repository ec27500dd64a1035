"""A broker behind TLS and passwords: who comes in, and what is said to who does not."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.errors import ConnectorError
from connectors.mqtt import Address, Subscriber
from connectors.mqtt_socket import ReadAhead
from tests.sensing.broker import MOSQUITTO, wait_until

pytestmark = pytest.mark.skipif(
    not (MOSQUITTO.exists() and shutil.which("openssl") and shutil.which("mosquitto_passwd")),
    reason="the broker or openssl is not installed: apt install mosquitto openssl",
)

PASSWORD = "correct horse"


def left_to_python(test):
    """Of a handshake that failed paho leaves the socket to be closed by Python."""
    unraisable = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
    return pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")(unraisable(test))


@dataclass(frozen=True)
class Doors:
    """Where the broker listens, and who vouches for it."""

    port: int
    authority: Path
    stranger: Path
    folder: Path


def _certificate(folder: Path, name: str) -> Path:
    """Make a certificate that vouches for itself."""
    made = folder / f"{name}.crt"
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
            "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
            "-keyout", folder / f"{name}.key", "-out", made,
        ],
        check=True,
        capture_output=True,
    )  # fmt: skip
    (folder / f"{name}.key").chmod(0o644)
    return made


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    folder = tmp_path_factory.mktemp("doors")
    authority, stranger = _certificate(folder, "broker"), _certificate(folder, "stranger")
    passwords = folder / "passwords"
    subprocess.run(
        ["mosquitto_passwd", "-b", "-c", passwords, "jingwei", PASSWORD],
        check=True, capture_output=True,
    )  # fmt: skip
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = folder / "mosquitto.conf"
    config.write_text(
        f"listener {port} 127.0.0.1\ncertfile {authority}\nkeyfile {folder}/broker.key\n"
        f"allow_anonymous false\npassword_file {passwords}\nmax_queued_messages 0\nuser root\n"
    )
    with (folder / "log").open("wb") as log:
        broker = subprocess.Popen([MOSQUITTO, "-c", config], stdout=log, stderr=log)

    def answers() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    wait_until(answers, "mosquitto to listen")
    yield Doors(port, authority, stranger, folder)
    broker.kill()
    broker.wait()


def _come(doors: Doors, url: str, authority: Path | None) -> Subscriber:
    """Come to the broker; return once it has let us subscribe. Raises ConnectorError."""
    subscriber = Subscriber(
        Address.parse(url.format(port=doors.port)),
        "jingwei-test",
        "jingwei/#",
        at_once=10,
        ca_file=None if authority is None else str(authority),
    )
    subscriber.connect()
    for _ in range(50):
        if subscriber.subscribed:
            return subscriber
        subscriber.fetch(1, 0.1)
    raise AssertionError("neither let in nor refused")


def test_who_has_the_password_is_let_in(doors: Doors) -> None:
    subscriber = _come(doors, "mqtts://jingwei:correct%20horse@localhost:{port}", doors.authority)
    subprocess.run(
        [
            "mosquitto_pub", "-p", str(doors.port), "-h", "localhost", "--cafile", doors.authority,
            "-u", "jingwei", "-P", PASSWORD, "-q", "1", "-t", "jingwei/json/x", "-m", "hello",
        ],
        check=True,
    )  # fmt: skip
    found = subscriber.fetch(1, 5)
    assert [message.payload for message in found] == [b"hello"]
    subscriber.acknowledge(found)
    subscriber.disconnect()


def test_many_messages_come_whole_through_tls(doors: Doors) -> None:
    subscriber = _come(doors, "mqtts://jingwei:correct%20horse@localhost:{port}", doors.authority)
    lines = "\n".join(f"{number:05d}" + "x" * 300 for number in range(2000))
    subprocess.run(
        [
            "mosquitto_pub", "-p", str(doors.port), "-h", "localhost", "--cafile", doors.authority,
            "-u", "jingwei", "-P", PASSWORD, "-q", "1", "-t", "jingwei/json/x", "-l",
        ],
        input=lines.encode(),
        check=True,
    )  # fmt: skip
    found = []
    deadline = time.monotonic() + 20
    while len(found) < 2000 and time.monotonic() < deadline:
        fetched = subscriber.fetch(100, 1)
        subscriber.acknowledge(fetched)
        found += fetched
    assert [int(message.payload[:5]) for message in found] == list(range(2000))
    subscriber.disconnect()


def test_what_is_sent_waits_for_the_line_through_tls(doors: Doors) -> None:
    subscriber = _come(doors, "mqtts://jingwei:correct%20horse@localhost:{port}", doors.authority)
    line = subscriber._client.socket()
    assert isinstance(line, ReadAhead)
    line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2048)
    ping = b"\xc0\x00"
    line.send_all(ping * 100_000)
    # Each has its answer, and the connection goes on.
    assert subscriber.fetch(1, 5) == []
    assert subscriber.subscribed
    subscriber.disconnect()


@pytest.mark.parametrize("who", ["jingwei:wrong@", "stranger:x@", ""])
def test_who_has_not_is_told_that_it_is_the_password(doors: Doors, who: str) -> None:
    with pytest.raises(ConnectorError, match=r"(?i)拒绝了我们.*(not authori|bad user)"):
        _come(doors, f"mqtts://{who}localhost:{{port}}", doors.authority)


@left_to_python
def test_another_authority_does_not_vouch_for_the_broker(doors: Doors) -> None:
    with pytest.raises(ConnectorError, match="CERTIFICATE_VERIFY_FAILED"):
        _come(doors, "mqtts://jingwei:x@localhost:{port}", doors.stranger)


@left_to_python
def test_nor_does_the_machine_s_own_list(doors: Doors) -> None:
    with pytest.raises(ConnectorError, match="CERTIFICATE_VERIFY_FAILED"):
        _come(doors, "mqtts://jingwei:x@localhost:{port}", None)


def test_without_tls_the_connection_ends_with_an_error(doors: Doors) -> None:
    with pytest.raises(ConnectorError):
        _come(doors, "mqtt://jingwei:x@localhost:{port}", None)


def test_an_authority_s_file_that_is_missing_is_named(doors: Doors) -> None:
    with pytest.raises(ConnectorError, match="no-such-file"):
        _come(doors, "mqtts://localhost:{port}", doors.folder / "no-such-file")
