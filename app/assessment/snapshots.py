"""Snapshots: all rows that a period's figures come from, as one text with a hash, and reading from it again.

A snapshot is put in place of the tables: a session over temporary tables of the same names, so that the very code that
counts the live facts counts those of the snapshot.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from io import BufferedReader
from typing import Any, Final, cast

import orjson
import psycopg
import zstandard
from psycopg import sql
from psycopg.rows import tuple_row
from sqlalchemy import Connection, Engine, text
from sqlalchemy.orm import Session

from app.assessment.facts import FACT_COLUMNS
from app.assessment.queries import Basis, seen_case_ids
from app.assessment.scored import month_of
from app.assessment.tables import Snapshot
from app.errors import StateChanged

_FACTS: Final = ", ".join(f"f.{name}" for name in FACT_COLUMNS)
# Table -> what of it goes in, known at the moment :as_of; a later change must not show.
_TABLES: Final = {
    "units": """
SELECT u.id, u.code, u.name, u.name_en, u.level, u.parent_id, u.path, u.rank_group, u.district_code,
       u.duties, u.active
FROM units u ORDER BY u.id
""",
    "facts": f"""
SELECT f.id, f.case_id, f.dispatch_no, f.valid_from,
       CASE WHEN f.valid_to <= :as_of THEN f.valid_to END AS valid_to, {_FACTS}
FROM facts f JOIN snapshot_cases s ON s.case_id = f.case_id
WHERE f.valid_from <= :as_of ORDER BY f.case_id, f.dispatch_no, f.valid_from
""",  # noqa: S608 because only our own names are put in
    "cases": """
SELECT c.id, c.number, c.title, c.class_code, c.channel, c.district_code, c.limit_unit, c.unit_id,
       CASE WHEN c.closed_at <= :as_of THEN c.closed_at END AS closed_at,
       CASE WHEN c.closed_at <= :as_of THEN c.closed_as END AS closed_as
FROM cases c JOIN snapshot_cases s ON s.case_id = c.id ORDER BY c.id
""",
    "assessment_marks": """
SELECT m.id, m.month, m.unit_id, m.line, m.points, m.note, m.entered_by, m.entered_at,
       CASE WHEN m.replaced_at <= :as_of THEN m.replaced_at END AS replaced_at
FROM assessment_marks m WHERE m.month = :month AND m.entered_at <= :as_of ORDER BY m.id
""",
    "appeals": """
SELECT a.id, a.unit_id, a.filed_at,
       CASE WHEN a.decided_at <= :as_of THEN a.decision END AS decision,
       CASE WHEN a.decided_at <= :as_of THEN a.decided_at END AS decided_at
FROM appeals a WHERE a.filed_at < :end AND a.filed_at <= :as_of
  AND (a.filed_at >= :start OR a.decided_at >= :start) ORDER BY a.id
""",
    "case_feedback": """
SELECT b.id, b.case_id, b.at, b.satisfied FROM case_feedback b
WHERE b.at >= :start AND b.at < :end AND b.at <= :as_of ORDER BY b.id
""",
}
_OF_FEEDBACK: Final = """
INSERT INTO snapshot_cases SELECT DISTINCT b.case_id FROM case_feedback b
WHERE b.at >= :start AND b.at < :end AND b.at <= :as_of ON CONFLICT DO NOTHING
"""


_TYPES: Final = """
SELECT format_type(t.oid, NULL) FROM unnest(%s::oid[]) WITH ORDINALITY AS t(oid, place) ORDER BY place
"""
_GAINED: Final = """
SELECT a.attname, format_type(a.atttypid, a.atttypmod), pg_get_expr(d.adbin, d.adrelid)
FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = ('public.' || %s)::regclass AND a.attnum > 0 AND NOT a.attisdropped
  AND a.attidentity = '' AND NOT a.attname = ANY(%s::text[])
"""
_CHANGED: Final = """
WITH live AS (
    SELECT f.* FROM facts f
    WHERE f.valid_from <= %(as_of)s AND f.case_id IN (SELECT case_id FROM snapshot_facts))
SELECT (SELECT count(*) FROM (SELECT {0} FROM live EXCEPT SELECT {0} FROM snapshot_facts) gained)
     + (SELECT count(*) FROM (SELECT {0} FROM snapshot_facts EXCEPT SELECT {0} FROM live) lost)
