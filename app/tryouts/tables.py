"""Rows of the try-outs room."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, Identity, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db.session import Base


class DraftReplay(Base):
    """A draft replayed, beside the version deployed then, on ended cases of one month."""

    __tablename__ = "draft_replays"
    __table_args__ = (Index("ix_draft_replays_draft_id", "draft_id", "id"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    draft_id: Mapped[int] = mapped_column(ForeignKey("definition_drafts.id"))
    # Of the draft's files as they were: a draft saved since is another one.
    draft_hash: Mapped[str]
    base_hash: Mapped[str] = mapped_column(ForeignKey("definition_versions.hash"))
    month_on: Mapped[date]
    # How long a step takes that the case never answered, such as "2 working_hour".
    assumed: Mapped[str]
    begun_at: Mapped[datetime]
    begun_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    ended_at: Mapped[datetime | None]


class DraftReplayCase(Base):
    """One case of a replay. before, after: how it went on the deployed version and on the draft."""

    __tablename__ = "draft_replay_cases"
    __table_args__ = (UniqueConstraint("replay_id", "case_id"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    replay_id: Mapped[int] = mapped_column(ForeignKey("draft_replays.id"))
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    done: Mapped[bool]
    before: Mapped[dict[str, Any] | None]
    after: Mapped[dict[str, Any] | None]
    failure: Mapped[dict[str, Any] | None]
