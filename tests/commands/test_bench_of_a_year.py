"""The benchmark of the assessment runs, on a small year: what it measures is right, how fast is not looked at."""

from __future__ import annotations

import pytest

from app.settings import REPOSITORY
from tests.bench.__main__ import assessment
from tests.bench.scratch import Scratch


@pytest.mark.slow
@pytest.mark.skipif(
    not (REPOSITORY / "node_modules").is_dir(),
    reason="node_modules is not there: python -m app.web.build",
)
def test_small_year_is_measured_and_agrees_with_duckdb() -> None:
    scratch = Scratch()
    try:
        figures = {one.name: one for one in assessment(scratch, 5000, size="demo", rounds=1)}
    finally:
        scratch.close()
    # DuckDB's counts were held against ours on the way.
    assert "2025-10 counted against DuckDB on Parquet" in figures
    assert figures["differences found by that"].value == 0
    assert sum(name.startswith("2025-") and "ranked" in name for name in figures) == 12
