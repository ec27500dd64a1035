"""Create the tables of processes that are no case's, of appeals and of the month's runs; let facts tell what was withdrawn."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.db.types import UtcDateTime

revision = "0019_processes"
down_revision = "0018_schemes"
branch_labels = None
depends_on = None

TABLES = (
    "assessment_files", "assessment_confirmations", "assessment_runs", "assessment_snapshots",
    "appeal_evidence", "appeals", "process_log", "process_timers", "process_items", "processes",
)  # fmt: skip


def upgrade() -> None:
    op.execute("SET LOCAL statement_timeout = 0")
    for table in ("cases", "facts"):
        op.add_column(table, sa.Column("withdrawn", sa.Text()))
        op.add_column(table, sa.Column("withdrawn_of", UtcDateTime()))
    # Of rows that are there nothing is withdrawn: they need not be looked at while everybody waits.
    op.execute(
        "ALTER TABLE cases ADD CONSTRAINT ck_cases_withdrawn_whole"
        " CHECK ((withdrawn IS NULL) = (withdrawn_of IS NULL)) NOT VALID"
    )
    _create_processes()
    _create_appeals()
    _create_runs()
    op.add_column("appeals", _number("carried_run_id", True))
    with op.get_context().autocommit_block():
        op.execute("ALTER TABLE cases VALIDATE CONSTRAINT ck_cases_withdrawn_whole")


def downgrade() -> None:
    op.drop_column("appeals", "carried_run_id")
    for table in TABLES:
        op.drop_table(table)
    op.drop_constraint("ck_cases_withdrawn_whole", "cases")
    for table in ("cases", "facts"):
        op.drop_column(table, "withdrawn_of")
        op.drop_column(table, "withdrawn")


def _key() -> sa.Column[Any]:
    return sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True)


def _text(name: str, nullable: bool = False, **more: Any) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), nullable=nullable, **more)


def _at(name: str, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, UtcDateTime(), nullable=nullable)


def _number(name: str, nullable: bool = False, **more: Any) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable, **more)


def _ref(name: str, target: str, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger(), sa.ForeignKey(target), nullable=nullable)


def _create_processes() -> None:
    op.create_table(
        "processes",
        _key(),
        _text("process_id"),
        _text("title"),
        _ref("unit_id", "units.id", True),
        sa.Column(
            "definition_hash", sa.Text(), sa.ForeignKey("definition_versions.hash"), nullable=False
        ),
        sa.Column("state", sa.LargeBinary(), nullable=False),
        _number("version"),
        _at("started_at"),
        _at("ended_at", True),
    )
    op.create_index(
        "ix_processes_definition_hash",
        "processes",
        ["definition_hash"],
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "process_items",
        _key(),
        _ref("process_id", "processes.id"),
        _number("token"),
        _text("element"),
        _text("name"),
        _text("form_key"),
        _text("role"),
        _ref("unit_id", "units.id", True),
        _text("status", server_default="open"),
        _at("created_at"),
        _at("due_at"),
        _at("finished_at", True),
        _ref("finished_by", "people.id", True),
        _text("outcome", True),
        _text("opinion", True),
        sa.UniqueConstraint("process_id", "token"),
        sa.CheckConstraint("status IN ('open', 'done', 'cancelled')", name="status"),
        sa.CheckConstraint("(status = 'open') = (finished_at IS NULL)", name="finished_whole"),
    )
    op.create_index(
        "ix_process_items_open",
        "process_items",
        ["role", "unit_id", "due_at", "id"],
        postgresql_where=sa.text("status = 'open'"),
    )
    op.create_table(
        "process_timers",
        _key(),
        _ref("process_id", "processes.id"),
        _number("token"),
        _text("element"),
        _at("due_at"),
        _at("try_at"),
        _number("tries", server_default="0"),
        _text("last_error", True),
        sa.UniqueConstraint("process_id", "token"),
    )
    op.create_index("ix_process_timers_try_at", "process_timers", ["try_at"])
    op.create_table(
        "process_log",
        _key(),
        _ref("process_id", "processes.id"),
        _at("at"),
        _ref("actor_id", "people.id", True),
        _text("actor_label"),
        _text("kind"),
        _text("element", True),
        sa.Column("data", postgresql.JSONB(), nullable=False),
    )
    op.create_index("ix_process_log_process_id", "process_log", ["process_id", "id"])
    _refuse_changes("process_log")


def _refuse_changes(table: str) -> None:
    op.execute(
        f"CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON {table}"
        " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )


def _create_appeals() -> None:
    op.create_table(
        "appeals",
        _key(),
        _ref("case_id", "cases.id"),
        _ref("unit_id", "units.id"),
        _number("dispatch_no"),
        _text("ground"),
        _at("contested_at"),
        _text("reason"),
        _ref("filed_by", "people.id"),
        _at("filed_at"),
        _ref("process_id", "processes.id"),
        _text("decision", True),
        _at("decided_at", True),
        sa.UniqueConstraint("case_id"),
        sa.UniqueConstraint("process_id"),
        sa.CheckConstraint(
            "ground IN ('late', 'unfounded_return', 'media_supervision')", name="ground"
        ),
        sa.CheckConstraint("decision IN ('upheld', 'refused')", name="decision"),
        sa.CheckConstraint("(decision IS NULL) = (decided_at IS NULL)", name="decided_whole"),
    )
    op.create_index("ix_appeals_unit_id_filed_at", "appeals", ["unit_id", "filed_at"])
    op.create_index("ix_appeals_filed_at", "appeals", ["filed_at", "id"])
    op.create_index(
        "ix_appeals_open", "appeals", ["filed_at"], postgresql_where=sa.text("decision IS NULL")
    )
    op.create_table(
        "appeal_evidence",
        _key(),
        _ref("appeal_id", "appeals.id"),
        _text("name"),
        _text("media_type"),
        _text("sha256"),
        _number("size"),
        sa.UniqueConstraint("appeal_id", "sha256"),
    )


def _create_runs() -> None:
    op.create_table(
        "assessment_snapshots",
        sa.Column("hash", sa.Text(), primary_key=True),
        _number("facts"),
        sa.Column("content", sa.LargeBinary(), nullable=False),
    )
    _refuse_changes("assessment_snapshots")
    op.create_table(
        "assessment_runs",
        _key(),
        sa.Column("month", sa.Date(), nullable=False),
        _number("edition"),
        _text("state"),
        _ref("process_id", "processes.id"),
        _text("reason"),
        _ref("appeal_id", "appeals.id", True),
        _at("begun_at"),
        _at("confirm_until", True),
        _at("as_of"),
        _ref("scheme_id", "assessment_schemes.id", True),
        sa.Column("scheme", postgresql.JSONB(), nullable=False),
        sa.Column("rules", postgresql.JSONB(), nullable=False),
        sa.Column("counted", postgresql.JSONB(), nullable=False),
        _text("result_hash"),
        sa.Column(
            "facts_hash", sa.Text(), sa.ForeignKey("assessment_snapshots.hash"), nullable=True
        ),
        sa.Column("changes", postgresql.JSONB(), nullable=False),
        _ref("signed_by", "people.id", True),
        _at("published_at", True),
        sa.UniqueConstraint("process_id"),
        sa.CheckConstraint(
            "state IN ('confirming', 'ruling', 'signing', 'published', 'abandoned')", name="state"
        ),
        sa.CheckConstraint("(state = 'published') = (published_at IS NOT NULL)", name="published"),
        sa.CheckConstraint(
            "published_at IS NULL OR (facts_hash IS NOT NULL AND signed_by IS NOT NULL)",
            name="published_whole",
        ),
    )
    op.create_index(
        "uq_assessment_runs_edition",
        "assessment_runs",
        ["month", "edition"],
        unique=True,
        postgresql_where=sa.text("state <> 'abandoned'"),
    )
    op.create_index(
        "uq_assessment_runs_open",
        "assessment_runs",
        ["month"],
        unique=True,
        postgresql_where=sa.text("state IN ('confirming', 'ruling', 'signing')"),
    )
    op.create_table(
        "assessment_confirmations",
        _key(),
        _ref("run_id", "assessment_runs.id"),
        _ref("unit_id", "units.id"),
        _ref("confirmed_by", "people.id"),
        _at("confirmed_at"),
        sa.UniqueConstraint("run_id", "unit_id"),
    )
    op.create_table(
        "assessment_files",
        _key(),
        _ref("run_id", "assessment_runs.id"),
        _text("name"),
        _text("address"),
        _text("sha256"),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.UniqueConstraint("run_id", "name"),
    )
    _refuse_changes("assessment_files")
