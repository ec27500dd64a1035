"""The sensing room's pages: which devices a reader sees, and what they measured."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.clock import FixedClock
from app.run import SYSTEM, run
from app.sensing.commands import AddDevices, AddThresholdRule, NewDevice, StoreReadings
from connectors.samples import Sample
from sla.sensing import Level, Line
from tests.factories import Desk
from tests.web.conftest import SignIn


@pytest.fixture
def sensed(desk: Desk, clock: FixedClock) -> Desk:
    """Return the city with a gauge of unit 11 under water, and a silent one of unit 12."""
    run(
        AddDevices(
            [
                NewDevice("P-1", "depth", "虎峪河下穿", scene="underpass", unit_id=11),
                NewDevice("P-2", "depth", "桃园南路", scene="low_lying", unit_id=12),
            ]
        ),
        actor=SYSTEM,
    )
    lines = (Line(Level.YELLOW, 15, 13), Line(Level.ORANGE, 27, 25))
    now = clock.now()
    run(AddThresholdRule("积水", "depth_cm", lines, now - timedelta(days=1)), actor=SYSTEM)
    run(StoreReadings([Sample("P-1", now, "depth_cm", 31.5)], "test"), actor=SYSTEM)
    return desk


def test_devices_show_value_alert_and_silence(sensed: Desk, signed: SignIn) -> None:
    page = signed(sensed.city.supervisor).get("/sensing/devices").text
    assert "虎峪河下穿" in page
    assert "31.5 cm" in page
    assert "橙色" in page
    assert "失联" in page


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=虎峪", ["P-1"]),
        ("q=p-2", ["P-2"]),
        ("q=%25", []),
        ("trade=flood", ["P-1", "P-2"]),
        ("trade=heat", []),
        ("kind=low_lying", ["P-2"]),
        ("trade=heat&kind=low_lying", []),
        ("unit=11", ["P-1"]),
        ("state=alert", ["P-1"]),
        ("state=silent", ["P-2"]),
        ("state=ended", []),
        ("after=P-1", ["P-2"]),
        ("district=140106", []),
    ],
)
def test_devices_are_found_by_what_is_asked(
    sensed: Desk, signed: SignIn, query: str, found: list[str]
) -> None:
    page = signed(sensed.city.supervisor).get(f"/sensing/devices?{query}").text
    assert [code for code in ("P-1", "P-2") if f">{code}<" in page] == found


def test_a_manager_sees_the_devices_of_the_own_unit(sensed: Desk, signed: SignIn) -> None:
    page = signed(sensed.city.manager1).get("/sensing/devices").text
    assert ">P-1<" in page
    assert ">P-2<" not in page


def test_devices_are_nothing_for_a_collector(sensed: Desk, signed: SignIn) -> None:
    assert signed(sensed.city.collector).get("/sensing/devices").status_code == 403
