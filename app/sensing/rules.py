"""Rules as they are stored, and which of them hold for a device."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

import orjson
from psycopg import Connection

from app.errors import InvalidInput
from app.sensing.decided import LinesOf
from app.sensing.shapes import Shape, shape_of
from app.sensing.storing import Known
from sla.metrics import Metrics, load_metrics
from sla.sensing import Threshold

log = logging.getLogger(__name__)

_COLUMNS: Final = (
    "id, kind, metric, data, samples, device_ids, device_kinds, scenes, valid_from, valid_to"
)
# An ended rule is still asked while it has a state: what is on must be brought to its end.
_RULES: Final = f"""
SELECT {_COLUMNS} FROM sensor_rules r WHERE metric = ANY(%(metrics)s)
    AND (valid_to IS NULL OR valid_to > %(first)s
        OR EXISTS (SELECT FROM sensor_rule_states s WHERE s.rule_id = r.id))
ORDER BY id
"""  # noqa: S608 (a constant)
_ONE: Final = f"SELECT {_COLUMNS} FROM sensor_rules WHERE id = %s"  # noqa: S608 (a constant)
_WALKED: Final = f"{_RULES} FOR KEY SHARE"
_SILENT: Final = f"""
SELECT {_COLUMNS} FROM sensor_rules WHERE kind = 'silent' ORDER BY id
"""  # noqa: S608 (a constant)


@dataclass(frozen=True)
class Rule:
    """A rule of one metric, or of silence. Empty sets hold for all."""

    id: int
    metric: int
    shape: Shape
    device_ids: frozenset[int]
    kinds: frozenset[str]
    scenes: frozenset[str]
    valid_from: datetime
    valid_to: datetime | None
    zone: ZoneInfo
    lines_of: LinesOf | None = None

    def holds_for(self, device: Known) -> bool:
        """Tell whether the rule is about a device."""
        return (
            (not self.device_ids or device.id in self.device_ids)
            and (not self.kinds or device.kind in self.kinds)
            and (not self.scenes or device.scene in self.scenes)
        )

    def threshold_for(self, device: Known) -> Threshold | None:
        """Return the lines for a device; None where its scene has none."""
        if self.shape.lines is not None:
            return _threshold(self.shape, self.shape.lines)
        try:
            lines = self.lines_of(device.scene) if self.lines_of else ()
        except InvalidInput as error:
            log.warning("rule %s is not walked for %s: %s", self.id, device.scene, error)
            return None
        return _threshold(self.shape, lines) if lines else None

    def holds_at(self, at: datetime) -> bool:
        """Tell whether the rule is in force and looks at this time."""
        if not (self.valid_from <= at and (self.valid_to is None or at < self.valid_to)):
            return False
        times = self.shape.times
        if times.season is None and times.hours is None:
            return True
        return times.hold(at.astimezone(self.zone))

    @property
    def walks_late(self) -> bool:
        """Tell whether readings that come late can be judged alone: what looks back or aside cannot."""
        return self.shape.looking.is_plain and not self.shape.lasting


@lru_cache(maxsize=1024)
def _threshold(shape: Shape, lines: tuple[Any, ...]) -> Threshold:
    return shape.threshold_of(lines)


@lru_cache(maxsize=1)
def shipped_metrics() -> Metrics:
    """Return what is measured; read once in a process."""
    return load_metrics()


def rules_of(
    connection: Connection[Any],
    metrics: Iterable[int],
    zone: ZoneInfo,
    first: datetime,
    *,
    walking: bool = False,
) -> list[Rule]:
    """Return the rules of some metrics that bear on readings from a moment on. walking: whoever ends one waits.

    One whose table is gone or broken is left out and said to be: readings are stored whatever rules are worth.
    """
    parameters = {"metrics": sorted(set(metrics)), "first": first}
    statement = _WALKED if walking else _RULES
    rows = connection.execute(statement, parameters, prepare=True).fetchall()
    found = []
    for row in rows:
        try:
            found.append(rule_of(connection, row, zone))
        except InvalidInput as error:
            log.warning("rule %s is not walked: %s", row[0], error)
    return found


def silent_rules(connection: Connection[Any], zone: ZoneInfo) -> list[Rule]:
    """Return every rule of devices that fall silent."""
    return [rule_of(connection, row, zone) for row in connection.execute(_SILENT)]


def rule_with_id(connection: Connection[Any], rule_id: int, zone: ZoneInfo) -> Rule | None:
    """Return a rule, in force or not; None where its table is gone or broken."""
    row = connection.execute(_ONE, (rule_id,)).fetchone()
    try:
        return None if row is None else rule_of(connection, row, zone)
    except InvalidInput as error:
        log.warning("rule %s has no lines: %s", rule_id, error)
        return None


def rule_of(connection: Connection[Any], row: tuple[Any, ...], zone: ZoneInfo) -> Rule:
    """Return a rule of its row."""
    number, kind, metric, data, samples, device_ids, kinds, scenes, valid_from, valid_to = row
    shape = _shape(kind, orjson.dumps(data), samples)
    return Rule(
        number,
        metric or 0,
        shape,
        frozenset(device_ids),
        frozenset(kinds),
        frozenset(scenes),
        valid_from,
        valid_to,
        zone,
        None if shape.decided is None else shape.decided.of(connection),
    )


@lru_cache(maxsize=1024)
def _shape(kind: str, data: bytes, samples: int) -> Shape:
    """Check a rule's data once: a batch reads every rule of its metrics."""
    parsed: Mapping[str, Any] = orjson.loads(data)
    return shape_of(kind, parsed, samples, shipped_metrics().by_name)