"""
_BLOCK: Final = 2**20
"""So many bytes of a table's rows stand behind one heading, a little more for the last row; a month is 100 MB."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A snapshot: the SHA-256 of its text, how many facts it holds, and the text, zstd."""

    hash: str
    facts: int
    content: bytes


def take_snapshot(session: Session, basis: Basis) -> Taken:
    """Return all rows that the figures of a period come from, as of a moment; taken again later it is the same."""
    raw = cast("psycopg.Connection[Any]", session.connection().connection.dbapi_connection)
    seen, bound = seen_case_ids(basis)
    session.execute(text("CREATE TEMP TABLE snapshot_cases (case_id bigint PRIMARY KEY)"))
    session.execute(text(f"INSERT INTO snapshot_cases {seen}"), bound)
    session.execute(text(_OF_FEEDBACK), bound)
    # Its own, and not the server's guess at how many rows a fresh table has.
    session.execute(text("ANALYZE snapshot_cases"))
    moments = {
        "as_of": basis.as_of,
        "start": basis.period.start,
        "end": basis.period.end,
        "month": month_of(basis.period),
    }
    digest, packer, packed, facts = hashlib.sha256(), _packer(), [], 0
    for table, query in _TABLES.items():
        written = _written(raw, query, moments)
        for rows in (_columns(raw, written), *_copied(raw, written)):
            facts += rows.count(b"\n") if table == "facts" else 0
            for part in (f"{table} {len(rows)}\n".encode(), rows):
                digest.update(part)
                packed.append(packer.compress(part))
    packed.append(packer.flush())
    session.execute(text("DROP TABLE snapshot_cases"))
    # Less the line of columns.
    return Taken(digest.hexdigest(), facts - 1, b"".join(packed))


def keep_snapshot(session: Session, taken: Taken) -> None:
    """Keep a snapshot under its hash; one that is there already is the same."""
    if session.get(Snapshot, taken.hash) is None:
        session.add(Snapshot(hash=taken.hash, facts=taken.facts, content=taken.content))
        session.flush()


def kept_snapshot(session: Session, snapshot_hash: str) -> bytes:
    """Return a kept snapshot, zstd. Raises StateChanged when it is not what its hash says."""
    row = session.get(Snapshot, snapshot_hash)
    assert row is not None, "an edition refers to its snapshot"
    digest = hashlib.sha256()
    with _reader(row.content) as text_:
        while block := text_.read(_BLOCK):
            digest.update(block)
    if digest.hexdigest() != snapshot_hash:
        raise StateChanged("事实快照 %(hash)s 与其校验值不符，已被改动。", hash=snapshot_hash[:12])
    return row.content


@contextmanager
def in_place_of_tables(bind: Engine | Connection, content: bytes) -> Iterator[Session]:
    """Yield a session that reads a snapshot, zstd, where the tables stand; nothing of it stays. bind: one that writes."""
    engine = bind if isinstance(bind, Engine) else bind.engine
    # A connection of its own: another's prepared statements know the tables by what they were.
    with engine.connect() as connection:
        connection.detach()
        try:
            _restore(connection, content)
            with Session(connection) as session:
                yield session
        finally:
            connection.rollback()
            connection.close()


def _restore(connection: Connection, content: bytes) -> None:
    raw = cast("psycopg.Connection[Any]", connection.connection.dbapi_connection)
    _fill(raw, content, {table: table for table in _TABLES})
    raw.execute("CREATE UNIQUE INDEX ON pg_temp.facts (case_id, dispatch_no, valid_from)")
    raw.execute("CREATE UNIQUE INDEX ON pg_temp.facts (id)")
    raw.execute("CREATE UNIQUE INDEX ON pg_temp.cases (id)")
    for table in _TABLES:
        raw.execute(sql.SQL("ANALYZE pg_temp.{}").format(sql.Identifier(table)))


def facts_changed(session: Session, content: bytes, as_of: datetime) -> int:
    """Return how many facts of a snapshot, zstd, are not those that the live table has as of then."""
    raw = cast("psycopg.Connection[Any]", session.connection().connection.dbapi_connection)
    raw.execute("DROP TABLE IF EXISTS pg_temp.snapshot_facts")
    names = _fill(raw, content, {"facts": "snapshot_facts"})["facts"]
    columns = [name for name in names if name not in ("id", "valid_to")]
    listed = sql.SQL(", ").join(map(sql.Identifier, columns))
    with raw.cursor(row_factory=tuple_row) as cursor:
        row = cursor.execute(sql.SQL(_CHANGED).format(listed), {"as_of": as_of}).fetchone()
    raw.execute("DROP TABLE pg_temp.snapshot_facts")
    return 0 if row is None else int(row[0])


