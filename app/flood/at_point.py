"""What there is at a point: its curve, alerts, cases, devices to command, pumps and calls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import false, or_, select, text
from sqlalchemy.orm import Session

from app.accounts.tables import Person, Unit
from app.cases.tables import Case
from app.exchange.tables import OutboxMessage
from app.flood.tables import CallOut, FloodCommand, PumpTruck
from app.sensing.tables import Alert, Device, SensorRule, Site

# The highest of each five minutes: a peak between two points of the curve would be lost otherwise.
_CURVE: Final = """
SELECT r.starts_at, max(r.high) FROM reading_summaries r JOIN devices d ON d.id = r.device_id
WHERE d.site_id = :site AND r.metric = 1 AND r.minutes = 5 AND r.starts_at > :from_at AND r.starts_at <= :to_at
GROUP BY r.starts_at ORDER BY r.starts_at
"""

# How long it is told that a device did nothing: by then people saw to it, or the rain is over.
TOLD: Final = timedelta(hours=12)


@dataclass(frozen=True)
class Commanded:
    """A siren or barrier with the last command that it was given. undelivered: why that did not even go out."""

    device: Device
    command: FloodCommand | None
    undelivered: str | None

    @property
    def state(self) -> str:
        """Return how the last command stands: failed also where no connector could send it."""
        if self.command is None:
            return "none"
        waiting = self.command.state in {"sent", "unanswered"}
        return "failed" if waiting and self.undelivered else self.command.state

    def needs_people(self, at: datetime) -> bool:
        """Tell whether the device has just now not done what it was told, so that people have to."""
        undone = self.state in {"failed", "unanswered"}
        return undone and self.command is not None and self.command.sent_at > at - TOLD


@dataclass(frozen=True)
class Called:
    """A call and whether it went out."""

    call: CallOut
    person: Person
    sent_at: datetime | None
    failed: bool


def curve(
    session: Session, site_id: int, from_at: datetime, to_at: datetime
) -> Sequence[tuple[datetime, float]]:
    """Return the depth of a point by five minutes."""
    parameters = {"site": site_id, "from_at": from_at, "to_at": to_at}
    return [(row[0], row[1]) for row in session.execute(text(_CURVE), parameters)]


def alerts_at(
    session: Session, site_id: int, size: int
) -> Sequence[tuple[Alert, SensorRule, Device]]:
    """Return the alerts of a point, open ones first, then the newest."""
    query = (
        select(Alert, SensorRule, Device)
        .join(SensorRule, SensorRule.id == Alert.rule_id)
        .join(Device, Device.id == Alert.device_id)
        .where(Device.site_id == site_id)
        .order_by(Alert.closed_at.is_not(None), Alert.opened_at.desc(), Alert.id.desc())
    )
    return [(row[0], row[1], row[2]) for row in session.execute(query.limit(size))]


def cases_at(session: Session, site: Site, size: int) -> Sequence[Case]:
    """Return the open cases that a point's alerts raised, and those of its grid."""
    raised = (
        select(Alert.case_id)
        .join(Device, Device.id == Alert.device_id)
        .where(Device.site_id == site.id, Alert.case_id.is_not(None))
    )
    near = Case.grid_code == site.grid_code if site.grid_code else false()
    query = select(Case).where(Case.closed_at.is_(None), or_(Case.id.in_(raised), near))
    return session.scalars(
        query.order_by(Case.reported_at.desc(), Case.id.desc()).limit(size)
    ).all()


def commanded_at(session: Session, site_id: int, kinds: Sequence[str]) -> Sequence[Commanded]:
    """Return what can be commanded at a point."""
    devices = session.scalars(
        select(Device)
        .where(Device.site_id == site_id, Device.kind.in_(kinds), Device.active)
        .order_by(Device.code)
    )
    return [_commanded(session, device) for device in devices]


def _commanded(session: Session, device: Device) -> Commanded:
    newest = (
        select(FloodCommand)
        .where(FloodCommand.device_id == device.id)
        .order_by(FloodCommand.sent_at.desc(), FloodCommand.id.desc())
        .limit(1)
    )
    command = session.scalar(newest)
    if command is None:
        return Commanded(device, None, None)
    message = select(OutboxMessage).where(OutboxMessage.key == f"flood-command-{command.key}")
    sent = session.scalar(message)
    undelivered = sent.last_error if sent is not None and sent.sent_at is None else None
    return Commanded(device, command, undelivered)


def calls_at(session: Session, site_id: int, size: int) -> Sequence[Called]:
    """Return the calls to a point's people, the newest first."""
    query = (
        select(CallOut, Person, OutboxMessage.sent_at, OutboxMessage.parked_at)
        .join(Person, Person.id == CallOut.person_id)
        .outerjoin(OutboxMessage, OutboxMessage.key == CallOut.message_key)
        .where(CallOut.site_id == site_id)
        .order_by(CallOut.at.desc(), CallOut.id.desc())
        .limit(size)
    )
    return [Called(row[0], row[1], row[2], row[3] is not None) for row in session.execute(query)]


def trucks(
    session: Session, *, path: str = "", state: str = "", site_id: int | None = None
) -> Sequence[tuple[PumpTruck, Unit, Site | None]]:
    """Return pump trucks: those at work first, by plate."""
    query: Any = (
        select(PumpTruck, Unit, Site)
        .join(Unit, Unit.id == PumpTruck.unit_id)
        .outerjoin(Site, Site.id == PumpTruck.site_id)
        .where(Unit.path.startswith(path))
        .order_by(PumpTruck.state != "working", PumpTruck.state != "on_way", PumpTruck.plate)
    )
    if state:
        query = query.where(PumpTruck.state == state)
    if site_id is not None:
        query = query.where(PumpTruck.site_id == site_id)
    return [(row[0], row[1], row[2]) for row in session.execute(query)]


def truck_of_driver(session: Session, person_id: int) -> PumpTruck | None:
    """Return the truck that a person drives."""
    query = select(PumpTruck).where(PumpTruck.driver_id == person_id).order_by(PumpTruck.id)
    return session.scalar(query.limit(1))
