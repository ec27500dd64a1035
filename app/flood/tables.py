"""Rows of the flood room."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    Double,
    ForeignKey,
    Identity,
    Index,
    SmallInteger,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.db.session import Base

REPORT_KINDS: Final = ("before", "during", "after")
TRUCK_STATES: Final = ("standby", "on_way", "working", "out_of_order")
ORDER_TARGETS: Final = ("person", "unit", "truck")
COMMAND_STATES: Final = ("sent", "acknowledged", "failed", "unanswered")
CALL_WAYS: Final = ("sms", "call_out")


class RainForecast(Base):
    """One forecast of one district: mm of rain in each hour from valid_from on."""

    __tablename__ = "rain_forecasts"
    __table_args__ = (
        UniqueConstraint("source", "district_code", "issued_at", "valid_from"),
        CheckConstraint("valid_to > valid_from", name="validity"),
        Index("ix_rain_forecasts_district_code", "district_code", "issued_at"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    source: Mapped[str]
    issued_at: Mapped[datetime]
    district_code: Mapped[str]
    valid_from: Mapped[datetime]
    valid_to: Mapped[datetime]
    hours_mm: Mapped[list[float]] = mapped_column(ARRAY(Double()))
    added_at: Mapped[datetime]
    added_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))


class RainEvent(Base):
    """One rain (场次), from the first rule that opened it until the rule that closed it.

    level, top_level: colours of the rain, 0 to 4. response: what the commander activated, 0 to 4 for none to Ⅰ.
    because: the rule that opened it, and what was measured or forecast.
    """

    __tablename__ = "rain_events"
    __table_args__ = (
        CheckConstraint("closed_at >= opened_at", name="order"),
        CheckConstraint("level BETWEEN 0 AND top_level AND top_level <= 4", name="levels"),
        CheckConstraint("response BETWEEN 0 AND 4", name="response"),
        # At most one is open, however many workers look.
        Index(
            "uq_rain_events_open",
            "closed_at",
            unique=True,
            postgresql_where=text("closed_at IS NULL"),
            postgresql_nulls_not_distinct=True,
        ),
        Index("ix_rain_events_opened_at", "opened_at", "id"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    level: Mapped[int] = mapped_column(SmallInteger())
    top_level: Mapped[int] = mapped_column(SmallInteger())
    because: Mapped[dict[str, Any]]
    process_id: Mapped[int | None] = mapped_column(ForeignKey("processes.id"), unique=True)
    response: Mapped[int] = mapped_column(SmallInteger(), server_default="0")
    response_at: Mapped[datetime | None]
    response_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    # What was done and what was learnt, as the commander wrote it.
    review: Mapped[dict[str, Any] | None]


class RainEventLevel(Base):
    """A level that a rain event took."""

    __tablename__ = "rain_event_levels"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("rain_events.id"), index=True)
    at: Mapped[datetime]
    level: Mapped[int] = mapped_column(SmallInteger())


class RainReport(Base):
    """One report on a rain event; its figures are as they were and are never counted again."""

    __tablename__ = "rain_reports"
    __table_args__ = (
        CheckConstraint(f"kind IN {REPORT_KINDS}", name="kind"),
        UniqueConstraint("event_id", "kind", "as_of"),
        Index(
            "uq_rain_reports_once",
            "event_id",
            "kind",
            unique=True,
            postgresql_where=text("kind <> 'during'"),
        ),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("rain_events.id"))
    kind: Mapped[str]
    as_of: Mapped[datetime]
    # {"figures": [{"key", "parameters", "value", "lines"}, …]} (app/flood/figures.py).
    data: Mapped[dict[str, Any]]


class DutyShift(Base):
    """One line of the roster: who is to be where, from when until when. No site: with the own unit."""

    __tablename__ = "duty_shifts"
    __table_args__ = (
        UniqueConstraint("person_id", "site_id", "starts_at", postgresql_nulls_not_distinct=True),
        CheckConstraint("ends_at > starts_at", name="order"),
        Index("ix_duty_shifts_ends_at", "ends_at"),
        Index("ix_duty_shifts_site_id", "site_id"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    unit_id: Mapped[int] = mapped_column(ForeignKey("units.id"), index=True)
    site_id: Mapped[int | None] = mapped_column(ForeignKey("sites.id"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    added_at: Mapped[datetime]
    added_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))


class DutySignOn(Base):
    """A person who has come (到岗), until they sign off. distance_m: from the point; in_place: within the policy's radius."""

    __tablename__ = "duty_sign_ons"
    __table_args__ = (
        CheckConstraint("off_at >= on_at", name="order"),
        CheckConstraint("(in_place IS NULL) = (distance_m IS NULL)", name="measured"),
        Index(
            "uq_duty_sign_ons_open",
            "person_id",
            unique=True,
            postgresql_where=text("off_at IS NULL"),
        ),
        Index("ix_duty_sign_ons_on_at", "on_at"),
        Index("ix_duty_sign_ons_site_id", "site_id"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    shift_id: Mapped[int | None] = mapped_column(ForeignKey("duty_shifts.id"))
    site_id: Mapped[int | None] = mapped_column(ForeignKey("sites.id"))
    on_at: Mapped[datetime]
    off_at: Mapped[datetime | None]
    # The newest position.
    lon: Mapped[float] = mapped_column(Double())
    lat: Mapped[float] = mapped_column(Double())
    accuracy_m: Mapped[float] = mapped_column(Double())
    position_at: Mapped[datetime]
    distance_m: Mapped[float | None] = mapped_column(Double())
    in_place: Mapped[bool | None]


class DutyPosition(Base):
    """Where somebody on duty was."""

    __tablename__ = "duty_positions"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    sign_on_id: Mapped[int] = mapped_column(ForeignKey("duty_sign_ons.id"), index=True)
    at: Mapped[datetime]
    lon: Mapped[float] = mapped_column(Double())
    lat: Mapped[float] = mapped_column(Double())
    accuracy_m: Mapped[float] = mapped_column(Double())
    distance_m: Mapped[float | None] = mapped_column(Double())
    in_place: Mapped[bool | None]


class DutyNote(Base):
    """What somebody on duty saw, with a photo of it perhaps."""

    __tablename__ = "duty_notes"
    __table_args__ = (
        CheckConstraint("(sha256 IS NULL) = (media_type IS NULL)", name="photo_whole"),
        Index("ix_duty_notes_site_id", "site_id", "at"),
        Index("ix_duty_notes_person_id", "person_id", "at"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    site_id: Mapped[int | None] = mapped_column(ForeignKey("sites.id"))
    order_id: Mapped[int | None] = mapped_column(ForeignKey("flood_orders.id"))
    at: Mapped[datetime]
    text: Mapped[str]
    sha256: Mapped[str | None]
    media_type: Mapped[str | None]


class RollCall(Base):
    """A roll call (点名): who was there and who was missing, as it was found."""

    __tablename__ = "roll_calls"
    __table_args__ = (Index("ix_roll_calls_at", "at", "id"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    at: Mapped[datetime]
    called_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("units.id"))
    site_id: Mapped[int | None] = mapped_column(ForeignKey("sites.id"))
    present: Mapped[int]
    missing: Mapped[int]
    # {"lines": [...]}: one for each person who was to be there.
    data: Mapped[dict[str, Any]]


class PumpTruck(Base):
    """A pump truck (防洪泵车)."""

    __tablename__ = "pump_trucks"
    __table_args__ = (
        CheckConstraint(f"state IN {TRUCK_STATES}", name="state"),
        CheckConstraint("capacity_m3h > 0", name="capacity"),
        CheckConstraint("(lon IS NULL) = (lat IS NULL)", name="place_whole"),
        Index("ix_pump_trucks_site_id", "site_id"),
        Index("ix_pump_trucks_driver_id", "driver_id"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    plate: Mapped[str] = mapped_column(unique=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("units.id"), index=True)
    driver_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    driver: Mapped[str]
    phone: Mapped[str]
    capacity_m3h: Mapped[int]
    state: Mapped[str] = mapped_column(server_default="standby")
    state_since: Mapped[datetime]
    site_id: Mapped[int | None] = mapped_column(ForeignKey("sites.id"))
    lon: Mapped[float | None] = mapped_column(Double())
    lat: Mapped[float | None] = mapped_column(Double())


class PumpTruckChange(Base):
    """A change of a truck's state; of the changes its working hours are counted."""

    __tablename__ = "pump_truck_changes"
    __table_args__ = (
        CheckConstraint(f"state IN {TRUCK_STATES}", name="state"),
        Index("ix_pump_truck_changes_truck_id", "truck_id", "at"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    truck_id: Mapped[int] = mapped_column(ForeignKey("pump_trucks.id"))
    at: Mapped[datetime]
    changed_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    state: Mapped[str]
    site_id: Mapped[int | None] = mapped_column(ForeignKey("sites.id"))
    lon: Mapped[float | None] = mapped_column(Double())
    lat: Mapped[float | None] = mapped_column(Double())


class FloodOrder(Base):
    """An order (指令) of the commander's; its process tells what comes next.

    unit_id: whose order it is: the person's, the truck's, or the unit that is to send somebody.
    """

    __tablename__ = "flood_orders"
    __table_args__ = (
        CheckConstraint(f"target IN {ORDER_TARGETS}", name="target"),
        CheckConstraint("target <> 'person' OR person_id IS NOT NULL", name="has_person"),
        CheckConstraint("target <> 'truck' OR truck_id IS NOT NULL", name="has_truck"),
        CheckConstraint("target <> 'unit' OR site_id IS NOT NULL", name="has_point"),
        CheckConstraint("num_nonnulls(done_at, refused_at, cancelled_at) <= 1", name="one_end"),
        CheckConstraint("(on_way_at IS NULL) OR (acknowledged_at IS NOT NULL)", name="way_after"),
        CheckConstraint("(on_site_at IS NULL) OR (on_way_at IS NOT NULL)", name="site_after"),
        CheckConstraint("(done_at IS NULL) OR (on_site_at IS NOT NULL)", name="done_after"),
        Index("ix_flood_orders_issued_at", "issued_at", "id"),
        Index("ix_flood_orders_site_id", "site_id"),
        Index("ix_flood_orders_person_id", "person_id"),
        Index("ix_flood_orders_truck_id", "truck_id"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    process_id: Mapped[int | None] = mapped_column(ForeignKey("processes.id"), unique=True)
    event_id: Mapped[int | None] = mapped_column(ForeignKey("rain_events.id"), index=True)
    target: Mapped[str]
    # Whom it is given to; of a unit's order, who has taken it.
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    unit_id: Mapped[int] = mapped_column(ForeignKey("units.id"), index=True)
    truck_id: Mapped[int | None] = mapped_column(ForeignKey("pump_trucks.id"))
    site_id: Mapped[int | None] = mapped_column(ForeignKey("sites.id"))
    text: Mapped[str]
    issued_at: Mapped[datetime]
    issued_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    acknowledged_at: Mapped[datetime | None]
    on_way_at: Mapped[datetime | None]
    on_site_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
    refused_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]
    # Why it was refused or cancelled, or what came of it.
    reason: Mapped[str | None]


class FloodCommand(Base):
    """A command to a siren or a barrier, and what the device answered."""

    __tablename__ = "flood_commands"
    __table_args__ = (
        CheckConstraint(f"state IN {COMMAND_STATES}", name="state"),
        CheckConstraint(
            "(answered_at IS NOT NULL) = (state IN ('acknowledged', 'failed'))", name="answered"
        ),
        Index("ix_flood_commands_device_id", "device_id", "sent_at"),
        Index("ix_flood_commands_waiting", "sent_at", postgresql_where=text("state = 'sent'")),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    # The device answers with it.
    key: Mapped[UUID] = mapped_column(Uuid(), unique=True)
    device_id: Mapped[int] = mapped_column(ForeignKey("devices.id"))
    action: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="sent")
    sent_at: Mapped[datetime]
    sent_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    answered_at: Mapped[datetime | None]
    answer: Mapped[str | None]


class CallOut(Base):
    """One person called to a point; the outbox message of the same key says whether it went out."""

    __tablename__ = "call_outs"
    __table_args__ = (
        CheckConstraint(f"way IN {CALL_WAYS}", name="way"),
        Index("ix_call_outs_site_id", "site_id", "at"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    site_id: Mapped[int | None] = mapped_column(ForeignKey("sites.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    way: Mapped[str]
    phone: Mapped[str]
    at: Mapped[datetime]
    called_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    message_key: Mapped[str] = mapped_column(unique=True)


class HandedIn(Base):
    """A request of a phone that was carried out: sent again, it is answered the same and done once."""

    __tablename__ = "flood_requests"

    key: Mapped[UUID] = mapped_column(Uuid(), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    # What was asked for: the same key may not mean something else later.
    digest: Mapped[str]
    at: Mapped[datetime]
    answer: Mapped[dict[str, Any] | None]
