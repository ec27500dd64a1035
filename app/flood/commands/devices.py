"""Command sirens and barriers by the broker, and take their answers in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

import orjson
from sqlalchemy import select, update

from app.accounts.roles import FLOOD_COMMANDER
from app.cases.store import PUT_OUT
from app.errors import InvalidInput, NotFound, StateChanged, Text
from app.flood.tables import FloodCommand
from app.run import Tx, handles
from app.sensing.tables import Device, Site
from connectors.mqtt_command import DeviceAnswer
from sla.flood_files import TRADE, shipped_flood_policy

# The outbox topic; connectors/settings/outbox.yml says how it goes out.
TOPIC: Final = "flood.command"
_PARK: Final = """
UPDATE outbox SET parked_at = %s, last_error = coalesce(last_error, 'too late to be carried out')
WHERE key = ANY(%s) AND sent_at IS NULL AND parked_at IS NULL
"""
_LONGEST_ANSWER: Final = 200


@dataclass(frozen=True)
class CommandDevice:
    """Tell a siren or a barrier of a point what to do."""

    device_id: int
    action: str


@dataclass(frozen=True)
class TakeAnswers:
    """Take answers of devices in; the same answer again changes nothing."""

    answers: Sequence[DeviceAnswer]


@dataclass(frozen=True)
class GiveUpWaiting:
    """Note which commands no device has answered in time."""


@handles(CommandDevice, FLOOD_COMMANDER)
def command_device(command: CommandDevice, tx: Tx) -> int:
    """Record the command and put it out; return its id. Raises InvalidInput for what the device cannot do."""
    device = tx.session.get(Device, command.device_id, with_for_update={"key_share": True})
    site = (
        None if device is None or device.site_id is None else tx.session.get(Site, device.site_id)
    )
    if device is None or site is None or site.trade != TRADE or not device.active:
        raise NotFound("没有这台设备。")
    if command.action not in shipped_flood_policy().actions.get(device.kind, ()):
        raise InvalidInput({"action": Text("“%(device)s”不能执行这个动作", device=device.name)})
    now, key = tx.clock.now(), uuid4()
    # The device row is locked above: a second click finds the first one's command waiting.
    waiting = select(FloodCommand.id).where(
        FloodCommand.device_id == device.id,
        FloodCommand.action == command.action,
        FloodCommand.state == "sent",
    )
    if tx.session.scalar(waiting.limit(1)) is not None:
        raise StateChanged("同样的命令已发出，正在等待设备答复。")
    row = FloodCommand(
        key=key,
        device_id=device.id,
        action=command.action,
        sent_at=now,
        sent_by=tx.actor.person_id,
    )
    tx.session.add(row)
    tx.session.flush()
    # Too late it must not be carried out: a barrier does not fall an hour after the order.
    until = now + shipped_flood_policy().answer_within
    content = {"device": device.code, "id": str(key), "action": command.action}
    content |= {"at": now.isoformat(), "until": until.isoformat()}
    text = orjson.dumps(content).decode()
    tx.connection.execute(PUT_OUT, (TOPIC, text, f"flood-command-{key}", now, now))
    return row.id


@handles(TakeAnswers)
def take_answers(command: TakeAnswers, tx: Tx) -> int:
    """Record the answers and return how many are new. One that comes late still counts; the first one holds."""
    n = 0
    for answer in command.answers:
        device = select(Device.id).where(Device.code == answer.device).scalar_subquery()
        waiting = FloodCommand.state.in_(("sent", "unanswered"))
        found = (
            update(FloodCommand)
            .where(FloodCommand.key == answer.key, FloodCommand.device_id == device, waiting)
            .values(
                state="acknowledged" if answer.done else "failed",
                answered_at=tx.clock.now(),
                answer=answer.said[:_LONGEST_ANSWER],
            )
            .returning(FloodCommand.id)
        )
        n += len(tx.session.scalars(found).all())
    return n


@handles(GiveUpWaiting)
def give_up_waiting(command: GiveUpWaiting, tx: Tx) -> int:
    """Mark what was not answered in time, keep what has not gone out from going, and return how many there were."""
    since = tx.clock.now() - shipped_flood_policy().answer_within
    late = (
        update(FloodCommand)
        .where(FloodCommand.state == "sent", FloodCommand.sent_at < since)
        .values(state="unanswered")
        .returning(FloodCommand.key)
    )
    keys = [f"flood-command-{key}" for key in tx.session.scalars(late)]
    if keys:
        tx.connection.execute(_PARK, (tx.clock.now(), keys))
    return len(keys)
