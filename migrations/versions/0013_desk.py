"""The desk: cases found by text and by place, work by who finished it, saved filters."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.db.types import UtcDateTime

revision = "0013_desk"
down_revision = "0012_oversight"
branch_labels = None
depends_on = None

# Every two neighbouring characters of a text: Chinese has no blanks between words.
CASE_GRAMS = """
CREATE OR REPLACE FUNCTION case_grams(number text, title text, address text, description text)
RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT coalesce(array_agg(DISTINCT p.c || p.n), '{}')
    FROM (SELECT s.c, lead(s.c) OVER (ORDER BY s.ord) AS n
          FROM string_to_table(lower(number || ' ' || title || ' ' || address || ' ' || description), NULL)
               WITH ORDINALITY AS s(c, ord)) AS p
    WHERE p.n IS NOT NULL
$$
"""
GRAMS = (
    "CREATE INDEX CONCURRENTLY IF NOT EXISTS ix_cases_grams ON cases USING gin"
    " (case_grams(number, title, address, description))"
)


def upgrade() -> None:
    op.create_table(
        "saved_filters",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        sa.Column("person_id", sa.BigInteger(), sa.ForeignKey("people.id"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("saved_at", UtcDateTime(), nullable=False),
        sa.UniqueConstraint("person_id", "name"),
    )
    op.execute(CASE_GRAMS)
    # Large tables in use: nobody waits for these, and they may take minutes.
    with op.get_context().autocommit_block():
        op.execute("SET statement_timeout = 0")
        op.execute(GRAMS)
        op.create_index(
            "ix_cases_lat_lon",
            "cases",
            ["lat", "lon"],
            postgresql_concurrently=True,
            if_not_exists=True,
        )
        op.create_index(
            "ix_work_items_finished_by",
            "work_items",
            ["finished_by", "finished_at", "id"],
            postgresql_where=sa.text("status = 'done'"),
            postgresql_concurrently=True,
            if_not_exists=True,
        )
        op.execute("SET statement_timeout = '60s'")


def downgrade() -> None:
    op.drop_index("ix_work_items_finished_by", "work_items")
    op.drop_index("ix_cases_lat_lon", "cases")
    op.drop_index("ix_cases_grams", "cases")
    op.execute("DROP FUNCTION case_grams(text, text, text, text)")
    op.drop_table("saved_filters")
