"""Create the tables of bulk reassignments between units and of what citizens say of closed cases."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from app.db.types import UtcDateTime

revision = "0015_reassignments"
down_revision = "0014_calendar"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "reassignments",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        _ref("from_unit_id", "units.id"),
        _ref("to_unit_id", "units.id"),
        sa.Column("class_code", sa.Text()),
        sa.Column("responsibility_code", sa.Text()),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("begun_at", UtcDateTime(), nullable=False),
        _ref("begun_by", "people.id", True),
        sa.CheckConstraint("from_unit_id <> to_unit_id", name="two_units"),
    )
    op.create_table(
        "reassigned_cases",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        _ref("reassignment_id", "reassignments.id"),
        _ref("case_id", "cases.id"),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("released", sa.BigInteger(), nullable=False),
    )
    op.create_index(
        "ix_reassigned_cases_reassignment_id", "reassigned_cases", ["reassignment_id", "id"]
    )
    op.create_table(
        "case_feedback",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        _ref("case_id", "cases.id"),
        sa.Column("at", UtcDateTime(), nullable=False),
        _ref("recorded_by", "people.id", True),
        sa.Column("satisfied", sa.Boolean(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
    )
    op.create_index("ix_case_feedback_case_id", "case_feedback", ["case_id", "id"])
    op.create_index(
        "ix_case_feedback_unsatisfied",
        "case_feedback",
        ["at", "id"],
        postgresql_where=sa.text("NOT satisfied"),
    )


def downgrade() -> None:
    op.drop_table("case_feedback")
    op.drop_table("reassigned_cases")
    op.drop_table("reassignments")


def _ref(name: str, target: str, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger(), sa.ForeignKey(target), nullable=nullable)
