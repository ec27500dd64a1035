"""Frames of SL 651 out of a stream of bytes that may be cut anywhere and damaged anywhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from connectors.refusals import FrameRefused, Unreadable
from connectors.sl651 import START, Frame, check, frame_of, packet_of, told_length

# Of one report in many packets: a picture has a few hundred kilobytes.
MOST_BYTES: Final = 2**20
_HEAD: Final = 13
# The other coding of the protocol: SOH, then everything in hexadecimal digits.
_ASCII: Final = re.compile(rb"\x01[0-9A-Fa-f]{16}")


@dataclass
class Stream:
    """What one station sends. rubbish: bytes since the last good frame that belonged to none."""

    rubbish: int = 0
    _buffer: bytearray = field(default_factory=bytearray)
    _key: tuple[str, int] | None = None
    _parts: dict[int, bytes] = field(default_factory=dict)

    def feed(self, data: bytes) -> Iterator[Frame | FrameRefused]:
        """Yield each frame that is whole now, and why what is none was refused."""
        self._buffer += data
        while (refused := self._skip()) is not None or self._is_whole():
            if refused is not None:
                yield refused
                continue
            size = told_length(bytes(self._buffer[:_HEAD]))
            whole = bytes(self._buffer[:size])
            try:
                check(whole)
            except FrameRefused as error:
                # The damage may be in the length: the next frame may begin within this one.
                yield self._refuse(error, self._next_begin(1))
                continue
            del self._buffer[:size]
            self.rubbish = 0
            try:
                found = self._taken(whole)
            except FrameRefused as error:
                yield error
            else:
                if found is not None:
                    yield found

    @property
    def is_waiting(self) -> bool:
        """Tell whether a frame has begun and not ended."""
        return bool(self._buffer)

    def give_up(self) -> Iterator[Frame | FrameRefused]:
        """Wait no longer for the end of what has begun; yield what stands behind its beginning."""
        if self._buffer:
            cut = FrameRefused(Unreadable.CUT_SHORT, f"{len(self._buffer)} bytes and no end")
            yield self._refuse(cut, self._next_begin(1))
            yield from self.feed(b"")

    def _is_whole(self) -> bool:
        if len(self._buffer) < _HEAD:
            return False
        return len(self._buffer) >= told_length(bytes(self._buffer[:_HEAD]))

    def _next_begin(self, after: int) -> int:
        """Return where the next frame begins, or the end of what there is."""
        begin = self._buffer.find(START, after)
        # Half a beginning may be the last byte.
        return begin if begin >= 0 else len(self._buffer) - self._buffer.endswith(START[:1], after)

    def _skip(self) -> FrameRefused | None:
        """Drop what stands before the beginning of a frame; return why, once for each stretch."""
        begin = self._next_begin(0)
        if begin == 0:
            return None
        dropped = bytes(self._buffer[:begin])
        if _ASCII.search(dropped):
            return self._refuse(FrameRefused(Unreadable.ASCII_CODING, "send in HEX/BCD"), begin)
        return self._refuse(FrameRefused(Unreadable.NO_FRAME, dropped[:20].hex()), begin)

    def _refuse(self, error: FrameRefused, size: int) -> FrameRefused:
        self.rubbish += size
        del self._buffer[:size]
        return error

    def _taken(self, whole: bytes) -> Frame | None:
        """Return the frame that the data are, or that they complete; None while packets are missing."""
        packet = packet_of(whole)
        if packet is None:
            return frame_of(whole, whole[14:-3])
        if packet.key != self._key or packet.number == 1:
            self._key, self._parts = packet.key, {}
        self._parts[packet.number] = packet.part
        if sum(map(len, self._parts.values())) > MOST_BYTES:
            self._parts = {}
            raise FrameRefused(Unreadable.TOO_LONG, f"more than {MOST_BYTES} bytes in packets")
        if len(self._parts) < packet.total or packet.number != packet.total:
            return None
        body = b"".join(self._parts[number] for number in sorted(self._parts))
        self._key, self._parts = None, {}
        return frame_of(whole, body)
