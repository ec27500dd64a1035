"""The people of a simulated city at work: who does a piece of work, and when they get to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.accounts.queries import platform_id
from app.accounts.roles import UNIT_HANDLER, UNIT_MANAGER
from app.run import Actor
from app.simulation.habits import about, habits, is_workday, on_duty
from app.simulation.virtual import OpenWork
from sla.calendar import WorkingCalendar

_PEOPLE: Final = text(
    "SELECT p.id, p.unit_id, u.path, p.name, p.login, array_agg(r.role ORDER BY r.role)"
    " FROM people p JOIN units u ON u.id = p.unit_id JOIN person_roles r ON r.person_id = p.id"
    " WHERE p.active AND u.active GROUP BY p.id, u.path ORDER BY p.id"
)
_RANKED: Final = text("SELECT id FROM units WHERE active AND rank_group IS NOT NULL ORDER BY id")

_SHIFT_HOURS: Final = 8
# Collectors have two days of the week off, not all the same ones.
_DAYS_WORKED: Final = 5


@dataclass(frozen=True)
class Staff:
    """Everyone who may have something to do. handlers: by the second-level unit they belong to."""

    by_role: Mapping[str, Sequence[Actor]]
    by_id: Mapping[int, Actor]
    by_login: Mapping[str, Actor]
    managers: Mapping[int, Actor]
    handlers: Mapping[int, Sequence[Actor]]
    ranked_units: Sequence[int]
    calendar: WorkingCalendar
    # Who is on duty, by role, day and shift: a city has a thousand collectors.
    _present: dict[tuple[str, int, int], Sequence[Actor]] = field(
        default_factory=dict, repr=False, compare=False
    )

    @classmethod
    def of(cls, session: Session, calendar: WorkingCalendar) -> Staff:
        """Read the people of the city."""
        by_role: dict[str, list[Actor]] = {}
        by_login: dict[str, Actor] = {}
        managers: dict[int, Actor] = {}
        handlers: dict[int, list[Actor]] = {}
        for person_id, unit_id, path, name, login, roles in session.execute(_PEOPLE):
            actor = Actor(person_id, unit_id, path, frozenset(roles), name)
            by_login[login] = actor
            for role in roles:
                by_role.setdefault(role, []).append(actor)
            if UNIT_MANAGER in roles:
                managers.setdefault(unit_id, actor)
            platform = platform_id(path)
            if UNIT_HANDLER in roles and platform is not None:
                handlers.setdefault(platform, []).append(actor)
        by_id = {actor.person_id: actor for actor in by_login.values() if actor.person_id}
        ranked = [row[0] for row in session.execute(_RANKED)]
        return cls(by_role, by_id, by_login, managers, handlers, ranked, calendar)

    def anyone(self, random: Random, role: str, at: datetime) -> Actor | None:
        """Return someone of a role who is on duty; of nobody on duty, anyone of the role."""
        local = at.astimezone(self.calendar.zone)
        shift = local.hour // _SHIFT_HOURS if role in habits()["shifts"] else 0
        key = role, local.toordinal(), shift
        if key not in self._present:
            self._present[key] = self._on_duty(*key)
        present = self._present[key]
        return random.choice(present) if present else None

    def _on_duty(self, role: str, day: int, shift: int) -> Sequence[Actor]:
        everyone = self.by_role.get(role, ())
        if role in habits()["shifts"]:
            present = [who for n, who in enumerate(everyone) if (n + day) % 3 == shift]
        else:
            present = [who for n, who in enumerate(everyone) if (n + day) % 7 < _DAYS_WORKED]
        return present or everyone

    def doer(self, random: Random, item: OpenWork, at: datetime) -> Actor | None:
        """Return who does an open work item: whose it is, the head of its unit, or anyone of its role."""
        if item.assignee_id is not None:
            return self.by_id.get(item.assignee_id)
        if item.unit_id is not None:
            return self.managers.get(item.unit_id) if item.role == UNIT_MANAGER else None
        return self.anyone(random, item.role, at)

    def gets_to(self, random: Random, what: str, at: datetime, *, urgent: bool = False) -> datetime:
        """Return when someone gets to a kind of work that comes up at a moment."""
        pace: Mapping[str, Any] = habits()["pace"][what]
        if urgent and "urgent" in pace:
            return at + about(random, pace["urgent"])
        begins = on_duty(random, at, pace["on_duty"], self.calendar)
        slower = 1 if is_workday(begins.astimezone(self.calendar.zone), self.calendar) else 1.5
        done = begins + about(random, pace["minutes"] * slower)
        return on_duty(random, done, pace["on_duty"], self.calendar)


def lateness_of(units: Sequence[int], seed: int) -> dict[int, float]:
    """Return what share of its cases each unit handles late: units have their tempers."""
    temper = habits()["lateness"]
    return {
        unit: Random(f"{seed}/{place}").triangular(  # noqa: S311 (a city, not a secret)
            temper["least"], temper["most"], temper["mostly"]
        )
        for place, unit in enumerate(units)
    }
