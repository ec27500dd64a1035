"""Let rules look back, aside and at silence, alerts have a process and a case, and devices be under maintenance."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

from app.db.types import UtcDateTime

revision = "0023_alert_processes"
down_revision = "0022_sites"
branch_labels = None
depends_on = None

_KINDS = ("threshold", "rate", "difference", "silent")
_VERDICTS = ("real", "automatic", "false_alarm", "returned")


def upgrade() -> None:
    _change_rules()
    _change_alerts()
    _create_maintenance()


def _change_rules() -> None:
    op.drop_constraint(op.f("ck_sensor_rules_kind"), "sensor_rules")
    op.create_check_constraint(op.f("ck_sensor_rules_kind"), "sensor_rules", f"kind IN {_KINDS}")
    op.alter_column("sensor_rules", "metric", nullable=True)
    op.create_check_constraint(
        op.f("ck_sensor_rules_metric"), "sensor_rules", "(metric IS NULL) = (kind = 'silent')"
    )
    op.add_column(
        "sensor_rules", sa.Column("added_by", sa.BigInteger(), sa.ForeignKey("people.id"))
    )
    op.add_column(
        "sensor_rules", sa.Column("ended_by", sa.BigInteger(), sa.ForeignKey("people.id"))
    )
    op.add_column(
        "sensor_rules",
        sa.Column("replaces_id", sa.BigInteger(), sa.ForeignKey("sensor_rules.id"), unique=True),
    )
    states = "sensor_rule_states"
    op.add_column(
        states, sa.Column("since", ARRAY(UtcDateTime()), server_default="{}", nullable=False)
    )
    op.add_column(
        states, sa.Column("recent_at", ARRAY(UtcDateTime()), server_default="{}", nullable=False)
    )
    op.add_column(
        states, sa.Column("recent", ARRAY(sa.Double()), server_default="{}", nullable=False)
    )


def _change_alerts() -> None:
    op.add_column(
        "alerts", sa.Column("low_is_bad", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
    op.add_column("alerts", sa.Column("process_id", sa.BigInteger(), sa.ForeignKey("processes.id")))
    op.create_unique_constraint(op.f("uq_alerts_process_id"), "alerts", ["process_id"])
    op.add_column("alerts", sa.Column("case_id", sa.BigInteger(), sa.ForeignKey("cases.id")))
    op.create_index("ix_alerts_case_id", "alerts", ["case_id"])
    op.add_column(
        "alerts",
        sa.Column("told_level", sa.SmallInteger(), server_default="0", nullable=False),
    )
    op.add_column("alerts", sa.Column("verdict", sa.Text()))
    op.create_check_constraint(op.f("ck_alerts_verdict"), "alerts", f"verdict IN {_VERDICTS}")
    op.add_column("alerts", sa.Column("confirmed_at", UtcDateTime()))
    op.add_column("alerts", sa.Column("confirmed_by", sa.BigInteger(), sa.ForeignKey("people.id")))
    op.add_column("alerts", sa.Column("cleared_at", UtcDateTime()))
    op.add_column("alerts", sa.Column("settled_at", UtcDateTime()))
    # What was raised before is past: no process is begun for it.
    op.execute("UPDATE alerts SET settled_at = recorded_at, told_level = level")
    op.create_index(
        "ix_alerts_to_follow",
        "alerts",
        ["id"],
        postgresql_where=sa.text(
            "settled_at IS NULL AND (process_id IS NULL OR told_level <> level)"
        ),
    )


def _create_maintenance() -> None:
    op.create_table(
        "maintenance_windows",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        sa.Column("device_id", sa.BigInteger(), sa.ForeignKey("devices.id"), index=True),
        sa.Column("site_id", sa.BigInteger(), sa.ForeignKey("sites.id"), index=True),
        sa.Column("starts_at", UtcDateTime(), nullable=False),
        sa.Column("ends_at", UtcDateTime(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("added_by", sa.BigInteger(), sa.ForeignKey("people.id")),
        sa.Column("added_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("ends_at > starts_at", name="order"),
        sa.CheckConstraint("num_nonnulls(device_id, site_id) = 1", name="one_thing"),
    )
    op.create_index("ix_maintenance_windows_ends_at", "maintenance_windows", ["ends_at"])


def downgrade() -> None:
    op.drop_table("maintenance_windows")
    op.drop_index("ix_alerts_to_follow", "alerts")
    for column in (
        "settled_at", "cleared_at", "confirmed_by", "confirmed_at", "verdict", "told_level", "case_id",
        "process_id", "low_is_bad",
    ):  # fmt: skip
        op.drop_column("alerts", column)
    for column in ("recent", "recent_at", "since"):
        op.drop_column("sensor_rule_states", column)
    for column in ("replaces_id", "ended_by", "added_by"):
        op.drop_column("sensor_rules", column)
    op.drop_constraint(op.f("ck_sensor_rules_metric"), "sensor_rules")
    op.execute("DELETE FROM sensor_rules WHERE kind <> 'threshold'")
    op.alter_column("sensor_rules", "metric", nullable=False)
    op.drop_constraint(op.f("ck_sensor_rules_kind"), "sensor_rules")
    op.create_check_constraint(
        op.f("ck_sensor_rules_kind"), "sensor_rules", "kind IN ('threshold')"
    )
