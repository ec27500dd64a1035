"""Try a rule out against what is stored: which alerts it would have raised, where and when."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, Final
from zoneinfo import ZoneInfo

from psycopg import Connection

from app.errors import InvalidInput, Text
from app.sensing.maintenance import Closed, windows_of
from app.sensing.others import Others
from app.sensing.rule_commands import RuleText
from app.sensing.rules import Rule, shipped_metrics
from app.sensing.storing import Known
from sla.looking import Look
from sla.sensing import Episode, Reading, Threshold, episodes

# What can be walked while somebody waits: about ten seconds.
MOST_READINGS: Final = 2_000_000
LONGEST_DAYS: Final = 400

_DEVICES: Final = (
    "SELECT id, kind, scene, code, name, name_en FROM devices WHERE active ORDER BY id"
)
_COUNT: Final = """
SELECT count(*) FROM (
    SELECT FROM readings WHERE device_id = ANY(%(devices)s) AND metric = ANY(%(metrics)s)
        AND at >= %(first)s AND at < %(until)s LIMIT %(most)s + 1) r
"""
_READINGS: Final = """
SELECT device_id, metric, at, value FROM readings
WHERE device_id = ANY(%(devices)s) AND metric = ANY(%(metrics)s) AND at >= %(first)s AND at < %(until)s
ORDER BY device_id, at, metric = %(metric)s
"""


@dataclass(frozen=True)
class TriedDevice:
    """A device that a rule is about, as a list calls it."""

    id: int
    code: str
    name: str
    name_en: str


@dataclass(frozen=True)
class TriedAlert:
    """An alert that a rule would have raised."""

    device: TriedDevice
    episode: Episode


@dataclass(frozen=True)
class Tried:
    """What a try-out found. devices: how many measured the metric in this time, from first_at on.

    readings: how many were walked, of other metrics that the rule looks at too.
    """

    alerts: Sequence[TriedAlert]
    devices: int
    readings: int
    first_at: datetime | None


def try_rule(
    connection: Connection[Any], text: RuleText, first: datetime, until: datetime, zone: ZoneInfo
) -> Tried:
    """Walk a rule over the stored readings of a time. Raises InvalidInput naming the field."""
    shape = text.shape()
    if shape.looking.look is Look.SILENT:
        raise InvalidInput({"kind": "“失联”按收到数据的时间判断，不能用历史试算。"})
    if not first < until or (until - first).days > LONGEST_DAYS:
        raise InvalidInput({"until": Text("试算时段应在 %(n)s 天以内", n=LONGEST_DAYS)})
    rule = Rule(
        0,
        shipped_metrics().by_name[text.metric].number,
        shape,
        frozenset(text.device_ids),
        frozenset(text.device_kinds),
        frozenset(text.scenes),
        first,
        None,
        zone,
        None if shape.decided is None else shape.decided.of(connection),
    )
    devices, names = _devices(connection, rule)
    found: list[TriedAlert] = []
    readings = 0
    firsts: list[datetime] = []
    if devices:
        parameters = _parameters(rule, devices, first, until)
        readings = _counted(connection, parameters)
        closed = windows_of(connection, {**parameters, "last": until})
        for device, rows in _by_device(connection, parameters):
            threshold, walked = devices[device][1], list(rows)
            firsts += [at for _, metric, at, _ in walked if metric == rule.metric][:1]
            seen = list(_seen(rule, device, walked, closed))
            found += [TriedAlert(names[device], one) for one in episodes(threshold, seen)]
    found.sort(key=lambda one: one.episode.opened_at)
    return Tried(found, len(firsts), readings, min(firsts, default=None))


def _devices(
    connection: Connection[Any], rule: Rule
) -> tuple[dict[int, tuple[Known, Threshold]], dict[int, TriedDevice]]:
    devices: dict[int, tuple[Known, Threshold]] = {}
    names: dict[int, TriedDevice] = {}
    for number, kind, scene, *called in connection.execute(_DEVICES):
        device = Known(number, kind, scene)
        threshold = rule.threshold_for(device) if rule.holds_for(device) else None
        if threshold is not None:
            devices[number] = device, threshold
            names[number] = TriedDevice(number, *called)
    return devices, names


def _parameters(
    rule: Rule, devices: dict[int, tuple[Known, Threshold]], first: datetime, until: datetime
) -> dict[str, Any]:
    return {
        "devices": list(devices),
        "metrics": sorted({rule.metric, *rule.shape.looking.others}),
        "metric": rule.metric,
        "first": first,
        "until": until,
        "most": MOST_READINGS,
    }


def _counted(connection: Connection[Any], parameters: dict[str, Any]) -> int:
    row = connection.execute(_COUNT, parameters).fetchone()
    count = int(row[0]) if row else 0
    if count > MOST_READINGS:
        fault = Text("读数超过 %(n)s 条，请缩短时段或减少设备", n=MOST_READINGS)
        raise InvalidInput({"until": fault})
    return count


def _by_device(
    connection: Connection[Any], parameters: dict[str, Any]
) -> Iterator[tuple[int, Iterator[tuple[Any, ...]]]]:
    """Return the readings of each device, fetched as they are walked."""
    with connection.cursor("tried") as cursor:
        cursor.itersize = 20_000
        cursor.execute(_READINGS, parameters)
        yield from groupby(cursor, key=lambda row: row[0])


def _seen(
    rule: Rule, device: int, rows: Sequence[tuple[Any, ...]], closed: Closed
) -> Iterator[Reading]:
    """Return what the rule makes of a device's readings, as when they come one by one."""
    others = Others()
    recent: tuple[Reading, ...] = ()
    looking = rule.shape.looking
    for _, metric, at, value in rows:
        if metric in looking.others:
            others.add(device, metric, at, value)
        if metric != rule.metric or closed.is_closed(device, at):
            continue
        reading: Reading | None = Reading(at, value)
        if not rule.holds_at(at):
            reading, recent = Reading(at, value, quiet=True), ()
        elif not looking.is_plain:
            assert reading is not None
            known = others.at(device, looking.others, at)
            reading, recent = looking.see(reading, recent, known)
        if reading is not None:
            yield reading
