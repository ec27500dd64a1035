"""Rain opens an event by rule, its process writes reports, and drought closes it."""

from __future__ import annotations

import pytest

from app.errors import Forbidden, InvalidInput, StateChanged
from app.flood.commands.events import JudgeRainEvent, OpenRainEvent
from app.processes.commands import CompleteProcessItem
from app.run import SYSTEM, run
from tests.flood.conftest import COMMANDER, STAFF, Flood


def event(flood: Flood) -> dict:
    (found,) = flood.rows("SELECT * FROM rain_events ORDER BY id")
    return found


def reports(flood: Flood) -> list[str]:
    return [row["kind"] for row in flood.rows("SELECT kind FROM rain_reports ORDER BY id")]


def test_dry_city_opens_nothing(flood: Flood) -> None:
    assert flood.work().to_open is False
    assert run(OpenRainEvent(), actor=SYSTEM) is None
    assert flood.rows("SELECT * FROM rain_events") == []


def test_measured_rain_opens_an_event_with_its_report(flood: Flood) -> None:
    flood.rain(4, 4, 3)
    flood.work()
    found = event(flood)
    # 4 + 4 + 3 mm fell within the hour; the rule opens from 10.
    assert found["because"] == {"origin": "measured", "hours": 1, "mm": 10.0, "reached": 11.0}
    assert (found["level"], found["closed_at"]) == (0, None)
    assert reports(flood) == ["before"]
    assert flood.open_items() == ["T_respond"]


def test_forecast_rain_opens_an_event_of_its_colour(flood: Flood) -> None:
    flood.forecast(0, 20, 20, 15, 0)
    flood.work()
    # 55 mm in the wettest three hours: orange is 50 in three.
    assert event(flood)["level"] == 3


def test_there_is_never_a_second_open_event(flood: Flood) -> None:
    flood.rain(12)
    assert run(OpenRainEvent(), actor=SYSTEM) is not None
    assert run(OpenRainEvent(), actor=SYSTEM) is None
    event(flood)


def test_reports_are_written_until_somebody_decides_and_after(flood: Flood) -> None:
    flood.rain(12)
    flood.work()
    flood.later(minutes=30)
    assert flood.fire() == 1
    assert reports(flood) == ["before", "during"]
    flood.complete("T_respond", outcome="activate", response_level="2", opinion="各单位上岗")
    assert event(flood)["response"] == 2
    assert flood.open_items() == []
    flood.later(minutes=30)
    flood.fire()
    flood.later(minutes=30)
    flood.fire()
    assert reports(flood) == ["before", "during", "during", "during"]


def test_a_response_wants_its_level(flood: Flood) -> None:
    flood.rain(12)
    flood.work()
    with pytest.raises(InvalidInput) as refused:
        flood.complete("T_respond", outcome="activate")
    assert "response_level" in refused.value.fields


def test_only_the_commander_responds(flood: Flood) -> None:
    flood.rain(12)
    flood.work()
    with pytest.raises(Forbidden):
        flood.complete("T_respond", actor=STAFF, outcome="watch")


def test_second_click_on_a_response_is_told_who_was_first(flood: Flood) -> None:
    flood.rain(12)
    flood.work()
    (item,) = flood.rows("SELECT id FROM process_items")
    answers = {"outcome": "activate", "response_level": "1"}
    run(CompleteProcessItem(item["id"], answers), actor=COMMANDER)
    with pytest.raises(StateChanged, match="指挥甲"):
        run(CompleteProcessItem(item["id"], answers), actor=COMMANDER)


def test_heavier_rain_asks_for_the_response_again(flood: Flood) -> None:
    flood.rain(12)
    flood.work()
    flood.complete("T_respond", outcome="watch")
    flood.later(minutes=10)
    # 12 + 45 mm in three hours: orange.
    flood.rain(45)
    assert flood.work().to_judge is not None
    assert event(flood)["top_level"] == 3
    assert flood.open_items() == ["T_respond"]
    levels = flood.rows("SELECT level FROM rain_event_levels ORDER BY id")
    assert [row["level"] for row in levels] == [0, 3]


def test_event_closes_when_it_is_dry_and_no_alert_is_open(flood: Flood) -> None:
    flood.rain(12)
    flood.water(20)
    flood.work()
    flood.complete("T_respond", outcome="watch")
    flood.later(hours=4)
    assert flood.work().to_judge is None
    flood.water(1)
    flood.work()
    assert event(flood)["closed_at"] == flood.clock.now()
    assert flood.open_items() == ["T_review_rain"]
    flood.complete("T_review_rain", outcome="reviewed", opinion="布防到位", lessons="泵车到得慢")
    assert reports(flood)[-1] == "after"
    assert event(flood)["review"]["lessons"] == "泵车到得慢"
    assert flood.open_items() == []


def test_event_closes_though_nobody_responded(flood: Flood) -> None:
    flood.rain(12)
    flood.work()
    flood.later(hours=4)
    flood.work()
    assert flood.open_items() == ["T_review_rain"]


def test_event_waits_for_rain_that_is_forecast(flood: Flood) -> None:
    flood.forecast(0, 0, 0, 0, 0, 20, 20)
    flood.work()
    flood.later(hours=4)
    assert flood.work().to_judge is None
    assert event(flood)["closed_at"] is None


def test_a_closed_event_is_judged_no_more(flood: Flood) -> None:
    flood.rain(12)
    flood.work()
    flood.later(hours=4)
    flood.work()
    assert run(JudgeRainEvent(event(flood)["id"]), actor=SYSTEM) is False


def test_reports_are_told_to_commander_leader_and_units_with_points(flood: Flood) -> None:
    flood.rain(12)
    flood.work()
    told = flood.rows(
        "SELECT payload FROM outbox WHERE payload ->> 'template' = 'rain_report_before' ORDER BY id"
    )
    to = [(row["payload"]["role"], row["payload"]["unit_id"]) for row in told]
    assert to == [
        ("flood_commander", None),
        ("leader", None),
        ("unit_manager", 11),
        ("unit_manager", 12),
    ]
    figures = told[0]["payload"]["figures"]
    assert [one["key"] for one in figures] == ["likely_to_flood", "staff_due"]
