"""Read a schema back from PostgreSQL's own catalogue, for comparison."""

from __future__ import annotations

from sqlalchemy import Engine, text

COLUMNS = """
    SELECT c.relname::text || '.' || a.attname,
           format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END
           || CASE a.attidentity::text WHEN '' THEN '' ELSE ' identity ' || a.attidentity::text END
           || coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '')
    FROM pg_class c
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
      AND c.relname <> 'alembic_version'
"""
CONSTRAINTS = """
    SELECT conrelid::regclass || ' ' || conname, pg_get_constraintdef(oid)
    FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace AND conrelid <> 0
      AND conrelid::regclass::text <> 'alembic_version' AND contype <> 'n'
"""
INDEXES = """
    SELECT indexname, indexdef FROM pg_indexes
    WHERE schemaname = 'public' AND tablename <> 'alembic_version'
"""


def schema_of(engine: Engine) -> dict[str, str]:
    """Return every column, constraint and index of a database, by name."""
    found: dict[str, str] = {}
    with engine.connect() as connection:
        for query in (COLUMNS, CONSTRAINTS, INDEXES):
            found.update({row[0]: row[1] for row in connection.execute(text(query))})
    return found
