"""What stands in each report, and its making: every figure, counted once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy.orm import Session

from app.flood import deployed, figures
from app.flood.figures import Count, Span
from app.flood.tables import RainEvent
from sla.flood_files import shipped_flood_policy

BEFORE: Final = "before"
DURING: Final = "during"
AFTER: Final = "after"

FIGURES: Final[Mapping[str, Mapping[str, Count]]] = MappingProxyType(
    {
        BEFORE: {
            "forecast_rain": figures.forecast_rain,
            "likely_to_flood": figures.likely_to_flood,
            "staff_due": deployed.staff_due,
        },
        DURING: {
            "measured_rain": figures.measured_rain,
            "rain_by_district": figures.rain_by_district,
            "points_with_water": figures.points_with_water,
            "open_alerts": figures.open_alerts,
            "cases_raised": figures.cases_raised,
            "orders": deployed.orders,
            "on_duty": deployed.on_duty,
            "missing": deployed.missing,
        },
        AFTER: {
            "course": figures.course,
            "measured_rain": figures.measured_rain,
            "rain_by_district": figures.rain_by_district,
            "peaks": figures.peaks,
            "alerts_by_level": figures.alerts_by_level,
            "cases_raised": figures.cases_raised,
            "cases_closed": figures.cases_closed,
            "orders": deployed.orders,
            "people_deployed": deployed.people_deployed,
            "pump_hours": deployed.pump_hours,
            "review": figures.review,
        },
    }
)


def report_data(session: Session, event: RainEvent, kind: str, as_of: datetime) -> dict[str, Any]:
    """Return a report's figures as of a moment. What came after the rain was over is not of the event."""
    until = as_of if event.closed_at is None or kind != AFTER else event.closed_at
    span = Span(event.id, event.opened_at, until, as_of, shipped_flood_policy())
    counted = FIGURES[kind].items()
    return {
        "level": event.level,
        "top_level": event.top_level,
        "response": event.response,
        "opened_at": event.opened_at.isoformat(),
        "closed_at": None if event.closed_at is None else event.closed_at.isoformat(),
        "figures": [count(session, span).as_data(key) for key, count in counted],
    }
