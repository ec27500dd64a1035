"""Hand a command for a device to the broker, and read what a device answers."""

from __future__ import annotations

import json
import ssl
import threading
import time
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID, uuid4

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from app.errors import ConnectorError
from connectors.messages import Message
from connectors.mqtt import Address
from connectors.refusals import FrameRefused, Unreadable

_QOS: Final = 1
_PATIENCE_S: Final = 10
_KEEP_ALIVE_S: Final = 30
COMMAND: Final = "command"
ACKNOWLEDGE: Final = "acknowledge"


@dataclass(frozen=True)
class Broker:
    """Where commands go. prefix: what every topic of this installation begins with."""

    url: str = field(repr=False)
    prefix: str
    ca_file: str | None = None


@dataclass(frozen=True)
class DeviceAnswer:
    """What a device says of the command that it was given under an id."""

    device: str
    key: UUID
    done: bool
    said: str


class MqttCommand:
    """Publish each command to its device's own topic: <prefix>/command/<device code>, QoS 1."""

    def __init__(self, broker: Broker | None) -> None:
        self._broker = broker

    def deliver(self, message: Message) -> None:
        """Publish a command; the broker has it when this returns. Raises ConnectorError."""
        if self._broker is None:
            raise ConnectorError(
                "没有设置消息服务器（JINGWEI_MQTT_URL），命令无法送达设备。", permanent=True
            )
        device = str(message.payload["device"])
        if not device or any(sign in device for sign in "/+#\0"):
            raise ConnectorError("设备编码“%(code)s”不能作主题。", permanent=True, code=device)
        topic = f"{self._broker.prefix}/{COMMAND}/{device}"
        wanted = ("id", "action", "at", "until")
        content = json.dumps({name: message.payload[name] for name in wanted})
        _publish(self._broker, topic, content.encode())


def read_answer(topic: str, payload: bytes) -> DeviceAnswer:
    """Read <prefix>/acknowledge/<device code> with {"id", "ok", "said"}. Raises FrameRefused."""
    device = topic.rpartition("/")[2]
    try:
        content = json.loads(payload)
        key, done = UUID(content["id"]), content["ok"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as exc:
        raise FrameRefused(Unreadable.MISSING_PART, "no answer to a command") from exc
    if not isinstance(done, bool):
        raise FrameRefused(Unreadable.MISSING_PART, "ok is neither true nor false")
    said = content.get("said", "")
    return DeviceAnswer(device, key, done, said.replace("\0", "") if isinstance(said, str) else "")


def _publish(broker: Broker, topic: str, content: bytes) -> None:
    """Connect, publish, wait until the broker says that it has it, and leave."""
    address = Address.parse(broker.url)
    client = paho.Client(CallbackAPIVersion.VERSION2, f"jingwei-command-{uuid4().hex[:12]}")
    if address.user is not None:
        client.username_pw_set(address.user, address.password)
    if address.tls:
        client.tls_set(ca_certs=broker.ca_file, tls_version=ssl.PROTOCOL_TLS_CLIENT)
    published = threading.Event()

    def on_connect(who: paho.Client, data: Any, flags: Any, reason: Any, properties: Any) -> None:
        if not reason.is_failure:
            who.publish(topic, content, qos=_QOS)

    def on_publish(who: paho.Client, data: Any, mid: int, reason: Any, properties: Any) -> None:
        published.set()

    client.on_connect, client.on_publish = on_connect, on_publish
    try:
        client.connect(address.host, address.port, _KEEP_ALIVE_S)
        deadline = time.monotonic() + _PATIENCE_S
        while not published.is_set() and time.monotonic() < deadline:
            if client.loop(0.2) != paho.MQTT_ERR_SUCCESS:
                break
    except OSError as exc:
        raise ConnectorError("无法连接消息服务器：%(reason)s", permanent=False, reason=exc) from exc
    finally:
        client.disconnect()
    if not published.is_set():
        raise ConnectorError("消息服务器没有确认收到命令。", permanent=False)
