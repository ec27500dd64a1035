"""The inbox: open work items of a person, of their group, or of everyone they watch over.

Every list is ordered by due time and read through one of the partial indexes over open items, so
that its cost does not grow with the number of cases.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from app.accounts.queries import platform_id, stands_in_ranked_unit
from app.accounts.roles import AUDITOR, DUTY_CHIEF, LEADER, SUPERVISOR
from app.cases.queries.keyset import Page, Place, page_of
from app.cases.queries.matching import holds_words, number_range
from app.run import Actor

COUNT_LIMIT: Final = 99

# The source of a list: open items `w`, with their case `c` where a filter asks for it, in the order
# of due_at and id. A part that looks up several roles, units or people takes a page from each and
# merges: none is read to its end.
_PART: Final = """
SELECT w.id, w.due_at FROM work_items w {join}
WHERE w.status = 'open' AND {which} {after} {filters}
ORDER BY {order}w.due_at, w.id LIMIT :size
"""
# Only a filter asks for the case before the page is cut.
_JOIN: Final = "JOIN cases c ON c.id = w.case_id"
_AFTER: Final = "AND (w.due_at, w.id) > (:after_at, :after_id)"
# A NULL is equal to nothing, so the planner sees the index's order only with unit_id named in it.
_OF_NO_UNIT: Final = "w.assignee_id IS NULL AND w.role = r.role AND w.unit_id IS NULL"
_OF_UNIT: Final = "w.assignee_id IS NULL AND w.role = r.role AND w.unit_id = u.id"
_CITY_ROLES: Final = "unnest(CAST(:city_roles AS text[])) AS r(role)"
_ROLES: Final = "unnest(CAST(:roles AS text[])) AS r(role)"
_UNITS: Final = "unnest(CAST(:units AS bigint[])) AS u(id)"
_PEOPLE: Final = "unnest(CAST(:people AS bigint[])) AS p(id)"
_EVERYWHERE: Final = (("", "TRUE", ""),)
_MINE: Final = (("", "w.assignee_id = :person", ""),)
_GROUP: Final = (
    (_CITY_ROLES, _OF_NO_UNIT, "w.unit_id, "),
    (f"{_ROLES} CROSS JOIN {_UNITS}", _OF_UNIT, ""),
)
_WITHIN: Final = (
    (f"{_ROLES} CROSS JOIN {_UNITS}", _OF_UNIT, ""),
    (_PEOPLE, "w.assignee_id = p.id", ""),
)
_Parts = tuple[tuple[str, str, str], ...]

_LINES: Final = """
SELECT w.id AS item_id, w.element, w.name, w.stage, w.role, w.unit_id, u.name AS unit_name,
       u.name_en AS unit_name_en, w.assignee_id, p.name AS assignee_name, w.created_at, w.due_at,
       w.claimed_at, c.id AS case_id, c.number, c.title, c.class_code, c.address, c.district_code,
       c.outside_city, c.channel, c.reported_at, c.near_due, c.on_hold, c.due_at AS case_due_at,
       c.limit_unit
FROM ({source}) AS s JOIN work_items w ON w.id = s.id JOIN cases c ON c.id = w.case_id
LEFT JOIN units u ON u.id = w.unit_id LEFT JOIN people p ON p.id = w.assignee_id
ORDER BY s.due_at, s.id
"""


@dataclass(frozen=True, slots=True)
class InboxLine:
    """One open work item and what its case is about."""

    item_id: int
    element: str
    name: str
    stage: str
    role: str
    unit_id: int | None
    unit_name: str | None
    unit_name_en: str | None
    assignee_id: int | None
    assignee_name: str | None
    created_at: datetime
    due_at: datetime
    claimed_at: datetime | None
    case_id: int
    number: str
    title: str
    class_code: str | None
    address: str
    district_code: str | None
    outside_city: bool
    channel: str
    reported_at: datetime
    near_due: bool
    on_hold: bool
    case_due_at: datetime | None
    limit_unit: str | None


@dataclass(frozen=True, slots=True)
class InboxFilter:
    """What the list is narrowed to. class_codes: None for every class; overdue_at: due before it."""

    stage: str | None = None
    class_codes: tuple[str, ...] | None = None
    channel: str | None = None
    district_code: str | None = None
    overdue_at: datetime | None = None
    words: str = ""


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose items a person watches over: everyone's, or those of some units and people."""

    everywhere: bool
    roles: tuple[str, ...] = ()
    units: tuple[int, ...] = ()
    people: tuple[int, ...] = ()


def my_items(
    session: Session, actor: Actor, wanted: InboxFilter, *, after: Place | None, size: int
) -> Page[InboxLine]:
    """Return open items that are assigned to the person."""
    values = {"person": actor.person_id}
    return _page(session, _MINE, values, wanted, after=after, size=size)


def group_items(
    session: Session, actor: Actor, wanted: InboxFilter, *, after: Place | None, size: int
) -> Page[InboxLine]:
    """Return open items nobody has taken, of the person's roles: the unit's own and those of no unit."""
    values = _group_values(actor)
    return _page(session, _GROUP, values, wanted, after=after, size=size)


