"""What stands in the way of a change in the tree of units, asked of the rooms above that know what people work on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sqlalchemy.orm import Session

from app.errors import Text


@dataclass(frozen=True)
class Departure:
    """People who will no longer stand in some units, and a unit that cases will no longer be dispatched to."""

    people: tuple[int, ...]
    left: tuple[int, ...]
    # They will stand in a ranked unit, which the whole city's work is kept from.
    into_ranked: bool = False
    demoted: int | None = None


Objector = Callable[[Session, Departure], Text | None]

_objectors: Final[list[Objector]] = []


def objects(objector: Objector) -> Objector:
    """Register a function that says what stands in the way of a departure; None when nothing does."""
    if objector not in _objectors:
        _objectors.append(objector)
    return objector


def objection_to(session: Session, departure: Departure) -> Text | None:
    """Return the first thing that stands in the way."""
    found = (objector(session, departure) for objector in _objectors)
    return next((text for text in found if text is not None), None)
