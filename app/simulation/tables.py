"""Rows of the simulation room."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Float, Identity
from sqlalchemy.orm import Mapped, mapped_column

from app.db.session import Base


class SimulationRun(Base):
    """One span of days that a simulated city lives through; one without an end was interrupted."""

    __tablename__ = "simulation_runs"
    __table_args__ = (CheckConstraint("until_at > from_at", name="span"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    size: Mapped[str]
    seed: Mapped[int]
    per_day: Mapped[float] = mapped_column(Float())
    # Whether it ends with something to do for every demo account.
    is_demo: Mapped[bool]
    from_at: Mapped[datetime]
    until_at: Mapped[datetime]
    begun_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
