"""Rows of the cases room. A step writes them through app/cases/store.py; pages read them as models."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import (
    DDL,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    UniqueConstraint,
    event,
    false,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db.session import Base

# What a case is found by, as every two neighbouring characters: Chinese has no blanks between words.
GRAMS_OF_CASE: Final = "case_grams(number, title, address, description)"
_CASE_GRAMS: Final = """
CREATE OR REPLACE FUNCTION case_grams(number text, title text, address text, description text)
RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT coalesce(array_agg(DISTINCT p.c || p.n), '{}')
    FROM (SELECT s.c, lead(s.c) OVER (ORDER BY s.ord) AS n
          FROM string_to_table(lower(number || ' ' || title || ' ' || address || ' ' || description), NULL)
               WITH ORDINALITY AS s(c, ord)) AS p
    WHERE p.n IS NOT NULL
$$
"""
ENDINGS: Final = ("closed", "rejected", "void", "merged", "self_handled")

# A step rewrites these rows: room on the page keeps the new version beside the old one.
_REWRITTEN = {"postgresql_with": {"fillfactor": 70}}


class Case(Base):
    """One case (案卷)."""

    __tablename__ = "cases"
    __table_args__ = (
        CheckConstraint(f"closed_as IN {ENDINGS}", name="closed_as"),
        CheckConstraint("(closed_as IS NULL) = (closed_at IS NULL)", name="closed_whole"),
        CheckConstraint("(withdrawn IS NULL) = (withdrawn_of IS NULL)", name="withdrawn_whole"),
        Index("ix_cases_unit_id_due_at", "unit_id", "due_at"),
        Index("ix_cases_reported_at", "reported_at"),
        Index("ix_cases_class_code_reported_at", "class_code", "reported_at"),
        # What a supervisor looks for: late now, sent back again and again, on hold.
        Index(
            "ix_cases_running_due_at",
            "due_at",
            "id",
            postgresql_where=text("closed_at IS NULL AND result_at IS NULL"),
        ),
        Index(
            "ix_cases_reworked",
            "reported_at",
            "id",
            postgresql_where=text("closed_at IS NULL AND reworks > 2"),
        ),
        # What is open, and what ended within its time.
        Index("ix_cases_open", "reported_at", "id", postgresql_where=text("closed_at IS NULL")),
        Index(
            "ix_cases_closed_at",
            "closed_at",
            "id",
            postgresql_include=["closed_as", "overdue", "exempt"],
            postgresql_where=text("closed_at IS NOT NULL"),
        ),
        Index("ix_cases_on_hold", "reported_at", "id", postgresql_where=text("on_hold")),
        # A month's ranking counts them apart.
        Index(
            "ix_cases_self_handled",
            "closed_at",
            postgresql_where=text("closed_as = 'self_handled'"),
        ),
        Index("ix_cases_lat_lon", "lat", "lon"),
        # Over an expression: a case whose texts stay as they are is rewritten without touching it.
        Index("ix_cases_grams", text(GRAMS_OF_CASE), postgresql_using="gin"),
        _REWRITTEN,
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    number: Mapped[str] = mapped_column(unique=True)
    # What the system it came from calls it: the same report told twice is one case.
    source_key: Mapped[str | None] = mapped_column(unique=True)
    channel: Mapped[str]
    title: Mapped[str]
    description: Mapped[str]
    class_code: Mapped[str | None]
    condition_id: Mapped[int | None] = mapped_column(ForeignKey("filing_conditions.id"))
    kind: Mapped[str | None]
    address: Mapped[str]
    lon: Mapped[float | None]
    lat: Mapped[float | None]
    grid_code: Mapped[str | None]
    responsibility_code: Mapped[str | None]
    district_code: Mapped[str | None]
    street_code: Mapped[str | None]
    outside_city: Mapped[bool] = mapped_column(server_default=false())
    reporter_name: Mapped[str | None]
    reporter_phone: Mapped[str | None]
    stage: Mapped[str]
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("units.id"))
    handler_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    reported_at: Mapped[datetime]
    reported_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    filed_at: Mapped[datetime | None]
    dispatched_at: Mapped[datetime | None]
    result_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    closed_as: Mapped[str | None]
    limit_value: Mapped[Decimal | None]
    limit_unit: Mapped[str | None]
    due_at: Mapped[datetime | None]
    overdue: Mapped[bool] = mapped_column(server_default=false())
    near_due: Mapped[bool] = mapped_column(server_default=false())
    long_overdue: Mapped[bool] = mapped_column(server_default=false())
    on_hold: Mapped[bool] = mapped_column(server_default=false())
    exempt: Mapped[bool] = mapped_column(server_default=false())
    # Of the present dispatch; case_requests and case_log keep those before it.
    extensions: Mapped[int] = mapped_column(server_default="0")
    reworks: Mapped[int] = mapped_column(server_default="0")
    unfounded_returns: Mapped[int] = mapped_column(server_default="0")
    media_supervisions: Mapped[int] = mapped_column(server_default="0")
    unit_supervisions: Mapped[int] = mapped_column(server_default="0")
    # Of the whole case.
    dispatches: Mapped[int] = mapped_column(server_default="0")
    returns: Mapped[int] = mapped_column(server_default="0")
    supervisions: Mapped[int] = mapped_column(server_default="0")
    # What an appeal won takes from the figures (exempt: the lateness), and when that had happened.
    withdrawn: Mapped[str | None]
    withdrawn_of: Mapped[datetime | None]
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("cases.id"))
    log_seq: Mapped[int] = mapped_column(server_default="0")
    log_hash: Mapped[bytes]


_function = DDL(_CASE_GRAMS)  # type: ignore[no-untyped-call]  # of SQLAlchemy
event.listen(Case.__table__, "before_create", _function)


class CaseNumber(Base):
    """The last number given to a case on a day of the city."""

    __tablename__ = "case_numbers"

    day: Mapped[date] = mapped_column(primary_key=True)
    last: Mapped[int]


class ProcessInstance(Base):
    """One running process of a case; its state is the engine's own compact form."""

    __tablename__ = "process_instances"
    __table_args__ = (
        UniqueConstraint("case_id", "key"),
        # The cases that live on a version, for moving them to another.
        Index(
            "ix_process_instances_living",
            "definition_hash",
            "case_id",
            postgresql_where=text("ended_at IS NULL"),
        ),
        # toast_tuple_target: the state stays in the row, one read and one write less.
        {"postgresql_with": {"fillfactor": 70, "toast_tuple_target": 8160}},
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    key: Mapped[str]
    definition_hash: Mapped[str] = mapped_column(ForeignKey("definition_versions.hash"))
    process_id: Mapped[str]
    state: Mapped[bytes]
    version: Mapped[int]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class WorkItem(Base):
    """One thing for a person to do (工作项): a user task that is open, or was."""

    __tablename__ = "work_items"
    __table_args__ = (
        UniqueConstraint("instance_id", "token"),
        CheckConstraint("status IN ('open', 'done', 'cancelled')", name="status"),
        CheckConstraint("(status = 'open') = (finished_at IS NULL)", name="finished_whole"),
        Index(
            "ix_work_items_waiting",
            "role",
            "unit_id",
            "due_at",
            "id",
            postgresql_where=text("status = 'open' AND assignee_id IS NULL"),
        ),
        Index(
            "ix_work_items_assigned",
            "assignee_id",
            "due_at",
            "id",
            postgresql_where=text("status = 'open'"),
        ),
        Index(
            "ix_work_items_finished_by",
            "finished_by",
            "finished_at",
            "id",
            postgresql_where=text("status = 'done'"),
        ),
        Index("ix_work_items_open", "due_at", "id", postgresql_where=text("status = 'open'")),
        # A step looks for the open items of its case: however many are done, it does not pass them.
        Index("ix_work_items_case_id_status", "case_id", "status"),
        # The heat of a month is read from this alone.
        Index(
            "ix_work_items_finished",
            "finished_at",
            postgresql_include=["element", "created_at", "due_at", "unit_id"],
            postgresql_where=text("status = 'done'"),
        ),
        _REWRITTEN,
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    instance_id: Mapped[int] = mapped_column(ForeignKey("process_instances.id"))
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    token: Mapped[int]
    element: Mapped[str]
    name: Mapped[str]
    form_key: Mapped[str]
    stage: Mapped[str]
    role: Mapped[str]
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("units.id"))
    assignee_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    status: Mapped[str] = mapped_column(server_default="open")
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    claimed_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    finished_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    outcome: Mapped[str | None]
    # What its form begins with, such as the unit suggested for the dispatch.
    defaults: Mapped[dict[str, Any] | None]


class Timer(Base):
    """One waiting timer of an instance; firing deletes it in the step's own transaction."""

    __tablename__ = "timers"
    __table_args__ = (UniqueConstraint("instance_id", "token"), Index("ix_timers_try_at", "try_at"))

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    instance_id: Mapped[int] = mapped_column(ForeignKey("process_instances.id"))
    token: Mapped[int]
    element: Mapped[str]
    due_at: Mapped[datetime]
    # When the worker looks at it: due_at, until firing fails and is put off.
    try_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(server_default="0")
    last_error: Mapped[str | None]


class TimerFiring(Base):
    """One timer that fired, and how late."""

    __tablename__ = "timer_firings"
    __table_args__ = (
        Index("ix_timer_firings_fired_at", "fired_at"),
        Index("ix_timer_firings_instance_id", "instance_id"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    instance_id: Mapped[int] = mapped_column(ForeignKey("process_instances.id"))
    token: Mapped[int]
    element: Mapped[str]
    due_at: Mapped[datetime]
    fired_at: Mapped[datetime]
    lateness_ms: Mapped[int]


class SlaClock(Base):
    """One round of one named clock of a case (时限时钟).

    events: of sla.clock_events; of a long round the last ones, after one that carries what the archive holds.
    """

    __tablename__ = "sla_clocks"
    __table_args__ = (UniqueConstraint("case_id", "name", "round"), _REWRITTEN)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    name: Mapped[str]
    round: Mapped[int]
    policy: Mapped[str]
    events: Mapped[list[dict[str, Any]]] = mapped_column(JSONB())
    state: Mapped[str]
    due_at: Mapped[datetime | None]
    stopped_at: Mapped[datetime | None]
    on_time: Mapped[bool | None]


class SlaClockEvent(Base):
    """One event of a round of a clock that its row no longer holds; a trigger refuses to change it."""

    __tablename__ = "sla_clock_events"
    __table_args__ = (
        UniqueConstraint("case_id", "name", "round", "seq"),
        ForeignKeyConstraint(
            ["case_id", "name", "round"],
            ["sla_clocks.case_id", "sla_clocks.name", "sla_clocks.round"],
        ),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    case_id: Mapped[int]
    name: Mapped[str]
    round: Mapped[int]
    seq: Mapped[int]
    event: Mapped[dict[str, Any]] = mapped_column(JSONB())


class CaseLog(Base):
    """One line of a case's log, chained by hash to the one before; a trigger refuses to change it."""

    __tablename__ = "case_log"
    __table_args__ = (UniqueConstraint("case_id", "seq"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    seq: Mapped[int]
    at: Mapped[datetime]
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    actor_label: Mapped[str]
    kind: Mapped[str]
    element: Mapped[str | None]
    data: Mapped[dict[str, Any]]
    prev_hash: Mapped[bytes]
    hash: Mapped[bytes]


class CaseRequest(Base):
    """One request in a case (延期, 挂账, 退单, 督办) and its decision."""

    __tablename__ = "case_requests"
    __table_args__ = (
        UniqueConstraint("case_id", "kind", "no"),
        CheckConstraint("kind IN ('extension', 'hold', 'return', 'supervision')", name="kind"),
        CheckConstraint("(decision IS NULL) = (decided_at IS NULL)", name="decided_whole"),
        Index(
            "uq_case_requests_pending",
            "case_id",
            "kind",
            unique=True,
            postgresql_where=text("decision IS NULL AND kind IN ('extension', 'hold', 'return')"),
        ),
        Index(
            "ix_case_requests_case_id_undecided",
            "case_id",
            postgresql_where=text("decision IS NULL"),
        ),
        Index(
            "ix_case_requests_waiting",
            "kind",
            "asked_at",
            "id",
            postgresql_where=text("decision IS NULL"),
        ),
        Index("ix_case_requests_decided", "kind", "decision", "decided_at", "id"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    kind: Mapped[str]
    no: Mapped[int]
    asked_at: Mapped[datetime]
    asked_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("units.id"))
    reason: Mapped[str]
    details: Mapped[dict[str, Any]]
    decision: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    opinion: Mapped[str | None]


class Photo(Base):
    """One photo of a case; its bytes lie on disk under their hash."""

    __tablename__ = "photos"
    __table_args__ = (
        UniqueConstraint("case_id", "sha256"),
        CheckConstraint("stage IN ('before', 'after', 'other')", name="stage"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    item_id: Mapped[int | None] = mapped_column(ForeignKey("work_items.id"))
    sha256: Mapped[str]
    media_type: Mapped[str]
    size: Mapped[int]
    stage: Mapped[str]
    added_at: Mapped[datetime]
    added_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))


class Draft(Base):
    """What a person has typed into a work item's form and not handed in."""

    __tablename__ = "drafts"

    item_id: Mapped[int] = mapped_column(ForeignKey("work_items.id"), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), primary_key=True)
    answers: Mapped[dict[str, Any]] = mapped_column(JSONB())
    saved_at: Mapped[datetime]


class CaseMove(Base):
    """One move of running cases from a version of the diagrams to another (版本迁移)."""

    __tablename__ = "case_moves"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    from_hash: Mapped[str] = mapped_column(ForeignKey("definition_versions.hash"))
    to_hash: Mapped[str] = mapped_column(ForeignKey("definition_versions.hash"))
    # New element id by old one.
    mapping: Mapped[dict[str, str]] = mapped_column(JSONB())
    begun_at: Mapped[datetime]
    begun_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))


class CaseMoveItem(Base):
    """One case that was moved, and how it stood before: enough to take it back."""

    __tablename__ = "case_move_items"
    __table_args__ = (
        Index("ix_case_move_items_move_id", "move_id", "id"),
        Index("ix_case_move_items_case_id", "case_id"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    move_id: Mapped[int] = mapped_column(ForeignKey("case_moves.id"))
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    instance_id: Mapped[int] = mapped_column(ForeignKey("process_instances.id"))
    old_hash: Mapped[str] = mapped_column(ForeignKey("definition_versions.hash"))
    old_state: Mapped[bytes]
    # The rows of its open items and waiting timers as they were.
    old_rows: Mapped[dict[str, Any]] = mapped_column(JSONB())
    # The instance's version after the move: a later one means that something has happened since.
    version_after: Mapped[int]
    moved_at: Mapped[datetime]
    undone_at: Mapped[datetime | None]
    undone_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))


class SavedFilter(Base):
    """What a person narrows the inbox to, under a name of their own."""

    __tablename__ = "saved_filters"
    __table_args__ = (UniqueConstraint("person_id", "name"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    name: Mapped[str]
    query: Mapped[str]
    saved_at: Mapped[datetime]


class Reassignment(Base):
    """One bulk reassignment of a unit's open cases to another (批量改派), when units were restructured.

    class_code, responsibility_code: what it was narrowed to; None for all.
    """

    __tablename__ = "reassignments"
    __table_args__ = (CheckConstraint("from_unit_id <> to_unit_id", name="two_units"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    from_unit_id: Mapped[int] = mapped_column(ForeignKey("units.id"))
    to_unit_id: Mapped[int] = mapped_column(ForeignKey("units.id"))
    class_code: Mapped[str | None]
    responsibility_code: Mapped[str | None]
    reason: Mapped[str]
    begun_at: Mapped[datetime]
    begun_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))


class ReassignedCase(Base):
    """One case that went along. released: how many of its open items lost whoever had claimed them."""

    __tablename__ = "reassigned_cases"
    __table_args__ = (Index("ix_reassigned_cases_reassignment_id", "reassignment_id", "id"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    reassignment_id: Mapped[int] = mapped_column(ForeignKey("reassignments.id"))
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    at: Mapped[datetime]
    released: Mapped[int]


class CaseFeedback(Base):
    """What the citizen said of a case that was closed (市民反馈); the last word counts."""

    __tablename__ = "case_feedback"
    __table_args__ = (
        Index("ix_case_feedback_case_id", "case_id", "id"),
        Index("ix_case_feedback_unsatisfied", "at", "id", postgresql_where=text("NOT satisfied")),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    at: Mapped[datetime]
    recorded_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    satisfied: Mapped[bool]
    words: Mapped[str]
