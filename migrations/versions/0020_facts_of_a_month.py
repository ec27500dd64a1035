"""Index what a month takes over from those before it, so that its ranking costs no more for them."""

from __future__ import annotations

from alembic import op

revision = "0020_facts_of_a_month"
down_revision = "0019_processes"
branch_labels = None
depends_on = None

INDEXES = {
    "ix_facts_open": "facts (due_at) WHERE closed_at IS NULL AND valid_to IS NULL",
    "ix_facts_outlasted": "facts (valid_to) WHERE closed_at IS NULL AND valid_to > due_at",
    "ix_facts_undue": "facts (valid_to) WHERE closed_at IS NULL AND due_at IS NULL",
    "ix_facts_closed_late": "facts (closed_at) WHERE closed_at > due_at",
    "ix_facts_charged": (
        "facts (valid_from)"
        " WHERE unfounded_returns > 0 OR media_supervisions > 0 OR supervisions > 0"
    ),
    "ix_cases_self_handled": "cases (closed_at) WHERE closed_as = 'self_handled'",
}


def upgrade() -> None:
    # A concurrent build that was broken off leaves an index that counts for nothing.
    with op.get_context().autocommit_block():
        op.execute("SET statement_timeout = 0")
        for name, where in INDEXES.items():
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE INDEX CONCURRENTLY {name} ON {where}")
        op.execute("SET statement_timeout = '60s'")


def downgrade() -> None:
    for name in INDEXES:
        op.drop_index(name)
