"""The units of a simulated city: the city, its platforms, what is below them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import Any, Final

from app.simulation.builders.places import Area, Street
from app.simulation.builders.plan import Size, plan

_DIGITS: Final = "零一二三四五六七八九十"


@dataclass(frozen=True)
class PlannedUnit:
    """One unit before it has an id; `key` is the part of the city it is ('command')."""

    code: str
    name: str
    name_en: str
    level: int
    parent: str | None
    rank_group: str | None = None
    district_code: str | None = None
    duties: tuple[str, ...] = ()
    key: str = ""
    # What kind of third-level unit it is, and what its own parts are called.
    kind: str = ""
    team: tuple[str, str] = ("", "")


@dataclass
class _Platform:
    """A second-level unit with the third-level units it must have and those it may have."""

    unit: PlannedUnit
    required: list[PlannedUnit] = field(default_factory=list)
    optional: list[PlannedUnit] = field(default_factory=list)


def organisation(size: Size, city: list[Area], streets: list[Street]) -> list[PlannedUnit]:
    """Return every unit, parents before children, with exactly the totals of the size."""
    root = PlannedUnit(
        "city", plan()["root"]["name"], plan()["root"]["name_en"], 1, None, key="city"
    )
    platforms = [
        *_centres(size, city),
        *_districts(size, city, streets),
        *_departments(size),
        *_enterprises(size, city),
    ]
    third = _third_level(platforms, size.third_level)
    fourth = _fourth_level(third, size.fourth_level)
    return [root, *(platform.unit for platform in platforms), *third, *fourth]


def _centres(size: Size, city: list[Area]) -> list[_Platform]:
    platforms = []
    for n, centre in enumerate(plan()["centres"], start=1):
        code = f"C{n:02}"
        unit = PlannedUnit(code, centre["name"], centre["name_en"], 2, "city", key=centre["key"])
        platform = _Platform(unit)
        if centre.get("squads") and size.is_whole:
            platform.required = [
                PlannedUnit(
                    f"{code}-{area.code}",
                    f"{area.short_name}采集队",
                    f"{area.name_en} Collectors",
                    3,
                    code,
                    district_code=area.code,
                    kind="squad",
                    team=("采集组", "Team"),
                )
                for area in city
            ]
        platforms.append(platform)
    return platforms


def _districts(size: Size, city: list[Area], streets: list[Street]) -> list[_Platform]:
    platforms = []
    for area in city:
        unit = PlannedUnit(
            area.code,
            area.name,
            area.name_en,
            2,
            "city",
            rank_group="district",
            district_code=area.code,
            duties=tuple(plan()["district_duties"]),
        )
        platform = _Platform(unit)
        if size.is_whole:
            platform.required = [
                PlannedUnit(
                    street.code,
                    street.name,
                    street.name_en,
                    3,
                    area.code,
                    district_code=area.code,
                    kind="street",
                    team=("社区", "Community"),
                )
                for street in streets
                if street.district_code == area.code
            ]
        platform.optional = _parts(unit, "bureau", plan()["district_bureaus"])
        platforms.append(platform)
    return platforms


def _departments(size: Size) -> list[_Platform]:
    platforms = []
    for n, entry in enumerate(plan()["departments"], start=1):
        if size.is_whole or "demo" in entry:
            duties = entry["duties"] if size.is_whole else entry["demo"]
            unit = _ranked(f"D{n:02}", entry, "department", duties)
            sections = _parts(unit, "section", plan()["department_sections"])
            platforms.append(_Platform(unit, optional=sections))
    return platforms


def _enterprises(size: Size, city: list[Area]) -> list[_Platform]:
    by_code = {area.code: area for area in city}
    platforms = []
    for n, entry in enumerate(plan()["enterprises"], start=1):
        if not size.is_whole and "demo" not in entry:
            continue
        has_branches = size.is_whole and "areas" in entry
        own = [entry["duty"]] if "duty" in entry and not has_branches else []
        unit = _ranked(f"E{n:02}", entry, "enterprise", own if size.is_whole else entry["demo"])
        platform = _Platform(unit, optional=_parts(unit, "section", plan()["enterprise_sections"]))
        if has_branches:
            platform.required = [
                _branch(unit, by_code[code], entry["duty"]) for code in entry["areas"]
            ]
        platforms.append(platform)
    return platforms


def _ranked(code: str, entry: dict[str, Any], group: str, duties: Iterable[str]) -> PlannedUnit:
    name, name_en = entry["name"], entry["name_en"]
    return PlannedUnit(code, name, name_en, 2, "city", rank_group=group, duties=tuple(duties))


def _branch(parent: PlannedUnit, area: Area, duty: str) -> PlannedUnit:
    return PlannedUnit(
        f"{parent.code}-{area.code}",
        f"{parent.name}{area.short_name}分公司",
        f"{parent.name_en}, {area.name_en} Branch",
        3,
        parent.code,
        district_code=area.code,
        duties=(duty,),
        kind="branch",
        team=("维修班", "Crew"),
    )


def _parts(parent: PlannedUnit, kind: str, entries: list[dict[str, str]]) -> list[PlannedUnit]:
    """Return the third-level units that a platform may have, the most needed first."""
    return [
        PlannedUnit(
            f"{parent.code}-{n:02}",
            parent.name + entry["name"],
            f"{parent.name_en}, {entry['name_en']}",
            3,
            parent.code,
            district_code=parent.district_code,
            kind=kind,
            team=(entry["team"], entry["team_en"]),
        )
        for n, entry in enumerate(entries, start=1)
    ]


def _third_level(platforms: list[_Platform], total: int) -> list[PlannedUnit]:
    """Return the required units, and of the optional ones as many as the total leaves room for."""
    chosen = [unit for platform in platforms for unit in platform.required]
    # The first of each platform, then the second of each, and so on.
    rounds = zip_longest(*(platform.optional for platform in platforms))
    waiting = [unit for each in rounds for unit in each if unit is not None]
    room = total - len(chosen)
    if not 0 <= room <= len(waiting):
        raise ValueError(
            f"third_level {total}: wanted {len(chosen)} to {len(chosen) + len(waiting)}"
        )
    return sorted([*chosen, *waiting[:room]], key=_position(platforms))


def _position(platforms: list[_Platform]) -> Callable[[PlannedUnit], tuple[int, str]]:
    order = {platform.unit.code: n for n, platform in enumerate(platforms)}
    return lambda unit: (order[unit.parent or ""], unit.code)


def _fourth_level(third: list[PlannedUnit], total: int) -> list[PlannedUnit]:
    """Give each third-level unit a team, then a second one, and so on, until the total is met."""
    at_most: dict[str, int] = plan()["teams_at_most"]
    fourth: list[PlannedUnit] = []
    for n in range(1, max(at_most.values()) + 1):
        able = [unit for unit in third if at_most[unit.kind] >= n]
        fourth += [_team(unit, n) for unit in able[: total - len(fourth)]]
    if len(fourth) < total:
        raise ValueError(f"fourth_level {total}: wanted at most {len(fourth)}")
    return fourth


def _team(parent: PlannedUnit, n: int) -> PlannedUnit:
    word, word_en = parent.team
    return replace(
        parent,
        code=f"{parent.code}-{n:02}",
        name=f"{parent.name}第{_numeral(n)}{word}",
        name_en=f"{parent.name_en}, {word_en} {n}",
        level=4,
        parent=parent.code,
        duties=(),
    )


def _numeral(n: int) -> str:
    """Return a number up to nineteen in Chinese."""
    return _DIGITS[n] if n <= 10 else f"十{_DIGITS[n - 10]}"
