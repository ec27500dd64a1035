"""Find cases by number or by text, newest first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.cases.queries.keyset import Page, Place, page_of
from app.cases.queries.matching import number_range, pattern_of

# A text is looked for in so many cases at a time, newest first: without an index over trigrams, which
# the embedded server has not, reading all of a year's cases would take seconds.
WINDOW: Final = 20_000

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
_NEWEST_FIRST: Final = "c.reported_at DESC, c.id DESC"
_BEFORE: Final = "AND (reported_at, id) < (:before_at, :before_id)"
_RECENT: Final = """
SELECT * FROM cases WHERE TRUE {before} ORDER BY reported_at DESC, id DESC LIMIT {limit}
"""
_BY_NUMBER: Final = """
SELECT * FROM cases WHERE number BETWEEN :number_from AND :number_to {before}
ORDER BY number DESC LIMIT :size
"""
_BEFORE_NUMBER: Final = "AND number < (SELECT number FROM cases WHERE id = :before_id)"
_BY_TEXT: Final = """
SELECT * FROM ({recent}) AS r
WHERE title ILIKE :words OR address ILIKE :words OR description ILIKE :words
ORDER BY reported_at DESC, id DESC LIMIT :size
"""
_WINDOW_END: Final = """
SELECT reported_at, id FROM cases WHERE TRUE {before}
ORDER BY reported_at DESC, id DESC OFFSET :window LIMIT 1
"""


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


def find_cases(session: Session, words: str, *, before: Place | None, size: int) -> Found:
    """Return cases by the beginning of their number, by a text, or the newest when nothing is typed."""
    numbers = number_range(words)
    if numbers is not None:
        source = _BY_NUMBER.replace("{before}", _BEFORE_NUMBER if before else "")
        values = {"number_from": numbers[0], "number_to": numbers[1]}
        return Found(_page(session, source, values, before, size, order="c.number DESC"))
    if not words.strip():
        return Found(_page(session, _recent(before, ":size"), {}, before, size))
    return _by_text(session, words, before, size)


def _by_text(session: Session, words: str, before: Place | None, size: int) -> Found:
    """Look through one window; a page that is not full goes on where the window ended."""
    source = _BY_TEXT.format(recent=_recent(before, ":window"))
    values = {"words": pattern_of(words), "window": WINDOW}
    page = _page(session, source, values, before, size)
    if page.next is not None:
        return Found(page)
    end = _window_end(session, before)
    return Found(Page(page.lines, end), None if end is None else end.at)


def _recent(before: Place | None, limit: str) -> str:
    return _RECENT.format(before=_BEFORE if before else "", limit=limit)


def _page(
    session: Session,
    source: str,
    values: Mapping[str, object],
    before: Place | None,
    size: int,
    *,
    order: str = _NEWEST_FIRST,
) -> Page[FoundCase]:
    bound = {**values, **_bound(before), "size": size + 1}
    rows = session.execute(text(_NAMED.format(source=source, order=order)), bound)
    lines = [FoundCase(**row) for row in rows.mappings()]
    return page_of(lines, size, lambda line: Place(line.reported_at, line.id))


def _window_end(session: Session, before: Place | None) -> Place | None:
    """Return the last place of the window; None when no case is older than the window."""
    statement = _WINDOW_END.format(before=_BEFORE if before else "")
    row = session.execute(text(statement), {**_bound(before), "window": WINDOW}).one_or_none()
    # The row is the first one after the window, and the next window is to begin with it.
    return None if row is None else Place(row.reported_at, row.id + 1)


def _bound(before: Place | None) -> dict[str, object]:
    return {} if before is None else {"before_at": before.at, "before_id": before.id}
