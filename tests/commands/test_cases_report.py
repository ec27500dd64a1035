"""Reporting a case: number, place, first stage, bad input."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.cases.commands import ReportCase
from app.errors import Forbidden, InvalidInput
from app.run import run
from tests.factories import IN_GRID, OUTSIDE


def report(desk, **given):
    command = ReportCase(**{"channel": "collector", "title": "路边垃圾", **given})
    return run(command, actor=desk.city.collector)


def test_reported_case_is_numbered_by_day_and_located(desk):
    first, second = report(desk, **IN_GRID), report(desk, **IN_GRID)
    assert [first.number, second.number] == ["20251125000001", "20251125000002"]
    case = desk.case(first.case_id)
    assert case["grid_code"] == "140106001001001"
    assert case["responsibility_code"] == "R1"
    assert case["district_code"] == "140106"
    assert not case["outside_city"]


def test_number_follows_the_city_day_not_the_utc_day(desk, clock):
    clock.move_to(datetime(2025, 11, 25, 16, 30, tzinfo=UTC))  # 00:30 of the 26th in Shanghai
    assert report(desk).number == "20251126000001"


def test_collectors_report_waits_for_acceptance_within_its_clock(desk):
    case_id = report(desk, **IN_GRID).case_id
    assert desk.open_elements(case_id) == ["T_accept"]
    item = desk.rows("SELECT * FROM work_items WHERE case_id = :id", id=case_id)[0]
    assert (item["role"], item["unit_id"], item["stage"]) == ("intake_officer", None, "accepting")
    assert item["due_at"] == datetime(2025, 11, 25, 1, 15, tzinfo=UTC)  # 15 minutes
    assert desk.case(case_id)["stage"] == "accepting"


def test_public_report_is_verified_first(desk):
    case_id = report(desk, channel="public", **IN_GRID).case_id
    assert desk.open_elements(case_id) == ["T_verify"]


def test_place_outside_the_city_is_accepted_marked_and_sent_to_a_person(desk):
    case_id = report(desk, **OUTSIDE).case_id
    case = desk.case(case_id)
    assert case["outside_city"]
    assert case["grid_code"] is None
    assert desk.open_elements(case_id) == ["T_verify"]
    logged = desk.rows("SELECT data FROM case_log WHERE case_id = :id", id=case_id)
    assert logged[0]["data"]["outside_city"] is True


def test_report_without_coordinates_is_not_marked_outside(desk):
    assert not desk.case(report(desk).case_id)["outside_city"]


def test_self_handled_report_ends_at_once_and_never_counts(desk):
    case_id = report(desk, self_handled=True, **IN_GRID).case_id
    case = desk.case(case_id)
    assert case["closed_as"] == "self_handled"
    assert case["stage"] == "self_handled"
    assert desk.open_elements(case_id) == []
    assert desk.facts(case_id) == []


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"title": "  "}, "title"),
        ({"title": "字" * 201}, "title"),
        ({"title": "a\x00b"}, "title"),
        ({"description": "\ud800"}, "description"),
        ({"title": 7}, "title"),
        ({"channel": "pigeon"}, "channel"),
        ({"lon": 112.5}, "lat"),
        ({"lon": 200.0, "lat": 37.0}, "lon"),
        ({"lon": float("nan"), "lat": 37.0}, "lon"),
        ({"lon": "112", "lat": 37.0}, "lon"),
        ({"class_code": "X-99-99"}, "class_code"),
    ],
)
def test_bad_report_names_its_field(desk, given, field):
    with pytest.raises(InvalidInput) as refused:
        report(desk, **given)
    assert set(refused.value.fields) == {field}


def test_report_from_the_future_is_refused(desk, clock):
    with pytest.raises(InvalidInput) as refused:
        report(desk, reported_at=clock.now() + timedelta(minutes=1))
    assert "reported_at" in refused.value.fields


def test_handler_may_not_report(desk):
    with pytest.raises(Forbidden):
        run(ReportCase(channel="collector", title="垃圾"), actor=desk.city.handler1)
