"""How what a person typed into a search box is held against cases."""

from __future__ import annotations

import re
from typing import Final

# The day and the serial number within it, as numbers are given.
NUMBER_LENGTH: Final = 14
# Numbers begin with the day, so 12345 or a house number is a word.
_NUMBER: Final = re.compile(r"20[0-9]{2,12}")
LONGEST_WORDS: Final = 100


def without_nul(text: str) -> str:
    """Return a text without the one character that PostgreSQL can neither keep nor look for."""
    return text.replace("\x00", "")


def number_range(words: str) -> tuple[str, str] | None:
    """Return the first and last case number that begin with the digits typed; None when they are words.

    A range of equally long digits sorts alike in every collation, so the plain unique index serves it;
    LIKE would need one of its own.
    """
    typed = words.strip()
    if not _NUMBER.fullmatch(typed):
        return None
    return typed.ljust(NUMBER_LENGTH, "0"), typed.ljust(NUMBER_LENGTH, "9")


def pattern_of(words: str) -> str:
    """Return the ILIKE pattern for a text that holds the words, in the order typed."""
    typed = without_nul(words).split()
    escaped = (re.sub(r"([\\%_])", r"\\\1", word) for word in typed)
    return f"%{'%'.join(escaped)}%"
