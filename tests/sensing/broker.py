"""The real broker with the shipped configuration, a gateway that speaks to it, and an ingest process."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from app.settings import REPOSITORY

MOSQUITTO = Path("/usr/sbin/mosquitto")
CONFIG = REPOSITORY / "app" / "sensing" / "mosquitto.conf"
PATIENCE_S = 60
BATCH = 100


def wait_until(holds: Callable[[], bool], what: str) -> None:
    """Wait for another process: nothing tells but looking."""
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited in vain: {what}")
        time.sleep(0.02)


class Broker:
    """Mosquitto as shipped, on a port and in a folder of the test's own."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.folder = folder / "broker"
        self.folder.mkdir(parents=True)
        shipped = CONFIG.read_text()
        changed = shipped.replace("listener 1883", f"listener {self.port}").replace(
            "/var/lib/mosquitto/", f"{self.folder}/"
        )
        assert changed.count(str(self.port)) == 1
        self.config = self.folder / "mosquitto.conf"
        # As root it would turn into an account that cannot enter the test's folder.
        self.config.write_text(changed + ("user root\n" if os.geteuid() == 0 else ""))
        self.start()

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    def start(self) -> None:
        log = (self.folder / "log").open("ab")
        self.process = subprocess.Popen([MOSQUITTO, "-c", self.config], stderr=log, stdout=log)
        log.close()
        wait_until(self._answers, "mosquitto to listen")

    def _answers(self) -> bool:
        assert self.process.poll() is None, (self.folder / "log").read_text()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def write(self) -> None:
        """Write sessions to the disk, as it does every ten seconds: a storm of a test is shorter."""
        file = self.folder / "mosquitto.db"
        before = file.stat().st_mtime_ns if file.exists() else 0
        self.process.send_signal(signal.SIGUSR1)
        wait_until(lambda: file.exists() and file.stat().st_mtime_ns > before, "sessions on disk")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


class IngestProcess:
    """`flask sensing ingest` on an embedded server, as the Procfile starts it."""

    def __init__(
        self, folder: Path, var_dir: Path, broker_url: str, name: str, *options: str
    ) -> None:
        self.options = ("--name", name, "--batch", str(BATCH), *options)
        self.name, self.log = name, folder / f"ingest-{name}.log"
        self.environment = {
            **os.environ,
            "FLASK_APP": "wsgi",
            "JINGWEI_VAR": str(var_dir),
            "JINGWEI_MQTT_URL": broker_url,
        }
        self.start()

    def start(self) -> None:
        before = self._said()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "flask", "sensing", "ingest", *self.options],
                cwd=REPOSITORY,
                env=self.environment,
                stdout=log,
                stderr=log,
            )
        wait_until(lambda: self._said() > before, f"{self.name} to subscribe")

    def _said(self) -> int:
        return self.log.read_text().count("subscribed") if self.log.exists() else 0

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        self.process.terminate()
        assert self.process.wait(PATIENCE_S) == 0, self.log.read_text()


class Gateway:
    """Hand messages to the broker in order, as a telemetry gateway does.

    After a broken connection it sends again what was not acknowledged, and its last minute of what was: a broker
    killed may have lost what it had not written yet. insists: it also sends again what the broker
    says that nobody has subscribed to.
    """

    # As the shipped configuration asks of gateways.
    AGAIN_S = 60
    NO_SUBSCRIBER = 0x10

    def __init__(self, port: int, *, insists: bool, window: int = 200) -> None:
        self.port, self.insists, self.window = port, insists, window
        self._unheard: list[tuple[str, bytes]] = []
        self.reconnections = 0
        self._open: dict[int, tuple[str, bytes]] = {}
        self._done: deque[tuple[float, tuple[str, bytes]]] = deque()
        self._client: paho.Client | None = None
        self._lost = True

    def publish(self, topic: str, payload: bytes) -> None:
        """Send a message; the window bounds what is not acknowledged."""
        self._ready(self.window - 1)
        self._send(topic, payload)

    def finish(self) -> None:
        """Return once the broker has acknowledged everything."""
        self._ready(0)
        assert self._client is not None
        self._client.disconnect()

    def _send(self, topic: str, payload: bytes) -> None:
        assert self._client is not None
        info = self._client.publish(topic, payload, qos=1)
        # Kept even where sending failed: it goes out again with the rest.
        self._open[info.mid] = (topic, payload)

    def _ready(self, most: int) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while self._lost or self._unheard or len(self._open) > most:
            assert time.monotonic() < deadline, "the broker does not answer"
            if self._lost:
                self._connect()
            else:
                assert self._client is not None
                unheard, self._unheard = self._unheard, []
                for topic, payload in unheard:
                    self._send(topic, payload)
                self._lost = self._client.loop(0.05) != 0 or self._lost

    def _connect(self) -> None:
        again = [*(message for _, message in self._done), *self._open.values()]
        self._open, self._done = {}, deque()
        client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
        client.max_inflight_messages_set(0)
        client.on_publish = self._on_publish
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        self._client, self._connected = client, False
        try:
            client.connect("127.0.0.1", self.port)
            self._lost = False
            while not self._connected and not self._lost:
                self._lost = client.loop(1) != 0 or self._lost
        except OSError:
            self._lost = True
            time.sleep(0.05)  # until it listens again: nothing else tells
        for topic, payload in again:
            if self._lost:
                # With numbers of nobody's, so that the next connection sends them.
                self._open[-len(self._open) - 1] = (topic, payload)
            else:
                self._send(topic, payload)
        self.reconnections += 1

    def _on_connect(self, client, data, flags, reason, properties) -> None:
        self._connected = not reason.is_failure

    def _on_disconnect(self, client, data, flags, reason, properties) -> None:
        if client is self._client:
            self._lost = True

    def _on_publish(self, client, data, mid, reason, properties) -> None:
        if client is not self._client or mid not in self._open:
            return
        message = self._open.pop(mid)
        if self.insists and reason.value == self.NO_SUBSCRIBER:
            self._unheard.append(message)
        else:
            now = time.monotonic()
            self._done.append((now, message))
            while self._done[0][0] < now - self.AGAIN_S:
                self._done.popleft()
