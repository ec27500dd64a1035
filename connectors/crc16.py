"""The two ways that monitoring protocols reckon a checksum over the polynomial A001."""

from __future__ import annotations

from typing import Final


def _table() -> tuple[int, ...]:
    found = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0xA001 if byte & 1 else 0)  # noqa: PLW2901 because the byte is shifted out
        found.append(byte)
    return tuple(found)


_STEPS: Final = _table()


def modbus(data: bytes) -> int:
    """Return the checksum of Modbus, which SL 651 takes."""
    register = 0xFFFF
    for byte in data:
        register = register >> 8 ^ _STEPS[(register ^ byte) & 0xFF]
    return register


def hj212(data: bytes) -> int:
    """Return the checksum of HJ 212, annex A: the byte meets the register's upper half, not its lower one."""
    register = 0xFFFF
    for byte in data:
        register = register >> 8 ^ byte
        register = register >> 8 ^ _STEPS[register & 0xFF]
    return register
