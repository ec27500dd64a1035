"""Rows of the assessment room."""

from __future__ import annotations

import hashlib
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
    withdrawn: Mapped[str | None]
    withdrawn_of: Mapped[datetime | None]


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


class Appeal(Base):
    """What a unit asks to have taken from its figures (申诉); of a case at most one, whoever has it.

    contested_at: when what it is against had happened; the month of it is the one it bears on.
    """

    __tablename__ = "appeals"
    __table_args__ = (
        CheckConstraint(
            "ground IN ('late', 'unfounded_return', 'media_supervision')", name="ground"
        ),
        CheckConstraint("decision IN ('upheld', 'refused')", name="decision"),
        CheckConstraint("(decision IS NULL) = (decided_at IS NULL)", name="decided_whole"),
        Index("ix_appeals_unit_id_filed_at", "unit_id", "filed_at"),
        Index("ix_appeals_filed_at", "filed_at", "id"),
        Index("ix_appeals_open", "filed_at", postgresql_where=text("decision IS NULL")),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), unique=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("units.id"))
    dispatch_no: Mapped[int]
    ground: Mapped[str]
    contested_at: Mapped[datetime]
    reason: Mapped[str]
    filed_by: Mapped[int] = mapped_column(ForeignKey("people.id"))
    filed_at: Mapped[datetime]
    process_id: Mapped[int] = mapped_column(ForeignKey("processes.id"), unique=True)
    decision: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    # The edition of a later month that puts it right; no foreign key, for editions refer to appeals.
    carried_run_id: Mapped[int | None]


class AppealEvidence(Base):
    """One file handed in with an appeal; its bytes lie on disk under their hash."""

    __tablename__ = "appeal_evidence"
    __table_args__ = (UniqueConstraint("appeal_id", "sha256"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    appeal_id: Mapped[int] = mapped_column(ForeignKey("appeals.id"))
    name: Mapped[str]
    media_type: Mapped[str]
    sha256: Mapped[str]
    size: Mapped[int]


class Snapshot(Base):
    """The facts that an edition was counted from, with all that goes into its figures; never changed.

    hash: SHA-256 of the text. content: the text, zstd.
    """

    __tablename__ = "assessment_snapshots"

    hash: Mapped[str] = mapped_column(primary_key=True)
    facts: Mapped[int]
    content: Mapped[bytes]


class Run(Base):
    """One edition of a month's figures on its way to the notice (月度考核).

    month: its first day. as_of: the moment its figures are drawn; counted: every unit's counts then. scheme, rules:
    what they were scored and counted by. changes: what is new against the edition before, as JSON of
    editions.changes_between.
    """

    __tablename__ = "assessment_runs"
    __table_args__ = (
        CheckConstraint(
            "state IN ('confirming', 'ruling', 'signing', 'published', 'abandoned')", name="state"
        ),
        CheckConstraint("(state = 'published') = (published_at IS NOT NULL)", name="published"),
        CheckConstraint(
            "published_at IS NULL OR (facts_hash IS NOT NULL AND signed_by IS NOT NULL)",
            name="published_whole",
        ),
        Index(
            "uq_assessment_runs_edition",
            "month",
            "edition",
            unique=True,
            postgresql_where=text("state <> 'abandoned'"),
        ),
        Index(
            "uq_assessment_runs_open",
            "month",
            unique=True,
            postgresql_where=text("state IN ('confirming', 'ruling', 'signing')"),
        ),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    month: Mapped[date]
    edition: Mapped[int]
    state: Mapped[str]
    process_id: Mapped[int] = mapped_column(ForeignKey("processes.id"), unique=True)
    reason: Mapped[str]
    # Whose success began this edition; later ones may have come in before it was frozen.
    appeal_id: Mapped[int | None] = mapped_column(ForeignKey("appeals.id"))
    begun_at: Mapped[datetime]
    confirm_until: Mapped[datetime | None]
    as_of: Mapped[datetime]
    scheme_id: Mapped[int | None] = mapped_column(ForeignKey("assessment_schemes.id"))
    scheme: Mapped[dict[str, Any]] = mapped_column(JSONB)
    rules: Mapped[dict[str, Any]] = mapped_column(JSONB)
    counted: Mapped[dict[str, Any]] = mapped_column(JSONB)
    result_hash: Mapped[str]
    facts_hash: Mapped[str | None] = mapped_column(ForeignKey("assessment_snapshots.hash"))
    changes: Mapped[list[Any]] = mapped_column(JSONB)
    signed_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    published_at: Mapped[datetime | None]


class Confirmation(Base):
    """A unit that takes its figures as they were laid out (确认)."""

    __tablename__ = "assessment_confirmations"
    __table_args__ = (UniqueConstraint("run_id", "unit_id"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("assessment_runs.id"))
    unit_id: Mapped[int] = mapped_column(ForeignKey("units.id"))
    confirmed_by: Mapped[int] = mapped_column(ForeignKey("people.id"))
    confirmed_at: Mapped[datetime]


class NoticeFile(Base):
    """One file of a published edition, as it was first made; made again it must be the same bytes."""

    __tablename__ = "assessment_files"
    __table_args__ = (UniqueConstraint("run_id", "name"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("assessment_runs.id"))
    name: Mapped[str]
    # What its links begin with.
    address: Mapped[str]
    sha256: Mapped[str]
    content: Mapped[bytes]

    @classmethod
    def of(cls, run_id: int, name: str, address: str, content: bytes) -> NoticeFile:
        """Return the row of a file."""
        digest = hashlib.sha256(content).hexdigest()
        return cls(run_id=run_id, name=name, address=address, sha256=digest, content=content)
