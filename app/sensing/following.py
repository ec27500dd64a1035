"""What follows from alerts: the worker begins their processes and tells them how levels move."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import select

from app.processes.effects import ProcessContext
from app.processes.steps import awaits, begin, locked, receive, start
from app.run import Tx, handles
from app.sensing.effects import PROCESS, alert_about, unit_of
from app.sensing.tables import Alert, Device, SensorRule, Site

NORMAL: Final = "alert_normal"
RISEN: Final = "alert_risen"
# Of what stands nowhere in particular.
NO_TRADE: Final = "other"


@dataclass(frozen=True)
class FindAlertsToFollow:
    """Find alerts whose process is to begin or to hear of a new level, the oldest first."""

    limit: int


@dataclass(frozen=True)
class FollowAlert:
    """Begin the process of an alert, or tell it of the level."""

    alert_id: int


@handles(FindAlertsToFollow)
def find_alerts_to_follow(command: FindAlertsToFollow, tx: Tx) -> list[int]:
    """Return ids of alerts; nothing is locked, following looks again."""
    moved = Alert.process_id.is_(None) | (Alert.told_level != Alert.level)
    wanted = select(Alert.id).where(Alert.settled_at.is_(None), moved).order_by(Alert.id)
    return list(tx.session.scalars(wanted.limit(command.limit)))


@handles(FollowAlert)
def follow_alert(command: FollowAlert, tx: Tx) -> bool:
    """Bring an alert's process up to its level; tell whether there was anything to do."""
    # The process first, as whoever completes an item of it does: else the two would wait for each other.
    process_id = tx.session.scalar(select(Alert.process_id).where(Alert.id == command.alert_id))
    context = None if process_id is None else locked(tx, process_id)
    wanted = select(Alert).where(Alert.id == command.alert_id).with_for_update(skip_locked=True)
    alert = tx.session.scalar(wanted.execution_options(populate_existing=True))
    if alert is None or alert.settled_at is not None:
        return False
    if context is None:
        if alert.process_id is not None:
            # Another worker has begun it since: it is found again if there is more to say.
            return False
        _begin(tx, alert)
        return True
    if alert.told_level == alert.level:
        return False
    _tell(tx, alert, context)
    return True


def _begin(tx: Tx, alert: Alert) -> None:
    if alert.level == 0:
        # Over before anybody could look: it is on record, and asks for nothing.
        alert.verdict = alert.verdict or "returned"
        alert.settled_at = tx.clock.now()
        return
    device, rule, site = alert_about(tx, alert)
    unit_id = unit_of(tx, device, site)
    title = _title(device, rule, site)
    context = begin(tx, PROCESS, title, {"alert_id": alert.id, "level": alert.level}, unit_id)
    alert.process_id, alert.told_level = context.process.id, alert.level
    tx.session.flush()
    start(
        context,
        {
            "rule_kind": rule.kind,
            "trade": site.trade if site else NO_TRADE,
            "scene": device.scene,
            "level": alert.level,
            "has_unit": "no" if unit_id is None else "yes",
        },
    )


def _tell(tx: Tx, alert: Alert, context: ProcessContext) -> None:
    """Deliver what the process waits for. It may wait for neither: then it goes on as it is."""
    before, alert.told_level = alert.told_level, alert.level
    tx.session.flush()
    if alert.level == 0 and awaits(context, NORMAL):
        receive(context, NORMAL, {"level": 0})
    elif alert.level > before and awaits(context, RISEN):
        receive(context, RISEN, {"level": alert.level})


def _title(device: Device, rule: SensorRule, site: Site | None) -> str:
    return f"{site.name if site else device.name} {rule.name}"
