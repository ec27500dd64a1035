"""Sirens and barriers are commanded through the real broker, and answer through the ingest process."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from app.errors import Forbidden, InvalidInput, NotFound
from app.flood.commands.devices import CommandDevice, GiveUpWaiting, TakeAnswers
from app.run import SYSTEM, run
from app.sensing.ingest import Ingest, commands_for, hold
from app.worker.sender import SenderLoop
from connectors.mqtt import Address, Subscriber
from connectors.mqtt_command import Broker as BrokerSettings
from connectors.mqtt_command import DeviceAnswer
from connectors.mqtt_packets import Received
from connectors.registry import load_connectors
from tests.flood.conftest import COMMANDER, STAFF, Flood, key
from tests.sensing.broker import MOSQUITTO, Broker, wait_until
from tests.sensing.test_handing_in import AtOnce

needs_broker = pytest.mark.skipif(not MOSQUITTO.exists(), reason="no mosquitto here")


def device(flood: Flood, code: str = "SR-1") -> int:
    return flood.rows("SELECT id FROM devices WHERE code = :code", code=code)[0]["id"]


def command(flood: Flood) -> dict:
    (found,) = flood.rows("SELECT * FROM flood_commands")
    return found


def order(flood: Flood, action: str = "sound", code: str = "SR-1") -> int:
    return run(CommandDevice(device(flood, code), action), actor=COMMANDER)


def answer(flood: Flood, code: str = "SR-1", **given) -> int:
    said = {"done": True, "said": "ok", "key": command(flood)["key"], **given}
    return run(
        TakeAnswers([DeviceAnswer(code, said["key"], said["done"], said["said"])]), actor=SYSTEM
    )


def test_command_waits_until_its_device_answers(flood: Flood) -> None:
    order(flood)
    assert command(flood)["state"] == "sent"
    assert answer(flood) == 1
    found = command(flood)
    assert (found["state"], found["answer"]) == ("acknowledged", "ok")


def test_same_answer_again_changes_nothing(flood: Flood) -> None:
    order(flood)
    answer(flood)
    assert answer(flood, done=False) == 0
    assert command(flood)["state"] == "acknowledged"


def test_failure_is_told_by_the_device(flood: Flood) -> None:
    order(flood)
    answer(flood, done=False, said="no power")
    assert (command(flood)["state"], command(flood)["answer"]) == ("failed", "no power")


@pytest.mark.parametrize("given", [{"code": "BR-1"}, {"key": key(3)}])
def test_answer_of_another_device_or_command_counts_for_nothing(flood: Flood, given) -> None:
    order(flood)
    assert answer(flood, **given) == 0


def test_silence_is_noted_and_a_late_command_never_goes_out(flood: Flood) -> None:
    order(flood)
    flood.later(seconds=31)
    assert run(GiveUpWaiting(), actor=SYSTEM) == 1
    assert command(flood)["state"] == "unanswered"
    (message,) = flood.rows("SELECT parked_at FROM outbox WHERE topic = 'flood.command'")
    assert message["parked_at"] is not None
    assert answer(flood) == 1
    assert command(flood)["state"] == "acknowledged"


def test_device_does_only_what_its_kind_can(flood: Flood) -> None:
    with pytest.raises(InvalidInput) as refused:
        order(flood, "lower")
    assert "action" in refused.value.fields
    with pytest.raises(NotFound):
        run(CommandDevice(device(flood, "RG-1") + 1000, "sound"), actor=COMMANDER)
    with pytest.raises(Forbidden):
        run(CommandDevice(device(flood), "sound"), actor=STAFF)


def test_without_a_broker_the_message_is_given_up_and_says_why(
    flood: Flood, tmp_path: Path
) -> None:
    order(flood)
    SenderLoop(flood.database, flood.clock, load_connectors(tmp_path)).step()
    (message,) = flood.rows(
        "SELECT parked_at, last_error FROM outbox WHERE topic = 'flood.command'"
    )
    assert message["parked_at"] is not None
    assert "JINGWEI_MQTT_URL" in message["last_error"]


def test_our_own_commands_and_broken_answers_are_no_readings(app: Flask) -> None:
    messages = [
        Received("jingwei/command/SR-1", b"{}", 1, 1, 1),
        Received("jingwei/acknowledge/SR-1", b"no json", 2, 1, 1),
    ]
    assert commands_for([*map(hold, messages)]) == [TakeAnswers([])]


class Siren:
    """A device on the broker that answers what it is told."""

    def __init__(self, broker: Broker) -> None:
        self.told: list[dict] = []
        self.ready = False
        self.client = paho.Client(CallbackAPIVersion.VERSION2, "siren")
        self.client.on_connect = lambda client, *_: client.subscribe("jingwei/command/SR-1", 1)
        self.client.on_subscribe = self._on_subscribe
        self.client.on_message = self._on_message
        self.client.connect("127.0.0.1", broker.port)
        self.client.loop_start()

    def _on_subscribe(self, *_: object) -> None:
        self.ready = True

    def _on_message(self, client, data, message) -> None:
        told = json.loads(message.payload)
        self.told.append(told)
        said = json.dumps({"id": told["id"], "ok": True, "said": "鸣响"})
        client.publish("jingwei/acknowledge/SR-1", said.encode(), qos=1)


@needs_broker
def test_command_reaches_the_device_and_its_answer_the_page(
    app: Flask, flood: Flood, tmp_path: Path
) -> None:
    broker = Broker(tmp_path)
    siren = Siren(broker)
    subscriber = Subscriber(Address.parse(broker.url), "jingwei-test", "jingwei/#", at_once=10)
    # The test looks through the connection that is stored by: both in this thread.
    taking = Ingest(subscriber, most=10, pause_s=0.05, storing=AtOnce())
    try:
        wait_until(lambda: siren.ready, "the siren to subscribe")

        def subscribed() -> bool:
            taking.step()
            return subscriber.subscribed

        wait_until(subscribed, "the ingest to subscribe")
        order(flood)
        connectors = load_connectors(tmp_path, broker=BrokerSettings(broker.url, "jingwei"))
        SenderLoop(flood.database, flood.clock, connectors).step()

        def answered() -> bool:
            taking.step()
            return command(flood)["state"] == "acknowledged"

        wait_until(answered, "the siren's answer")
        assert [told["action"] for told in siren.told] == ["sound"]
        assert command(flood)["answer"] == "鸣响"
        refused = flood.rows("SELECT * FROM refused_readings")
        assert refused == []
    finally:
        subscriber.disconnect()
        siren.client.loop_stop()
        broker.kill()


@needs_broker
def test_broker_that_is_away_is_tried_again(flood: Flood, tmp_path: Path) -> None:
    broker = Broker(tmp_path)
    broker.kill()
    order(flood)
    connectors = load_connectors(tmp_path, broker=BrokerSettings(broker.url, "jingwei"))
    SenderLoop(flood.database, flood.clock, connectors).step()
    (message,) = flood.rows("SELECT * FROM outbox WHERE topic = 'flood.command'")
    assert message["sent_at"] is None
    assert message["parked_at"] is None
    assert message["next_try_at"] > flood.clock.now() + timedelta(seconds=1)
