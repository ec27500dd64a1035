"""The sensing room's pages: which devices a reader sees, and what they measured."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.clock import FixedClock
from app.run import SYSTEM, run
from app.sensing.commands import AddDevices, AddThresholdRule, NewDevice, StoreReadings
from connectors.samples import Sample
from sla.metrics import load_metrics
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
    assert "尚无数据" in page


def test_a_device_that_spoke_and_fell_quiet_is_silent(
    sensed: Desk, signed: SignIn, clock: FixedClock
) -> None:
    clock.advance(timedelta(hours=2))
    page = signed(sensed.city.supervisor).get("/sensing/devices?state=silent").text
    assert ">P-1<" in page
    assert ">P-2<" not in page
    assert "✕" in page


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
        ("state=silent", []),
        ("state=unheard", ["P-2"]),
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


def _id_of(desk: Desk, code: str) -> int:
    return int(desk.rows("SELECT id FROM devices WHERE code = :code", code=code)[0]["id"])


@pytest.mark.parametrize("span", ["day", "week", "month", "year", "no such"])
def test_a_device_shows_its_values_lines_and_alerts(
    sensed: Desk, signed: SignIn, span: str
) -> None:
    number = _id_of(sensed, "P-1")
    page = signed(sensed.city.supervisor).get(f"/sensing/devices/{number}?span={span}").text
    assert 'data-average="31.5"' in page
    assert "27 cm" in page
    assert "未解除" in page


@pytest.mark.parametrize(
    ("kind", "called"),
    [("depth", "水位计"), ("heat_station", "换热站监测终端"), ("own_make", "own_make")],
)
def test_kind_of_a_device_is_called_by_its_name(
    sensed: Desk, signed: SignIn, kind: str, called: str
) -> None:
    run(AddDevices([NewDevice("K-1", kind, "一号")]), actor=SYSTEM)
    page = signed(sensed.city.supervisor).get(f"/sensing/devices/{_id_of(sensed, 'K-1')}").text
    assert f"<dd>{called}</dd>" in page


def test_a_device_opens_on_what_tells_most(sensed: Desk, signed: SignIn, clock: FixedClock) -> None:
    number, client = _id_of(sensed, "P-2"), signed(sensed.city.supervisor)
    now = clock.now()
    # Flow is the newer, depth is what the rule is about, pressure has neither.
    sent = (("pressure_mpa", 0.4, 3), ("depth_cm", 2.0, 2), ("flow_m3h", 9.0, 1))
    samples = [Sample("P-2", now - timedelta(minutes=m), name, value) for name, value, m in sent]
    run(StoreReadings(samples, "test"), actor=SYSTEM)
    assert "积水深度 " in _title(client.get(f"/sensing/devices/{number}").text)
    assert "2 cm" in client.get("/sensing/devices?q=P-2").text
    lines = (Line(Level.BLUE, 0.3, 0.2),)
    before = now - timedelta(hours=1)
    run(AddThresholdRule("压力", "pressure_mpa", lines, before), actor=SYSTEM)
    sample = Sample("P-2", now, "pressure_mpa", 0.5)
    run(StoreReadings([sample], "test"), actor=SYSTEM)
    # Of two rules the one whose alert is open.
    assert "压力" in _title(client.get(f"/sensing/devices/{number}").text)
    assert "0.5 MPa" in client.get("/sensing/devices?q=P-2").text
    assert "流量" in _title(client.get(f"/sensing/devices/{number}?metric={_FLOW}").text)


_FLOW = load_metrics().by_name["flow_m3h"].number


def _title(page: str) -> str:
    return page.split('<h2 id="chart-title">')[1].split("</h2>", maxsplit=1)[0]


def test_a_device_that_never_spoke_says_so(sensed: Desk, signed: SignIn) -> None:
    page = signed(sensed.city.supervisor).get(f"/sensing/devices/{_id_of(sensed, 'P-2')}").text
    assert "这段时间没有数据" in page


def test_an_earlier_window_is_asked_for_by_its_last_day(sensed: Desk, signed: SignIn) -> None:
    number = _id_of(sensed, "P-1")
    page = signed(sensed.city.supervisor).get(f"/sensing/devices/{number}?end=2025-11-01").text
    assert "end=2025-10-31" in page
    assert "end=2025-11-02" in page
    assert "data-average" not in page


@pytest.mark.parametrize("end", ["0001-01-01", "9999-12-31", "x"])
def test_a_window_that_is_none_ends_now(sensed: Desk, signed: SignIn, end: str) -> None:
    number = _id_of(sensed, "P-1")
    answer = signed(sensed.city.supervisor).get(f"/sensing/devices/{number}?end={end}")
    assert (answer.status_code, "31.5 cm" in answer.text) == (200, True)


def test_another_unit_s_device_is_not_found(sensed: Desk, signed: SignIn) -> None:
    client = signed(sensed.city.manager1)
    assert client.get(f"/sensing/devices/{_id_of(sensed, 'P-1')}").status_code == 200
    assert client.get(f"/sensing/devices/{_id_of(sensed, 'P-2')}").status_code == 404


def test_refused_readings_are_listed_with_an_example(
    sensed: Desk, signed: SignIn, clock: FixedClock
) -> None:
    wrong = [Sample("P-1", clock.now(), "depth_cm", 900.0), Sample("?-9", clock.now(), "ph", 7.0)]
    run(StoreReadings(wrong, "mqtt"), actor=SYSTEM)
    client = signed(sensed.city.supervisor)
    page = client.get("/sensing/refused").text
    assert "超出量程" in page
    assert "depth_cm=900.0" in page
    assert "未登记的设备" in page
    assert "超出量程" in client.get(f"/sensing/devices/{_id_of(sensed, 'P-1')}").text
    narrowed = client.get("/sensing/refused?source=mqtt&reason=unknown_device").text
    assert "depth_cm" not in narrowed
    assert "?-9" in narrowed
