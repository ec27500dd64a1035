"""Points as a spreadsheet rounds them: halves that binary fractions miss by a hair, over many figures at once."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest
from openpyxl.utils import get_column_letter

from app.assessment.notice.formulas import points_formula, rate_formula, total_formula
from app.web.spreadsheets.writing import Formula, Spreadsheet
from sla.counting_rules import CountingRules
from sla.figures import Figure, Measure, figure_key
from sla.indicators import rate
from sla.schemes import Kind, Scheme
from sla.scoring import entered_key, score
from tests.notice_facts import every_scheme
from tests.office import needs_office, recalculated
from tests.ranking_facts import october

ROWS = 1500


@dataclass
class Places:
    """Where a row's figures and points stand."""

    columns: dict[str, str]
    row: int

    def figure(self, key: str) -> str:
        return self.columns[key] + str(self.row)

    def points(self, code: str) -> str:
        return self.columns[f"points:{code}"] + str(self.row)

    def mark(self, code: str) -> str:
        return self.columns[entered_key(code)] + str(self.row)


def keys_of(scheme: Scheme) -> list[str]:
    keys = []
    for line in scheme.every_line():
        if line.kind is Kind.ENTERED:
            keys.append(entered_key(line.code))
        elif line.indicator:
            keys.append(line.figure)
        if line.double_for:
            keys.append(figure_key(line.indicator, line.double_for))
    return list(dict.fromkeys(keys))


def some(random: Random, key: str) -> int | Decimal | None:
    if key.startswith("entered:"):
        return random.choice([None, Decimal(random.randrange(12_000)) / 1000])
    measure = Figure.of(key).measure
    if measure is Measure.CASES:
        return random.randrange(8)
    least = None if random.random() < 0.1 else Decimal(random.randrange(10_001)) / 100
    return least if measure is Measure.PERCENT or least is None else least / 10


def cell(key: str, value: int | Decimal | None) -> Any:
    if value is None:
        return "无数据"
    is_rate = not key.startswith("entered:") and Figure.of(key).measure is Measure.PERCENT
    return value if isinstance(value, int) else float(value.scaleb(-2) if is_rate else value)


@needs_office
@pytest.mark.parametrize("name", ["every_kind", "jinhua", "yangzhou"])
def test_points_are_rounded_as_the_score_is(tmp_path: Path, name: str) -> None:
    scheme, random = every_scheme()[name], Random(name)
    lines = [
        one for line in scheme.lines for one in (*line.lines, line) if one.kind is not Kind.COLUMN
    ]
    keys = keys_of(scheme)
    named = [*keys, *(f"points:{line.code}" for line in lines)]
    columns = {key: get_column_letter(place) for place, key in enumerate(named, start=1)}
    file = Spreadsheet("t", october(1))
    sheet, expected = file.sheet("s", [10]), []
    for row in range(1, ROWS + 1):
        figures = {key: some(random, key) for key in keys}
        scored, at = score(scheme, figures | {"due": 9}), Places(columns, row)
        points = [scored.points_of(line.code) for line in lines]
        giving = [at.points(line.code) for line in scheme.lines if line.kind is not Kind.COLUMN]
        formulas = [points_formula(line, at, scheme, 2) for line in lines]
        formulas.append(total_formula(giving, scheme.decimals))
        sheet.add(
            [*(cell(key, figures[key]) for key in keys), *(Formula(one, 0) for one in formulas)]
        )
        expected.append([float(one) for one in (*points, scored.total) if one is not None])
    computed = recalculated(file.content(), tmp_path)["s"]
    found = [list(row)[len(keys) :] for row in computed.iter_rows(values_only=True)]
    assert found == [pytest.approx(row, abs=1e-12) for row in expected]


@needs_office
@pytest.mark.parametrize("decimals", [0, 1, 2])
def test_rates_are_rounded_as_they_are_published(tmp_path: Path, decimals: int) -> None:
    rules = CountingRules(decimals=decimals)
    file = Spreadsheet("t", october(1))
    sheet = file.sheet("s", [10])
    # Every half there is below two hundred, and of larger numbers those that end in one.
    pairs = [
        (of, over)
        for over in (*range(1, 201), 320, 640, 800, 1600, 4000, 32_000)
        for of in range(over + 1)
        if (of * 100 * 10**decimals * 2) % over == 0
    ]
    for row, (of, over) in enumerate(pairs, start=1):
        sheet.add([of, over, Formula(rate_formula(f"A{row}", f"B{row}", rules), 0)])
    computed = recalculated(file.content(), tmp_path)["s"]
    for (of, over), row in zip(pairs, computed.iter_rows(values_only=True), strict=True):
        published = rate(of, over, decimals)
        assert published is not None
        assert row[2] == pytest.approx(float(published.scaleb(-2)), abs=1e-12), (of, over)
    assert len(pairs) > 500
