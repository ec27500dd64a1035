"""Rows of the utilities room. Sites and devices are those of the sensing room."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.db.session import Base


class ServedGrid(Base):
    """A unit grid whose homes a site serves."""

    __tablename__ = "served_grids"
    __table_args__ = (Index("ix_served_grids_grid_code", "grid_code"),)

    site_id: Mapped[int] = mapped_column(ForeignKey("sites.id"), primary_key=True)
    # No foreign key: grids are loaded anew as a whole, and what lies outside them serves nobody.
    grid_code: Mapped[str] = mapped_column(primary_key=True)


class LinkedCase(Base):
    """A complaint and the site that serves its place."""

    __tablename__ = "linked_cases"
    __table_args__ = (Index("ix_linked_cases_site_id", "site_id", "linked_at"),)

    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("sites.id"))
    linked_at: Mapped[datetime]
