"""Create what the sensors of a simulated city go through."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

from app.db.types import UtcDateTime

revision = "0027_scenarios"
down_revision = "0026_utilities"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "simulated_scenarios",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("begins_at", UtcDateTime(), nullable=False),
        sa.Column("ends_at", UtcDateTime(), nullable=False),
        sa.Column("sites", ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.CheckConstraint("ends_at > begins_at", name="span"),
    )


def downgrade() -> None:
    op.drop_table("simulated_scenarios")
