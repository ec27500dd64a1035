"""Who is there in a city, what is usual and what is not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final, cast

import yaml
from psycopg import Connection

from app.accounts.queries import platform_id, responsible_unit
from app.run import Actor
from app.simulation.histories.remembering import Remembering
from app.simulation.lives import Condition
from app.simulation.people_at_work import Staff
from app.simulation.world import World

_FILE: Final = Path(__file__).parents[1] / "data" / "histories.yml"


@cache
def oddities() -> dict[str, Any]:
    """Return data/histories.yml."""
    loaded: dict[str, Any] = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    return loaded


def oddity(name: str) -> float:
    """Return the probability of something that is out of the ordinary."""
    return float(oddities()["rates"][name])


@dataclass(frozen=True)
class Crowd:
    """The people of a city and their units.

    lateness: by second-level unit. branches: units below one that have a head of their own.
    """

    staff: Staff
    lateness: Mapping[int, float]
    conditions: Mapping[str, Sequence[Condition]]
    branches: Mapping[int, Sequence[int]]
    connection: Remembering
    _handlers: dict[int, list[Actor]] = field(default_factory=dict)

    @classmethod
    def of(cls, world: World, connection: Remembering) -> Crowd:
        """Find the branches among the units of the staff's heads."""
        staff, branches = world.planner.staff, dict[int, list[int]]()
        for unit_id, head in staff.managers.items():
            platform = platform_id(head.unit_path)
            if platform is not None and platform != unit_id:
                branches.setdefault(platform, []).append(unit_id)
        return cls(staff, world.planner.lateness, world.conditions, branches, connection)

    def platform(self, unit_id: int) -> int:
        """Return the second-level unit that a unit with a head lies in."""
        return platform_id(self.staff.managers[unit_id].unit_path) or unit_id

    def handlers_of(self, unit_id: int) -> list[Actor]:
        """Return the handlers of a unit with a head and of the units below it."""
        if unit_id not in self._handlers:
            path = self.staff.managers[unit_id].unit_path
            everyone = self.staff.handlers.get(self.platform(unit_id), ())
            self._handlers[unit_id] = [one for one in everyone if one.unit_path.startswith(path)]
        return self._handlers[unit_id]

    def responsible(self, duty: str, district_code: str | None) -> int | None:
        """Return the unit that has a duty, in a district if there is one there."""
        return responsible_unit(cast("Connection[Any]", self.connection), duty, district_code)
