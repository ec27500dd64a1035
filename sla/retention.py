"""How long readings are kept: read from sla/policies/retention.yml."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Final

from sla.policy_files import POLICIES, read_policy

RETENTION_FILE: Final = POLICIES / "retention.yml"
# From the finest to the coarsest, as they must not shrink.
_FINER_FIRST: Final = ("readings", "five_minutes", "hours", "days")
# Readings as late as metrics.yml accepts them must find their month: its default is 400 days.
_FEWEST_MONTHS: Final = 1
_MOST_MONTHS: Final = 1200


@dataclass(frozen=True)
class Retention:
    """Whole months kept after the present one; each field is a key of the file, explained there."""

    readings: int
    five_minutes: int
    hours: int
    days: int
    refused: int

    def of_minutes(self, minutes: int) -> int:
        """Return how many months summaries of so many minutes are kept."""
        return {5: self.five_minutes, 60: self.hours, 1440: self.days}[minutes]


def load_retention(path: Path = RETENTION_FILE) -> Retention:
    """Read and check the file. Raises DefinitionError naming the key and what to write instead."""
    file = read_policy(path)
    file.refuse_unknown(("months",))
    months = file.section("months")
    months.refuse_unknown(field.name for field in fields(Retention))
    kept = {field.name: months.whole_number(field.name, -1) for field in fields(Retention)}
    for name, number in kept.items():
        if not _FEWEST_MONTHS <= number <= _MOST_MONTHS:
            raise months.refusal(
                name, f"is {number}", f"write whole months, {_FEWEST_MONTHS} to {_MOST_MONTHS}"
            )
    for finer, coarser in pairwise(_FINER_FIRST):
        if kept[finer] > kept[coarser]:
            raise months.refusal(
                coarser, f"is {kept[coarser]}", f"write {kept[finer]} at least, as {finer} has"
            )
    return Retention(**kept)


@cache
def shipped_retention() -> Retention:
    """Return the shipped file; read once in a process."""
    return load_retention()
