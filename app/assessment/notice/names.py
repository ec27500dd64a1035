"""Names of sheets: what spreadsheet programs take, each once."""

from __future__ import annotations

import re
from typing import Final

from app.web.spreadsheets.writing import TITLE_LIMIT

_FORBIDDEN: Final = re.compile(r"[\[\]:*?/\\\x00-\x1f]")
# A program keeps this name to itself.
_RESERVED: Final = frozenset({"history"})


class SheetNames:
    """Names given so far; upper and lower case are the same to a spreadsheet program."""

    def __init__(self) -> None:
        self._taken: set[str] = set(_RESERVED)

    def name(self, wanted: str) -> str:
        """Return a name for a sheet: the one wanted as far as it may be, with a number when it is taken."""
        plain = _FORBIDDEN.sub("_", wanted).strip("' ") or "_"
        number, name = 1, plain[:TITLE_LIMIT].strip("' ")
        while name.casefold() in self._taken:
            number += 1
            ending = f" ({number})"
            name = plain[: TITLE_LIMIT - len(ending)].rstrip("' ") + ending
        self._taken.add(name.casefold())
        return name
