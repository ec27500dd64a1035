"""The figures that cities printed, from facts through the ranking to the workbook's cells."""

from __future__ import annotations

import csv
from io import BytesIO
from pathlib import Path

import pytest
from openpyxl import load_workbook
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.assessment.notice.workbook import notice_workbook
from app.assessment.scored import scored
from tests.ranking_facts import OCTOBER, SHANGHAI, Facts, october, september, small_city

PUBLISHED = Path(__file__).parents[3] / "shared" / "data" / "published_rates.tsv"
# A year of a whole city is counted in the unit tests; here each case is a row.
MOST_CASES = 20_000

ADD_UNIT = """
INSERT INTO units (id, code, name, name_en, level, parent_id, path, rank_group)
VALUES (:id, :code, :code, :code, 2, 1, '/1/' || :id || '/', 'district')
"""
# All due, so many of them closed: in time where the printed rate is the one on time, else late.
ADD_FACTS = """
INSERT INTO facts (case_id, unit_id, dispatch_no, valid_from, channel, dispatched_at, due_at,
    handed_in_at, on_time, closed_at, closed_as, extensions, reworks, on_hold, void, exempt,
    unfounded_returns, media_supervisions, overdue_flag)
SELECT :case_id, :unit_id, i, :begun, 'collector', :begun, :due,
    CASE WHEN i <= :done THEN :closed END, CASE WHEN i <= :done THEN :on_time END,
    CASE WHEN i <= :done THEN :closed END, CASE WHEN i <= :done THEN 'closed' END,
    0, 0, FALSE, FALSE, FALSE, 0, 0, FALSE
FROM generate_series(1, :due_cases) AS i
"""


@pytest.fixture
def published() -> list[dict[str, str]]:
    if not PUBLISHED.exists():
        pytest.skip(f"no published figures: {PUBLISHED} is not there")
    with PUBLISHED.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return [row for row in rows if int(row["denominator"]) <= MOST_CASES]


def test_printed_rates_come_out_digit_for_digit(
    session: Session, published: list[dict[str, str]]
) -> None:
    facts: Facts = small_city(session)
    for number, row in enumerate(published, start=500):
        session.execute(text(ADD_UNIT), {"id": number, "code": f"R{number}"})
        on_time = row["indicator"] == "按期结案率"
        values = {
            "case_id": facts.case(),
            "unit_id": number,
            "begun": september(29),
            "due": october(10),
            "closed": october(9) if on_time else october(12),
            "on_time": on_time,
            "done": int(row["numerator"]),
            "due_cases": int(row["denominator"]),
        }
        session.execute(text(ADD_FACTS), values)
    ranking = facts.ranking()
    by_code = {row.unit.code: row for row in ranking.rows}
    by_name = {figure.name: figure for figure in ranking.figures.values()}
    for number, row in enumerate(published, start=500):
        counted = by_code[f"R{number}"].tally
        assert str(by_name[row["indicator"]].value(counted)) == row["printed_percent"], row
    assert len(published) == 6


def test_printed_rates_stand_in_the_cells(
    session: Session, published: list[dict[str, str]]
) -> None:
    facts: Facts = small_city(session)
    row = next(
        row for row in published if row["denominator"] == "972" and row["numerator"] == "911"
    )
    values = {
        "case_id": facts.case(), "unit_id": 11, "begun": september(29), "due": october(10),
        "closed": october(12), "on_time": False, "done": 911, "due_cases": 972,
    }  # fmt: skip
    session.execute(text(ADD_FACTS), values)
    ranking = scored(session, OCTOBER.period(SHANGHAI))
    content = notice_workbook(session, ranking, OCTOBER, SHANGHAI)
    sheet = load_workbook(BytesIO(content), data_only=True)["区县"]
    cell = sheet["F7"]
    assert (sheet["B7"].value, sheet["F5"].value) == ("东区", "结案率")
    assert (f"{cell.value:.2%}", cell.number_format) == (f"{row['printed_percent']}%", "0.00%")
