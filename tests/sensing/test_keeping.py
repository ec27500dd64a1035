"""What is old is thrown away by whole months, on real partitions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.errors import DefinitionError
from app.run import SYSTEM, run
from app.sensing.commands import MakeMonths
from app.sensing.keeping import DropOldReadings
from app.sensing.rules import shipped_metrics
from connectors.samples import Sample
from sla.retention import RETENTION_FILE, Retention, load_retention
from tests.sensing.conftest import NOON, Gauge

KEPT = Retention(readings=1, five_minutes=1, hours=2, days=3, refused=1)
# In Shanghai the clock of the tests stands in November 2025.
OCTOBER_BEGINS = datetime(2025, 9, 30, 16, 0, tzinfo=UTC)


def _partitions(gauge: Gauge, table: str) -> list[str]:
    rows = gauge.rows(
        "SELECT right(inhrelid::regclass::text, 7) FROM pg_inherits WHERE inhparent = CAST(:table AS regclass)"
        " ORDER BY 1",
        table=table,
    )
    return [row[0] for row in rows]


@pytest.fixture
def four_months(gauge: Gauge) -> Gauge:
    for month in (8, 9, 10, 11):
        at = datetime(2025, month, 15, tzinfo=UTC)
        gauge.take([Sample("P-1", at, "depth_cm", 1.0)])
    return gauge


def test_whole_months_go_and_each_kind_has_its_time(four_months: Gauge) -> None:
    run(DropOldReadings(NOON, KEPT), actor=SYSTEM)
    kept = {
        "readings": ["2025_10", "2025_11"],
        "reading_summaries_5": ["2025_10", "2025_11"],
        "reading_summaries_60": ["2025_09", "2025_10", "2025_11"],
        "reading_summaries_1440": ["2025_08", "2025_09", "2025_10", "2025_11"],
    }
    assert {table: _partitions(four_months, table) for table in kept} == kept


def test_what_is_left_is_whole(four_months: Gauge) -> None:
    run(DropOldReadings(NOON, KEPT), actor=SYSTEM)
    assert four_months.rows("SELECT count(*), min(at) FROM readings") == [
        (2, datetime(2025, 10, 15, tzinfo=UTC))
    ]
    counted = "SELECT minutes, sum(n) FROM reading_summaries GROUP BY 1 ORDER BY 1"
    assert four_months.rows(counted) == [(5, 2), (60, 3), (1440, 4)]


def test_a_month_of_the_city_is_kept_to_its_midnight(gauge: Gauge) -> None:
    before = OCTOBER_BEGINS - timedelta(seconds=1)
    gauge.take([Sample("P-1", at, "depth_cm", 1.0) for at in (before, OCTOBER_BEGINS)])
    run(DropOldReadings(NOON, KEPT), actor=SYSTEM)
    assert gauge.rows("SELECT at FROM readings") == [(OCTOBER_BEGINS,)]


def test_a_second_night_finds_nothing(four_months: Gauge) -> None:
    assert len(run(DropOldReadings(NOON, KEPT), actor=SYSTEM)) == 2 + 2 + 1
    assert run(DropOldReadings(NOON, KEPT), actor=SYSTEM) == []


def test_a_late_reading_makes_its_month_anew(four_months: Gauge) -> None:
    run(DropOldReadings(NOON, KEPT), actor=SYSTEM)
    at = datetime(2025, 8, 16, tzinfo=UTC)
    assert four_months.take([Sample("P-1", at, "depth_cm", 1.0)]).stored == 1


def test_coming_months_are_not_old(gauge: Gauge) -> None:
    run(MakeMonths(NOON), actor=SYSTEM)
    run(DropOldReadings(NOON, KEPT), actor=SYSTEM)
    assert _partitions(gauge, "readings") == ["2025_11", "2025_12"]


def test_counts_of_refusals_go_with_their_month(gauge: Gauge) -> None:
    with gauge.database.sessions() as session:
        session.connection().exec_driver_sql(
            "INSERT INTO refused_readings (day_on, source, reason, n, last_at, example) VALUES"
            " ('2025-09-30', 'x', 'malformed', 1, '2025-09-30', ''),"
            " ('2025-10-01', 'x', 'malformed', 1, '2025-10-01', '')"
        )
        session.commit()
    run(DropOldReadings(NOON, KEPT), actor=SYSTEM)
    assert gauge.rows("SELECT day_on::text FROM refused_readings") == [("2025-10-01",)]


def test_shipped_times_outlast_what_is_accepted_late() -> None:
    # The present month aside, of months as short as they get together: 14 of them are 425 days.
    assert load_retention().readings * 30.4 > shipped_metrics().behind.days


@pytest.mark.parametrize(
    ("before", "after", "named"),
    [
        ("hours: 60", "hours: 1.5", "months.hours"),
        ("hours: 60", "hours: 0", "months.hours"),
        ("hours: 60", "hours: 12", "months.hours"),
        ("days: 240", "years: 20", "months.years"),
        ("  days: 240\n", "", "months.days"),
        ("months:", "month:", "month"),
        ("months:", "months: [", "file"),
    ],
)
def test_a_wrong_file_is_refused_by_name(
    tmp_path: Path, before: str, after: str, named: str
) -> None:
    text = RETENTION_FILE.read_text(encoding="utf-8")
    assert before in text
    file = tmp_path / "retention.yml"
    file.write_text(text.replace(f"\n{before}", f"\n{after}").replace(f"  {before}", f"  {after}"))
    with pytest.raises(DefinitionError) as refused:
        load_retention(file)
    assert named in str(refused.value) or "line" in str(refused.value)
