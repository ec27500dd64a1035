"""Create what ties homes and their complaints to the sites that serve them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.db.types import UtcDateTime

revision = "0026_utilities"
down_revision = "0025_histories"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "served_grids",
        sa.Column("site_id", sa.BigInteger(), sa.ForeignKey("sites.id"), primary_key=True),
        sa.Column("grid_code", sa.Text(), primary_key=True),
    )
    op.create_index("ix_served_grids_grid_code", "served_grids", ["grid_code"])
    op.create_table(
        "linked_cases",
        sa.Column("case_id", sa.BigInteger(), sa.ForeignKey("cases.id"), primary_key=True),
        sa.Column("site_id", sa.BigInteger(), sa.ForeignKey("sites.id"), nullable=False),
        sa.Column("linked_at", UtcDateTime(), nullable=False),
    )
    op.create_index("ix_linked_cases_site_id", "linked_cases", ["site_id", "linked_at"])


def downgrade() -> None:
    op.drop_table("linked_cases")
    op.drop_table("served_grids")
