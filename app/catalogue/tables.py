"""Rows of the catalogue room."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Final

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    SmallInteger,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.db.session import Base

KINDS: Final = ("component", "event", "service")
LIMIT_UNITS: Final = ("urgent_hour", "urgent_day", "working_hour", "working_day", "day")


class CatalogueVersion(Base):
    """One edition of the catalogue, in force from a day until the next one's day."""

    __tablename__ = "catalogue_versions"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    valid_from: Mapped[date] = mapped_column(unique=True)
    note: Mapped[str]


class CaseClass(Base):
    """One minor class (小类) of components, events or services."""

    __tablename__ = "classes"
    __table_args__ = (
        UniqueConstraint("version_id", "code"),
        CheckConstraint(f"kind IN {KINDS}", name="kind"),
        Index("ix_classes_code", "code"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("catalogue_versions.id"))
    kind: Mapped[str]
    major_code: Mapped[str]
    major_name: Mapped[str]
    minor_code: Mapped[str]
    minor_name: Mapped[str]
    # 'C-01-05': component, event (E) or service (S), major, minor.
    code: Mapped[str]
    # The function that answers for it; a unit with that duty is responsible.
    duty: Mapped[str]
    name_en: Mapped[str]


class FilingCondition(Base):
    """One filing condition (立案条件): what must be so, how long it may take, when it is done."""

    __tablename__ = "filing_conditions"
    __table_args__ = (
        UniqueConstraint("class_id", "seq"),
        CheckConstraint(f"limit_unit IN {LIMIT_UNITS}", name="limit_unit"),
        CheckConstraint("limit_value > 0", name="limit_value"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    class_id: Mapped[int] = mapped_column(ForeignKey("classes.id"))
    seq: Mapped[int] = mapped_column(SmallInteger)
    wording: Mapped[str]
    limit_value: Mapped[Decimal]
    limit_unit: Mapped[str]
    closing_wording: Mapped[str]


class CalendarYear(Base):
    """A year of the working calendar that the city entered itself, whole and once."""

    __tablename__ = "calendar_years"

    year: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    note: Mapped[str]
    entered_at: Mapped[datetime]
    entered_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))


class WorkingHours(Base):
    """The city's working hours from a day on (工作时间), until the next edition's day."""

    __tablename__ = "working_hours"
    __table_args__ = (CheckConstraint("cardinality(spans) BETWEEN 1 AND 4", name="spans"),)

    valid_from: Mapped[date] = mapped_column(primary_key=True)
    # '08:30-12:00', in order.
    spans: Mapped[list[str]] = mapped_column(ARRAY(Text))
    note: Mapped[str]
    entered_at: Mapped[datetime]
    entered_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))


class CalendarDay(Base):
    """A date of an entered year that is worked or not against its day of the week."""

    __tablename__ = "calendar_days"

    day_on: Mapped[date] = mapped_column(primary_key=True)
    year: Mapped[int] = mapped_column(SmallInteger, ForeignKey("calendar_years.year"))
    working: Mapped[bool]
    name: Mapped[str]
