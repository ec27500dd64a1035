"""A socket that reads ahead and hands out whole packets: paho asks the system for each byte of a packet's head."""

from __future__ import annotations

import select
import socket
import ssl
from typing import Any, Final

from paho.mqtt import client as paho

from connectors.mqtt_packets import Received, bounds, message

_READ_AHEAD: Final = 65536
# How long a broker may take no byte before it counts as gone.
_PATIENCE_S: Final = 10.0


class ReadAhead:
    """A connected socket, plain or of TLS, of which more is read at once than is asked for.

    It gives no byte of a packet that has not come whole, so nobody is left with half of one.
    """

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._read = b""
        # Of the packet that is being handed out; where they are the same, another begins.
        self._at = self._end = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)

    def recv(self, size: int) -> bytes:
        """Return what is there of a packet, so many bytes at most; b"" at the end. Raises BlockingIOError."""
        self._end = self._handed_to()
        if self._at == self._end:
            more = self._socket.recv(_READ_AHEAD)
            if not more:
                return b""
            self._read, self._at, self._end = self._read[self._at :] + more, 0, 0
            self._end = self._handed_to()
            if not self._end:
                raise BlockingIOError
        found = self._read[self._at : min(self._at + size, self._end)]
        self._at += len(found)
        return found

    def messages(self, most: int, connection: int) -> list[Received]:
        """Take out the messages that lie before any other packet, so many at most."""
        found: list[Received] = []
        while self._at == self._end and len(found) < most:
            one, self._end = message(self._read, self._at, connection)
            self._at = self._end
            if one is None:
                break
            found.append(one)
        return found

    def pending(self) -> int:
        """Return how many bytes can be had that select() does not know of."""
        below = getattr(self._socket, "pending", None)
        return self._handed_to() - self._at + (below() if below else 0)

    def send_all(self, data: bytes) -> None:
        """Send everything; the socket itself does not wait. Raises OSError."""
        while data:
            try:
                data = data[self._socket.send(data) :]
            # TLS has an error of its own for a socket that takes nothing at present.
            except (BlockingIOError, InterruptedError, ssl.SSLWantWriteError):
                if not select.select((), (self._socket,), (), _PATIENCE_S)[1]:
                    raise TimeoutError("the broker takes nothing") from None

    def _handed_to(self) -> int:
        """Return where the packet ends that is being handed out, or the next one; where we are if none is there."""
        if self._at < self._end:
            return self._end
        begin, end = bounds(self._read, self._at)
        return end if begin and end <= len(self._read) else self._at


class Client(paho.Client):
    """A client whose socket reads ahead."""

    def _create_socket(self) -> Any:
        return ReadAhead(super()._create_socket())  # type: ignore[arg-type]  # no proxy, no web socket
