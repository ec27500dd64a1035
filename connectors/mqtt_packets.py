"""The packets of MQTT 5 as bytes: how long one is, and the message in one.

paho spends more on a message than storing it costs, and messages are nearly all that a broker sends. Whatever is not
plainly a message is left to paho.
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

_PUBLISH: Final = 0x30
_TYPE: Final = 0xF0
# A length's digit that has this bit is followed by another; there are at most four.
_MORE: Final = 0x80
_DIGITS: Final = 4
_number: Final = struct.Struct("!H").unpack_from


class Received(NamedTuple):
    """A message that the broker keeps until it is acknowledged. connection: the one that brought it."""

    topic: str
    payload: bytes
    number: int
    qos: int
    connection: int


def bounds(data: bytes, at: int) -> tuple[int, int]:
    """Return where the content of the packet that begins there begins and ends; (0, 0) until its length has come.

    Of a length without an end the content is nothing: its head is long enough for paho to see the fault.
    """
    size = 0
    for place in range(_DIGITS + 1):
        here = at + 1 + place
        if here >= len(data):
            return 0, 0
        digit = data[here]
        size |= (digit & ~_MORE) << 7 * place
        if digit < _MORE and place < _DIGITS:
            return here + 1, here + 1 + size
    return at + _DIGITS + 2, at + _DIGITS + 2


def message(data: bytes, at: int, connection: int) -> tuple[Received | None, int]:
    """Return the message that begins there and where it ends; None where none does that has come whole."""
    begin, end = bounds(data, at)
    if not begin or end > len(data) or data[at] & _TYPE != _PUBLISH:
        return None, at
    qos = data[at] >> 1 & 3
    if qos > 1 or end - begin < 2:
        return None, at
    here = begin + 2 + _number(data, begin)[0]
    name = data[begin + 2 : here]
    number = 0
    if qos and here + 2 <= end:
        number = _number(data, here)[0]
        here += 2
    # What follows are properties, of which none is of use here, under their length.
    if here >= end or data[here] >= _MORE or here + 1 + data[here] > end:
        return None, at
    payload = data[here + 1 + data[here] : end]
    try:
        return Received(str(name, "utf-8"), payload, number, qos, connection), end
    except UnicodeDecodeError:
        return None, at
