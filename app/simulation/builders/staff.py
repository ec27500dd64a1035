"""The people of a simulated city: who sits where in which role."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Final

from app.simulation.builders.organisation import PlannedUnit
from app.simulation.builders.places import Area
from app.simulation.builders.plan import Size, names, plan, shares

# A given name of one character, about one in five.
_SHORT_NAMES: Final = 0.2
# Surnames at the front of the list are the common ones.
_COMMON: Final = 30


@dataclass(frozen=True)
class PlannedPerson:
    """One person before they have an id."""

    unit: str
    login: str
    name: str
    role: str
    is_demo: bool = False


@dataclass(frozen=True)
class _Post:
    unit: str
    role: str


def staff(
    size: Size, units: list[PlannedUnit], city: list[Area], random: Random
) -> list[PlannedPerson]:
    """Return exactly as many people as the size says; the demo accounts are among them.

    The offices, the collectors and the managers are fixed; the rest handle cases, spread evenly
    over the lowest units of those that cases are dispatched to.
    """
    posts = [*_offices(size, units), *_collectors(size, units, city), *_managers(units)]
    handlers = size.people - len(posts)
    lowest = _lowest(units)
    if handlers < len(lowest):
        raise ValueError(f"people {size.people}: {len(posts) + len(lowest)} wanted at least")
    for unit, count in zip(lowest, shares(handlers, [1] * len(lowest)), strict=True):
        posts += [_Post(unit.code, "unit_handler")] * count
    return _named(posts, _demo_logins(posts, units), random)


def _offices(size: Size, units: list[PlannedUnit]) -> Iterator[_Post]:
    by_key = {unit.key: unit.code for unit in units if unit.key}
    for key, roles in size.staff.items():
        for role, count in roles.items():
            yield from [_Post(by_key[key], role)] * count


def _collectors(size: Size, units: list[PlannedUnit], city: list[Area]) -> Iterator[_Post]:
    """Give each responsibility grid its collectors: in its district's squad, where there is one."""
    squads = {
        unit.district_code: unit.code for unit in units if unit.kind == "squad" and unit.level == 3
    }
    centre = next(unit.code for unit in units if unit.key == "supervision")
    grids = shares(size.responsibility_grids, [area.weight for area in city])
    for area, count in zip(city, grids, strict=True):
        home = squads.get(area.code, centre)
        yield from [_Post(home, "collector")] * (count * size.collectors_per_grid)


def _managers(units: list[PlannedUnit]) -> Iterator[_Post]:
    """Put a manager at the head of each ranked unit and of each third-level unit below one."""
    ranked = {unit.code for unit in units if unit.rank_group}
    for unit in units:
        if unit.code in ranked or (unit.level == 3 and unit.parent in ranked):
            yield _Post(unit.code, "unit_manager")


def _lowest(units: list[PlannedUnit]) -> list[PlannedUnit]:
    """Return the units without units below them, of those that handle cases."""
    parents = {unit.parent for unit in units}
    return [
        unit for unit in units if unit.code not in parents and not unit.key and unit.kind != "squad"
    ]


def _demo_logins(posts: list[_Post], units: list[PlannedUnit]) -> dict[int, str]:
    """Return which posts the demo accounts hold: the first of their role that will do."""
    parent = {unit.code: unit.parent for unit in units}

    def platform(code: str) -> str:
        above = parent[code]
        return code if above in {"city", None} else platform(above or "")

    logins = {}
    for account in plan()["demo_accounts"]:
        # Who gets a role later holds another post at first.
        role = account.get("post", account["role"])
        in_unit = plan()["demo_unit"] if role in {"unit_handler", "unit_manager"} else None
        logins[
            next(
                i
                for i, post in enumerate(posts)
                if i not in logins
                and post.role == role
                and (in_unit is None or platform(post.unit) == in_unit)
            )
        ] = account["login"]
    return logins


def _named(posts: list[_Post], demo: dict[int, str], random: Random) -> list[PlannedPerson]:
    numbers: dict[str, int] = {}
    people = []
    for i, post in enumerate(posts):
        number = numbers[post.role] = numbers.get(post.role, 0) + 1
        login = demo.get(i, f"{post.role}{number:04}")
        people.append(PlannedPerson(post.unit, login, _name(random), post.role, i in demo))
    return people


def _name(random: Random) -> str:
    surnames: str = names()["surnames"]
    given: str = names()["given"]
    surname = random.choice(surnames[:_COMMON] if random.random() < 0.7 else surnames)
    if random.random() < _SHORT_NAMES:
        return surname + random.choice(given)
    return surname + random.choice(given) + random.choice(given)
