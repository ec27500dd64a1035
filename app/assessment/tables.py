"""Rows of the assessment room."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint, false, text
from sqlalchemy.dialects.postgresql import JSONB
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
        Index("ix_facts_dispatched_at", "dispatched_at"),
        # What a month takes over from those before it: what stands open now, what stood open after its time or had
        # none, what was closed late, what a unit is charged with. A month costs no more for all that lies before.
        Index(
            "ix_facts_open",
            "due_at",
            postgresql_where=text("closed_at IS NULL AND valid_to IS NULL"),
        ),
        Index(
            "ix_facts_outlasted",
            "valid_to",
            postgresql_where=text("closed_at IS NULL AND valid_to > due_at"),
        ),
        Index(
            "ix_facts_undue",
            "valid_to",
            postgresql_where=text("closed_at IS NULL AND due_at IS NULL"),
        ),
        Index("ix_facts_closed_late", "closed_at", postgresql_where=text("closed_at > due_at")),
        Index(
            "ix_facts_charged",
            "valid_from",
            postgresql_where=text(
                "unfounded_returns > 0 OR media_supervisions > 0 OR supervisions > 0"
            ),
        ),
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
    worked_minutes: Mapped[int | None]
    supervisions: Mapped[int] = mapped_column(server_default="0")
    urgent: Mapped[bool] = mapped_column(server_default=false())


class AssessmentScheme(Base):
    """A scheme of scoring as it was written, and from which month on it holds.

    data: JSON object as sla.scheme_files.parse_scheme reads it. In force for a month: the one with the latest
    valid_from that is not after it. version: counts the changes of a draft.
    """

    __tablename__ = "assessment_schemes"
    __table_args__ = (
        UniqueConstraint("name", "edition"),
        CheckConstraint("state IN ('draft', 'in_force', 'dropped')", name="state"),
        CheckConstraint(
            "(state = 'in_force') = (valid_from IS NOT NULL)"
            " AND (valid_from IS NULL) = (adopted_at IS NULL)",
            name="adopted_whole",
        ),
        CheckConstraint("extract(day FROM valid_from) = 1", name="first_of_month"),
        CheckConstraint("adopted_by <> changed_by", name="second_person"),
        Index(
            "uq_assessment_schemes_valid_from",
            "valid_from",
            unique=True,
            postgresql_where=text("state = 'in_force'"),
        ),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    name: Mapped[str]
    edition: Mapped[int]
    data: Mapped[dict[str, Any]] = mapped_column(JSONB)
    state: Mapped[str]
    valid_from: Mapped[date | None]
    note: Mapped[str]
    version: Mapped[int]
    created_by: Mapped[int] = mapped_column(ForeignKey("people.id"))
    created_at: Mapped[datetime]
    changed_by: Mapped[int] = mapped_column(ForeignKey("people.id"))
    changed_at: Mapped[datetime]
    adopted_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    adopted_at: Mapped[datetime | None]


class AssessmentMark(Base):
    """Points entered by hand for a unit's month; a later entry replaces it and the former stays.

    line: the code of the scheme's line. month: its first day.
    """

    __tablename__ = "assessment_marks"
    __table_args__ = (
        CheckConstraint("points >= 0", name="points"),
        Index(
            "uq_assessment_marks_current",
            "month",
            "unit_id",
            "line",
            unique=True,
            postgresql_where=text("replaced_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    month: Mapped[date]
    unit_id: Mapped[int] = mapped_column(ForeignKey("units.id"))
    line: Mapped[str]
    points: Mapped[Decimal]
    note: Mapped[str]
    entered_by: Mapped[int] = mapped_column(ForeignKey("people.id"))
    entered_at: Mapped[datetime]
    replaced_at: Mapped[datetime | None]
