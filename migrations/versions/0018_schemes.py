"""Let facts tell urgent cases, handling time and every supervision; create the tables of schemes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.db.types import UtcDateTime

revision = "0018_schemes"
down_revision = "0017_tryouts"
branch_labels = None
depends_on = None

# Of what was dispatched before, the log tells neither the clock's minutes nor whose a supervision was.
_URGENT = """
UPDATE facts f SET urgent = TRUE FROM cases c
WHERE c.id = f.case_id AND c.limit_unit IN ('urgent_hour', 'urgent_day')
"""


def upgrade() -> None:
    op.execute("SET statement_timeout = 0")
    op.add_column(
        "cases", sa.Column("unit_supervisions", sa.BigInteger(), server_default="0", nullable=False)
    )
    op.add_column("facts", sa.Column("worked_minutes", sa.BigInteger()))
    op.add_column(
        "facts", sa.Column("supervisions", sa.BigInteger(), server_default="0", nullable=False)
    )
    op.add_column(
        "facts", sa.Column("urgent", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
    op.execute(_URGENT)
    op.create_table(
        "assessment_schemes",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("edition", sa.BigInteger(), nullable=False),
        sa.Column("data", postgresql.JSONB(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date()),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.BigInteger(), sa.ForeignKey("people.id"), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("changed_by", sa.BigInteger(), sa.ForeignKey("people.id"), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("adopted_by", sa.BigInteger(), sa.ForeignKey("people.id")),
        sa.Column("adopted_at", UtcDateTime()),
        sa.UniqueConstraint("name", "edition"),
        sa.CheckConstraint("state IN ('draft', 'in_force', 'dropped')", name="state"),
        sa.CheckConstraint(
            "(state = 'in_force') = (valid_from IS NOT NULL)"
            " AND (valid_from IS NULL) = (adopted_at IS NULL)",
            name="adopted_whole",
        ),
        sa.CheckConstraint("extract(day FROM valid_from) = 1", name="first_of_month"),
        sa.CheckConstraint("adopted_by <> changed_by", name="second_person"),
    )
    op.create_index(
        "uq_assessment_schemes_valid_from",
        "assessment_schemes",
        ["valid_from"],
        unique=True,
        postgresql_where=sa.text("state = 'in_force'"),
    )
    op.create_table(
        "assessment_marks",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("unit_id", sa.BigInteger(), sa.ForeignKey("units.id"), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("points", sa.Numeric(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("entered_by", sa.BigInteger(), sa.ForeignKey("people.id"), nullable=False),
        sa.Column("entered_at", UtcDateTime(), nullable=False),
        sa.Column("replaced_at", UtcDateTime()),
        sa.CheckConstraint("points >= 0", name="points"),
    )
    op.create_index(
        "uq_assessment_marks_current",
        "assessment_marks",
        ["month", "unit_id", "line"],
        unique=True,
        postgresql_where=sa.text("replaced_at IS NULL"),
    )
    # Concurrently: people work on while an index is built.
    with op.get_context().autocommit_block():
        op.execute("SET statement_timeout = 0")
        op.create_index(
            "ix_facts_dispatched_at", "facts", ["dispatched_at"], postgresql_concurrently=True
        )
        op.execute("SET statement_timeout = '60s'")


def downgrade() -> None:
    op.drop_table("assessment_marks")
    op.drop_table("assessment_schemes")
    op.drop_index("ix_facts_dispatched_at", "facts")
    for name in ("urgent", "supervisions", "worked_minutes"):
        op.drop_column("facts", name)
    op.drop_column("cases", "unit_supervisions")
