"""Let what was known at a past moment be found: where people were in place, which alerts were open."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0029_as_of"
down_revision = "0028_flood"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("duty_positions", sa.Column("in_place", sa.Boolean()))
    op.create_index("ix_alerts_closed_at", "alerts", ["closed_at"])


def downgrade() -> None:
    op.drop_index("ix_alerts_closed_at", "alerts")
    op.drop_column("duty_positions", "in_place")
