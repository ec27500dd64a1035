"""Open, judge and close rain events by rule. For the worker: looking locks nothing, doing looks again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import exists, select
from sqlalchemy.dialects.postgresql import insert

from app.flood.effects import EVENT
from app.flood.events import open_event
from app.flood.rain import forecast_for, forecasts_at, measured_at
from app.flood.tables import RainEvent, RainEventLevel
from app.processes.steps import awaits, begin, locked, receive, start
from app.run import Tx, handles
from app.sensing.tables import Alert, Device, SensorRule, Site
from sla.flood import Opening, Origin
from sla.flood_files import TRADE, shipped_flood_policy
from sla.sensing import Level

RISEN: Final = "rain_risen"
OVER: Final = "rain_over"


@dataclass(frozen=True)
class FindRainWork:
    """Find out whether an event is to open, or the open one to be judged."""


@dataclass(frozen=True)
class RainWork:
    """What there is to do. to_judge: an open event whose level has changed or that is over."""

    to_open: bool = False
    to_judge: int | None = None


@dataclass(frozen=True)
class OpenRainEvent:
    """Open an event if a rule says so and none is open."""


@dataclass(frozen=True)
class JudgeRainEvent:
    """Bring the level of an open event up to the rain, and close it when it is over."""

    event_id: int


@dataclass(frozen=True)
class _Sky:
    """What the rules say of this moment. reached: the mm that met the rule which opens."""

    opening: Opening | None
    reached: float
    level: Level
    over: bool


@handles(FindRainWork)
def find_rain_work(command: FindRainWork, tx: Tx) -> RainWork:
    """Return what there is to do."""
    event, sky = open_event(tx.session), _sky(tx)
    if event is None:
        return RainWork(to_open=sky.opening is not None)
    if sky.over or sky.level != event.level:
        return RainWork(to_judge=event.id)
    return RainWork()


@handles(OpenRainEvent)
def open_rain_event(command: OpenRainEvent, tx: Tx) -> int | None:
    """Open an event with its process and return its id; None when there is no reason or another was first."""
    sky, now = _sky(tx), tx.clock.now()
    if sky.opening is None:
        return None
    because = {
        "origin": sky.opening.origin.value,
        "hours": sky.opening.hours,
        "mm": sky.opening.mm,
        "reached": round(sky.reached, 1),
    }
    row = insert(RainEvent).values(
        opened_at=now, level=sky.level, top_level=sky.level, because=because
    )
    event_id = tx.session.scalar(row.on_conflict_do_nothing().returning(RainEvent.id))
    if event_id is None:
        return None
    zone = tx.services.settings.timezone
    title = f"{now.astimezone(zone):%Y-%m-%d %H:%M} 降雨"
    context = begin(tx, EVENT, title, {"event_id": event_id, "level": int(sky.level)})
    event = tx.session.get_one(RainEvent, event_id)
    event.process_id = context.process.id
    tx.session.add(RainEventLevel(event_id=event_id, at=now, level=sky.level))
    tx.session.flush()
    start(context, {"during_every": shipped_flood_policy().during_every})
    return int(event_id)


@handles(JudgeRainEvent)
def judge_rain_event(command: JudgeRainEvent, tx: Tx) -> bool:
    """Record a new level and tell the process when it rose; close the event when its rain is over."""
    # The process first, as whoever completes an item of it does: else the two would wait for each other.
    process_id = tx.session.scalar(
        select(RainEvent.process_id).where(RainEvent.id == command.event_id)
    )
    if process_id is not None:
        locked(tx, process_id)
    wanted = select(RainEvent).where(
        RainEvent.id == command.event_id, RainEvent.closed_at.is_(None)
    )
    query = wanted.with_for_update(skip_locked=True).execution_options(populate_existing=True)
    event = tx.session.scalar(query)
    if event is None:
        return False
    sky = _sky(tx)
    if sky.over:
        _close(tx, event)
        return True
    if sky.level == event.level:
        return False
    _change(tx, event, sky.level)
    return True


def _change(tx: Tx, event: RainEvent, level: Level) -> None:
    rose = level > event.top_level
    event.level, event.top_level = level, max(event.top_level, level)
    tx.session.add(RainEventLevel(event_id=event.id, at=tx.clock.now(), level=level))
    tx.session.flush()
    # A level that it had before asks for no other response.
    if rose:
        _tell(tx, event, RISEN, {"level": int(level)})


def _close(tx: Tx, event: RainEvent) -> None:
    now = tx.clock.now()
    event.closed_at, event.level = now, 0
    tx.session.add(RainEventLevel(event_id=event.id, at=now, level=0))
    tx.session.flush()
    _tell(tx, event, OVER, {})


def _tell(tx: Tx, event: RainEvent, message: str, payload: dict[str, object]) -> None:
    assert event.process_id is not None, "it was opened with its process"
    context = locked(tx, event.process_id)
    if awaits(context, message):
        receive(context, message, payload)


def _sky(tx: Tx) -> _Sky:
    session, policy, now = tx.session, shipped_flood_policy(), tx.clock.now()
    measured = measured_at(session, now)
    forecast = forecast_for(forecasts_at(session, now, policy.ahead_hours))
    opening = policy.opening(measured, forecast)
    by_origin = {Origin.MEASURED: measured, Origin.FORECAST: forecast}
    reached = 0.0 if opening is None else by_origin[opening.origin](opening.hours)
    over = opening is None and policy.is_dry(measured) and not _any_alert(tx)
    return _Sky(opening, reached, policy.colour(measured, forecast), over)


def _any_alert(tx: Tx) -> bool:
    """Tell whether any flood point is under alert; one of silence says nothing of water."""
    there_is = exists().where(
        Alert.closed_at.is_(None),
        Device.id == Alert.device_id,
        Site.id == Device.site_id,
        Site.trade == TRADE,
        SensorRule.id == Alert.rule_id,
        SensorRule.kind != "silent",
    )
    return bool(tx.session.scalar(select(there_is)))
