"""One device: what it is, where it stands, what it last said and what was refused of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.tables import Unit
from app.sensing.tables import Device, LatestReading, RefusedReadings, Site
from app.sensing.wording import metrics_by_number
from sla.metrics import Refusal

REFUSED_SHOWN = 50
# Where a device was not heard of, its first metric is the one that is drawn.
_FIRST_METRIC = 1


@dataclass(frozen=True)
class Card:
    """A device with what belongs to it."""

    device: Device
    site: Site | None
    unit: Unit | None
    latest: Sequence[LatestReading]
    refused: Sequence[RefusedReadings]

    @property
    def heard_at(self) -> datetime | None:
        """Return when anything of it last came in."""
        return max((one.received_at for one in self.latest if one.received_at), default=None)

    def is_silent(self, now: datetime) -> bool:
        """Tell whether it spoke once and should have spoken again by now."""
        heard = self.heard_at
        if not self.device.active or heard is None:
            return False
        return (now - heard).total_seconds() > self.device.silent_after_s

    def metric(self, asked: int | None, telling: int | None) -> int:
        """Return the metric that is drawn: the one asked for, or the one that tells most of it."""
        return int(asked or 0) if asked in metrics_by_number() else telling or _FIRST_METRIC


def card_of(session: Session, device_id: int, path: str = "") -> Card | None:
    """Return a device; None where there is none below that unit's path."""
    wanted = (
        select(Device, Site, Unit)
        .outerjoin(Site, Site.id == Device.site_id)
        .outerjoin(Unit, Unit.id == Device.unit_id)
        .where(Device.id == device_id)
    )
    if path:
        wanted = wanted.where(Unit.path.startswith(path))
    row = session.execute(wanted).one_or_none()
    if row is None:
        return None
    latest = session.scalars(
        select(LatestReading)
        .where(LatestReading.device_id == device_id, LatestReading.at.is_not(None))
        .order_by(LatestReading.metric)
    )
    refused = session.scalars(
        select(RefusedReadings)
        .where(RefusedReadings.source == row.Device.code)
        .order_by(RefusedReadings.day_on.desc(), RefusedReadings.reason)
        .limit(REFUSED_SHOWN)
    )
    return Card(row.Device, row.Site, row.Unit, latest.all(), refused.all())


@dataclass(frozen=True)
class RefusedPage:
    """Refusals of days, the newest first. next: the place that the following page begins after."""

    lines: Sequence[RefusedReadings]
    next: tuple[date, str, str] | None


def refused_page(
    session: Session,
    *,
    reason: str = "",
    source: str = "",
    after: tuple[date, str, str] | None = None,
    size: int,
) -> RefusedPage:
    """Return how many readings were refused by day, source and reason; of one day by source."""
    row = RefusedReadings
    wanted = select(row).order_by(row.day_on.desc(), row.source, row.reason).limit(size + 1)
    if reason:
        wanted = wanted.where(row.reason == reason)
    if source:
        wanted = wanted.where(row.source.contains(source, autoescape=True))
    if after is not None:
        day, last_source, last_reason = after
        same_source = (row.source == last_source) & (row.reason > last_reason)
        same_day = (row.day_on == day) & ((row.source > last_source) | same_source)
        wanted = wanted.where((row.day_on < day) | same_day)
    lines = session.scalars(wanted).all()
    last = lines[size - 1] if len(lines) > size else None
    return RefusedPage(
        lines[:size], None if last is None else (last.day_on, last.source, last.reason)
    )


REASONS = tuple(reason.value for reason in Refusal)
