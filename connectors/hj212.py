"""HJ 212-2017, the protocol of pollution monitoring: packets of text.

## | length of the data 4 | data | CRC 4 | CRLF. The data are segments QN=…;ST=…;CN=…;…;CP=&&…&&, and CP holds
fields, `code-aspect=value`, separated by commas within one object and by semicolons between objects.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Final

from connectors.crc16 import hj212
from connectors.refusals import FrameRefused, Unreadable
from connectors.samples import Sample

BEIJING: Final = timezone(timedelta(hours=8))
LONGEST: Final = 1024
REAL_TIME: Final = "2011"
_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,12}(?:\.[0-9]{1,8})?", re.ASCII)
_DIGITS: Final = re.compile(r"[0-9]+", re.ASCII)
_SEGMENTS: Final = frozenset({"QN", "ST", "CN", "PW", "MN", "Flag", "PNUM", "PNO"})
_WANTED: Final = ("ST", "CN", "MN")
# Fields that we keep, by the names of sla/policies/metrics.yml.
METRICS: Final[Mapping[str, str]] = {
    "w01001-Rtd": "ph",
    "w01010-Rtd": "temperature_c",
    "w01003-Rtd": "turbidity_ntu",
}


@dataclass(frozen=True, slots=True)
class Packet:
    """A packet whose checksum is right. fields: what CP holds, `code-aspect` to text."""

    segments: Mapping[str, str]
    fields: Mapping[str, str]
    measured_at: datetime | None

    @property
    def device(self) -> str:
        """Return the number of the device (MN)."""
        return self.segments["MN"]

    @property
    def command(self) -> str:
        """Return what the packet is for (CN)."""
        return self.segments["CN"]

    def samples(self) -> Iterator[Sample]:
        """Return what was measured, as far as we keep it. Raises FrameRefused on a value that is none."""
        if self.command != REAL_TIME or self.measured_at is None:
            return
        for name, metric in METRICS.items():
            if name in self.fields:
                yield Sample(self.device, self.measured_at, metric, number(self.fields[name]))


def number(text: str) -> float:
    """Return a field's number. Raises FrameRefused."""
    if not _NUMBER.fullmatch(text) or not math.isfinite(value := float(text)):
        raise FrameRefused(Unreadable.NOT_A_NUMBER, repr(text[:40]))
    return value


def decode(data: bytes) -> Packet:
    """Decode one whole packet, with or without the line end. Raises FrameRefused."""
    if data[:2] != b"##":
        raise FrameRefused(Unreadable.NO_FRAME, "## wanted")
    if len(data) > LONGEST + 12:
        raise FrameRefused(Unreadable.TOO_LONG, f"{len(data)} bytes")
    try:
        text = data.decode("ascii").removesuffix("\r\n")
    except UnicodeDecodeError as exc:
        raise FrameRefused(Unreadable.NOT_TEXT, "ASCII wanted") from exc
    if not _DIGITS.fullmatch(text[2:6]) or len(text) != 6 + int(text[2:6]) + 4:
        raise FrameRefused(Unreadable.WRONG_LENGTH, f"{text[2:6]!r} told, {len(text) - 10} found")
    content, written = text[6:-4], text[-4:]
    if f"{(reckoned := hj212(content.encode())):04X}" != written.upper():
        raise FrameRefused(Unreadable.WRONG_CRC, f"{written}, reckoned {reckoned:04X}")
    return _checked(content)


def _checked(content: str) -> Packet:
    head, begin, rest = content.partition("CP=&&")
    inner, end, after = rest.partition("&&")
    if not begin or not end or after:
        raise FrameRefused(Unreadable.MISSING_PART, "CP=&&…&& at the end wanted")
    segments = dict(_pairs(head.removesuffix(";"), ";"))
    if unknown := segments.keys() - _SEGMENTS:
        raise FrameRefused(Unreadable.UNKNOWN_PART, min(unknown)[:40])
    if missing := [name for name in _WANTED if not segments.get(name)]:
        raise FrameRefused(Unreadable.MISSING_PART, missing[0])
    if int_of(segments.get("PNUM", "1")) > 1:
        raise FrameRefused(Unreadable.PART_OF_MANY, "packets cut into parts are not put together")
    fields = dict(_pairs(inner.replace(";", ","), ","))
    written = fields.get("DataTime")
    return Packet(segments, fields, None if written is None else _moment(written))


def int_of(text: str) -> int:
    """Return a count written in up to four digits. Raises FrameRefused."""
    if not _DIGITS.fullmatch(text) or len(text) > 4:
        raise FrameRefused(Unreadable.NOT_A_NUMBER, repr(text[:40]))
    return int(text)


def _pairs(text: str, separator: str) -> Iterator[tuple[str, str]]:
    for part in text.split(separator) if text else ():
        name, equals, value = part.partition("=")
        if not equals or not name:
            raise FrameRefused(Unreadable.MISSING_PART, f"name=value wanted, {part[:40]!r} seen")
        yield name, value


def _moment(written: str) -> datetime:
    # strptime alone also takes "2025 1 1".
    if len(written) != 14 or not _DIGITS.fullmatch(written):
        raise FrameRefused(Unreadable.NO_SUCH_TIME, repr(written[:40]))
    try:
        return datetime.strptime(written, "%Y%m%d%H%M%S").replace(tzinfo=BEIJING)
    except ValueError as exc:
        raise FrameRefused(Unreadable.NO_SUCH_TIME, repr(written[:40])) from exc
