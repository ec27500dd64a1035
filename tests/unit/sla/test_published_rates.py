"""The rates that cities printed come out digit for digit."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from sla.indicators import Tally, indicators, load_counting_rules, rate

PUBLISHED = Path(__file__).parents[4] / "shared" / "data" / "published_rates.tsv"


def published() -> list[dict[str, str]]:
    if not PUBLISHED.exists():
        pytest.skip(f"no published figures: {PUBLISHED} is not there")
    with PUBLISHED.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def test_each_printed_percentage_is_met() -> None:
    rows = published()
    assert rows
    for row in rows:
        met = rate(int(row["numerator"]), int(row["denominator"]))
        assert str(met) == row["printed_percent"], row


def test_each_printed_percentage_is_met_by_its_indicator() -> None:
    by_name = {figure.name: figure for figure in indicators(load_counting_rules()).values()}
    for row in published():
        figure = by_name[row["indicator"]]
        assert figure.ratio is not None
        counted = Tally(**{figure.ratio.of: int(row["numerator"]), "due": int(row["denominator"])})
        assert figure.ratio.over == "due"
        assert str(figure.value(counted)) == row["printed_percent"], row
