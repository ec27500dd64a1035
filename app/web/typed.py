"""What is typed or stands in an address, held to what the database and the calendar can bear."""

from __future__ import annotations

from typing import Final

# Whoever writes a year outside of these has slipped; at their edges dates can still be reckoned with.
FIRST_YEAR: Final = 1970
END_YEAR: Final = 2200
# Every number with fewer digits fits a bigint.
_LONGEST_ID: Final = 19


def number_typed(text: str) -> int | None:
    """Return the number of a row that a text names; None for what cannot be one."""
    text = text.strip()
    return int(text) if text.isdecimal() and text.isascii() and len(text) < _LONGEST_ID else None


def plain_typed(text: str) -> str:
    """Return a text without what the database cannot store, and without blanks around it."""
    return text.replace("\0", "").strip()
