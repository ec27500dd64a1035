"""Create the table of working hours and the record of changes in the organisation."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from app.db.types import UtcDateTime

revision = "0016_hours"
down_revision = "0015_reassignments"
branch_labels = None
depends_on = None

_KINDS = (
    "unit_closed", "unit_reopened", "unit_moved",
    "person_moved", "person_deactivated", "person_reactivated",
)  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "working_hours",
        sa.Column("valid_from", sa.Date(), primary_key=True),
        sa.Column("spans", ARRAY(sa.Text()), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("entered_at", UtcDateTime(), nullable=False),
        sa.Column("entered_by", sa.BigInteger(), sa.ForeignKey("people.id")),
        sa.CheckConstraint("cardinality(spans) BETWEEN 1 AND 4", name="spans"),
    )
    op.create_table(
        "organisation_changes",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("actor_id", sa.BigInteger(), sa.ForeignKey("people.id")),
        sa.Column("unit_id", sa.BigInteger(), sa.ForeignKey("units.id")),
        sa.Column("person_id", sa.BigInteger(), sa.ForeignKey("people.id")),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("facts", JSONB(), nullable=False),
        sa.CheckConstraint(f"kind IN {_KINDS}", name="kind"),
        sa.CheckConstraint("(unit_id IS NULL) <> (person_id IS NULL)", name="of_one"),
    )
    op.create_index("ix_organisation_changes_unit_id", "organisation_changes", ["unit_id", "id"])
    op.create_index(
        "ix_organisation_changes_person_id", "organisation_changes", ["person_id", "id"]
    )


def downgrade() -> None:
    op.drop_table("organisation_changes")
    op.drop_table("working_hours")
