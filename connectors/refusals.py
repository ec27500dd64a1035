"""Why something that a device sent cannot be read."""

from __future__ import annotations

from enum import StrEnum

from app.errors import AppError


class Unreadable(StrEnum):
    """The reasons, as they are counted."""

    NO_FRAME = "no_frame"
    TOO_LONG = "too_long"
    CUT_SHORT = "cut_short"
    WRONG_LENGTH = "wrong_length"
    WRONG_CRC = "wrong_crc"
    WRONG_END = "wrong_end"
    NOT_TEXT = "not_text"
    NOT_DIGITS = "not_digits"
    NO_SUCH_TIME = "no_such_time"
    NO_TIME_ZONE = "no_time_zone"
    MISSING_PART = "missing_part"
    UNKNOWN_PART = "unknown_part"
    NOT_A_NUMBER = "not_a_number"
    PART_OF_MANY = "part_of_many"
    ASCII_CODING = "ascii_coding"


class FrameRefused(AppError):
    """设备报文无法解读：%(reason)s。"""

    code = "frame_refused"

    def __init__(self, reason: Unreadable, detail: str = "") -> None:
        """detail: what was seen and what was wanted, for whoever looks into the device."""
        super().__init__(reason=reason.value)
        self.reason = reason
        self.detail = detail
