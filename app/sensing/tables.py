"""Rows of the sensing room."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Double,
    ForeignKey,
    Identity,
    Index,
    SmallInteger,
    Text,
    false,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db.session import Base
from app.db.types import UtcDateTime

RULE_KINDS: Final = ("threshold", "rate", "difference", "silent")
# Why an alert is, or is not, acted upon.
VERDICTS: Final = ("real", "automatic", "false_alarm", "returned", "withdrawn")
# What an alert ended with that no reading ended: its rule, its device, what makes rules be about the device, or the
# time in which its rule is asked.
ENDED_WITH: Final = ("rule", "device", "change", "lapse")


class Site(Base):
    """Where devices stand (监测点位): an underpass, a heat station, a rain gauge.

    trade, kind: of sla/policies/sites.yml. data: what only sites of a kind have, such as a video address.
    """

    __tablename__ = "sites"
    __table_args__ = (Index("ix_sites_trade_kind", "trade", "kind", "id"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    trade: Mapped[str]
    kind: Mapped[str]
    name: Mapped[str]
    name_en: Mapped[str] = mapped_column(server_default="")
    # Degrees, WGS 84.
    lon: Mapped[float] = mapped_column(Double())
    lat: Mapped[float] = mapped_column(Double())
    address: Mapped[str] = mapped_column(server_default="")
    grid_code: Mapped[str | None]
    district_code: Mapped[str | None]
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("units.id"), index=True)
    # What it belongs to: a heat station to its zone.
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("sites.id"), index=True)
    data: Mapped[dict[str, Any]] = mapped_column(JSONB(), server_default="{}")
    active: Mapped[bool] = mapped_column(server_default=text("true"))


class Device(Base):
    """A sensor somewhere in the city."""

    __tablename__ = "devices"
    __table_args__ = (
        CheckConstraint("silent_after_s > 0", name="silent_after_s"),
        CheckConstraint("(lon IS NULL) = (lat IS NULL)", name="place_whole"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    # What the device calls itself in its messages.
    code: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    name: Mapped[str]
    name_en: Mapped[str] = mapped_column(server_default="")
    # 场景: underpass, low-lying street, canal, pumping station …
    scene: Mapped[str] = mapped_column(server_default="")
    lon: Mapped[float | None] = mapped_column(Double())
    lat: Mapped[float | None] = mapped_column(Double())
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("units.id"), index=True)
    district_code: Mapped[str | None]
    site_id: Mapped[int | None] = mapped_column(ForeignKey("sites.id"), index=True)
    # Without a word for so long it counts as out of order.
    silent_after_s: Mapped[int] = mapped_column(server_default="3600")
    active: Mapped[bool] = mapped_column(server_default=text("true"))


class StoredReading(Base):
    """One value of one device; partitioned by month of the city's time.

    No foreign key: it would look a device up for each of hundreds of millions of rows; devices are never
    deleted, and whatever stores readings has found the device first.
    """

    __tablename__ = "readings"
    __table_args__ = (
        Index("ix_readings_at", "at", postgresql_using="brin"),
        {"postgresql_partition_by": "RANGE (at)"},
    )

    # The same reading sent twice is one row.
    device_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    metric: Mapped[int] = mapped_column(SmallInteger(), primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(primary_key=True)
    value: Mapped[float] = mapped_column(Double())
    received_at: Mapped[datetime]


class ReadingSummary(Base):
    """What a device measured in five minutes, an hour or a day; late readings enter theirs.

    Partitioned by how long, then by month: the finer are thrown away before the coarser.
    """

    __tablename__ = "reading_summaries"
    __table_args__ = ({"postgresql_partition_by": "LIST (minutes)"},)

    device_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    metric: Mapped[int] = mapped_column(SmallInteger(), primary_key=True, autoincrement=False)
    minutes: Mapped[int] = mapped_column(SmallInteger(), primary_key=True, autoincrement=False)
    starts_at: Mapped[datetime] = mapped_column(primary_key=True)
    n: Mapped[int]
    low: Mapped[float] = mapped_column(Double())
    high: Mapped[float] = mapped_column(Double())
    # The average is total / n: two sums can be added to, two averages cannot.
    total: Mapped[float] = mapped_column(Double())
    last: Mapped[float] = mapped_column(Double())
    last_at: Mapped[datetime]


class LatestReading(Base):
    """The newest value of a device. Locked by whoever stores for it: one at a time walks its rules."""

    __tablename__ = "latest_readings"

    device_id: Mapped[int] = mapped_column(ForeignKey("devices.id"), primary_key=True)
    metric: Mapped[int] = mapped_column(SmallInteger(), primary_key=True, autoincrement=False)
    at: Mapped[datetime | None]
    value: Mapped[float | None] = mapped_column(Double())
    received_at: Mapped[datetime | None]


class RefusedReadings(Base):
    """How many readings of a day were refused, from where and why."""

    __tablename__ = "refused_readings"

    day_on: Mapped[date] = mapped_column(primary_key=True)
    # A device's code, or the channel where the device is unknown: strangers fill no table.
    source: Mapped[str] = mapped_column(primary_key=True)
    reason: Mapped[str] = mapped_column(primary_key=True)
    n: Mapped[int]
    last_at: Mapped[datetime]
    example: Mapped[str]


class ReadingSource(Base):
    """A system that hands readings in by HTTP."""

    __tablename__ = "reading_sources"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    # SHA-256 of a token of 256 random bits: nothing to guess, so nothing to slow down.
    token_hash: Mapped[str] = mapped_column(unique=True)
    active: Mapped[bool] = mapped_column(server_default=text("true"))
    added_at: Mapped[datetime]


class SensorRule(Base):
    """When readings raise an alert. Empty lists of devices, kinds or scenes: it holds for all."""

    __tablename__ = "sensor_rules"
    __table_args__ = (
        CheckConstraint(f"kind IN {RULE_KINDS}", name="kind"),
        CheckConstraint("(metric IS NULL) = (kind = 'silent')", name="metric"),
        CheckConstraint("samples > 0", name="samples"),
        CheckConstraint("valid_to > valid_from", name="validity"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    name: Mapped[str]
    name_en: Mapped[str] = mapped_column(server_default="")
    kind: Mapped[str] = mapped_column(server_default="threshold")
    metric: Mapped[int | None] = mapped_column(SmallInteger())
    # {"lines": [{"level": 1, "rise": 15, "fall": 13}, …]} and more (app/sensing/shapes.py).
    data: Mapped[dict[str, Any]]
    samples: Mapped[int] = mapped_column(server_default="1")
    device_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger()), server_default="{}")
    device_kinds: Mapped[list[str]] = mapped_column(ARRAY(Text()), server_default="{}")
    scenes: Mapped[list[str]] = mapped_column(ARRAY(Text()), server_default="{}")
    valid_from: Mapped[datetime]
    valid_to: Mapped[datetime | None]
    added_at: Mapped[datetime]
    added_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    ended_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    # A rule is never changed: a new one takes its place.
    replaces_id: Mapped[int | None] = mapped_column(ForeignKey("sensor_rules.id"), unique=True)


class RuleState(Base):
    """Where the walk of a rule over a device's readings stands (sla.sensing.State)."""

    __tablename__ = "sensor_rule_states"

    device_id: Mapped[int] = mapped_column(ForeignKey("devices.id"), primary_key=True)
    rule_id: Mapped[int] = mapped_column(ForeignKey("sensor_rules.id"), primary_key=True)
    lines_on: Mapped[int] = mapped_column(SmallInteger())
    streaks: Mapped[list[int]] = mapped_column(ARRAY(SmallInteger()))
    since: Mapped[list[datetime | None]] = mapped_column(ARRAY(UtcDateTime()), server_default="{}")
    recent_at: Mapped[list[datetime]] = mapped_column(ARRAY(UtcDateTime()), server_default="{}")
    recent: Mapped[list[float]] = mapped_column(ARRAY(Double()), server_default="{}")


