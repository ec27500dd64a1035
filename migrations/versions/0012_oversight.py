"""Add the indexes that the supervisor's lists and the heat of a diagram are read through."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012_oversight"
down_revision = "0011_drafts"
branch_labels = None
depends_on = None

_INDEXES = (
    ("ix_cases_running_due_at", "cases", ["due_at", "id"], "closed_at IS NULL AND result_at IS NULL"),
    ("ix_cases_reworked", "cases", ["reported_at", "id"], "closed_at IS NULL AND reworks > 2"),
    ("ix_cases_open", "cases", ["reported_at", "id"], "closed_at IS NULL"),
    ("ix_cases_on_hold", "cases", ["reported_at", "id"], "on_hold"),
    ("ix_case_requests_waiting", "case_requests", ["kind", "asked_at", "id"], "decision IS NULL"),
    ("ix_case_requests_decided", "case_requests", ["kind", "decision", "decided_at", "id"], None),
)  # fmt: skip


def upgrade() -> None:
    # Concurrently: people work on while an index is built. That takes no transaction, and as long as it takes.
    with op.get_context().autocommit_block():
        op.execute("SET statement_timeout = 0")
        for name, table, columns, where in _INDEXES:
            op.create_index(
                name,
                table,
                columns,
                postgresql_where=None if where is None else sa.text(where),
                postgresql_concurrently=True,
            )
        op.create_index(
            "ix_work_items_finished",
            "work_items",
            ["finished_at"],
            postgresql_include=["element", "created_at", "due_at", "unit_id"],
            postgresql_where=sa.text("status = 'done'"),
            postgresql_concurrently=True,
        )
        op.create_index(
            "ix_cases_closed_at",
            "cases",
            ["closed_at", "id"],
            postgresql_include=["closed_as", "overdue", "exempt"],
            postgresql_where=sa.text("closed_at IS NOT NULL"),
            postgresql_concurrently=True,
        )
        op.execute("SET statement_timeout = '60s'")


def downgrade() -> None:
    op.drop_index("ix_cases_closed_at", "cases")
    op.drop_index("ix_work_items_finished", "work_items")
    for name, table, _columns, _where in reversed(_INDEXES):
        op.drop_index(name, table)
