"""Create the tables of the assessment room."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.db.types import UtcDateTime

revision = "0006_assessment"
down_revision = "0005_cases"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "facts",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        sa.Column("case_id", sa.BigInteger(), sa.ForeignKey("cases.id"), nullable=False),
        sa.Column("unit_id", sa.BigInteger(), sa.ForeignKey("units.id"), nullable=False),
        sa.Column("dispatch_no", sa.BigInteger(), nullable=False),
        sa.Column("valid_from", UtcDateTime(), nullable=False),
        sa.Column("valid_to", UtcDateTime()),
        sa.Column("class_code", sa.Text()),
        sa.Column("district_code", sa.Text()),
        sa.Column("grid_code", sa.Text()),
        sa.Column("responsibility_code", sa.Text()),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("dispatched_at", UtcDateTime(), nullable=False),
        sa.Column("taken_back_at", UtcDateTime()),
        sa.Column("due_at", UtcDateTime()),
        sa.Column("handed_in_at", UtcDateTime()),
        sa.Column("on_time", sa.Boolean()),
        sa.Column("closed_at", UtcDateTime()),
        sa.Column("closed_as", sa.Text()),
        sa.Column("extensions", sa.BigInteger(), nullable=False),
        sa.Column("reworks", sa.BigInteger(), nullable=False),
        sa.Column("on_hold", sa.Boolean(), nullable=False),
        sa.Column("void", sa.Boolean(), nullable=False),
        sa.Column("exempt", sa.Boolean(), nullable=False),
        sa.Column("unfounded_returns", sa.BigInteger(), nullable=False),
        sa.Column("media_supervisions", sa.BigInteger(), nullable=False),
        sa.Column("overdue_flag", sa.Boolean(), nullable=False),
        sa.UniqueConstraint("case_id", "dispatch_no", "valid_from"),
        sa.CheckConstraint("valid_to > valid_from", name="validity"),
    )
    op.create_index(
        "uq_facts_current",
        "facts",
        ["case_id", "dispatch_no"],
        unique=True,
        postgresql_where=sa.text("valid_to IS NULL"),
    )
    op.create_index("ix_facts_unit_id_valid_from", "facts", ["unit_id", "valid_from"])
    op.create_index("ix_facts_due_at", "facts", ["due_at"])


def downgrade() -> None:
    op.drop_table("facts")