def watched_items(
    session: Session, scope: Scope, wanted: InboxFilter, *, after: Place | None, size: int
) -> Page[InboxLine]:
    """Return every open item within a scope, taken or not."""
    if scope.everywhere:
        return _page(session, _EVERYWHERE, {}, wanted, after=after, size=size)
    values = {
        "roles": list(scope.roles),
        "units": list(scope.units),
        "people": list(scope.people),
    }
    return _page(session, _WITHIN, values, wanted, after=after, size=size)


def count_items(session: Session, actor: Actor) -> tuple[int, int]:
    """Count the person's own items and the group's, each no further than one above COUNT_LIMIT."""
    limit = {"size": COUNT_LIMIT + 1}
    mine = _counted(_MINE), {"person": actor.person_id, **limit}
    group = _counted(_GROUP), {**_group_values(actor), **limit}
    return (
        session.execute(*mine).scalar_one(),
        min(COUNT_LIMIT + 1, session.execute(*group).scalar_one()),
    )


def scope_of(session: Session, actor: Actor, roles: Sequence[str]) -> Scope:
    """Return what lies within the person's unit; the city's own and the centre's watch over everything."""
    if _of_the_centre(session, actor):
        return Scope(everywhere=True)
    path = {"path": actor.unit_path}
    units = session.execute(text("SELECT id FROM units WHERE path LIKE :path || '%'"), path)
    people = session.execute(
        text(
            "SELECT p.id FROM people p JOIN units u ON u.id = p.unit_id"
            " WHERE u.path LIKE :path || '%'"
        ),
        path,
    )
    return Scope(
        everywhere=False,
        roles=tuple(roles),
        units=tuple(units.scalars()),
        people=tuple(people.scalars()),
    )


def _of_the_centre(session: Session, actor: Actor) -> bool:
    """Tell whether a person stands above the units that are ranked: in the city's own, or in a centre of it."""
    if platform_id(actor.unit_path) is None:
        return True
    watches = actor.has(DUTY_CHIEF, SUPERVISOR, LEADER, AUDITOR)
    return watches and not stands_in_ranked_unit(session, actor.unit_path)


def _group_values(actor: Actor) -> dict[str, object]:
    units = [] if actor.unit_id is None else [actor.unit_id]
    roles = sorted(actor.roles)
    return {"roles": roles, "city_roles": [] if actor.ranked else roles, "units": units}


def _page(
    session: Session,
    parts: _Parts,
    values: Mapping[str, object],
    wanted: InboxFilter,
    *,
    after: Place | None,
    size: int,
) -> Page[InboxLine]:
    conditions, narrowed = _filters(wanted)
    bound = {**values, **narrowed, "size": size + 1}
    if after is not None:
        bound |= {"after_at": after.at, "after_id": after.id}
    source = _source(parts, _AFTER if after else "", conditions)
    rows = session.execute(text(_LINES.format(source=source)), bound)
    lines = [InboxLine(**row) for row in rows.mappings()]
    return page_of(lines, size, lambda line: Place(line.due_at, line.item_id))


def _source(parts: _Parts, after: str, conditions: Sequence[str]) -> str:
    filters = "".join(f" AND {condition}" for condition in conditions)
    join = _JOIN if any("c." in condition for condition in conditions) else ""
    lists = []
    for looked_up, which, order in parts:
        part = _PART.format(join=join, which=which, after=after, filters=filters, order=order)
        if looked_up:
            part = f"SELECT i.id, i.due_at FROM {looked_up} CROSS JOIN LATERAL ({part}) AS i"  # noqa: S608 because only our own names are put in
        lists.append(part)
    if len(lists) == 1:
        return lists[0]
    whole = " UNION ALL ".join(f"({part})" for part in lists)
    return f"SELECT id, due_at FROM ({whole}) AS a ORDER BY due_at, id LIMIT :size"  # noqa: S608 because only our own names are put in


def _counted(parts: _Parts) -> TextClause:
    return text(f"SELECT count(*) FROM ({_source(parts, '', ())}) AS counted")  # noqa: S608 because only our own names are put in


def _filters(wanted: InboxFilter) -> tuple[list[str], dict[str, Any]]:
    """Return the conditions of a filter and what they are bound to."""
    conditions: list[str] = []
    values: dict[str, Any] = {}
    for column, value in (
        ("w.stage", wanted.stage),
        ("c.channel", wanted.channel),
        ("c.district_code", wanted.district_code),
    ):
        if value is not None:
            name = column.partition(".")[2]
            conditions.append(f"{column} = :{name}")
            values[name] = value
    if wanted.class_codes is not None:
        conditions.append("c.class_code = ANY(CAST(:class_codes AS text[]))")
        values["class_codes"] = list(wanted.class_codes)
    if wanted.overdue_at is not None:
        conditions.append("w.due_at < :overdue_at")
        values["overdue_at"] = wanted.overdue_at
    if wanted.words:
        conditions.append(_words_condition(wanted.words, values))
    return conditions, values


def _words_condition(words: str, values: dict[str, Any]) -> str:
    numbers = number_range(words)
    if numbers is not None:
        values["number_from"], values["number_to"] = numbers
        return "c.number BETWEEN :number_from AND :number_to"
    return holds_words(words, ("c.title", "c.address", "c.description"), values)
