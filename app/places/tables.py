"""Rows of the places room. Outlines are GeoJSON geometries in degrees, longitude first."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.db.session import Base


class District(Base):
    """One district, county or development zone (区县)."""

    __tablename__ = "districts"

    code: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    outline: Mapped[dict[str, Any]]


class Street(Base):
    """One sub-district, town or township (街道、镇、乡)."""

    __tablename__ = "streets"
    __table_args__ = (Index("ix_streets_district_code", "district_code"),)

    code: Mapped[str] = mapped_column(primary_key=True)
    district_code: Mapped[str] = mapped_column(ForeignKey("districts.code"))
    name: Mapped[str]


class ResponsibilityGrid(Base):
    """One responsibility grid (责任网格): the unit grids that one team of collectors walks."""

    __tablename__ = "responsibility_grids"
    __table_args__ = (Index("ix_responsibility_grids_district_code", "district_code"),)

    code: Mapped[str] = mapped_column(primary_key=True)
    district_code: Mapped[str] = mapped_column(ForeignKey("districts.code"))
    name: Mapped[str]
    outline: Mapped[dict[str, Any]]


class UnitGrid(Base):
    """One unit grid (单元网格): the smallest piece of the city that a case is located in."""

    __tablename__ = "unit_grids"
    __table_args__ = (
        # 县级区划 6 + 街道 3 + 社区 3 + 顺序 3.
        CheckConstraint("code ~ '^[0-9]{15}$'", name="code"),
        Index("ix_unit_grids_responsibility_code", "responsibility_code"),
    )

    code: Mapped[str] = mapped_column(primary_key=True)
    responsibility_code: Mapped[str] = mapped_column(ForeignKey("responsibility_grids.code"))
    street_code: Mapped[str] = mapped_column(ForeignKey("streets.code"))
    district_code: Mapped[str] = mapped_column(ForeignKey("districts.code"))
    outline: Mapped[dict[str, Any]]


class GridVersion(Base):
    """One loading of the grids: a process that keeps them in memory knows by it that they changed."""

    __tablename__ = "grid_versions"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    # Of the grids' codes and outlines: two databases with equal grids share what is in memory.
    digest: Mapped[str]
    loaded_at: Mapped[datetime]
