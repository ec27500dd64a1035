"""The other metrics of a device at a moment, for rules that look at two."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from psycopg import Connection

from app.sensing.rules import Rule
from sla.sensing import Reading

_NEWEST: Final = """
SELECT device_id, metric, at, value FROM latest_readings
WHERE device_id = ANY(%s) AND metric = ANY(%s) AND at IS NOT NULL
"""


@dataclass
class Others:
    """Readings by device and metric, each in order of time."""

    rows: dict[tuple[int, int], tuple[list[datetime], list[float]]] = field(default_factory=dict)

    def at(self, device: int, metrics: Iterable[int], at: datetime) -> dict[int, Reading]:
        """Return the newest reading of each metric up to a moment."""
        found: dict[int, Reading] = {}
        for metric in metrics:
            times, values = self.rows.get((device, metric), ((), ()))
            place = bisect_right(times, at)
            if place:
                found[metric] = Reading(times[place - 1], values[place - 1])
        return found

    def add(self, device: int, metric: int, at: datetime, value: float) -> None:
        """Add a reading that is newer than those before it; an older one says nothing."""
        times, values = self.rows.setdefault((device, metric), ([], []))
        if not times or at > times[-1]:
            times.append(at)
            values.append(value)


def others_of(
    connection: Connection[Any],
    looking: Iterable[tuple[int, Rule]],
    stored: Sequence[tuple[int, int, datetime, float]],
) -> Others:
    """Return what devices' rules look at besides: the newest of before, and what was just stored."""
    wanted = {(device, metric) for device, rule in looking for metric in rule.shape.looking.others}
    found = Others()
    if not wanted:
        return found
    lists = sorted({device for device, _ in wanted}), sorted({metric for _, metric in wanted})
    for row in connection.execute(_NEWEST, lists, prepare=True):
        found.add(*row)
    for device, metric, at, value in stored:
        if (device, metric) in wanted:
            found.add(device, metric, at, value)
    return found
