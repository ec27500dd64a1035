"""Create the tables of drafts: bundles that are being worked on."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.db.types import UtcDateTime

revision = "0011_drafts"
down_revision = "0010_moves"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "definition_drafts",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("base_hash", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), sa.ForeignKey("people.id")),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.BigInteger(), sa.ForeignKey("people.id")),
        sa.Column("proposed_at", UtcDateTime()),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.BigInteger(), sa.ForeignKey("people.id")),
        sa.Column("decided_at", UtcDateTime()),
        sa.Column("deployed_hash", sa.Text()),
        sa.CheckConstraint("status IN ('open', 'proposed', 'deployed')", name="status"),
        sa.CheckConstraint(
            "(status = 'deployed') = (deployed_hash IS NOT NULL)", name="deployed_hash"
        ),
        sa.CheckConstraint(
            "decided_by IS DISTINCT FROM proposed_by OR decided_by IS NULL", name="second_person"
        ),
    )
    op.create_index("ix_definition_drafts_updated_at", "definition_drafts", ["updated_at", "id"])
    op.create_table(
        "definition_draft_files",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        sa.Column(
            "draft_id", sa.BigInteger(), sa.ForeignKey("definition_drafts.id"), nullable=False
        ),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.LargeBinary()),
        sa.Column("saved_by", sa.BigInteger(), sa.ForeignKey("people.id")),
        sa.Column("saved_at", UtcDateTime(), nullable=False),
        sa.Column("restored_from", sa.BigInteger()),
        sa.UniqueConstraint("draft_id", "path", "version"),
    )


def downgrade() -> None:
    op.drop_table("definition_draft_files")
    op.drop_table("definition_drafts")
