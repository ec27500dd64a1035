"""Find cases by number or by text, newest first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.cases.queries.keyset import Page, Place, page_of
from app.cases.queries.matching import MOST_WORDS, holds_words, number_range
from app.cases.queries.visibility import Sight

# A single character, or what one reader may see, is looked for in so many cases at a time, newest first.
WINDOW: Final = 20_000
# A text is looked for in the newest of them alone: what many cases hold fills its page there, and what
# few hold is then taken from the index over pairs of characters, where sorting them all costs little.
NEWEST: Final = 5_000

_COLUMNS: Final = """
c.id, c.number, c.title, c.class_code, c.address, c.district_code, c.outside_city, c.channel,
c.stage, c.closed_as, c.reported_at, c.due_at, c.overdue, c.near_due, c.on_hold, c.limit_unit,
c.unit_id, c.result_at
"""
_NAMED: Final = f"""
SELECT {_COLUMNS}, u.name AS unit_name, u.name_en AS unit_name_en
FROM ({{source}}) AS c LEFT JOIN units u ON u.id = c.unit_id
ORDER BY {{order}}
"""  # noqa: S608 because only our own names are put in
_CASES: Final = "SELECT c.* FROM cases c WHERE {which} ORDER BY {order} LIMIT {limit}"
_NARROWED: Final = "SELECT c.* FROM ({source}) AS c WHERE {which} ORDER BY {order} LIMIT :size"
_WINDOW_END: Final = """
SELECT c.reported_at, c.id FROM cases c WHERE {which} ORDER BY {order} OFFSET :window - 1 LIMIT 2
"""
_TEXTS: Final = ("c.title", "c.address", "c.description", "c.number")
_GRAMS: Final = """
SELECT array_agg(DISTINCT p.c || p.n) FROM unnest(CAST(:parts AS text[])) AS w(word), LATERAL (
    SELECT s.c, lead(s.c) OVER (ORDER BY s.ord) AS n
    FROM string_to_table(lower(w.word), NULL) WITH ORDINALITY AS s(c, ord)) AS p
WHERE p.n IS NOT NULL
"""
_HOLDS_GRAMS: Final = (
    "case_grams(c.number, c.title, c.address, c.description) @> CAST(:grams AS text[])"
)


@dataclass(frozen=True, slots=True)
class _Range:
    """The cases that are looked through, and in which order."""

    which: str
    before: str
    order: str
    values: Mapping[str, object] = field(default_factory=dict)

    def after(self, place: Place | None) -> _Range:
        """Return what comes after a place in this order."""
        if place is None:
            return self
        values = {**self.values, "before_at": place.at, "before_id": place.id}
        return replace(self, which=f"{self.which} AND {self.before}", values=values)


_RECENT: Final = _Range(
    "TRUE", "(c.reported_at, c.id) < (:before_at, :before_id)", "c.reported_at DESC, c.id DESC"
)


@dataclass(frozen=True, slots=True)
class FoundCase:
    """One case in the list of those found."""

    id: int
    number: str
    title: str
    class_code: str | None
    address: str
    district_code: str | None
    outside_city: bool
    channel: str
    stage: str
    closed_as: str | None
    reported_at: datetime
    due_at: datetime | None
    overdue: bool
    near_due: bool
    on_hold: bool
    limit_unit: str | None
    unit_id: int | None
    result_at: datetime | None
    unit_name: str | None
    unit_name_en: str | None


@dataclass(frozen=True, slots=True)
class Found:
    """One page of cases. searched_to: older cases have not been looked through yet."""

    page: Page[FoundCase]
    searched_to: datetime | None = None


def find_cases(
    session: Session, words: str, sight: Sight, *, before: Place | None, size: int
) -> Found:
    """Return cases by the beginning of their number, by a text, or the newest when nothing is typed."""
    numbers = number_range(words)
    looked = (_RECENT if numbers is None else _numbered(*numbers)).after(before)
    values = {**looked.values, **sight.values}
    narrowed = [] if sight.whole else [sight.condition]
    grams = None
    if numbers is None and words.strip():
        narrowed.append(holds_words(words, _TEXTS, values))
        grams = session.scalar(text(_GRAMS), {"parts": words.split()[:MOST_WORDS]})
    if not narrowed:
        source = _CASES.format(which=looked.which, order=looked.order, limit=":size")
        return Found(_page(session, source, looked, values, size))
    window = min(NEWEST, WINDOW) if grams else WINDOW
    found = _by_window(session, looked, " AND ".join(narrowed), values | {"window": window}, size)
    if found.searched_to is None or not grams:
        return found
    return _by_grams(session, looked, narrowed, values | {"grams": grams}, size)


def _by_grams(
    session: Session, looked: _Range, narrowed: list[str], values: Mapping[str, object], size: int
) -> Found:
    """Look through all the cases that hold every pair of neighbouring characters."""
    # Kept apart from the order: else the planner walks all cases, newest first, hoping for a page of hits.
    which = f"{looked.which} AND {_HOLDS_GRAMS}"
    held = f"WITH held AS MATERIALIZED (SELECT c.* FROM cases c WHERE {which}) SELECT * FROM held"  # noqa: S608 because only our own names are put in
    source = _NARROWED.format(source=held, which=" AND ".join(narrowed), order=looked.order)
    return Found(_page(session, source, looked, values, size))


def _numbered(first: str, last: str) -> _Range:
    return _Range(
        "c.number BETWEEN :number_from AND :number_to",
        "c.number < (SELECT number FROM cases WHERE id = :before_id)",
        "c.number DESC",
        {"number_from": first, "number_to": last},
    )


def _by_window(
    session: Session, looked: _Range, narrowed: str, values: Mapping[str, object], size: int
) -> Found:
    """Look through one window; a page that is not full goes on where the window ended."""
    which, order = looked.which, looked.order
    window = _CASES.format(which=which, order=order, limit=":window")
    source = _NARROWED.format(source=window, which=narrowed, order=order)
    page = _page(session, source, looked, values, size)
    if page.next is not None:
        return Found(page)
    ends = session.execute(text(_WINDOW_END.format(which=which, order=order)), values).all()
    # A second row tells that something lies beyond the window.
    end = Place(*ends[0]) if len(ends) > 1 else None
    return Found(Page(page.lines, end), None if end is None else end.at)


def _page(
    session: Session, source: str, looked: _Range, values: Mapping[str, object], size: int
) -> Page[FoundCase]:
    statement = text(_NAMED.format(source=source, order=looked.order))
    rows = session.execute(statement, {**values, "size": size + 1})
    lines = [FoundCase(**row) for row in rows.mappings()]
    return page_of(lines, size, lambda line: Place(line.reported_at, line.id))
