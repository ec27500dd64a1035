"""Create the tables of sensors: devices, readings by month, rules and alerts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from app.db.types import UtcDateTime

revision = "0021_sensing"
down_revision = "0020_facts_of_a_month"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_devices()
    _create_readings()
    _create_rules()
    _create_alerts()


def _create_devices() -> None:
    op.create_table(
        "devices",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        sa.Column("code", sa.Text(), nullable=False, unique=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), server_default="", nullable=False),
        sa.Column("scene", sa.Text(), server_default="", nullable=False),
        sa.Column("lon", sa.Double()),
        sa.Column("lat", sa.Double()),
        sa.Column("unit_id", sa.BigInteger(), sa.ForeignKey("units.id"), index=True),
        sa.Column("district_code", sa.Text()),
        sa.Column("silent_after_s", sa.BigInteger(), server_default="3600", nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.CheckConstraint("silent_after_s > 0", name="silent_after_s"),
        sa.CheckConstraint("(lon IS NULL) = (lat IS NULL)", name="place_whole"),
    )
    op.create_table(
        "reading_sources",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        sa.Column("name", sa.Text(), nullable=False, unique=True),
        sa.Column("token_hash", sa.Text(), nullable=False, unique=True),
        sa.Column("active", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("added_at", UtcDateTime(), nullable=False),
    )


def _create_readings() -> None:
    # Their partitions are made ahead by a schedule, and where a reading needs one.
    op.create_table(
        "readings",
        sa.Column("device_id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("metric", sa.SmallInteger(), primary_key=True, autoincrement=False),
        sa.Column("at", UtcDateTime(), primary_key=True),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        postgresql_partition_by="RANGE (at)",
    )
    op.create_index("ix_readings_at", "readings", ["at"], postgresql_using="brin")
    op.create_table(
        "reading_summaries",
        sa.Column("device_id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("metric", sa.SmallInteger(), primary_key=True, autoincrement=False),
        sa.Column("minutes", sa.SmallInteger(), primary_key=True, autoincrement=False),
        sa.Column("starts_at", UtcDateTime(), primary_key=True),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("low", sa.Double(), nullable=False),
        sa.Column("high", sa.Double(), nullable=False),
        sa.Column("total", sa.Double(), nullable=False),
        sa.Column("last", sa.Double(), nullable=False),
        sa.Column("last_at", UtcDateTime(), nullable=False),
        postgresql_partition_by="RANGE (starts_at)",
    )
    op.create_table(
        "latest_readings",
        sa.Column("device_id", sa.BigInteger(), sa.ForeignKey("devices.id"), primary_key=True),
        sa.Column("metric", sa.SmallInteger(), primary_key=True, autoincrement=False),
        sa.Column("at", UtcDateTime()),
        sa.Column("value", sa.Double()),
        sa.Column("received_at", UtcDateTime()),
    )
    op.create_table(
        "refused_readings",
        sa.Column("day_on", sa.Date(), primary_key=True),
        sa.Column("source", sa.Text(), primary_key=True),
        sa.Column("reason", sa.Text(), primary_key=True),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("last_at", UtcDateTime(), nullable=False),
        sa.Column("example", sa.Text(), nullable=False),
    )


def _create_rules() -> None:
    op.create_table(
        "sensor_rules",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), server_default="", nullable=False),
        sa.Column("kind", sa.Text(), server_default="threshold", nullable=False),
        sa.Column("metric", sa.SmallInteger(), nullable=False),
        sa.Column("data", JSONB(), nullable=False),
        sa.Column("samples", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("device_ids", sa.ARRAY(sa.BigInteger()), server_default="{}", nullable=False),
        sa.Column("device_kinds", sa.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("scenes", sa.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("valid_from", UtcDateTime(), nullable=False),
        sa.Column("valid_to", UtcDateTime()),
        sa.Column("added_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("kind IN ('threshold')", name="kind"),
        sa.CheckConstraint("samples > 0", name="samples"),
        sa.CheckConstraint("valid_to > valid_from", name="validity"),
    )
    op.create_table(
        "sensor_rule_states",
        sa.Column("device_id", sa.BigInteger(), sa.ForeignKey("devices.id"), primary_key=True),
        sa.Column("rule_id", sa.BigInteger(), sa.ForeignKey("sensor_rules.id"), primary_key=True),
        sa.Column("lines_on", sa.SmallInteger(), nullable=False),
        sa.Column("streaks", sa.ARRAY(sa.SmallInteger()), nullable=False),
    )


def _create_alerts() -> None:
    op.create_table(
        "alerts",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        sa.Column("device_id", sa.BigInteger(), sa.ForeignKey("devices.id"), nullable=False),
        sa.Column(
            "rule_id",
            sa.BigInteger(),
            sa.ForeignKey("sensor_rules.id"),
            nullable=False,
            index=True,
        ),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.Column("closed_at", UtcDateTime()),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("top_level", sa.SmallInteger(), nullable=False),
        sa.Column("peak", sa.Double(), nullable=False),
        sa.Column("peak_at", UtcDateTime(), nullable=False),
        sa.Column("recorded_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("closed_at >= opened_at", name="order"),
        sa.CheckConstraint("top_level >= level AND top_level BETWEEN 1 AND 4", name="levels"),
        sa.CheckConstraint("(level = 0) = (closed_at IS NOT NULL)", name="closed_has_no_level"),
    )
    op.create_index(
        "uq_alerts_open",
        "alerts",
        ["device_id", "rule_id"],
        unique=True,
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_index("ix_alerts_device_id", "alerts", ["device_id", "rule_id", "opened_at"])
    op.create_index("ix_alerts_opened_at", "alerts", ["opened_at"])
    op.create_table(
        "alert_levels",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        sa.Column(
            "alert_id", sa.BigInteger(), sa.ForeignKey("alerts.id"), nullable=False, index=True
        ),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("recorded_at", UtcDateTime(), nullable=False),
    )


def downgrade() -> None:
    for name in (
        "alert_levels", "alerts", "sensor_rule_states", "sensor_rules", "refused_readings",
        "latest_readings", "reading_summaries", "readings", "reading_sources", "devices",
    ):  # fmt: skip
        op.drop_table(name)
