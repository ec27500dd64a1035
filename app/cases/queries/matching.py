"""How what a person typed into a search box is held against cases."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

# The day and the serial number within it, as numbers are given.
NUMBER_LENGTH: Final = 14
# Numbers begin with the day, so 12345 or a house number is a word.
_NUMBER: Final = re.compile(r"20[0-9]{2,12}")
LONGEST_WORDS: Final = 100
MOST_WORDS: Final = 10
# To LIKE; where a person typed it, it is only a character.
_MEANS_SOMETHING: Final = re.compile(r"([\\%_])")
_ESCAPED: Final = r"\\\1"


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


def holds_words(words: str, columns: Sequence[str], values: dict[str, Any]) -> str:
    """Return the condition that each word stands in one of the columns, and bind the words in values."""
    conditions = []
    for place, word in enumerate(without_nul(words).split()[:MOST_WORDS]):
        values[f"word_{place}"] = f"%{re.sub(_MEANS_SOMETHING, _ESCAPED, word)}%"
        either = " OR ".join(f"{column} ILIKE :word_{place}" for column in columns)
        conditions.append(f"({either})")
    return " AND ".join(conditions) or "TRUE"
