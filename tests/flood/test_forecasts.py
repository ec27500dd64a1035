"""Forecasts come by file and by feed, each once, and wrong ones are named."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from app.errors import Forbidden, InvalidInput
from app.flood.commands.forecasts import Kept, LoadForecasts
from app.flood.points import likely_points
from app.flood.rain import forecasts_at, measured_at, rain_by_gauge
from app.run import SYSTEM, run
from app.sensing.commands import AddReadingSource, StoreReadings
from connectors.samples import Sample
from sla.flood_files import shipped_flood_policy
from tests.flood.conftest import COMMANDER, STAFF, Flood

HEAD = "发布时间,区县代码,开始时间,结束时间,雨量（毫米）,来源\n"
ROW = "2025-11-25 08:30,140106,2025-11-25 09:00,2025-11-25 10:00,12.5,气象台\n"


def load(text: str) -> Kept:
    return run(LoadForecasts((HEAD + text).encode()), actor=COMMANDER)


def test_periods_of_a_file_become_hours(flood: Flood) -> None:
    later = "2025-11-25 08:30,140106,2025-11-25 10:00,2025-11-25 13:00,6,气象台\n"
    assert load(later + ROW) == Kept(1, 0)
    assert load(ROW + later) == Kept(0, 1)
    with flood.database.sessions() as session:
        (found,) = forecasts_at(session, flood.clock.now(), 72)
    assert found.hours_mm == (12.5, 2, 2, 2)
    assert (found.wettest(1), found.wettest(3)) == (12.5, 16.5)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (ROW.replace("140106", "999999"), "999999"),
        (ROW.replace("12.5", "-1"), "-1"),
        (ROW.replace("12.5", "nan"), "nan"),
        (ROW.replace("10:00", "09:30"), "整数个小时"),
        (ROW.replace("2025-11-25 09:00", "早上"), "早上"),
        (ROW.replace("气象台", ""), "来源"),
        (ROW + ROW.replace("09:00", "11:00").replace("10:00", "12:00"), "不相接"),
    ],
)
def test_wrong_row_of_a_file_is_named(flood: Flood, row: str, said: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        load(row)
    (fault,) = refused.value.fields.values()
    assert "行" in fault
    assert said in fault
    assert flood.rows("SELECT * FROM rain_forecasts") == []


def test_forecasts_are_for_commander_and_watch(flood: Flood) -> None:
    with pytest.raises(Forbidden):
        run(LoadForecasts((HEAD + ROW).encode()), actor=STAFF)


def test_newest_forecast_of_a_source_counts_and_hours_pass(flood: Flood) -> None:
    flood.forecast(50, 50)
    flood.later(minutes=30)
    flood.forecast(1, 2, 3)
    flood.later(hours=1, minutes=30)
    with flood.database.sessions() as session:
        (found,) = forecasts_at(session, flood.clock.now(), 72)
    assert found.hours_mm == (2, 3)


def test_points_are_likely_to_flood_by_scene_factor_and_history(flood: Flood) -> None:
    flood.forecast(24, 0, 0)
    with flood.database.sessions() as session:
        found = likely_points(session, flood.clock.now(), shipped_flood_policy())
    # 24 mm in an hour: an underpass is blue from 15, a street from 20; yellow is 25 and 30.
    assert [(one.point.code, int(one.level)) for one in found] == [("F-1", 1), ("F-2", 1)]
    flood.water(20)
    flood.later(minutes=1)
    with flood.database.sessions() as session:
        found = likely_points(session, flood.clock.now(), shipped_flood_policy())
    # One alert adds five in a hundred: 25.2 mm are yellow for the underpass.
    assert [(one.point.code, int(one.level)) for one in found] == [("F-1", 2), ("F-2", 1)]


def test_gauge_with_a_running_total_measures_its_growth(flood: Flood) -> None:
    now = flood.clock.now()
    flood.rain(1, 2)
    at = [now.replace(minute=m) - (now - now.replace(hour=now.hour - 1)) for m in (10, 20, 30, 40)]
    totals = zip(at, (100.0, 104.0, 3.0, 5.0), strict=True)
    run(
        StoreReadings([Sample("RG-2", t, "rain_total_mm", mm) for t, mm in totals], "test"),
        actor=SYSTEM,
    )
    with flood.database.sessions() as session:
        found = {one.code: one.mm for one in rain_by_gauge(session, at[0], now)}
        most = measured_at(session, now)(1)
    # 4 mm, then begun anew at 3, then 2 more.
    assert found == {"R-1": 3.0, "R-2": 9.0}
    assert most == 9.0


@pytest.fixture
def token(flood: Flood) -> str:
    return run(AddReadingSource("气象局"), actor=SYSTEM)


def post(client: FlaskClient, token: str, content: object):
    headers = {"Authorization": f"Bearer {token}"}
    return client.post("/api/v1/forecasts", json=content, headers=headers)


def entry(**given) -> dict:
    known = {
        "issued_at": "2025-11-25T08:30:00+08:00",
        "district_code": "140106",
        "valid_from": "2025-11-25T09:00:00+08:00",
        "hours_mm": [1, 2.5],
    }
    return {"forecasts": [{**known, **given}]}


def test_feed_is_kept_once(client: FlaskClient, token: str, flood: Flood) -> None:
    assert post(client, token, entry()).json == {"added": 1, "known": 0}
    assert post(client, token, entry()).json == {"added": 0, "known": 1}
    (row,) = flood.rows("SELECT source, hours_mm FROM rain_forecasts")
    assert (row["source"], row["hours_mm"]) == ("气象局", [1.0, 2.5])


@pytest.mark.parametrize(
    "content",
    [
        [],
        {"forecasts": []},
        {"forecasts": [7]},
        entry(hours_mm=[]),
        entry(hours_mm=[True]),
        entry(hours_mm=["2"]),
        entry(issued_at="2025-11-25T08:30:00"),
        entry(district_code="999999"),
    ],
)
def test_wrong_feed_is_refused(client: FlaskClient, token: str, flood: Flood, content) -> None:
    assert post(client, token, content).status_code == 422
    assert flood.rows("SELECT * FROM rain_forecasts") == []


def test_feed_without_a_token_is_refused(client: FlaskClient, flood: Flood) -> None:
    assert post(client, "wrong", entry()).status_code == 401
