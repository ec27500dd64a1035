"""SL 651-2014, the hydrological telemetry protocol: frames in hexadecimal (HEX/BCD) coding.

7E7E | centre 1 | station 5 | password 2 | function 1 | direction and length 2 | 02 | body | 03 | CRC 2.
A frame down to the station names the station first. The body begins with a serial number and the time of
sending; a report goes on with the station, its class, the time of observation and elements: identifier,
bytes << 3 | decimals, then BCD digits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from enum import IntEnum
from typing import Final

from connectors.crc16 import modbus
from connectors.refusals import FrameRefused, Unreadable
from connectors.samples import Sample

# The protocol's times are Beijing time, wherever the station stands.
BEIJING: Final = timezone(timedelta(hours=8))
START: Final = b"\x7e\x7e"
_HEADER: Final = 14
# Header, the shortest body (serial number and time), its end, the checksum.
SHORTEST: Final = _HEADER + 8 + 1 + 2
_ONE, _MANY = 0x02, 0x16
_UP_ENDS: Final = frozenset({0x03, 0x17})
_DOWN_ENDS: Final = frozenset({0x03, 0x04, 0x05, 0x06, 0x15, 0x1B})
_DOWN: Final = 8
_MORE_FOLLOWS: Final = 0x17
_GO_ON, _DONE = 0x06, 0x1B
_STATION, _OBSERVED = b"\xf1\xf1", b"\xf0\xf0"
# Their digits are no BCD: hourly rows of two-digit or four-digit hexadecimal numbers.
_ROWS: Final = range(0xF4, 0xFD)


class Function(IntEnum):
    """What a frame is for."""

    KEEP_ALIVE = 0x2F
    TEST = 0x30
    UNIFORM = 0x31
    FIXED_TIME = 0x32
    ADDITIONAL = 0x33
    HOURLY = 0x34
    BY_HAND = 0x35


# What may carry elements.
REPORTS: Final = frozenset(Function) - {Function.KEEP_ALIVE}
# Elements that we keep, by the names of sla/policies/metrics.yml.
METRICS: Final[Mapping[int, str]] = {
    0x20: "rain_mm",
    0x26: "rain_total_mm",
    0x38: "battery_v",
    0x39: "level_m",
}


@dataclass(frozen=True, slots=True)
class Element:
    """One measured element. value: None where the station measured nothing, or the digits are no number."""

    code: int
    digits: str
    decimals: int
    value: Decimal | None


@dataclass(frozen=True, slots=True)
class Report:
    """What a station reports of one moment."""

    station: str
    station_class: int
    observed_at: datetime
    elements: tuple[Element, ...]


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame whose checksum is right. end: how the sender ended it; 0x1B asks the station to stop."""

    up: bool
    centre: int
    station: str
    password: str
    function: int
    serial: int
    sent_at: datetime
    end: int
    report: Report | None

    def samples(self) -> Iterator[Sample]:
        """Return what was measured, as far as we keep it."""
        if self.report is None:
            return
        for element in self.report.elements:
            metric = METRICS.get(element.code)
            if metric is not None and element.value is not None:
                yield Sample(
                    self.report.station, self.report.observed_at, metric, float(element.value)
                )


def decode_hex(text: str) -> Frame:
    """Decode a frame written in hexadecimal digits, as logs and manuals print it. Raises FrameRefused."""
    try:
        return decode(bytes.fromhex(text))
    except ValueError as exc:
        raise FrameRefused(Unreadable.NOT_TEXT, "hexadecimal digits are wanted") from exc


def decode(data: bytes) -> Frame:
    """Decode one whole frame. Raises FrameRefused."""
    check(data)
    if data[13] == _MANY:
        raise FrameRefused(Unreadable.PART_OF_MANY, "one packet of many says nothing alone")
    return frame_of(data, data[_HEADER:-3])


def check(data: bytes) -> None:
    """Raise FrameRefused unless the data are one frame, whole and undamaged."""
    if data[:2] != START:
        raise FrameRefused(Unreadable.NO_FRAME, f"begins with {data[:2].hex()}, not 7e7e")
    # Of many packets the last may be a few bytes.
    if len(data) < (_HEADER + 7 if data[13:14] == bytes([_MANY]) else SHORTEST):
        raise FrameRefused(Unreadable.CUT_SHORT, f"{len(data)} bytes, at least {SHORTEST} wanted")
    if data[11] >> 4 not in {0, 8} or len(data) != told_length(data):
        raise FrameRefused(Unreadable.WRONG_LENGTH, f"{len(data)} bytes, {told_length(data)} told")
    written = int.from_bytes(data[-2:])
    if (reckoned := modbus(data[:-2])) != written:
        raise FrameRefused(Unreadable.WRONG_CRC, f"{written:04X}, reckoned {reckoned:04X}")
    if data[-3] not in (_UP_ENDS if data[11] >> 4 == 0 else _DOWN_ENDS):
        raise FrameRefused(Unreadable.WRONG_END, f"ends with {data[-3]:02X}")
    if data[13] not in {_ONE, _MANY}:
        raise FrameRefused(Unreadable.NO_FRAME, f"body begins with {data[13]:02X}, not 02")


