"""Our own payload: {"device": "P-001", "at": "2025-10-30T17:25:54+08:00", "values": {"depth_cm": 12.3}}, or a list of them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

import orjson

from app.clock import require_aware
from connectors.refusals import FrameRefused, Unreadable
from connectors.samples import Sample

LONGEST: Final = 2**20
LONGEST_NAME: Final = 64
MOST_VALUES: Final = 50
MOST_READINGS: Final = 5000
_KEYS: Final = frozenset({"device", "at", "values"})


def decode(payload: bytes) -> list[Sample]:
    """Return every sample of a payload. Raises FrameRefused; then nothing of it counts."""
    if len(payload) > LONGEST:
        raise FrameRefused(Unreadable.TOO_LONG, f"{len(payload)} bytes")
    try:
        content = orjson.loads(payload)
    except orjson.JSONDecodeError as exc:
        raise FrameRefused(Unreadable.NOT_TEXT, str(exc)) from exc
    return read(content)


def read(content: Any) -> list[Sample]:
    """Return every sample of a parsed payload. Raises FrameRefused."""
    readings = content if isinstance(content, list) else [content]
    if len(readings) > MOST_READINGS:
        raise FrameRefused(Unreadable.TOO_LONG, f"{len(readings)} readings")
    return [sample for reading in readings for sample in _samples(reading)]


def _samples(reading: Any) -> Iterator[Sample]:
    if not isinstance(reading, dict):
        raise FrameRefused(Unreadable.NO_FRAME, "an object with device, at and values is wanted")
    if reading.keys() != _KEYS:
        missing = _KEYS - reading.keys()
        reason = Unreadable.MISSING_PART if missing else Unreadable.UNKNOWN_PART
        raise FrameRefused(reason, ", ".join(sorted(missing or reading.keys() - _KEYS))[:200])
    device, at, values = _name(reading["device"]), _moment(reading["at"]), reading["values"]
    if not isinstance(values, dict) or not 0 < len(values) <= MOST_VALUES:
        raise FrameRefused(Unreadable.MISSING_PART, f"values: 1 to {MOST_VALUES} wanted")
    for metric, value in values.items():
        yield Sample(device, at, _name(metric), _number(value))


def _name(value: Any) -> str:
    if not isinstance(value, str) or not value.isprintable() or not 0 < len(value) <= LONGEST_NAME:
        raise FrameRefused(
            Unreadable.MISSING_PART, f"a name is wanted, {type(value).__name__} seen"
        )
    return value


def _moment(value: Any) -> datetime:
    try:
        return require_aware(_local(value))
    except ValueError as exc:
        raise FrameRefused(Unreadable.NO_TIME_ZONE, f"{value} names no zone") from exc


def _local(value: Any) -> datetime:
    if not isinstance(value, str) or len(value) > 40:
        raise FrameRefused(Unreadable.NO_SUCH_TIME, "at: a text in ISO 8601 is wanted")
    try:
        return datetime.fromisoformat(value)
    except ValueError as exc:
        raise FrameRefused(Unreadable.NO_SUCH_TIME, repr(value)) from exc


def _number(value: Any) -> float:
    # A bool is an int to Python.
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise FrameRefused(Unreadable.NOT_A_NUMBER, type(value).__name__)
    return float(value)
