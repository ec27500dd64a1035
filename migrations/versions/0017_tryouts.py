"""Create the tables of drafts replayed on the cases of a month gone by."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from app.db.types import UtcDateTime

revision = "0017_tryouts"
down_revision = "0016_hours"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "draft_replays",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        sa.Column(
            "draft_id", sa.BigInteger(), sa.ForeignKey("definition_drafts.id"), nullable=False
        ),
        sa.Column("draft_hash", sa.Text(), nullable=False),
        sa.Column(
            "base_hash", sa.Text(), sa.ForeignKey("definition_versions.hash"), nullable=False
        ),
        sa.Column("month_on", sa.Date(), nullable=False),
        sa.Column("assumed", sa.Text(), nullable=False),
        sa.Column("begun_at", UtcDateTime(), nullable=False),
        sa.Column("begun_by", sa.BigInteger(), sa.ForeignKey("people.id")),
        sa.Column("ended_at", UtcDateTime()),
    )
    op.create_index("ix_draft_replays_draft_id", "draft_replays", ["draft_id", "id"])
    op.create_table(
        "draft_replay_cases",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        sa.Column("replay_id", sa.BigInteger(), sa.ForeignKey("draft_replays.id"), nullable=False),
        sa.Column("case_id", sa.BigInteger(), sa.ForeignKey("cases.id"), nullable=False),
        sa.Column("done", sa.Boolean(), nullable=False),
        sa.Column("before", JSONB()),
        sa.Column("after", JSONB()),
        sa.Column("failure", JSONB()),
        sa.UniqueConstraint("replay_id", "case_id"),
    )


def downgrade() -> None:
    op.drop_table("draft_replay_cases")
    op.drop_table("draft_replays")
