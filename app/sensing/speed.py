"""How fast alerts of a month were confirmed, their cases dispatched and they cleared on the spot, by unit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Float, case, cast, func, select
from sqlalchemy.orm import Session

from app.accounts.tables import Unit
from app.cases.tables import Case
from app.sensing.alert_lists import Rows, unit_of_alert
from app.sensing.tables import Alert, Device, SensorRule, Site

# What somebody may have to act on; blue is watched only.
LEAST_LEVEL = 2


@dataclass(frozen=True)
class SpeedLine:
    """A unit's alerts of a month. Times are minutes since the platform knew of the alert, averages; None where there are none."""

    unit_id: int | None
    name: str | None
    name_en: str | None
    alerts: int
    real: int
    false_alarms: int
    returned: int
    withdrawn: int
    waiting: int
    confirm_minutes: float | None
    dispatch_minutes: float | None
    clear_minutes: float | None


def speed_of_month(session: Session, start: datetime, end: datetime, path: str) -> list[SpeedLine]:
    """Return the units with alerts opened in a month, those with most first. path: what the reader is bound to."""
    unit_id = unit_of_alert()
    query: Rows = (
        select(
            unit_id,
            Unit.name,
            Unit.name_en,
            func.count(),
            func.count().filter(Alert.verdict.in_(("real", "automatic"))),
            func.count().filter(Alert.verdict == "false_alarm"),
            func.count().filter(Alert.verdict == "returned"),
            func.count().filter(Alert.verdict == "withdrawn"),
            func.count().filter(Alert.verdict.is_(None)),
            _minutes(Alert.confirmed_at),
            # A case that was there before the alert was dispatched before it: no time was needed.
            _minutes(
                case(
                    (
                        Case.dispatched_at.is_not(None),
                        func.greatest(Case.dispatched_at, Alert.recorded_at),
                    )
                )
            ),
            _minutes(Alert.cleared_at),
        )
        .select_from(Alert)
        .join(Device, Device.id == Alert.device_id)
        .join(SensorRule, SensorRule.id == Alert.rule_id)
        .outerjoin(Site, Site.id == Device.site_id)
        .outerjoin(Case, Case.id == Alert.case_id)
        .outerjoin(Unit, Unit.id == unit_id)
        .where(
            Alert.opened_at >= start,
            Alert.opened_at < end,
            Alert.top_level >= LEAST_LEVEL,
            SensorRule.kind != "silent",
        )
        .group_by(unit_id, Unit.name, Unit.name_en)
        .order_by(func.count().desc(), unit_id)
    )
    if path:
        query = query.where(Unit.path.startswith(path, autoescape=True))
    return [SpeedLine(*row) for row in session.execute(query)]


def _minutes(at: ColumnElement[datetime] | object) -> ColumnElement[float]:
    span = func.extract("epoch", at - Alert.recorded_at)
    return func.avg(cast(span, Float) / 60)
