"""The mark before a text that a spreadsheet program would work out, and its removal."""

from __future__ import annotations

import re
from typing import Final

from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

# What a program takes for a formula, in a cell or in the CSV saved from it. One that already stands behind
# marks gets another, so that what is read is always what was written.
_WORKED_OUT: Final = re.compile(r"'*[=+\-@\t\r\n]")
_MARK: Final = "'"


def marked(text: str) -> str:
    """Return a text that no program takes for a formula, without the characters a workbook cannot hold."""
    plain = ILLEGAL_CHARACTERS_RE.sub("", text)
    return f"{_MARK}{plain}" if _WORKED_OUT.match(plain) else plain


def unmarked(text: str) -> str:
    """Return what was given to marked()."""
    if text.startswith(_MARK) and _WORKED_OUT.match(text[1:]):
        return text[1:]
    return text
