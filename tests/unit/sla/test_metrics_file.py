"""What is measured: each way that the file may be wrong is named by its key."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.errors import DefinitionError
from sla.metrics import METRICS_FILE, load_metrics


def _changed(tmp_path: Path, before: str, after: str) -> Path:
    text = METRICS_FILE.read_text(encoding="utf-8")
    assert text.count(before) >= 1
    file = tmp_path / "metrics.yml"
    file.write_text(text.replace(before, after, 1), encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("before", "after", "named"),
    [
        ("metrics:\n", "metric:\n", "metric"),
        ("accepted:\n  ahead_s", "accepted:\n  ahead", "accepted.ahead"),
        ("ahead_s: 300", "ahead_s: soon", "accepted.ahead_s"),
        ("behind_days: 400", "behind_days: -1", "accepted.behind_days"),
        ("number: 1,", "number: 0,", "metrics.depth_cm.number"),
        ("number: 1,", "number: 32768,", "metrics.depth_cm.number"),
        ("number: 1,", "number: one,", "metrics.depth_cm.number"),
        ("number: 2,", "number: 1,", "metrics.level_m"),
        ("number: 1,", "nummer: 1,", "metrics.depth_cm.nummer"),
        ("low: -5, high: 500", "low: 500, high: -5", "metrics.depth_cm"),
        ("low: -5, high: 500", "low: 5, high: 5", "metrics.depth_cm"),
        ("low: -5", "low: deep", "metrics.depth_cm.low"),
        ("low: -5", "low: true", "metrics.depth_cm.low"),
        ("low: -5", "low: .nan", "metrics.depth_cm.low"),
        ("high: 500", "high: .inf", "metrics.depth_cm.high"),
        ("unit: cm", "unit: 1", "metrics.depth_cm.unit"),
        ("name: 积水深度", "name: [x]", "metrics.depth_cm.name"),
        ("  depth_cm:       {number", "  depth_cm:       [number", "line"),
        ("metrics:\n", "metrics: 3\nx:\n", "x"),
    ],
)
def test_a_wrong_file_is_refused_by_name(
    tmp_path: Path, before: str, after: str, named: str
) -> None:
    with pytest.raises(DefinitionError) as refused:
        load_metrics(_changed(tmp_path, before, after))
    fault = refused.value.faults[0]
    assert fault.file == "metrics.yml"
    assert fault.element.startswith(named)
    assert fault.remedy


def test_the_shipped_file_is_right() -> None:
    assert load_metrics().by_name["depth_cm"].unit == "cm"
