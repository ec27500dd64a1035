"""The names of where a case is."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.cases.tables import Case
from app.places.tables import District, ResponsibilityGrid, Street


@dataclass(frozen=True, slots=True)
class PlaceNames:
    """District, street and responsibility grid of a case; None for what is not known."""

    district: str | None
    street: str | None
    responsibility_grid: str | None


def place_names(session: Session, case: Case) -> PlaceNames:
    """Return the names of a case's district, street and responsibility grid."""
    return PlaceNames(
        session.scalar(select(District.name).where(District.code == case.district_code)),
        session.scalar(select(Street.name).where(Street.code == case.street_code)),
        session.scalar(
            select(ResponsibilityGrid.name).where(
                ResponsibilityGrid.code == case.responsibility_code
            )
        ),
    )


def district_names(session: Session) -> dict[str, str]:
    """Return the name of each district by code."""
    rows = session.execute(select(District.code, District.name).order_by(District.code))
    return {row.code: row.name for row in rows}
