"""Create the tables of the catalogue room."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002_catalogue"
down_revision = "0001_accounts"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "catalogue_versions",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_catalogue_versions"),
        sa.UniqueConstraint("valid_from", name="uq_catalogue_versions_valid_from"),
    )
    op.create_table(
        "classes",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("version_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("major_code", sa.Text(), nullable=False),
        sa.Column("major_name", sa.Text(), nullable=False),
        sa.Column("minor_code", sa.Text(), nullable=False),
        sa.Column("minor_name", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("duty", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_classes"),
        sa.ForeignKeyConstraint(
            ["version_id"], ["catalogue_versions.id"], name="fk_classes_version_id"
        ),
        sa.UniqueConstraint("version_id", "code", name="uq_classes_version_id_code"),
        sa.CheckConstraint(
            "kind IN ('component', 'event', 'service')", name=op.f("ck_classes_kind")
        ),
    )
    op.create_index("ix_classes_code", "classes", ["code"])
    op.create_table(
        "filing_conditions",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("class_id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.SmallInteger(), nullable=False),
        sa.Column("wording", sa.Text(), nullable=False),
        sa.Column("limit_value", sa.Numeric(), nullable=False),
        sa.Column("limit_unit", sa.Text(), nullable=False),
        sa.Column("closing_wording", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_filing_conditions"),
        sa.ForeignKeyConstraint(["class_id"], ["classes.id"], name="fk_filing_conditions_class_id"),
        sa.UniqueConstraint("class_id", "seq", name="uq_filing_conditions_class_id_seq"),
        sa.CheckConstraint(
            "limit_unit IN ('urgent_hour', 'urgent_day', 'working_hour', 'working_day', 'day')",
            name=op.f("ck_filing_conditions_limit_unit"),
        ),
        sa.CheckConstraint("limit_value > 0", name=op.f("ck_filing_conditions_limit_value")),
    )


def downgrade() -> None:
    op.drop_table("filing_conditions")
    op.drop_table("classes")
    op.drop_table("catalogue_versions")
