"""The generated city has its flood equipment, once and always the same."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.clock import FixedClock
from app.run import SYSTEM, run
from app.settings import REPOSITORY
from app.simulation.city import build_city
from app.simulation.flooding import EquipForFlood, flood_plan
from sla.flood_files import scenes

pytestmark = pytest.mark.skipif(
    not (REPOSITORY / "node_modules").is_dir(),
    reason="node_modules is not there: python -m app.web.build",
)


def equipped(session: Session, clock: FixedClock) -> int:
    build_city(session, "demo", 1, clock.now())
    session.commit()
    number: int = run(EquipForFlood("demo", 1), actor=SYSTEM)
    return number


def one(session: Session, statement: str) -> object:
    return session.execute(text(statement)).scalar()


def test_demo_city_is_equipped_to_its_plan(session: Session, clock: FixedClock) -> None:
    assert equipped(session, clock) == 60
    kinds = session.execute(
        text("SELECT kind, count(*) FROM sites WHERE trade = 'flood' GROUP BY kind")
    )
    size = flood_plan()["sizes"]["demo"]
    assert dict(tuple(row) for row in kinds) == {**size["points"], "rain_gauge": 6}
    assert one(session, "SELECT count(*) FROM devices WHERE kind = 'depth'") == 58
    assert one(session, "SELECT count(*) FROM devices WHERE kind = 'siren'") == 22
    assert one(session, "SELECT count(*) FROM devices WHERE kind = 'barrier'") == 14
    assert one(session, "SELECT count(*) FROM pump_trucks") == 8
    assert one(session, "SELECT count(*) FROM person_roles WHERE role = 'flood_staff'") == 40
    assert one(session, "SELECT count(*) FROM duty_shifts") == 120
    unowned = "SELECT count(*) FROM sites WHERE kind <> 'rain_gauge' AND unit_id IS NULL"
    assert one(session, unowned) == 0


def test_equipping_again_changes_nothing(session: Session, clock: FixedClock) -> None:
    equipped(session, clock)
    clock.advance(timedelta(days=1))
    assert run(EquipForFlood("demo", 1), actor=SYSTEM) == 0


def test_there_is_an_account_to_try_flood_duty_with(session: Session, clock: FixedClock) -> None:
    equipped(session, clock)
    roles = session.scalars(
        text(
            "SELECT r.role FROM person_roles r JOIN people p ON p.id = r.person_id"
            " WHERE p.login = 'flood' AND p.is_demo ORDER BY r.role"
        )
    ).all()
    assert roles == ["flood_staff", "unit_handler"]
    shifts = "SELECT count(*) FROM duty_shifts s JOIN people p ON p.id = s.person_id WHERE p.login = 'flood'"
    assert one(session, shifts) == 3


def test_full_plan_is_a_real_city_s() -> None:
    size = flood_plan()["sizes"]["full"]
    assert tuple(size["points"]) == scenes()
    assert sum(size["points"].values()) == 660
    assert (size["gauges"], size["trucks"], size["staff"]) == (40, 120, 1500)
