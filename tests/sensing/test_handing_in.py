"""Readings handed in by HTTP and from the broker: tokens, formats, and a message that cannot be stored."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor, Future
from contextlib import suppress
from typing import Any

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.errors import ConnectorError, DatabaseLost
from app.run import SYSTEM, run
from app.sensing import ingest
from app.sensing.commands import AddReadingSource, StoreReadings
from app.sensing.ingest import Held, Ingest, hold, readings_of
from connectors.mqtt import Address
from connectors.mqtt_packets import Received
from connectors.samples import Sample
from tests.device_messages import FOUR_MILLIMETRES, JSON, REAL_TIME
from tests.sensing.conftest import NOON, Gauge


@pytest.fixture
def token(app: Flask, gauge: Gauge) -> str:
    found: str = run(AddReadingSource("street lamps"), actor=SYSTEM)
    return found


def _post(client: FlaskClient, token: str | None, content: Any) -> Any:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return client.post("/api/v1/readings", data=body, headers=headers)


def _reading(value: float = 1.0) -> dict[str, Any]:
    return {"device": "P-1", "at": NOON.isoformat(), "values": {"depth_cm": value}}


def test_readings_are_handed_in_by_token(client: FlaskClient, token: str, gauge: Gauge) -> None:
    for expected in ({"stored": 1, "refused": {}}, {"stored": 0, "refused": {"duplicate": 1}}):
        answer = _post(client, token, [_reading()])
        assert (answer.status_code, answer.json) == (200, expected)
    assert gauge.rows("SELECT value FROM readings") == [(1,)]


def test_without_the_token_of_an_active_source_nothing_is_taken(
    client: FlaskClient, token: str, gauge: Gauge
) -> None:
    assert _post(client, None, _reading()).status_code == 401
    assert _post(client, token + "x", _reading()).status_code == 401
    with gauge.database.sessions() as session:
        session.connection().exec_driver_sql("UPDATE reading_sources SET active = FALSE")
        session.commit()
    assert _post(client, token, _reading()).status_code == 401
    assert gauge.rows("SELECT count(*) FROM readings") == [(0,)]


def test_token_is_kept_nowhere(token: str, gauge: Gauge) -> None:
    (kept,) = gauge.rows("SELECT name || token_hash FROM reading_sources")[0]
    assert token not in kept


def test_malformed_body_is_refused_and_counted(
    client: FlaskClient, token: str, gauge: Gauge
) -> None:
    answer = _post(client, token, b'{"device": ')
    assert answer.status_code == 422
    assert gauge.rows("SELECT source, reason, n, example FROM refused_readings") == [
        ("http:street lamps", "malformed", 1, "not_text")
    ]


def _received(topic: str, payload: bytes, number: int = 1) -> Received:
    return Received(topic, payload, number, 1, 1)


def test_topic_tells_the_format() -> None:
    messages = [
        _received("jingwei/json/P-001", JSON),
        _received("jingwei/sl651/a/b", bytes.fromhex(FOUR_MILLIMETRES)),
        _received("jingwei/hj212/x", REAL_TIME),
        _received("jingwei/xml/x", b"<a/>"),
        _received("jingwei", JSON),
        _received("jingwei/json/P-001", b"?"),
    ]
    found = readings_of([*map(hold, messages)])
    assert [sample.metric for sample in found.samples] == [
        "depth_cm", "rain_mm", "rain_total_mm", "level_m", "battery_v", "ph", "turbidity_ntu",
    ]  # fmt: skip
    assert [reason.split(" ")[0] for reason in found.unreadable] == ["no", "no", "not_text"]


class Script:
    """A subscriber that brings what the test says and remembers what was acknowledged."""

    def __init__(self, *brought: list[Received] | ConnectorError) -> None:
        self.brought, self.acknowledged = list(brought), []
        self.subscribed = True

    def connect(self) -> None:
        pass

    def fetch(self, most: int, wait_s: float) -> list[Received]:
        found = self.brought.pop(0) if self.brought else []
        if isinstance(found, ConnectorError):
            raise found
        return found

    def acknowledge(self, messages: Iterable[Received]) -> None:
        self.acknowledged += [message.number for message in messages]


class AtOnce(Executor):
    """Do what is asked before going on, so that the test says when."""

    def submit(self, do, /, *given, **named):
        done: Future[Any] = Future()
        try:
            done.set_result(do(*given, **named))
        except Exception as error:  # noqa: BLE001 (as an executor does)
            done.set_exception(error)
        return done


def _payload(value: float) -> bytes:
    return json.dumps(_reading(value)).encode()


def test_nothing_is_acknowledged_before_it_is_stored(gauge: Gauge, monkeypatch) -> None:
    script = Script([_received("jingwei/json/P-1", _payload(1.0))])
    taking = Ingest(script, pause_s=-1, storing=AtOnce())
    taking.step()
    assert (script.acknowledged, gauge.rows("SELECT count(*) FROM readings")) == ([], [(0,)])
    seen = []
    monkeypatch.setattr(
        script, "acknowledge", lambda m: seen.extend(gauge.rows("SELECT value FROM readings"))
    )
    taking.step()
    assert seen == [(1,)]


def test_what_a_broken_connection_brought_is_stored(gauge: Gauge) -> None:
    script = Script(
        [_received("jingwei/json/P-1", _payload(1.0))], ConnectorError("gone", permanent=False)
    )
    taking = Ingest(script, most=2, pause_s=60, storing=AtOnce())
    taking.step()
    with pytest.raises(ConnectorError):
        taking.step()
    taking.pause_s = -1
    taking.step()
    assert gauge.rows("SELECT value FROM readings") == [(1,)]


def test_no_more_is_held_than_a_few_batches_while_nothing_can_be_stored(
    gauge: Gauge, monkeypatch
) -> None:
    def lost(batch: Sequence[Held]) -> StoreReadings:
        raise DatabaseLost

    monkeypatch.setattr(ingest, "readings_of", lost)
    # They want no acknowledgement, so nothing but us holds the broker back.
    flood = [[Received("jingwei/json/P-1", b"", 0, 0, 1)] * 10 for _ in range(50)]
    script = Script(*flood)
    taking = Ingest(script, most=20, pause_s=-1, storing=AtOnce())
    for _ in range(200):
        taking._not_before = 0
        with suppress(DatabaseLost):
            taking.step()
    assert len(taking._waiting) + len(taking._batch) <= 3 * 20
    assert script.brought


def test_one_bad_message_stops_no_other(gauge: Gauge, monkeypatch) -> None:
    def refuse(batch: Sequence[Held]) -> StoreReadings:
        numbers = [one.message.number for one in batch]
        if 3 in numbers:
            raise psycopg.DataError("of the rows")
        return StoreReadings([Sample("P-1", gauge.at(n), "depth_cm", 1.0) for n in numbers], "mqtt")

    monkeypatch.setattr(ingest, "readings_of", refuse)
    messages = [_received("jingwei/json/P-1", b"", number) for number in range(1, 8)]
    script = Script(messages)
    taking = Ingest(script, pause_s=-1, storing=AtOnce())
    taking.step()
    taking.step()
    assert gauge.rows("SELECT count(*) FROM readings") == [(6,)]
    assert gauge.rows("SELECT reason, n, example FROM refused_readings") == [
        ("malformed", 1, "DataError")
    ]
    assert script.acknowledged == list(range(1, 8))


def test_message_that_a_reader_cannot_bear_is_counted(gauge: Gauge, monkeypatch) -> None:
    def fail(payload: bytes) -> list[Sample]:
        raise RecursionError

    monkeypatch.setitem(ingest.READERS, "hj212", fail)
    messages = [
        _received("jingwei/hj212/P-1", b"", 1),
        _received("jingwei/json/P-1", _payload(1.0), 2),
    ]
    script = Script(messages)
    taking = Ingest(script, pause_s=-1, storing=AtOnce())
    taking.step()
    taking.step()
    assert gauge.rows("SELECT value FROM readings") == [(1,)]
    assert gauge.rows("SELECT reason, example FROM refused_readings") == [
        ("malformed", "RecursionError")
    ]
    assert script.acknowledged == [1, 2]


def test_long_messages_are_stored_a_few_at_a_time(gauge: Gauge, monkeypatch) -> None:
    batches = []
    stored = ingest.readings_of

    def seen(batch: Sequence[Held]) -> StoreReadings:
        batches.append([one.message.number for one in batch])
        return stored(batch)

    monkeypatch.setattr(ingest, "readings_of", seen)
    size = len(_payload(1.0))
    messages = [_received("jingwei/json/P-1", _payload(1.0), number) for number in range(1, 6)]
    script = Script(messages, [_received("jingwei/json/P-1", _payload(1.0), 6)])
    taking = Ingest(script, most_bytes=2 * size, pause_s=60, storing=AtOnce())
    for _ in range(8):
        taking.step()
    # The last two are full again only once the one behind them has come.
    assert batches == [[1, 2], [3, 4], [5, 6]]
    assert script.acknowledged == [1, 2, 3, 4, 5, 6]


def test_address_of_a_broker_is_read() -> None:
    found = Address.parse("mqtts://us%40er:p%3Ass@broker.example")
    assert (found.host, found.port, found.tls) == ("broker.example", 8883, True)
    assert (found.user, found.password) == ("us@er", "p:ss")
    assert Address.parse("mqtt://localhost:1999").port == 1999
    assert "p:ss" not in repr(found)


@pytest.mark.parametrize("url", ["http://x", "mqtt://", "mqtt://x:port", "localhost:1883"])
def test_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ConnectorError):
        Address.parse(url)
