"""Create the tables of the flood room: rain, reports, duty, pump trucks, orders, commands to devices."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from app.db.types import UtcDateTime

revision = "0028_flood"
down_revision = "0027_scenarios"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_rain()
    _create_trucks()
    _create_orders()
    _create_duty()
    _create_devices()


def _create_rain() -> None:
    op.create_table(
        "rain_forecasts",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("issued_at", UtcDateTime(), nullable=False),
        sa.Column("district_code", sa.Text(), nullable=False),
        sa.Column("valid_from", UtcDateTime(), nullable=False),
        sa.Column("valid_to", UtcDateTime(), nullable=False),
        sa.Column("hours_mm", sa.ARRAY(sa.Double()), nullable=False),
        sa.Column("added_at", UtcDateTime(), nullable=False),
        sa.Column("added_by", sa.BigInteger(), sa.ForeignKey("people.id")),
        sa.CheckConstraint("valid_to > valid_from", name="validity"),
        sa.UniqueConstraint("source", "district_code", "issued_at", "valid_from"),
    )
    op.create_index(
        "ix_rain_forecasts_district_code", "rain_forecasts", ["district_code", "issued_at"]
    )
    op.create_table(
        "rain_events",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.Column("closed_at", UtcDateTime()),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("top_level", sa.SmallInteger(), nullable=False),
        sa.Column("because", JSONB(), nullable=False),
        sa.Column("process_id", sa.BigInteger(), sa.ForeignKey("processes.id"), unique=True),
        sa.Column("response", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("response_at", UtcDateTime()),
        sa.Column("response_by", sa.BigInteger(), sa.ForeignKey("people.id")),
        sa.Column("review", JSONB()),
        sa.CheckConstraint("level BETWEEN 0 AND top_level AND top_level <= 4", name="levels"),
        sa.CheckConstraint("closed_at >= opened_at", name="order"),
        sa.CheckConstraint("response BETWEEN 0 AND 4", name="response"),
    )
    op.create_index("ix_rain_events_opened_at", "rain_events", ["opened_at", "id"])
    op.create_index(
        "uq_rain_events_open",
        "rain_events",
        ["closed_at"],
        unique=True,
        postgresql_where=sa.text("closed_at IS NULL"),
        postgresql_nulls_not_distinct=True,
    )
    op.create_table(
        "rain_event_levels",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        sa.Column(
            "event_id", sa.BigInteger(), sa.ForeignKey("rain_events.id"), index=True, nullable=False
        ),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False),
    )
    op.create_table(
        "rain_reports",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        sa.Column("event_id", sa.BigInteger(), sa.ForeignKey("rain_events.id"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("as_of", UtcDateTime(), nullable=False),
        sa.Column("data", JSONB(), nullable=False),
        sa.CheckConstraint("kind IN ('before', 'during', 'after')", name="kind"),
        sa.UniqueConstraint("event_id", "kind", "as_of"),
    )
    op.create_index(
        "uq_rain_reports_once",
        "rain_reports",
        ["event_id", "kind"],
        unique=True,
        postgresql_where=sa.text("kind <> 'during'"),
    )


def _create_trucks() -> None:
    op.create_table(
        "pump_trucks",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        sa.Column("plate", sa.Text(), unique=True, nullable=False),
        sa.Column(
            "unit_id", sa.BigInteger(), sa.ForeignKey("units.id"), index=True, nullable=False
        ),
        sa.Column("driver_id", sa.BigInteger(), sa.ForeignKey("people.id")),
        sa.Column("driver", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("capacity_m3h", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), server_default="standby", nullable=False),
        sa.Column("state_since", UtcDateTime(), nullable=False),
        sa.Column("site_id", sa.BigInteger(), sa.ForeignKey("sites.id")),
        sa.Column("lon", sa.Double()),
        sa.Column("lat", sa.Double()),
        sa.CheckConstraint("capacity_m3h > 0", name="capacity"),
        sa.CheckConstraint("(lon IS NULL) = (lat IS NULL)", name="place_whole"),
        sa.CheckConstraint(
            "state IN ('standby', 'on_way', 'working', 'out_of_order')", name="state"
        ),
    )
    op.create_index("ix_pump_trucks_driver_id", "pump_trucks", ["driver_id"])
    op.create_index("ix_pump_trucks_site_id", "pump_trucks", ["site_id"])
    op.create_table(
        "pump_truck_changes",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        sa.Column("truck_id", sa.BigInteger(), sa.ForeignKey("pump_trucks.id"), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("changed_by", sa.BigInteger(), sa.ForeignKey("people.id")),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("site_id", sa.BigInteger(), sa.ForeignKey("sites.id")),
        sa.Column("lon", sa.Double()),
        sa.Column("lat", sa.Double()),
        sa.CheckConstraint(
            "state IN ('standby', 'on_way', 'working', 'out_of_order')", name="state"
        ),
    )
    op.create_index("ix_pump_truck_changes_truck_id", "pump_truck_changes", ["truck_id", "at"])


def _create_orders() -> None:
    op.create_table(
        "flood_orders",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        sa.Column("process_id", sa.BigInteger(), sa.ForeignKey("processes.id"), unique=True),
        sa.Column("event_id", sa.BigInteger(), sa.ForeignKey("rain_events.id"), index=True),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), sa.ForeignKey("people.id")),
        sa.Column(
            "unit_id", sa.BigInteger(), sa.ForeignKey("units.id"), index=True, nullable=False
        ),
        sa.Column("truck_id", sa.BigInteger(), sa.ForeignKey("pump_trucks.id")),
        sa.Column("site_id", sa.BigInteger(), sa.ForeignKey("sites.id")),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("issued_at", UtcDateTime(), nullable=False),
        sa.Column("issued_by", sa.BigInteger(), sa.ForeignKey("people.id")),
        sa.Column("acknowledged_at", UtcDateTime()),
        sa.Column("on_way_at", UtcDateTime()),
        sa.Column("on_site_at", UtcDateTime()),
        sa.Column("done_at", UtcDateTime()),
        sa.Column("refused_at", UtcDateTime()),
        sa.Column("cancelled_at", UtcDateTime()),
        sa.Column("reason", sa.Text()),
        sa.CheckConstraint("(done_at IS NULL) OR (on_site_at IS NOT NULL)", name="done_after"),
        sa.CheckConstraint("target <> 'person' OR person_id IS NOT NULL", name="has_person"),
        sa.CheckConstraint("target <> 'unit' OR site_id IS NOT NULL", name="has_point"),
        sa.CheckConstraint("target <> 'truck' OR truck_id IS NOT NULL", name="has_truck"),
        sa.CheckConstraint("num_nonnulls(done_at, refused_at, cancelled_at) <= 1", name="one_end"),
        sa.CheckConstraint("(on_site_at IS NULL) OR (on_way_at IS NOT NULL)", name="site_after"),
        sa.CheckConstraint("target IN ('person', 'unit', 'truck')", name="target"),
        sa.CheckConstraint(
            "(on_way_at IS NULL) OR (acknowledged_at IS NOT NULL)", name="way_after"
        ),
    )
    op.create_index("ix_flood_orders_issued_at", "flood_orders", ["issued_at", "id"])
    op.create_index("ix_flood_orders_person_id", "flood_orders", ["person_id"])
    op.create_index("ix_flood_orders_site_id", "flood_orders", ["site_id"])
    op.create_index("ix_flood_orders_truck_id", "flood_orders", ["truck_id"])


def _create_duty() -> None:
    op.create_table(
        "duty_shifts",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        sa.Column("person_id", sa.BigInteger(), sa.ForeignKey("people.id"), nullable=False),
        sa.Column(
            "unit_id", sa.BigInteger(), sa.ForeignKey("units.id"), index=True, nullable=False
        ),
        sa.Column("site_id", sa.BigInteger(), sa.ForeignKey("sites.id")),
        sa.Column("starts_at", UtcDateTime(), nullable=False),
        sa.Column("ends_at", UtcDateTime(), nullable=False),
        sa.Column("added_at", UtcDateTime(), nullable=False),
        sa.Column("added_by", sa.BigInteger(), sa.ForeignKey("people.id")),
        sa.CheckConstraint("ends_at > starts_at", name="order"),
        sa.UniqueConstraint(
            "person_id", "site_id", "starts_at", postgresql_nulls_not_distinct=True
        ),
    )
    op.create_index("ix_duty_shifts_ends_at", "duty_shifts", ["ends_at"])
    op.create_index("ix_duty_shifts_site_id", "duty_shifts", ["site_id"])
    op.create_table(
        "roll_calls",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("called_by", sa.BigInteger(), sa.ForeignKey("people.id")),
        sa.Column("unit_id", sa.BigInteger(), sa.ForeignKey("units.id")),
        sa.Column("site_id", sa.BigInteger(), sa.ForeignKey("sites.id")),
        sa.Column("present", sa.BigInteger(), nullable=False),
        sa.Column("missing", sa.BigInteger(), nullable=False),
        sa.Column("data", JSONB(), nullable=False),
    )
    op.create_index("ix_roll_calls_at", "roll_calls", ["at", "id"])
    op.create_table(
        "duty_sign_ons",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        sa.Column("person_id", sa.BigInteger(), sa.ForeignKey("people.id"), nullable=False),
        sa.Column("shift_id", sa.BigInteger(), sa.ForeignKey("duty_shifts.id")),
        sa.Column("site_id", sa.BigInteger(), sa.ForeignKey("sites.id")),
        sa.Column("on_at", UtcDateTime(), nullable=False),
        sa.Column("off_at", UtcDateTime()),
        sa.Column("lon", sa.Double(), nullable=False),
        sa.Column("lat", sa.Double(), nullable=False),
        sa.Column("accuracy_m", sa.Double(), nullable=False),
        sa.Column("position_at", UtcDateTime(), nullable=False),
        sa.Column("distance_m", sa.Double()),
        sa.Column("in_place", sa.Boolean()),
        sa.CheckConstraint("(in_place IS NULL) = (distance_m IS NULL)", name="measured"),
        sa.CheckConstraint("off_at >= on_at", name="order"),
    )
    op.create_index("ix_duty_sign_ons_on_at", "duty_sign_ons", ["on_at"])
    op.create_index("ix_duty_sign_ons_site_id", "duty_sign_ons", ["site_id"])
    op.create_index(
        "uq_duty_sign_ons_open",
        "duty_sign_ons",
        ["person_id"],
        unique=True,
        postgresql_where=sa.text("off_at IS NULL"),
    )
    op.create_table(
        "duty_positions",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        sa.Column(
            "sign_on_id",
            sa.BigInteger(),
            sa.ForeignKey("duty_sign_ons.id"),
            index=True,
            nullable=False,
        ),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("lon", sa.Double(), nullable=False),
        sa.Column("lat", sa.Double(), nullable=False),
        sa.Column("accuracy_m", sa.Double(), nullable=False),
        sa.Column("distance_m", sa.Double()),
    )
    op.create_table(
        "duty_notes",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        sa.Column("person_id", sa.BigInteger(), sa.ForeignKey("people.id"), nullable=False),
        sa.Column("site_id", sa.BigInteger(), sa.ForeignKey("sites.id")),
        sa.Column("order_id", sa.BigInteger(), sa.ForeignKey("flood_orders.id")),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text()),
        sa.Column("media_type", sa.Text()),
        sa.CheckConstraint("(sha256 IS NULL) = (media_type IS NULL)", name="photo_whole"),
    )
    op.create_index("ix_duty_notes_person_id", "duty_notes", ["person_id", "at"])
    op.create_index("ix_duty_notes_site_id", "duty_notes", ["site_id", "at"])


def _create_devices() -> None:
    op.create_table(
        "call_outs",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        sa.Column("site_id", sa.BigInteger(), sa.ForeignKey("sites.id")),
        sa.Column(
            "person_id", sa.BigInteger(), sa.ForeignKey("people.id"), index=True, nullable=False
        ),
        sa.Column("way", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("called_by", sa.BigInteger(), sa.ForeignKey("people.id")),
        sa.Column("message_key", sa.Text(), unique=True, nullable=False),
        sa.CheckConstraint("way IN ('sms', 'call_out')", name="way"),
    )
    op.create_index("ix_call_outs_site_id", "call_outs", ["site_id", "at"])
    op.create_table(
        "flood_requests",
        sa.Column("key", sa.Uuid(), primary_key=True),
        sa.Column("person_id", sa.BigInteger(), sa.ForeignKey("people.id"), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("answer", JSONB()),
    )
    op.create_table(
        "flood_commands",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        sa.Column("key", sa.Uuid(), unique=True, nullable=False),
        sa.Column("device_id", sa.BigInteger(), sa.ForeignKey("devices.id"), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="sent", nullable=False),
        sa.Column("sent_at", UtcDateTime(), nullable=False),
        sa.Column("sent_by", sa.BigInteger(), sa.ForeignKey("people.id")),
        sa.Column("answered_at", UtcDateTime()),
        sa.Column("answer", sa.Text()),
        sa.CheckConstraint(
            "(answered_at IS NOT NULL) = (state IN ('acknowledged', 'failed'))", name="answered"
        ),
        sa.CheckConstraint(
            "state IN ('sent', 'acknowledged', 'failed', 'unanswered')", name="state"
        ),
    )
    op.create_index("ix_flood_commands_device_id", "flood_commands", ["device_id", "sent_at"])
    op.create_index(
        "ix_flood_commands_waiting",
        "flood_commands",
        ["sent_at"],
        postgresql_where=sa.text("state = 'sent'"),
    )


def downgrade() -> None:
    for name in (
        "flood_commands", "flood_requests", "call_outs", "duty_notes", "duty_positions", "duty_sign_ons", "roll_calls", "duty_shifts", "flood_orders", "pump_truck_changes", "pump_trucks", "rain_reports", "rain_event_levels", "rain_events", "rain_forecasts",
    ):  # fmt: skip
        op.drop_table(name)
