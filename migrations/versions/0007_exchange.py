"""Create the outbox and the record of the worker's schedules."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from app.db.types import UtcDateTime

revision = "0007_exchange"
down_revision = "0006_assessment"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("payload", JSONB(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("next_try_at", UtcDateTime(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("sent_at", UtcDateTime()),
        sa.Column("parked_at", UtcDateTime()),
        sa.Column("last_error", sa.Text()),
        sa.UniqueConstraint("key"),
    )
    op.create_index(
        "ix_outbox_next_try_at",
        "outbox",
        ["next_try_at"],
        postgresql_where=sa.text("sent_at IS NULL AND parked_at IS NULL"),
    )
    op.create_table(
        "schedule_runs",
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("planned_at", UtcDateTime(), primary_key=True),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("finished_at", UtcDateTime()),
        sa.Column("error", sa.Text()),
    )


def downgrade() -> None:
    op.drop_table("schedule_runs")
    op.drop_table("outbox")
