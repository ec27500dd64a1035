"""Create the tables of the accounts room."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001_accounts"
down_revision = None
branch_labels = None
depends_on = None

ROLES = (
    "'collector', 'intake_officer', 'duty_chief', 'dispatcher', 'unit_handler', 'unit_manager', "
    "'supervisor', 'assessor', 'analyst', 'administrator', 'leader', 'auditor'"
)


def upgrade() -> None:
    op.create_table(
        "units",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("parent_id", sa.BigInteger()),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("rank_group", sa.Text()),
        sa.Column("district_code", sa.Text()),
        sa.Column("duties", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_units"),
        sa.ForeignKeyConstraint(["parent_id"], ["units.id"], name="fk_units_parent_id"),
        sa.UniqueConstraint("code", name="uq_units_code"),
        sa.UniqueConstraint("path", name="uq_units_path"),
        sa.CheckConstraint("level BETWEEN 1 AND 4", name=op.f("ck_units_level")),
        sa.CheckConstraint(
            "(level = 1) = (parent_id IS NULL)", name=op.f("ck_units_root_has_no_parent")
        ),
        sa.CheckConstraint("path ~ '^(/[0-9]+)+/$'", name=op.f("ck_units_path")),
        sa.CheckConstraint(
            "rank_group IN ('district', 'department', 'enterprise')",
            name=op.f("ck_units_rank_group"),
        ),
    )
    op.create_index(
        "ix_units_path_pattern", "units", ["path"], postgresql_ops={"path": "text_pattern_ops"}
    )
    op.create_index("ix_units_parent_id", "units", ["parent_id"])
    op.create_index("ix_units_duties", "units", ["duties"], postgresql_using="gin")
    op.create_table(
        "people",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("unit_id", sa.BigInteger(), nullable=False),
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text()),
        sa.Column("phone", sa.Text()),
        sa.Column("active", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("is_demo", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("must_change_password", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_people"),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name="fk_people_unit_id"),
        sa.UniqueConstraint("login", name="uq_people_login"),
        sa.CheckConstraint("login = lower(login) AND login <> ''", name=op.f("ck_people_login")),
    )
    op.create_index("ix_people_unit_id", "people", ["unit_id"])
    op.create_table(
        "person_roles",
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("person_id", "role", name="pk_person_roles"),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name="fk_person_roles_person_id", ondelete="CASCADE"
        ),
        sa.CheckConstraint(f"role IN ({ROLES})", name=op.f("ck_person_roles_role")),
    )
    op.create_index("ix_person_roles_role", "person_roles", ["role"])


def downgrade() -> None:
    op.drop_table("person_roles")
    op.drop_table("people")
    op.drop_table("units")
