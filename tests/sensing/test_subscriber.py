"""The subscriber against the real broker: long messages and short ones, and those that are too long."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.mqtt import LONGEST_PACKET, Address, Subscriber
from connectors.mqtt_packets import Received
from tests.sensing.broker import MOSQUITTO, Broker, Gateway, wait_until

pytestmark = pytest.mark.skipif(
    not MOSQUITTO.exists(), reason="the broker is not installed: apt install mosquitto"
)


def test_a_message_of_any_length_comes_whole_and_one_too_long_not_at_all(tmp_path: Path) -> None:
    broker = Broker(tmp_path)
    subscriber = Subscriber(Address.parse(broker.url), "test", "jingwei/#", at_once=100)
    found: list[Received] = []

    def fetched(count: int) -> bool:
        found.extend(subscriber.fetch(100, 0.05))
        return len(found) >= count

    try:
        subscriber.connect()
        wait_until(lambda: fetched(0) and subscriber.subscribed, "the subscription")
        gateway = Gateway(broker.port, insists=False)
        sent = [b"a", b"b" * 1_500_000, b"c" * 70_000, b"d" * LONGEST_PACKET, b"e"]
        for payload in sent:
            gateway.publish("jingwei/json/P-1", payload)
        gateway.finish()
        wait_until(lambda: fetched(4), "the messages")
        assert [one.payload for one in found] == [*sent[:3], sent[4]]
        subscriber.acknowledge(found)
    finally:
        subscriber.disconnect()
        broker.kill()
