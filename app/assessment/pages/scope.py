"""Which unit a page is narrowed to: any for those who see all, one's own for everybody else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import request

from app.accounts.tables import Unit
from app.assessment.pages.ranking import SEE_ALL, is_own, reader, unit_or_404
from app.assessment.queries import rankable_units
from app.db.session import db


@dataclass(frozen=True, slots=True)
class Scope:
    """unit: the one that the page is of; None: all of them, or, without choices, none at all."""

    unit: Unit | None
    choices: Sequence[Unit]
    may_see_all: bool

    @property
    def empty(self) -> bool:
        """Tell whether there is nothing that the reader may see."""
        return not self.choices


def scope() -> Scope:
    """Return what the address narrows to. Raises NotFound, or Forbidden for a unit that is not the reader's own."""
    choices, may_see_all = readable_units(), reader().has(*SEE_ALL)
    code = request.args.get("unit", "").strip()
    if code:
        return Scope(unit_or_404(code), choices, may_see_all)
    # Of ranked units that lie in each other the reader stands in the innermost.
    own = None if may_see_all else max(choices, key=lambda unit: len(unit.path), default=None)
    return Scope(own, choices, may_see_all)


def readable_units() -> list[Unit]:
    """Return the ranked units whose figures the reader may see; those closed since only to who sees all."""
    units = rankable_units(db.session())
    if reader().has(*SEE_ALL):
        return list(units)
    return [unit for unit in units if is_own(reader(), unit)]
