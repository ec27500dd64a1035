"""What levels and values are called."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from app.sensing.rules import shipped_metrics
from sla.metrics import Metric

# Level -> its name in Chinese and in English.
LEVEL_NAMES: Final = {
    0: ("正常", "Normal"),
    1: ("蓝色", "Blue"),
    2: ("黄色", "Yellow"),
    3: ("橙色", "Orange"),
    4: ("红色", "Red"),
}


@lru_cache(maxsize=1)
def metrics_by_number() -> dict[int, Metric]:
    """Return the metrics by the number that rows hold."""
    return {metric.number: metric for metric in shipped_metrics().by_name.values()}


def value_text(metric: int | None, value: float) -> str:
    """Return a value with its unit; of a silent device, for how many minutes nothing was heard."""
    if metric is None:
        return f"{value:.0f} min"
    found = metrics_by_number().get(metric)
    number = f"{value:.2f}".rstrip("0").rstrip(".")
    return f"{number} {found.unit}".strip() if found else number
