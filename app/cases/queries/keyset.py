"""Where a page of a list begins: after the last row of the page before, never at an offset."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from app.db.keyset import Place

__all__ = ["Page", "Place", "page_of"]

Line = TypeVar("Line")


@dataclass(frozen=True, slots=True)
class Page(Generic[Line]):
    """The lines of one page, and where the next one begins; None when this is the last."""

    lines: tuple[Line, ...]
    next: Place | None


def page_of(lines: Sequence[Line], size: int, place: Callable[[Line], Place]) -> Page[Line]:
    """Cut a page from lines that were asked for with one too many."""
    shown = tuple(lines[:size])
    return Page(shown, place(shown[-1]) if len(lines) > size else None)
