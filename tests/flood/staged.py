"""A rain in the small city as pages show it: an event, people on duty, an order, a truck, a roll call."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text

from app.flood.commands.devices import CommandDevice
from app.flood.commands.duty import Position, SignOn, WriteNote
from app.flood.commands.events import OpenRainEvent
from app.flood.commands.forecasts import AddForecasts
from app.flood.commands.orders import IssueOrder
from app.flood.commands.roster import AddShifts, CallRoll, NewShift
from app.flood.commands.trucks import AddTrucks, NewTruck
from app.flood.forecast_files import NewForecast
from app.run import SYSTEM, run
from app.sensing.commands import AddDevices, NewDevice
from tests.factories import IN_GRID, Desk
from tests.flood.conftest import COMMANDER, DISTRICT, PEOPLE, STAFF


def rain_over_a_point(desk: Desk, site_id: int, now: datetime) -> dict[str, Any]:
    """Let it rain over a point of the city and people act there; return ids of what came of it."""
    with desk.database.sessions() as session:
        for statement in PEOPLE.split(";\n"):
            session.execute(text(statement))
        session.commit()
    siren = NewDevice("SR-1", "siren", "一号声光报警", scene="underpass", site_id=site_id)
    run(AddDevices([siren]), actor=SYSTEM)
    run(AddForecasts([NewForecast("气象台", now, DISTRICT, now, (30, 30, 5))]), actor=SYSTEM)
    assert STAFF.person_id is not None
    assert STAFF.unit_id is not None
    until = now + timedelta(hours=8)
    run(AddShifts([NewShift(STAFF.person_id, STAFF.unit_id, site_id, now, until)]), actor=SYSTEM)
    here = Position(IN_GRID["lon"], IN_GRID["lat"], 10)
    run(SignOn(here, _newest(desk, "duty_shifts")), actor=STAFF)
    run(WriteNote("路面开始积水"), actor=STAFF)
    truck = NewTruck("晋A·F0001", 11, "队员甲", "13800000001", 1000, STAFF.person_id)
    run(AddTrucks([truck]), actor=SYSTEM)
    event_id = run(OpenRainEvent(), actor=SYSTEM)
    order = IssueOrder("到点位抽水", person_id=STAFF.person_id, site_id=site_id)
    order_id = run(order, actor=COMMANDER)["order_id"]
    run(CommandDevice(_newest(desk, "devices"), "sound"), actor=COMMANDER)
    return {
        "event_id": event_id,
        "report_id": _newest(desk, "rain_reports"),
        "order_id": order_id,
        "roll_call_id": run(CallRoll(), actor=COMMANDER),
        "site_id": site_id,
    }


def _newest(desk: Desk, table: str) -> int:
    return int(desk.rows(f"SELECT max(id) AS id FROM {table}")[0]["id"])
