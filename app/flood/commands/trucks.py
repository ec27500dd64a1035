"""Pump trucks: put them on record, change what they do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select

from app.accounts.roles import FLOOD_COMMANDER, FLOOD_STAFF
from app.errors import Forbidden, InvalidInput, NotFound
from app.flood.commands.duty import Position
from app.flood.once import once
from app.flood.tables import TRUCK_STATES, PumpTruck, PumpTruckChange
from app.run import Tx, handles
from app.sensing.tables import Site
from sla.flood_files import TRADE

# A truck that is under way is under way to somewhere.
AT_A_POINT: Final = ("on_way", "working")


@dataclass(frozen=True)
class NewTruck:
    """A truck as it is put on record."""

    plate: str
    unit_id: int
    driver: str
    phone: str
    capacity_m3h: int
    driver_id: int | None = None
    lon: float | None = None
    lat: float | None = None


@dataclass(frozen=True)
class AddTrucks:
    """Put trucks on record, on standby."""

    trucks: Sequence[NewTruck]


@dataclass(frozen=True)
class ChangeTruck:
    """Change what a truck does, and where."""

    truck_id: int
    state: str
    site_id: int | None = None
    position: Position | None = None
    key: UUID | None = None


@handles(AddTrucks)
def add_trucks(command: AddTrucks, tx: Tx) -> int:
    """Add the trucks and return how many."""
    now = tx.clock.now()
    rows = [PumpTruck(**vars(one), state="standby", state_since=now) for one in command.trucks]
    tx.session.add_all(rows)
    tx.session.flush()
    for truck in rows:
        _log(tx, truck)
    return len(rows)


@handles(ChangeTruck, FLOOD_STAFF, FLOOD_COMMANDER)
def change_truck(command: ChangeTruck, tx: Tx) -> dict[str, Any]:
    """Change a truck's state; its driver or a commander does. Raises Forbidden for others."""
    asked = {"what": "truck", "truck": command.truck_id, "state": command.state}
    asked |= {"site": command.site_id}
    return once(tx, command.key, asked, lambda: _change(command, tx))


def _change(command: ChangeTruck, tx: Tx) -> dict[str, Any]:
    query = select(PumpTruck).where(PumpTruck.id == command.truck_id).with_for_update()
    truck = tx.session.scalar(query.execution_options(populate_existing=True))
    if truck is None:
        raise NotFound("没有这辆泵车。")
    if not tx.actor.has(FLOOD_COMMANDER) and truck.driver_id != tx.actor.person_id:
        raise Forbidden("只能更改自己驾驶的泵车。")
    if command.state not in TRUCK_STATES:
        raise InvalidInput({"state": "请选择泵车的状态"})
    if command.site_id is not None:
        site = tx.session.get(Site, command.site_id)
        if site is None or site.trade != TRADE:
            raise InvalidInput({"site_id": "没有这个点位"})
    elif command.state in AT_A_POINT:
        raise InvalidInput({"site_id": "途中和抽排中的泵车要指明点位"})
    if command.position is not None:
        command.position.check()
        truck.lon, truck.lat = command.position.lon, command.position.lat
    truck.state, truck.site_id, truck.state_since = command.state, command.site_id, tx.clock.now()
    _log(tx, truck)
    return {"truck_id": truck.id, "state": truck.state}


def _log(tx: Tx, truck: PumpTruck) -> None:
    change = PumpTruckChange(
        truck_id=truck.id,
        at=truck.state_since,
        changed_by=tx.actor.person_id,
        state=truck.state,
        site_id=truck.site_id,
        lon=truck.lon,
        lat=truck.lat,
    )
    tx.session.add(change)
    tx.session.flush()
