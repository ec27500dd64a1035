"""A subscriber whose messages stay the broker's until they are acknowledged, on one connection and in one thread.

One thread on purpose: a message may only be acknowledged on the connection that brought it. After a broken
connection the broker numbers anew, and an acknowledgement of before would be taken for another message's.
"""

from __future__ import annotations

import logging
import ssl
import struct
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from app.errors import ConnectorError
from connectors.mqtt_packets import Received
from connectors.mqtt_socket import Client, ReadAhead

log = logging.getLogger(__name__)

KEEP_ALIVE_S: Final = 30
# How long the broker keeps what nobody has fetched after a subscriber has gone.
SESSION_S: Final = 7 * 24 * 3600
# A longer one the broker drops instead of sending it, which is in its log: no reading fills it, and all of it would
# lie in memory before it is looked at.
LONGEST_PACKET: Final = 4 * 2**20
# Payloads held at once, about; the rest lies at the broker.
AHEAD_BYTES: Final = 2 * LONGEST_PACKET
_SCHEMES: Final = {"mqtt": 1883, "mqtts": 8883}
_QOS: Final = 1
# A PUBACK that says nothing but the number.
_acknowledgement: Final = partial(struct.Struct("!BBH").pack, 0x40, 2)


@dataclass(frozen=True)
class Address:
    """Where a broker is, and as whom we come."""

    host: str
    port: int
    tls: bool
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, url: str) -> Address:
        """Read mqtt://user:password@host:1883 or mqtts://…:8883. Raises ConnectorError."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            parts, port = urlsplit(""), None
        if parts.scheme not in _SCHEMES or not parts.hostname:
            raise ConnectorError(
                "消息服务器地址有误：应为 mqtt://主机:1883 或 mqtts://用户:密码@主机:8883。",
                permanent=True,
            )
        return cls(
            parts.hostname,
            port or _SCHEMES[parts.scheme],
            parts.scheme == "mqtts",
            None if parts.username is None else unquote(parts.username),
            None if parts.password is None else unquote(parts.password),
        )


class Subscriber:
    """Fetch messages of a shared subscription and acknowledge them when they are safe."""

    def __init__(
        self, address: Address, name: str, topic: str, *, at_once: int, ca_file: str | None = None
    ) -> None:
        """name: the broker knows the session by it, so no two may share one. at_once: unacknowledged at most."""
        self._address, self._topic = address, topic
        self._new: list[Received] = []
        self._bytes = 0
        self._connection, self._lost = 0, False
        self._refused = ""
        self.subscribed = False
        self._at_once = at_once
        self._client = client = Client(
            CallbackAPIVersion.VERSION2, name, protocol=paho.MQTTv5, manual_ack=True
        )
        if address.user is not None:
            client.username_pw_set(address.user, address.password)
        if address.tls:
            try:
                client.tls_set(ca_certs=ca_file, tls_version=ssl.PROTOCOL_TLS_CLIENT)
            except OSError as exc:
                raise ConnectorError(
                    "证书文件 %(path)s 无法使用：%(reason)s",
                    permanent=True,
                    path=ca_file or "",
                    reason=exc,
                ) from exc
        client.on_connect, client.on_disconnect = self._on_connect, self._on_disconnect
        client.on_message, client.on_subscribe = self._on_message, self._on_subscribe
        self._wishes = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # no types
        self._wishes.SessionExpiryInterval = SESSION_S
        self._wishes.ReceiveMaximum = min(at_once, 65535)
        self._wishes.MaximumPacketSize = LONGEST_PACKET

    def connect(self) -> None:
        """Connect, again if need be. Raises ConnectorError."""
        self._lost, self.subscribed, self._refused = False, False, ""
        self._connection += 1
        try:
            if self._connection > 1:
                self._client.reconnect()
            else:
                self._client.connect(
                    self._address.host,
                    self._address.port,
                    KEEP_ALIVE_S,
                    clean_start=False,
                    properties=self._wishes,
                )
        except OSError as exc:
            self._lost = True
            raise ConnectorError(
                "无法连接消息服务器：%(reason)s", permanent=False, reason=exc
            ) from exc

    def fetch(self, most: int, wait_s: float) -> list[Received]:
        """Return new messages, waiting for the first and then taking what has arrived, up to AHEAD_BYTES of them.

        Raises ConnectorError when the connection is gone and all that it brought has been fetched.
        """
        if not self._lost:
            self._note(self._client.loop(wait_s))
            self._read_on(most)
        if self._lost and not self._new:
            if self._refused:
                raise ConnectorError(
                    "消息服务器拒绝了我们：%(reason)s", permanent=False, reason=self._refused
                )
            raise ConnectorError("与消息服务器的连接中断。", permanent=False)
        fetched, self._new, self._bytes = self._new, [], 0
        return fetched

    def acknowledge(self, messages: Iterable[Received]) -> None:
        """Tell the broker that messages are safe. Those of an earlier connection come again, which does no harm."""
        # Writing to a broker that is gone closes the connection, and with it what it had still brought. Bounded: of
        # messages that want no acknowledgement there may be ever more.
        self._read_on(self._at_once)
        numbers = [m.number for m in messages if m.qos and m.connection == self._connection]
        # The client's own packets are small and go out whole, so nothing of these comes between.
        while self._client.want_write() and not self._lost:
            self._note(self._client.loop_write())
        connected = self._client.socket()
        if not numbers or self._lost or not isinstance(connected, ReadAhead):
            return
        try:
            connected.send_all(b"".join(map(_acknowledgement, numbers)))
        except (OSError, ValueError):
            self._lost = True

    def disconnect(self) -> None:
        """Leave; the broker keeps what is new for when we come back."""
        self._client.disconnect()
        deadline = time.monotonic() + 1
        while self._client.want_write() and time.monotonic() < deadline:
            self._client.loop_write()

    def _read_on(self, most: int) -> None:
        """Read what has arrived."""
        before = -1
        while not self._lost and before < len(self._new) < most and self._bytes < AHEAD_BYTES:
            before = len(self._new)
            self._note(self._client.loop_read())
            connected = self._client.socket()
            if isinstance(connected, ReadAhead):
                found = connected.messages(most - before, self._connection)
                self._new += found
                self._bytes += sum(len(one.payload) for one in found)

    def _note(self, result: int) -> None:
        self._lost = self._lost or result != paho.MQTT_ERR_SUCCESS

    def _on_connect(
        self, client: paho.Client, data: Any, flags: Any, reason: Any, properties: Any
    ) -> None:
        if reason.is_failure:
            self._lost, self._refused = True, str(reason)
        else:
            client.subscribe(self._topic, _QOS)

    def _on_subscribe(
        self, client: paho.Client, data: Any, number: int, reasons: Any, properties: Any
    ) -> None:
        failed = [str(reason) for reason in reasons if reason.is_failure]
        if failed:
            self._lost, self._refused = True, ", ".join(failed)
        self.subscribed = not self._lost
        if self.subscribed:
            log.info("subscribed")

    def _on_disconnect(
        self, client: paho.Client, data: Any, flags: Any, reason: Any, properties: Any
    ) -> None:
        self._lost, self.subscribed = True, False

    def _on_message(self, client: paho.Client, data: Any, message: paho.MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = ""
        payload = bytes(message.payload)
        self._new.append(Received(topic, payload, message.mid, message.qos, self._connection))
        self._bytes += len(payload)
