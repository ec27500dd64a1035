"""Rules as they are stored, and which of them hold for a device."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg import Connection

from app.errors import InvalidInput
from app.sensing.storing import Known
from sla.sensing import Level, Line, Threshold

_RULES: Final = """
SELECT id, metric, data, samples, device_ids, device_kinds, scenes, valid_from, valid_to
FROM sensor_rules WHERE metric = ANY(%s) ORDER BY id
"""


@dataclass(frozen=True)
class Rule:
    """A rule of one metric. Empty sets hold for all."""

    id: int
    metric: int
    threshold: Threshold
    device_ids: frozenset[int]
    kinds: frozenset[str]
    scenes: frozenset[str]
    valid_from: datetime
    valid_to: datetime | None

    def holds_for(self, device: Known) -> bool:
        """Tell whether the rule is about a device."""
        return (
            (not self.device_ids or device.id in self.device_ids)
            and (not self.kinds or device.kind in self.kinds)
            and (not self.scenes or device.scene in self.scenes)
        )

    def holds_at(self, at: datetime) -> bool:
        """Tell whether the rule is in force."""
        return self.valid_from <= at and (self.valid_to is None or at < self.valid_to)


def rules_of(connection: Connection[Any], metrics: Iterable[int]) -> list[Rule]:
    """Return every rule of some metrics."""
    rows = connection.execute(_RULES, (sorted(set(metrics)),), prepare=True)
    return [
        Rule(
            number,
            metric,
            threshold_of(data, samples),
            frozenset(device_ids),
            frozenset(kinds),
            frozenset(scenes),
            valid_from,
            valid_to,
        )
        for number, metric, data, samples, device_ids, kinds, scenes, valid_from, valid_to in rows
    ]


def threshold_of(data: Mapping[str, Any], samples: int) -> Threshold:
    """Return the lines of a rule as stored. Raises InvalidInput when they are none."""
    try:
        lines = tuple(
            Line(Level(line["level"]), float(line["rise"]), float(line["fall"]))
            for line in data["lines"]
        )
    except (KeyError, TypeError, ValueError) as exc:
        raise InvalidInput({"lines": "每条警戒线要有等级、触发值和解除值。"}) from exc
    return Threshold(lines, samples)


def threshold_data(lines: Iterable[Line]) -> dict[str, Any]:
    """Return lines as they are stored."""
    return {
        "lines": [
            {"level": int(line.level), "rise": line.rise, "fall": line.fall} for line in lines
        ]
    }
