"""Packets of a broker: messages taken out of what was read agree with paho, wherever the reading was cut."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.client import MQTTv5, _packet

from connectors.mqtt_packets import Received, bounds, message
from connectors.mqtt_socket import ReadAhead

PING = b"\xd0\x00"


def _digits(size: int) -> bytes:
    found = b""
    while size > 127:
        found, size = found + bytes([size & 127 | 128]), size >> 7
    return found + bytes([size])


def _publish(
    topic: bytes, payload: bytes, number: int = 7, properties: bytes = b"", qos: int = 1
) -> bytes:
    tail = struct.pack("!H", number) if qos else b""
    body = (
        struct.pack("!H", len(topic))
        + topic
        + tail
        + _digits(len(properties))
        + properties
        + payload
    )
    return bytes([0x30 | qos << 1]) + _digits(len(body)) + body


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, ReadAhead]]:
    """Return the broker's end and ours."""
    theirs, ours = socket.socketpair()
    ours.setblocking(False)
    with theirs, ours:
        yield theirs, ReadAhead(ours)


def _read(ours: ReadAhead) -> bytes:
    """Read one packet as paho does: its first byte, then what is there of it."""
    found = ours.recv(1)
    with suppress(BlockingIOError):
        while (ours.pending() and len(found) < bounds(found, 0)[1]) or len(found) < 2:
            found += ours.recv(1)
    return found


@pytest.mark.parametrize("size", [0, 1, 100, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152])
def test_message_of_any_size_is_read_whole(size: int) -> None:
    packet = _publish(b"jingwei/json/P-1", b"x" * size)
    expected = Received("jingwei/json/P-1", b"x" * size, 7, 1, 3)
    assert message(packet + PING, 0, 3) == (expected, len(packet))
    assert message(packet[:-1], 0, 3) == (None, 0)


@given(
    topic=st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1, max_size=40),
    payload=st.binary(max_size=300),
    number=st.integers(1, 65535),
    qos=st.sampled_from([0, 1]),
)
def test_what_is_read_is_what_paho_reads(topic: str, payload: bytes, number: int, qos: int) -> None:
    packet = _publish(topic.encode(), payload, number, b"\x01\x01", qos)
    begin, end = bounds(packet, 0)
    theirs = _packet.decode_publish(packet[0], bytearray(packet[begin:end]), MQTTv5)
    found, _ = message(packet, 0, 1)
    assert found is not None
    assert found == Received(theirs.topic.decode(), bytes(theirs.payload), theirs.mid or 0, qos, 1)


@given(data=st.binary(max_size=60), at=st.integers(0, 10))
def test_no_bytes_raise_anything(data: bytes, at: int) -> None:
    found, end = message(b"\x32" + data, 0, 1)
    assert (found is None) == (end == 0)
    begin, end = bounds(data, at)
    assert begin <= end


@pytest.mark.parametrize(
    "packet",
    [
        PING,
        _publish(b"a", b"", qos=2),
        _publish(b"\xff", b""),
        b"\x32\x01\x00",
        b"\x32\x02\x00\x09",
        b"\x32\x05\x00\x01a\x00\x07",
        b"\x32\x06\x00\x01a\x00\x07\x05",
        b"\x32\xff\xff\xff\xff\x7f" + b"x" * 20,
    ],
)
def test_what_is_no_plain_message_is_left_to_paho(packet: bytes) -> None:
    assert message(packet + PING, 0, 1) == (None, 0)


def test_packet_is_handed_out_when_it_has_come_whole(ends) -> None:
    theirs, ours = ends
    packet = _publish(b"t", b"payload")
    for cut in range(1, len(packet)):
        theirs.sendall(packet[:cut])
        with pytest.raises(BlockingIOError):
            ours.recv(1)
        assert (ours.messages(9, 1), ours.pending()) == ([], 0)
        theirs.sendall(packet[cut:])
        assert _read(ours) == packet
    theirs.close()
    assert ours.recv(1) == b""


def test_messages_before_another_packet_are_taken_and_no_more_than_asked(ends) -> None:
    theirs, ours = ends
    theirs.sendall(PING + b"".join(_publish(b"t", b"%d" % n, n) for n in range(1, 6)) + PING)
    assert ours.messages(9, 1) == []
    assert _read(ours) == PING
    assert [one.number for one in ours.messages(3, 1)] == [1, 2, 3]
    assert [one.number for one in ours.messages(9, 1)] == [4, 5]
    assert _read(ours) == PING
    assert ours.pending() == 0


def test_length_without_an_end_reaches_paho_who_sees_the_fault(ends) -> None:
    theirs, ours = ends
    theirs.sendall(b"\x32\xff\xff\xff\xff\xff")
    assert ours.recv(1) == b"\x32"
    assert ours.recv(9) == b"\xff" * 5
