"""Rows of the assessment room."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.session import Base


class Fact(Base):
    """What counts of one dispatch of a case to a unit, from a moment until the next change.

    As of T: valid_from <= T and (valid_to is null or valid_to > T).
    """

    __tablename__ = "facts"
    __table_args__ = (
        UniqueConstraint("case_id", "dispatch_no", "valid_from"),
        CheckConstraint("valid_to > valid_from", name="validity"),
        Index(
            "uq_facts_current",
            "case_id",
            "dispatch_no",
            unique=True,
            postgresql_where=text("valid_to IS NULL"),
        ),
        Index("ix_facts_unit_id_valid_from", "unit_id", "valid_from"),
        Index("ix_facts_due_at", "due_at"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    unit_id: Mapped[int] = mapped_column(ForeignKey("units.id"))
    dispatch_no: Mapped[int]
    valid_from: Mapped[datetime]
    valid_to: Mapped[datetime | None]
    class_code: Mapped[str | None]
    district_code: Mapped[str | None]
    grid_code: Mapped[str | None]
    responsibility_code: Mapped[str | None]
    channel: Mapped[str]
    dispatched_at: Mapped[datetime]
    taken_back_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    handed_in_at: Mapped[datetime | None]
    on_time: Mapped[bool | None]
    closed_at: Mapped[datetime | None]
    closed_as: Mapped[str | None]
    extensions: Mapped[int]
    reworks: Mapped[int]
    on_hold: Mapped[bool]
    void: Mapped[bool]
    exempt: Mapped[bool]
    unfounded_returns: Mapped[int]
    media_supervisions: Mapped[int]
    overdue_flag: Mapped[bool]