def _fill(
    raw: psycopg.Connection[Any], content: bytes, wanted: Mapping[str, str]
) -> dict[str, list[str]]:
    """Create temporary tables of a snapshot, and return their columns. wanted: of which, and what they are called."""
    names: dict[str, list[str]] = {}
    with _reader(content) as text_:
        for table, block in _blocks(text_):
            if table not in wanted:
                continue
            if table not in names:
                names[table] = _create(raw, table, wanted[table], orjson.loads(block))
                continue
            columns = sql.SQL(", ").join(map(sql.Identifier, names[table]))
            into = sql.SQL("COPY pg_temp.{} ({}) FROM STDIN (FORMAT csv)")
            with raw.cursor().copy(into.format(sql.Identifier(wanted[table]), columns)) as copy:
                copy.write(block)
    return names


def _create(
    raw: psycopg.Connection[Any], table: str, called: str, columns: Sequence[tuple[str, str]]
) -> list[str]:
    """Create a temporary table as the snapshot says; what a table has gained since is there, with its default."""
    names = [name for name, _kind in columns]
    kinds = [sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind)) for name, kind in columns]
    with raw.cursor(row_factory=tuple_row) as cursor:
        for name, kind, default in cursor.execute(_GAINED, (table, names)).fetchall():
            told = "{} {} DEFAULT {}" if default else "{} {}"
            parts = [sql.Identifier(name), sql.SQL(kind), *([sql.SQL(default)] if default else [])]
            kinds.append(sql.SQL(told).format(*parts))
    made = sql.SQL("CREATE TEMP TABLE {} ({}) ON COMMIT DROP")
    raw.execute(made.format(sql.Identifier(called), sql.SQL(", ").join(kinds)))
    return names


def _blocks(text_: BufferedReader) -> Iterator[tuple[str, bytes]]:
    """Yield blocks of rows with their table. The heading says how long one is: a value may hold any line."""
    while heading := text_.readline():
        name, length = heading.decode().split()
        yield name, text_.read(int(length))


def _written(raw: psycopg.Connection[Any], query: str, moments: dict[str, Any]) -> str:
    """Return a query with its moments as the driver's own literals: COPY takes no parameters."""
    statement = query
    for name in moments:
        statement = statement.replace(f":{name}", f"%({name})s")
    bound = {name: moments[name] for name in moments if f"%({name})s" in statement}
    with psycopg.ClientCursor(raw) as client:
        return client.mogrify(statement, bound)


def _columns(raw: psycopg.Connection[Any], written: str) -> bytes:
    """Return the names and types of a query's columns as a line, for tables that are other ones by then."""
    described = raw.execute(f"SELECT * FROM ({written}) q LIMIT 0").description or ()  # noqa: S608 because it is our own query
    oids = [column.type_code for column in described]
    with raw.cursor(row_factory=tuple_row) as cursor:
        types = cursor.execute(_TYPES, (oids,)).fetchall()
    pairs = [[column.name, row[0]] for column, row in zip(described, types, strict=True)]
    return orjson.dumps(pairs) + b"\n"


def _copied(raw: psycopg.Connection[Any], written: str) -> Iterator[bytes]:
    """Yield the rows that a query finds as CSV, whole rows and as many as make a block."""
    rows, size = [], 0
    with raw.cursor().copy(f"COPY ({written}) TO STDOUT (FORMAT csv)") as copy:
        for row in copy:
            rows.append(bytes(row))
            size += len(rows[-1])
            if size >= _BLOCK:
                yield b"".join(rows)
                rows, size = [], 0
    if rows:
        yield b"".join(rows)


def _packer() -> zstandard.ZstdCompressionObj:
    return zstandard.ZstdCompressor(level=6).compressobj()


def _reader(content: bytes) -> BufferedReader:
    stream = zstandard.ZstdDecompressor().stream_reader(content)
    return BufferedReader(stream, _BLOCK)
