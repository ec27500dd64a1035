"""The subscriber against the real broker: long messages and short ones, and those that are too long."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors import mqtt
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


def test_no_more_is_read_ahead_than_can_be_held(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(mqtt, "AHEAD_BYTES", 200_000)
    broker = Broker(tmp_path)
    subscriber = Subscriber(Address.parse(broker.url), "test", "jingwei/#", at_once=100)
    rounds: list[int] = []
    try:
        subscriber.connect()
        wait_until(lambda: not subscriber.fetch(1, 0.05) and subscriber.subscribed, "subscribing")
        gateway = Gateway(broker.port, insists=False)
        for _ in range(20):
            gateway.publish("jingwei/json/P-1", b"a" * 60_000)
        gateway.finish()

        def all_fetched() -> bool:
            rounds.append(len(subscriber.fetch(100, 0.05)))
            return sum(rounds) == 20

        wait_until(all_fetched, "the messages")
        # The fourth one passes the bound; what lies whole in one piece of the line comes with it.
        assert max(rounds) <= 5
    finally:
        subscriber.disconnect()
        broker.kill()
