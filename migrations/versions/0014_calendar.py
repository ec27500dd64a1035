"""Create the tables of calendar years that a city enters itself."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.db.types import UtcDateTime

revision = "0014_calendar"
down_revision = "0013_desk"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "calendar_years",
        sa.Column("year", sa.SmallInteger(), primary_key=True, autoincrement=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("entered_at", UtcDateTime(), nullable=False),
        sa.Column("entered_by", sa.BigInteger(), sa.ForeignKey("people.id")),
    )
    op.create_table(
        "calendar_days",
        sa.Column("day_on", sa.Date(), primary_key=True),
        sa.Column("year", sa.SmallInteger(), sa.ForeignKey("calendar_years.year"), nullable=False),
        sa.Column("working", sa.Boolean(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("calendar_days")
    op.drop_table("calendar_years")