def told_length(data: bytes) -> int:
    """Return how many bytes a frame has by its own header, of which 13 bytes must be there."""
    return _HEADER + ((data[11] & 0x0F) << 8 | data[12]) + 3


@dataclass(frozen=True, slots=True)
class Packet:
    """One of many packets that make a report together. number: from 1. key: what they have in common."""

    key: tuple[str, int]
    total: int
    number: int
    part: bytes


def packet_of(data: bytes) -> Packet | None:
    """Return a checked frame as a packet of many; None where it is whole. Raises FrameRefused."""
    if data[13] != _MANY:
        return None
    # After the start come twelve bits of how many there are and twelve of which this is.
    counts = int.from_bytes(data[_HEADER : _HEADER + 3])
    total, number = counts >> 12, counts & 0xFFF
    if len(data) < _HEADER + 6 or not 1 <= number <= total:
        raise FrameRefused(Unreadable.PART_OF_MANY, f"packet {number} of {total}")
    return Packet((data[2:8].hex(), data[10]), total, number, data[_HEADER + 3 : -3])


def frame_of(data: bytes, body: bytes) -> Frame:
    """Decode a body with the head and the end of a checked frame. Raises FrameRefused."""
    up = data[11] >> 4 == 0
    function = data[10]
    if len(body) < 8:
        raise FrameRefused(Unreadable.WRONG_LENGTH, f"body of {len(body)} bytes, 8 at least")
    station = data[3:8] if up else data[2:7]
    rest = body[8:]
    return Frame(
        up=up,
        centre=data[2] if up else data[7],
        station=_digits(station),
        password=data[8:10].hex(),
        function=function,
        serial=int.from_bytes(body[:2]),
        sent_at=_moment(body[2:8]),
        end=data[-3],
        report=_report(rest) if up and function in REPORTS and rest else None,
    )


def wants_reply(frame: Frame) -> bool:
    """Tell whether the station waits for an answer: to reports, not to a sign of life."""
    return frame.up and frame.function in REPORTS


def reply_to(frame: Frame) -> bytes:
    """Return the answer to a report: go on where more follows, else done, and stay on the line.

    It repeats the report's serial number and time of sending, as the frames do that are published.
    """
    end = _GO_ON if frame.end == _MORE_FOLLOWS else _DONE
    head = START + bytes.fromhex(frame.station) + bytes([frame.centre])
    sent = frame.sent_at.astimezone(BEIJING).strftime("%y%m%d%H%M%S")
    body = frame.serial.to_bytes(2) + bytes.fromhex(sent)
    size = (_DOWN << 12 | len(body)).to_bytes(2)
    whole = head + bytes.fromhex(frame.password) + bytes([frame.function]) + size
    whole += bytes([_ONE]) + body + bytes([end])
    return whole + modbus(whole).to_bytes(2)


def _report(rest: bytes) -> Report:
    if len(rest) < 15 or rest[:2] != _STATION or rest[8:10] != _OBSERVED:
        raise FrameRefused(Unreadable.MISSING_PART, "F1F1 station class F0F0 time wanted")
    return Report(_digits(rest[2:7]), rest[7], _moment(rest[10:15]), tuple(_elements(rest[15:])))


def _elements(rest: bytes) -> Iterator[Element]:
    while rest:
        if len(rest) < 2:
            raise FrameRefused(Unreadable.CUT_SHORT, "an element without its length")
        code, size, decimals = rest[0], rest[1] >> 3, rest[1] & 7
        if size == 0 or len(rest) < 2 + size:
            raise FrameRefused(Unreadable.CUT_SHORT, f"element {code:02X} wants {size} bytes")
        yield _element(code, rest[2 : 2 + size], decimals)
        rest = rest[2 + size :]


def _element(code: int, data: bytes, decimals: int) -> Element:
    digits = data.hex().upper()
    # Nothing measured: every digit is F, or A.
    if code in _ROWS or set(digits) in ({"F"}, {"A"}):
        return Element(code, digits, decimals, None)
    # FF before the digits is the minus sign.
    number = digits.removeprefix("FF")
    if not number.isdecimal():
        raise FrameRefused(Unreadable.NOT_DIGITS, f"element {code:02X} is {digits}")
    sign = 1 if number == digits else -1
    return Element(code, digits, decimals, sign * Decimal(number).scaleb(-decimals))


def _digits(data: bytes) -> str:
    # Stations numbered by administrative area and those by river: the latter may hold A to F.
    return data.hex().upper()


def _moment(data: bytes) -> datetime:
    """Return the moment that BCD digits name: year of this century to minute, or to second."""
    digits = data.hex()
    if not digits.isdecimal():
        raise FrameRefused(Unreadable.NO_SUCH_TIME, f"time {digits}")
    parts = [int(digits[at : at + 2]) for at in range(0, len(digits), 2)]
    try:
        return datetime(2000 + parts[0], *parts[1:], tzinfo=BEIJING)  # type: ignore[arg-type,misc]  # five or six
    except ValueError as exc:
        raise FrameRefused(Unreadable.NO_SUCH_TIME, f"time {digits}") from exc
