"""Each figure of a report is what a plain count in the database says, and stays as it was."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from docx import Document
from sqlalchemy import select

from app.flood.commands.orders import IssueOrder, StepOrder
from app.flood.commands.trucks import ChangeTruck
from app.flood.documents.contents import contents_of
from app.flood.documents.pdf import report_pdf
from app.flood.documents.word import report_word
from app.flood.events import reports_of
from app.flood.figures import Span
from app.flood.reports import FIGURES
from app.flood.tables import RainReport
from app.flood.wording import COLUMNS, SHOWN
from app.run import SYSTEM, run
from app.sensing.following import FindAlertsToFollow, FollowAlert
from app.sensing.rule_commands import EndRule
from sla.flood_files import shipped_flood_policy
from tests.flood.conftest import COMMANDER, OTHER, STAFF, Flood
from tests.flood.test_duty import sign_on

NOW = "(SELECT max(as_of) FROM rain_reports)"
FROM = "(SELECT opened_at FROM rain_events)"
# Figure -> the same by a plain count, as of the last report.
COUNTS = {
    "during": {
        "measured_rain": "SELECT max(mm) FROM (SELECT sum(value) AS mm FROM readings WHERE metric = 3"
        f" AND at > {FROM} AND at <= {NOW} GROUP BY device_id) g",
        "rain_by_district": "SELECT avg(mm) FROM (SELECT sum(value) AS mm FROM readings WHERE metric = 3"
        f" AND at > {FROM} AND at <= {NOW} GROUP BY device_id) g",
        "points_with_water": "SELECT count(*) FROM latest_readings WHERE metric = 1 AND value > 0",
        "open_alerts": "SELECT count(*) FROM alerts WHERE closed_at IS NULL",
        "cases_raised": "SELECT count(*) FROM cases WHERE channel = 'sensor'",
        "orders": "SELECT count(*) FROM flood_orders",
        "on_duty": "SELECT count(*) FROM duty_sign_ons WHERE off_at IS NULL",
        "missing": "SELECT count(*) FROM duty_shifts s WHERE NOT EXISTS"
        " (SELECT FROM duty_sign_ons o WHERE o.person_id = s.person_id)",
    },
    "after": {
        "peaks": f"SELECT max(value) FROM readings WHERE metric = 1 AND at > {FROM}",
        "alerts_by_level": f"SELECT count(*) FROM alerts WHERE opened_at >= {FROM}",
        "cases_raised": "SELECT count(*) FROM cases WHERE channel = 'sensor'",
        "cases_closed": "SELECT count(*) FROM cases WHERE channel = 'sensor' AND closed_at IS NOT NULL",
        "orders": "SELECT count(*) FROM flood_orders",
        "people_deployed": "SELECT count(DISTINCT person_id) FROM duty_sign_ons",
        "pump_hours": "SELECT extract(epoch FROM max(at) FILTER (WHERE state = 'on_way')"
        " - max(at) FILTER (WHERE state = 'working')) / 3600 FROM pump_truck_changes",
    },
    "before": {
        "forecast_rain": "SELECT max(mm) FROM (SELECT (SELECT sum(h) FROM unnest(hours_mm) h) AS mm"
        " FROM rain_forecasts) f",
        "likely_to_flood": "SELECT count(*) FROM sites WHERE kind IN ('underpass', 'low_lying')",
        "staff_due": f"SELECT count(DISTINCT person_id) FROM duty_shifts WHERE added_at < {FROM}",
    },
}


@pytest.fixture
def told(flood: Flood) -> Flood:
    """Return a rain of some hours, reported before, during and after."""
    flood.forecast(16, 22, 0)
    flood.shift(OTHER, "F-2")
    flood.later(minutes=1)
    flood.work()
    flood.complete("T_respond", outcome="activate", response_level="3", opinion="上岗")
    sign_on(flood)
    truck = flood.truck()
    order = run(IssueOrder("抽水", truck_id=truck, site_id=flood.sites["F-1"]), actor=COMMANDER)
    run(StepOrder(order["order_id"], "T_acknowledge", {"outcome": "acknowledge"}), actor=STAFF)
    flood.later(minutes=10)
    run(ChangeTruck(truck, "working", flood.sites["F-1"]), actor=STAFF)
    flood.rain(6, 7)
    flood.rain(3, 2, gauge="RG-2")
    flood.water(31)
    flood.water(7, device="FP-2")
    for alert_id in run(FindAlertsToFollow(100), actor=SYSTEM):
        run(FollowAlert(alert_id), actor=SYSTEM)
    flood.later(minutes=20)
    flood.fire()
    return flood


def last(flood: Flood, kind: str) -> dict[str, Any]:
    found = flood.rows(
        "SELECT data FROM rain_reports WHERE kind = :kind ORDER BY id DESC LIMIT 1", kind=kind
    )
    return {one["key"]: one for one in found[0]["data"]["figures"]}


def over(flood: Flood) -> None:
    truck = flood.rows("SELECT id FROM pump_trucks")[0]["id"]
    flood.later(hours=1, minutes=30)
    run(ChangeTruck(truck, "on_way", flood.sites["F-1"]), actor=STAFF)
    flood.later(hours=3)
    flood.water(0)
    flood.water(0, device="FP-2")
    flood.work()
    flood.complete("T_review_rain", outcome="reviewed", opinion="处置得当", lessons="加一台泵车")


@pytest.mark.parametrize("kind", ["before", "during", "after"])
def test_figures_agree_with_plain_counts(told: Flood, kind: str) -> None:
    if kind == "after":
        over(told)
    figures = last(told, kind)
    assert figures.keys() == FIGURES[kind].keys()
    for key, statement in COUNTS[kind].items():
        (row,) = told.rows(f"SELECT ({statement}) AS wanted")
        assert figures[key]["value"] == pytest.approx(float(row["wanted"]), abs=0.0006), key


def test_alert_that_ended_with_its_rule_was_not_cleared(told: Flood) -> None:
    told.later(minutes=10)
    told.water(0, device="FP-2")
    run(EndRule(told.rows("SELECT id FROM sensor_rules")[0]["id"]), actor=SYSTEM)
    over(told)
    found = last(told, "after")
    (orange, blue) = found["alerts_by_level"]["lines"]
    assert (orange["closed"], orange["withdrawn"], orange["closed_after_minutes"]) == (0, 1, None)
    # 20 minutes of the rain that is told, and 10 more.
    assert (blue["closed"], blue["withdrawn"], blue["closed_after_minutes"]) == (1, 0, 30)
    for what, condition in (
        ("alert_closed", "ended_with IS NULL"),
        ("alert_withdrawn", "ended_with IS NOT NULL"),
    ):
        (row,) = told.rows(f"SELECT count(*) AS n FROM alerts WHERE {condition}")
        assert [line["what"] for line in found["course"]["lines"]].count(what) == row["n"] == 1


def test_lines_open_what_a_figure_sums(told: Flood) -> None:
    over(told)
    for figure in last(told, "after").values():
        if figure["key"] in {"orders", "cases_raised", "course"}:
            assert len(figure["lines"]) == figure["value"], figure["key"]
    assert last(told, "after")["review"]["lines"][0]["lessons"] == "加一台泵车"
    levels = [line["alerts"] for line in last(told, "after")["alerts_by_level"]["lines"]]
    assert sum(levels) == last(told, "after")["alerts_by_level"]["value"]


def test_columns_stand_in_the_order_in_which_figures_are_defined(told: Flood) -> None:
    over(told)
    (event,) = told.rows("SELECT id, opened_at, closed_at FROM rain_events")
    span = Span(
        event["id"],
        event["opened_at"],
        event["closed_at"],
        told.clock.now(),
        shipped_flood_policy(),
    )
    with told.database.sessions() as session:
        for counts in FIGURES.values():
            for key, count in counts.items():
                if lines := count(session, span).lines:
                    shown = [name for name in lines[0] if name in SHOWN.get(key, ())]
                    assert shown == list(SHOWN.get(key, ())), key


@pytest.mark.parametrize("kind", ["before", "during", "after"])
def test_stored_report_is_shown_in_that_order(told: Flood, settings, kind: str) -> None:
    """PostgreSQL keeps the keys of JSON by length: `mm` would come first."""
    if kind == "after":
        over(told)
    with told.database.sessions() as session:
        report = session.scalars(select(RainReport).where(RainReport.kind == kind)).first()
        assert report is not None
        parts = contents_of(report, settings.timezone).parts
        for part, figure in zip(parts, report.data["figures"], strict=True):
            if figure["lines"] and figure["key"] != "review":
                titles = tuple(COLUMNS[name] for name in SHOWN[figure["key"]])
                assert part.columns == titles, figure["key"]
    if kind == "before":
        assert parts[0].columns[:3] == ("区县", "预报来源", "发布")
        assert "（1 个班次）" in parts[2].sentence


def test_report_stays_as_it_was(told: Flood) -> None:
    before = last(told, "during")
    told.later(minutes=5)
    told.water(50)
    run(IssueOrder("再派一车", person_id=STAFF.person_id), actor=COMMANDER)
    assert last(told, "during") == before


def test_parameters_stand_beside_each_figure(told: Flood) -> None:
    figures = last(told, "during")
    opened = told.rows("SELECT opened_at FROM rain_events")[0]["opened_at"].isoformat()
    assert figures["measured_rain"]["parameters"]["from_at"] == opened
    assert all(figure["parameters"] for figure in figures.values())


def test_reports_are_printed_the_same_each_time(told: Flood, settings) -> None:
    over(told)
    event = told.rows("SELECT id FROM rain_events")[0]["id"]
    with told.database.sessions() as session:
        for report in reports_of(session, event):
            contents = contents_of(report, settings.timezone)
            word, pdf = report_word(contents), report_pdf(contents)
            assert (word, pdf) == (report_word(contents), report_pdf(contents))
            assert pdf.startswith(b"%PDF-")
            text = "\n".join(p.text for p in Document(BytesIO(word)).paragraphs)
            assert contents.title in text
    assert "加一台泵车" in text
