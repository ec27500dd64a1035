"""Reads of the places room."""

from __future__ import annotations

from collections.abc import Sequence

import shapely
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.places.tables import District, GridVersion, ResponsibilityGrid, Street, UnitGrid


def districts(session: Session) -> Sequence[District]:
    """Return the districts in order of code."""
    return session.scalars(select(District).order_by(District.code)).all()


def streets_of(session: Session, district_code: str) -> Sequence[Street]:
    """Return the streets of a district in order of code."""
    return session.scalars(
        select(Street).where(Street.district_code == district_code).order_by(Street.code)
    ).all()


def responsibility_grids(
    session: Session, district_code: str | None = None
) -> Sequence[ResponsibilityGrid]:
    """Return the responsibility grids of a district, or of the city."""
    query = select(ResponsibilityGrid)
    if district_code is not None:
        query = query.where(ResponsibilityGrid.district_code == district_code)
    return session.scalars(query.order_by(ResponsibilityGrid.code)).all()


def unit_grid(session: Session, code: str) -> UnitGrid | None:
    """Return the unit grid with this code."""
    return session.get(UnitGrid, code)


def grid_digest(session: Session) -> str | None:
    """Return the digest of the grids loaded last; None while there are none."""
    return session.scalar(select(GridVersion.digest).order_by(GridVersion.id.desc()).limit(1))


def district_labels(session: Session) -> list[dict[str, object]]:
    """Return each district's name and a point inside it, where a map may write it."""
    rows = session.execute(text("SELECT name, outline::text FROM districts ORDER BY code")).all()
    labels: list[dict[str, object]] = []
    for name, outline in rows:
        inside = shapely.from_geojson(outline).representative_point()
        labels.append({"name": name, "lon": inside.x, "lat": inside.y})
    return labels
