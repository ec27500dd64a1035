"""Create the tables of the cases room."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from app.db.types import UtcDateTime

revision = "0005_cases"
down_revision = "0004_modeling"
branch_labels = None
depends_on = None

# The newest first, so that no table is dropped before those that refer to it.
TABLES = (
    "drafts", "photos", "case_requests", "case_log", "sla_clock_events", "sla_clocks",
    "timer_firings", "timers", "work_items", "process_instances", "case_numbers", "cases",
)  # fmt: skip

REFUSE_CHANGE = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% only grows: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'insufficient_privilege';
END
$$
"""


def upgrade() -> None:
    op.execute(REFUSE_CHANGE)
    _create_cases()
    _create_instances()
    _create_work_items()
    _create_timers()
    _create_clocks()
    _create_log()
    _create_requests()
    _create_evidence()


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
    op.execute("DROP FUNCTION refuse_change()")


def _key() -> sa.Column[Any]:
    return sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True)


def _text(name: str, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _at(name: str, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, UtcDateTime(), nullable=nullable)


def _number(name: str, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def _count(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger(), nullable=False, server_default="0")


def _flag(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false())


def _ref(name: str, target: str, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger(), sa.ForeignKey(target), nullable=nullable)


def _create_cases() -> None:
    op.create_table(
        "cases",
        _key(),
        _text("number"),
        _text("source_key", True),
        _text("channel"),
        _text("title"),
        _text("description"),
        _text("class_code", True),
        _ref("condition_id", "filing_conditions.id", True),
        _text("kind", True),
        _text("address"),
        sa.Column("lon", sa.Float()),
        sa.Column("lat", sa.Float()),
        _text("grid_code", True),
        _text("responsibility_code", True),
        _text("district_code", True),
        _text("street_code", True),
        _flag("outside_city"),
        _text("reporter_name", True),
        _text("reporter_phone", True),
        _text("stage"),
        _ref("unit_id", "units.id", True),
        _ref("handler_id", "people.id", True),
        _at("reported_at"),
        _ref("reported_by", "people.id", True),
        _at("filed_at", True),
        _at("dispatched_at", True),
        _at("result_at", True),
        _at("closed_at", True),
        _text("closed_as", True),
        sa.Column("limit_value", sa.Numeric()),
        _text("limit_unit", True),
        _at("due_at", True),
        _flag("overdue"),
        _flag("near_due"),
        _flag("long_overdue"),
        _flag("on_hold"),
        _flag("exempt"),
        _count("extensions"),
        _count("reworks"),
        _count("unfounded_returns"),
        _count("media_supervisions"),
        _count("dispatches"),
        _count("returns"),
        _count("supervisions"),
        _ref("merged_into_id", "cases.id", True),
        _count("log_seq"),
        sa.Column("log_hash", sa.LargeBinary(), nullable=False),
        sa.UniqueConstraint("number"),
        sa.UniqueConstraint("source_key"),
        sa.CheckConstraint(
            "closed_as IN ('closed', 'rejected', 'void', 'merged', 'self_handled')",
            name="closed_as",
        ),
        sa.CheckConstraint("(closed_as IS NULL) = (closed_at IS NULL)", name="closed_whole"),
        postgresql_with={"fillfactor": 70},
    )
    op.create_index("ix_cases_unit_id_due_at", "cases", ["unit_id", "due_at"])
    op.create_index("ix_cases_reported_at", "cases", ["reported_at"])
    op.create_index("ix_cases_class_code_reported_at", "cases", ["class_code", "reported_at"])
    op.create_table(
        "case_numbers",
        sa.Column("day", sa.Date(), primary_key=True),
        _number("last"),
    )


def _create_instances() -> None:
    op.create_table(
        "process_instances",
        _key(),
        _ref("case_id", "cases.id"),
        _text("key"),
        sa.Column(
            "definition_hash", sa.Text(), sa.ForeignKey("definition_versions.hash"), nullable=False
        ),
        _text("process_id"),
        sa.Column("state", sa.LargeBinary(), nullable=False),
        _number("version"),
        _at("started_at"),
        _at("ended_at", True),
        sa.UniqueConstraint("case_id", "key"),
        postgresql_with={"fillfactor": 70, "toast_tuple_target": 8160},
    )
    # The engine packs the state itself: trying to compress it again is time lost.
    op.execute("ALTER TABLE process_instances ALTER COLUMN state SET STORAGE EXTERNAL")


def _create_work_items() -> None:
    op.create_table(
        "work_items",
        _key(),
        _ref("instance_id", "process_instances.id"),
        _ref("case_id", "cases.id"),
        _number("token"),
        _text("element"),
        _text("name"),
        _text("form_key"),
        _text("stage"),
        _text("role"),
        _ref("unit_id", "units.id", True),
        _ref("assignee_id", "people.id", True),
        sa.Column("status", sa.Text(), nullable=False, server_default="open"),
        _at("created_at"),
        _at("due_at"),
        _at("claimed_at", True),
        _at("finished_at", True),
        _ref("finished_by", "people.id", True),
        _text("outcome", True),
        sa.Column("defaults", JSONB()),
        sa.UniqueConstraint("instance_id", "token"),
        sa.CheckConstraint("status IN ('open', 'done', 'cancelled')", name="status"),
        sa.CheckConstraint("(status = 'open') = (finished_at IS NULL)", name="finished_whole"),
        postgresql_with={"fillfactor": 70},
    )
    op.create_index(
        "ix_work_items_waiting",
        "work_items",
        ["role", "unit_id", "due_at", "id"],
        postgresql_where=sa.text("status = 'open' AND assignee_id IS NULL"),
    )
    op.create_index(
        "ix_work_items_assigned",
        "work_items",
        ["assignee_id", "due_at", "id"],
        postgresql_where=sa.text("status = 'open'"),
    )
    op.create_index(
        "ix_work_items_open",
        "work_items",
        ["due_at", "id"],
        postgresql_where=sa.text("status = 'open'"),
    )
    op.create_index("ix_work_items_case_id_status", "work_items", ["case_id", "status"])


def _create_timers() -> None:
    op.create_table(
        "timers",
        _key(),
        _ref("instance_id", "process_instances.id"),
        _number("token"),
        _text("element"),
        _at("due_at"),
        _at("try_at"),
        _count("tries"),
        _text("last_error", True),
        sa.UniqueConstraint("instance_id", "token"),
    )
    op.create_index("ix_timers_try_at", "timers", ["try_at"])
    op.create_table(
        "timer_firings",
        _key(),
        _ref("instance_id", "process_instances.id"),
        _number("token"),
        _text("element"),
        _at("due_at"),
        _at("fired_at"),
        _number("lateness_ms"),
    )
    op.create_index("ix_timer_firings_fired_at", "timer_firings", ["fired_at"])
    op.create_index("ix_timer_firings_instance_id", "timer_firings", ["instance_id"])


def _create_clocks() -> None:
    op.create_table(
        "sla_clocks",
        _key(),
        _ref("case_id", "cases.id"),
        _text("name"),
        _number("round"),
        _text("policy"),
        sa.Column("events", JSONB(), nullable=False),
        _text("state"),
        _at("due_at", True),
        _at("stopped_at", True),
        sa.Column("on_time", sa.Boolean()),
        sa.UniqueConstraint("case_id", "name", "round"),
        postgresql_with={"fillfactor": 70},
    )
    op.create_table(
        "sla_clock_events",
        _key(),
        _number("case_id"),
        _text("name"),
        _number("round"),
        _number("seq"),
        sa.Column("event", JSONB(), nullable=False),
        sa.UniqueConstraint("case_id", "name", "round", "seq"),
        sa.ForeignKeyConstraint(
            ["case_id", "name", "round"],
            ["sla_clocks.case_id", "sla_clocks.name", "sla_clocks.round"],
        ),
    )
    _refuse_change("sla_clock_events")


def _create_log() -> None:
    op.create_table(
        "case_log",
        _key(),
        _ref("case_id", "cases.id"),
        _number("seq"),
        _at("at"),
        _ref("actor_id", "people.id", True),
        _text("actor_label"),
        _text("kind"),
        _text("element", True),
        sa.Column("data", JSONB(), nullable=False),
        sa.Column("prev_hash", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.UniqueConstraint("case_id", "seq"),
    )
    _refuse_change("case_log")


def _refuse_change(table: str) -> None:
    op.execute(
        f"CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON {table}"
        " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
    op.execute(
        f"CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON {table}"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def _create_requests() -> None:
    op.create_table(
        "case_requests",
        _key(),
        _ref("case_id", "cases.id"),
        _text("kind"),
        _number("no"),
        _at("asked_at"),
        _ref("asked_by", "people.id", True),
        _ref("unit_id", "units.id", True),
        _text("reason"),
        sa.Column("details", JSONB(), nullable=False),
        _text("decision", True),
        _at("decided_at", True),
        _ref("decided_by", "people.id", True),
        _text("opinion", True),
        sa.UniqueConstraint("case_id", "kind", "no"),
        sa.CheckConstraint("kind IN ('extension', 'hold', 'return', 'supervision')", name="kind"),
        sa.CheckConstraint("(decision IS NULL) = (decided_at IS NULL)", name="decided_whole"),
    )
    op.create_index(
        "uq_case_requests_pending",
        "case_requests",
        ["case_id", "kind"],
        unique=True,
        postgresql_where=sa.text("decision IS NULL AND kind IN ('extension', 'hold', 'return')"),
    )
    op.create_index(
        "ix_case_requests_case_id_undecided",
        "case_requests",
        ["case_id"],
        postgresql_where=sa.text("decision IS NULL"),
    )


def _create_evidence() -> None:
    op.create_table(
        "photos",
        _key(),
        _ref("case_id", "cases.id"),
        _ref("item_id", "work_items.id", True),
        _text("sha256"),
        _text("media_type"),
        _number("size"),
        _text("stage"),
        _at("added_at"),
        _ref("added_by", "people.id", True),
        sa.UniqueConstraint("case_id", "sha256"),
        sa.CheckConstraint("stage IN ('before', 'after', 'other')", name="stage"),
    )
    op.create_table(
        "drafts",
        sa.Column("item_id", sa.BigInteger(), sa.ForeignKey("work_items.id"), primary_key=True),
        sa.Column("person_id", sa.BigInteger(), sa.ForeignKey("people.id"), primary_key=True),
        sa.Column("answers", JSONB(), nullable=False),
        _at("saved_at"),
    )
