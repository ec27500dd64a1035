"""A publisher that costs little: packets made beforehand, written as fast as the broker acknowledges them."""

from __future__ import annotations

import multiprocessing
import socket
import struct
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice

# Unacknowledged at most.
WINDOW = 2000
_CONNECT = b"\x00\x04MQTT\x04\x02\x00\x00"
_PUBLISH_QOS_1 = 0x32
_PUBACK = 0x40

Message = tuple[str, bytes]


def packet(number: int, topic: str, payload: bytes) -> bytes:
    """Return a PUBLISH of QoS 1."""
    name = topic.encode()
    body = struct.pack("!H", len(name)) + name + struct.pack("!H", number % 65535 + 1) + payload
    return bytes([_PUBLISH_QOS_1]) + _length(len(body)) + body


def publish(port: int, packets: list[bytes]) -> float:
    """Hand packets to the broker; return the seconds until the last was acknowledged."""
    with connected(port) as server:
        begin = time.perf_counter()
        sent = acknowledged = 0
        rest = b""
        while acknowledged < len(packets):
            room = min(WINDOW - (sent - acknowledged), len(packets) - sent)
            if room > WINDOW // 4 or (room and sent + room == len(packets)):
                server.sendall(b"".join(packets[sent : sent + room]))
                sent += room
            rest += server.recv(65536)
            # An acknowledgement of MQTT 3.1.1 has four bytes.
            whole = len(rest) // 4
            assert rest[0:1] == bytes([_PUBACK])
            acknowledged, rest = acknowledged + whole, rest[4 * whole :]
        return time.perf_counter() - begin


def publish_paced(port: int, seconds: Iterable[Callable[[], Iterator[Message]]]) -> None:
    """Hand over what each second brings, spread over the second, as long as there are seconds."""
    begin = time.monotonic()
    number = 0
    with connected(port) as server:
        for second, messages in enumerate(seconds):
            made = messages()
            for tenth in range(10):
                late = begin + second + tenth / 10 - time.monotonic()
                if late > 0:
                    time.sleep(late)
                part = list(made if tenth == 9 else islice(made, 500))
                server.sendall(b"".join(packet(number + n, *one) for n, one in enumerate(part)))
                number += len(part)
                _drop_acknowledgements(server)


@contextmanager
def connected(port: int) -> Iterator[socket.socket]:
    """Connect as a device that keeps nothing at the broker."""
    with socket.create_connection(("127.0.0.1", port)) as server:
        server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        name = f"bench{time.monotonic_ns()}".encode()
        body = _CONNECT + struct.pack("!H", len(name)) + name
        server.sendall(b"\x10" + _length(len(body)) + body)
        answer = server.recv(4)
        assert answer == b"\x20\x02\x00\x00", answer
        yield server


@contextmanager
def publishing(port: int, packets: list[bytes]) -> Iterator[None]:
    """Publish from a process of its own while the block runs."""
    process = multiprocessing.get_context("fork").Process(target=publish, args=(port, packets))
    process.start()
    try:
        yield
        process.join()
        assert process.exitcode == 0
    finally:
        process.kill()


def _length(size: int) -> bytes:
    found = bytearray()
    while True:
        size, digit = divmod(size, 128)
        found.append(digit | (0x80 if size else 0))
        if not size:
            return bytes(found)


def _drop_acknowledgements(server: socket.socket) -> None:
    server.setblocking(False)
    try:
        while server.recv(65536):
            pass
    except BlockingIOError:
        pass
    finally:
        server.setblocking(True)
