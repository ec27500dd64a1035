"""The published figures of any period by class, grid, channel, person, group or unit; the parts add up to the whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.accounts.tables import Unit
from app.assessment.queries import (
    Alike,
    Basis,
    alike_facts,
    rankable_units,
    ranked_unit_ids,
    units_above,
    units_counted_for,
)
from app.assessment.ranking import UnitFacts, tallies_by_key
from sla.indicators import Tally

# What a period is broken down by -> the grouping of the facts that it is made from; None: the unit alone.
BY: Final[Mapping[str, str | None]] = {
    "class": "class",
    "major": "class",
    "responsibility": "responsibility",
    "grid": "grid",
    "channel": "channel",
    "person": "person",
    "unit": None,
    "group": None,
}
_MAJORS: Final = """
SELECT DISTINCT ON (c.code) c.code, c.kind || '-' || c.major_code, c.major_name
FROM classes c JOIN catalogue_versions v ON v.id = c.version_id ORDER BY c.code, v.valid_from DESC
"""


@dataclass(frozen=True, slots=True)
class Part:
    """One row of a breakdown. key: "" for what has none, such as no handler."""

    key: str
    tally: Tally


@dataclass(frozen=True)
class Breakdown:
    """A period broken down. unit: of one ranked unit; None: of all that are ranked."""

    session: Session
    basis: Basis
    by: str
    unit: Unit | None = None

    def parts(self) -> tuple[Part, ...]:
        """Return every part, the one with most due cases first."""
        counts = tallies_by_key(self._alike(self._unit_ids()), self.basis, self._key())
        found = [Part(key, tally) for key, tally in counts.items() if tally != Tally()]
        return tuple(sorted(found, key=lambda part: (-part.tally.due, part.key)))

    def facts_of(self, key: str) -> UnitFacts:
        """Return what the figures of one part are counted from."""
        unit_ids = self._unit_ids()
        if BY[self.by] is None:
            ranked = ranked_unit_above(self.session)
            unit_ids = [one for one in unit_ids if _unit_key(ranked.get(one), self.by) == key]
        of = self._key()
        alike = [one for one in self._alike(unit_ids, self.narrowed(key)) if of(one) == key]
        return UnitFacts(self.basis, tuple(unit_ids), tuple(alike))

    def narrowed(self, key: str) -> list[str] | None:
        """Return what of the grouping of the facts a part is, to read no more than it; None where that is not known."""
        if BY[self.by] is None:
            return None
        if self.by != "major":
            return [key]
        majors = majors_of(self.session)
        # Codes that no edition has are of no major class.
        return [code for code, (major, _name) in majors.items() if major == key] or None

    def _alike(self, unit_ids: Sequence[int], parts: Sequence[str] | None = None) -> list[Alike]:
        by = BY[self.by]
        return alike_facts(
            self.session, self.basis, unit_ids, by, parts=parts, units_apart=by is None
        )

    def _unit_ids(self) -> Sequence[int]:
        if self.unit is not None:
            return units_counted_for(self.session, self.unit, self.basis.rules)
        return ranked_unit_ids(self.session, self.basis.rules)

    def _key(self) -> Callable[[Alike], str]:
        if self.by == "major":
            majors = {code: major for code, (major, _name) in majors_of(self.session).items()}
            return lambda one: majors.get(one.part, "")
        if self.by in ("unit", "group"):
            ranked = ranked_unit_above(self.session)
            by = self.by
            return lambda one: _unit_key(ranked.get(one.unit_id or 0), by)
        return lambda one: one.part


def _unit_key(unit: Unit | None, by: str) -> str:
    if unit is None:
        return ""
    return unit.code if by == "unit" else unit.rank_group or ""


def ranked_unit_above(session: Session) -> dict[int, Unit]:
    """Return the ranked unit that each unit's cases count for: the nearest, where ranked ones lie in each other."""
    ranked = {unit.id: unit for unit in rankable_units(session)}
    found = {}
    for unit_id, above in units_above(session).items():
        nearest = next((ranked[one] for one in reversed(above) if one in ranked), None)
        if nearest is not None:
            found[unit_id] = nearest
    return found


def majors_of(session: Session) -> dict[str, tuple[str, str]]:
    """Return the major class (大类) of each class by code: its key and its name in the newest edition."""
    return {code: (key, name) for code, key, name in session.execute(text(_MAJORS))}
