"""Saved filters: keep one under a name, drop one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from psycopg.rows import tuple_row

from app.cases.answers import clean_text
from app.errors import Forbidden, InvalidInput, NotFound, Text
from app.run import PERSON, Tx, handles

MOST: Final = 20
LONGEST_NAME: Final = 40
LONGEST_QUERY: Final = 2_000

# One at a time per person: two windows must not pass the limit together.
_LOCK: Final = "SELECT FROM people WHERE id = %s FOR UPDATE"
_COUNT: Final = "SELECT count(*) FROM saved_filters WHERE person_id = %s AND name <> %s"
_SAVE: Final = """
INSERT INTO saved_filters (person_id, name, query, saved_at) VALUES (%s, %s, %s, %s)
ON CONFLICT (person_id, name) DO UPDATE SET query = excluded.query, saved_at = excluded.saved_at
"""
_DROP: Final = "DELETE FROM saved_filters WHERE id = %s AND person_id = %s"


@dataclass(frozen=True)
class SaveFilter:
    """Keep what the inbox is narrowed to under a name; the same name again replaces it.

    query: the query string of the inbox's address.
    """

    name: str
    query: str


@dataclass(frozen=True)
class DropFilter:
    """Drop a filter of one's own."""

    filter_id: int


@handles(SaveFilter, PERSON)
def save_filter(command: SaveFilter, tx: Tx) -> None:
    """Save a filter of the person's own."""
    if tx.actor.person_id is None:
        raise Forbidden
    name = clean_text("name", command.name, longest=LONGEST_NAME, required=True)
    query = clean_text("query", command.query, longest=LONGEST_QUERY)
    person = tx.actor.person_id
    tx.connection.execute(_LOCK, (person,))
    with tx.connection.cursor(row_factory=tuple_row) as cursor:
        row = cursor.execute(_COUNT, (person, name)).fetchone()
    if row is not None and row[0] >= MOST:
        raise InvalidInput({"name": Text("最多保存 %(n)s 个筛选，请先删去不用的", n=MOST)})
    tx.connection.execute(_SAVE, (person, name, query, tx.clock.now()))


@handles(DropFilter, PERSON)
def drop_filter(command: DropFilter, tx: Tx) -> None:
    """Drop a filter; somebody else's is not found."""
    if tx.connection.execute(_DROP, (command.filter_id, tx.actor.person_id)).rowcount == 0:
        raise NotFound
