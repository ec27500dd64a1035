"""Create the tables of the places room."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003_places"
down_revision = "0002_catalogue"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "districts",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("outline", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("code", name="pk_districts"),
    )
    op.create_table(
        "streets",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("district_code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("code", name="pk_streets"),
        sa.ForeignKeyConstraint(
            ["district_code"], ["districts.code"], name="fk_streets_district_code"
        ),
    )
    op.create_index("ix_streets_district_code", "streets", ["district_code"])
    op.create_table(
        "responsibility_grids",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("district_code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("outline", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("code", name="pk_responsibility_grids"),
        sa.ForeignKeyConstraint(
            ["district_code"], ["districts.code"], name="fk_responsibility_grids_district_code"
        ),
    )
    op.create_index(
        "ix_responsibility_grids_district_code", "responsibility_grids", ["district_code"]
    )
    op.create_table(
        "unit_grids",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("responsibility_code", sa.Text(), nullable=False),
        sa.Column("street_code", sa.Text(), nullable=False),
        sa.Column("district_code", sa.Text(), nullable=False),
        sa.Column("outline", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("code", name="pk_unit_grids"),
        sa.ForeignKeyConstraint(
            ["responsibility_code"],
            ["responsibility_grids.code"],
            name="fk_unit_grids_responsibility_code",
        ),
        sa.ForeignKeyConstraint(
            ["street_code"], ["streets.code"], name="fk_unit_grids_street_code"
        ),
        sa.ForeignKeyConstraint(
            ["district_code"], ["districts.code"], name="fk_unit_grids_district_code"
        ),
        sa.CheckConstraint("code ~ '^[0-9]{15}$'", name=op.f("ck_unit_grids_code")),
    )
    op.create_index("ix_unit_grids_responsibility_code", "unit_grids", ["responsibility_code"])
    op.create_table(
        "grid_versions",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("loaded_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_grid_versions"),
    )


def downgrade() -> None:
    for table in ("grid_versions", "unit_grids", "responsibility_grids", "streets", "districts"):
        op.drop_table(table)
