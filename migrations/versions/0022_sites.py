"""Create sites, where devices stand; let people watch over them and command in a flood."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0022_sites"
down_revision = "0021_sensing"
branch_labels = None
depends_on = None

_ROLES_BEFORE = (
    "collector", "intake_officer", "duty_chief", "dispatcher", "unit_handler", "unit_manager",
    "supervisor", "assessor", "analyst", "administrator", "leader", "auditor",
)  # fmt: skip
_ROLES = (*_ROLES_BEFORE, "watch_officer", "flood_staff", "flood_commander")


def upgrade() -> None:
    op.create_table(
        "sites",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        sa.Column("code", sa.Text(), nullable=False, unique=True),
        sa.Column("trade", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), server_default="", nullable=False),
        sa.Column("lon", sa.Double(), nullable=False),
        sa.Column("lat", sa.Double(), nullable=False),
        sa.Column("address", sa.Text(), server_default="", nullable=False),
        sa.Column("grid_code", sa.Text()),
        sa.Column("district_code", sa.Text()),
        sa.Column("unit_id", sa.BigInteger(), sa.ForeignKey("units.id"), index=True),
        sa.Column("parent_id", sa.BigInteger(), sa.ForeignKey("sites.id"), index=True),
        sa.Column("data", JSONB(), server_default="{}", nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.true(), nullable=False),
    )
    op.create_index("ix_sites_trade_kind", "sites", ["trade", "kind", "id"])
    op.add_column("devices", sa.Column("site_id", sa.BigInteger(), sa.ForeignKey("sites.id")))
    op.create_index("ix_devices_site_id", "devices", ["site_id"])
    op.drop_constraint(op.f("ck_person_roles_role"), "person_roles")
    op.create_check_constraint(op.f("ck_person_roles_role"), "person_roles", f"role IN {_ROLES}")


def downgrade() -> None:
    op.drop_constraint(op.f("ck_person_roles_role"), "person_roles")
    others = f"DELETE FROM person_roles WHERE role NOT IN {_ROLES_BEFORE}"  # noqa: S608 (constants)
    op.execute(others)
    op.create_check_constraint(
        op.f("ck_person_roles_role"), "person_roles", f"role IN {_ROLES_BEFORE}"
    )
    op.drop_index("ix_devices_site_id", "devices")
    op.drop_column("devices", "site_id")
    op.drop_table("sites")
