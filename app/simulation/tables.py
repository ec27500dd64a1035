"""Rows of the simulation room."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ARRAY, CheckConstraint, Float, Identity, Text
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


class SimulatedScenario(Base):
    """Something that the sensors of a simulated city go through: a storm, a heat station that fails.

    sites: codes of what it happens to; empty for the whole city.
    """

    __tablename__ = "simulated_scenarios"
    __table_args__ = (CheckConstraint("ends_at > begins_at", name="span"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    kind: Mapped[str]
    begins_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    sites: Mapped[list[str]] = mapped_column(ARRAY(Text()), server_default="{}")
