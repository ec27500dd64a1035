"""A socket that reads ahead and a client that uses it: paho asks the system for each byte of a packet's head."""

from __future__ import annotations

import select
import socket
from typing import Any, Final

from paho.mqtt import client as paho

_READ_AHEAD: Final = 65536
# How long a broker may take no byte before it counts as gone.
_PATIENCE_S: Final = 10.0


class ReadAhead:
    """A connected socket, plain or of TLS, of which more is read at once than is asked for."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._read = b""
        self._at = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)

    def recv(self, size: int) -> bytes:
        """Return what is there, so many bytes at most; b"" at the end."""
        if self._at == len(self._read):
            self._read, self._at = self._socket.recv(_READ_AHEAD), 0
        found = self._read[self._at : self._at + size]
        self._at += len(found)
        return found

    def pending(self) -> int:
        """Return how many bytes have been read that select() does not know of."""
        below = getattr(self._socket, "pending", None)
        return len(self._read) - self._at + (below() if below else 0)

    def send_all(self, data: bytes) -> None:
        """Send everything; the socket itself does not wait. Raises OSError."""
        while data:
            try:
                data = data[self._socket.send(data) :]
            except (BlockingIOError, InterruptedError):
                if not select.select((), (self._socket,), (), _PATIENCE_S)[1]:
                    raise TimeoutError("the broker takes nothing") from None


class Client(paho.Client):
    """A client whose socket reads ahead."""

    def _create_socket(self) -> Any:
        return ReadAhead(super()._create_socket())  # type: ignore[arg-type]  # no proxy, no web socket
