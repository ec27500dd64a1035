"""Curves of the last hours beside an alert or a site."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from app.sensing.charts import series
from app.sensing.pages import words
from app.sensing.pages.drawing import Chart, chart
from app.sensing.wording import metrics_by_number
from app.web.current import runtime
from sla.sensing import Line

BEFORE: Final = timedelta(hours=3)
AFTER: Final = timedelta(hours=3)
LAST: Final = timedelta(hours=24)
_POINTS: Final = 200


@dataclass(frozen=True)
class Curve:
    """A metric of a device over a time. drawn: None where nothing was measured."""

    metric: int
    name: str
    unit: str
    drawn: Chart | None


def curve_of(
    session: Session,
    device_id: int,
    metric: int,
    first: datetime,
    until: datetime,
    *,
    lines: Sequence[Line] = (),
) -> Curve:
    """Return the curve of a device's metric. lines: that its values are held against."""
    found = series(session, device_id, metric, first, until, points=_POINTS)
    values = [(point.at, point.last) for point in found.points if point.last is not None]
    unit = metrics_by_number()[metric].unit
    zone = runtime().services.settings.timezone
    limits = [(int(line.level), line.rise) for line in lines]
    drawn = chart(values, first, until, zone, least=0.0, limits=limits)
    return Curve(metric, words.metric_name(metric), unit, drawn)
