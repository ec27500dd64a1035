"""Create the tables that keep moves of cases between versions."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from app.db.types import UtcDateTime

revision = "0010_moves"
down_revision = "0009_sign_in"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_process_instances_living",
        "process_instances",
        ["definition_hash", "case_id"],
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "case_moves",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        _hash("from_hash"),
        _hash("to_hash"),
        sa.Column("mapping", JSONB(), nullable=False),
        sa.Column("begun_at", UtcDateTime(), nullable=False),
        _ref("begun_by", "people.id", True),
    )
    op.create_table(
        "case_move_items",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        _ref("move_id", "case_moves.id"),
        _ref("case_id", "cases.id"),
        _ref("instance_id", "process_instances.id"),
        _hash("old_hash"),
        sa.Column("old_state", sa.LargeBinary(), nullable=False),
        sa.Column("old_rows", JSONB(), nullable=False),
        sa.Column("version_after", sa.BigInteger(), nullable=False),
        sa.Column("moved_at", UtcDateTime(), nullable=False),
        sa.Column("undone_at", UtcDateTime()),
        _ref("undone_by", "people.id", True),
    )
    op.create_index("ix_case_move_items_move_id", "case_move_items", ["move_id", "id"])
    op.create_index("ix_case_move_items_case_id", "case_move_items", ["case_id"])


def downgrade() -> None:
    op.drop_table("case_move_items")
    op.drop_table("case_moves")
    op.drop_index("ix_process_instances_living", "process_instances")


def _ref(name: str, target: str, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger(), sa.ForeignKey(target), nullable=nullable)


def _hash(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), sa.ForeignKey("definition_versions.hash"), nullable=False)