class Alert(Base):
    """An alert of one rule and device, from the first line crossed until the lowest no longer holds."""

    __tablename__ = "alerts"
    __table_args__ = (
        CheckConstraint("closed_at >= opened_at", name="order"),
        CheckConstraint("top_level >= level AND top_level BETWEEN 1 AND 4", name="levels"),
        CheckConstraint("(level = 0) = (closed_at IS NOT NULL)", name="closed_has_no_level"),
        Index(
            "uq_alerts_open",
            "device_id",
            "rule_id",
            unique=True,
            postgresql_where=text("closed_at IS NULL"),
        ),
        Index("ix_alerts_device_id", "device_id", "rule_id", "opened_at"),
        Index("ix_alerts_opened_at", "opened_at"),
        CheckConstraint(f"verdict IN {VERDICTS}", name="verdict"),
        CheckConstraint(
            f"ended_with IS NULL OR ended_with IN {ENDED_WITH} AND closed_at IS NOT NULL",
            name="ended_with",
        ),
        Index("ix_alerts_case_id", "case_id"),
        Index("ix_alerts_closed_at", "closed_at"),
        Index(
            "ix_alerts_to_follow",
            "id",
            postgresql_where=text(
                "settled_at IS NULL AND (process_id IS NULL OR told_level <> level)"
            ),
        ),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    device_id: Mapped[int] = mapped_column(ForeignKey("devices.id"))
    rule_id: Mapped[int] = mapped_column(ForeignKey("sensor_rules.id"), index=True)
    # Moments of readings, not of their arrival.
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    level: Mapped[int] = mapped_column(SmallInteger())
    top_level: Mapped[int] = mapped_column(SmallInteger())
    peak: Mapped[float] = mapped_column(Double())
    peak_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    # Where low values are the bad ones, the lowest is the peak.
    low_is_bad: Mapped[bool] = mapped_column(server_default=false())
    # What follows from it. told_level: the level that its process last heard of.
    process_id: Mapped[int | None] = mapped_column(ForeignKey("processes.id"), unique=True)
    case_id: Mapped[int | None] = mapped_column(ForeignKey("cases.id"))
    told_level: Mapped[int] = mapped_column(SmallInteger(), server_default="0")
    verdict: Mapped[str | None]
    ended_with: Mapped[str | None]
    confirmed_at: Mapped[datetime | None]
    confirmed_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    # When somebody found on the spot that it is over.
    cleared_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]


class AlertLevel(Base):
    """A level that an alert took, 0 when it closed."""

    __tablename__ = "alert_levels"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    alert_id: Mapped[int] = mapped_column(ForeignKey("alerts.id"), index=True)
    at: Mapped[datetime]
    level: Mapped[int] = mapped_column(SmallInteger())
    value: Mapped[float] = mapped_column(Double())
    recorded_at: Mapped[datetime]


class MaintenanceWindow(Base):
    """A time in which a device, or all devices of a site, raise nothing; what they send is kept."""

    __tablename__ = "maintenance_windows"
    __table_args__ = (
        CheckConstraint("ends_at > starts_at", name="order"),
        CheckConstraint("num_nonnulls(device_id, site_id) = 1", name="one_thing"),
        Index("ix_maintenance_windows_ends_at", "ends_at"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    device_id: Mapped[int | None] = mapped_column(ForeignKey("devices.id"), index=True)
    site_id: Mapped[int | None] = mapped_column(ForeignKey("sites.id"), index=True)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    reason: Mapped[str]
    added_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    added_at: Mapped[datetime]
