"""Put readings into their tables: sort out what does not count, store the rest once, keep the summaries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import orjson
from psycopg import Connection

from app.run import Tx
from app.sensing.partitions import ensure_months, month_of
from app.sensing.tables import Device
from connectors.samples import Sample
from sla.metrics import Metric, Metrics, Refusal

LONGEST_EXAMPLE: Final = 200
_COLUMNS: Final = ("devices", "metrics", "ats", "values")

# Each value once, whoever sends it how often; what is stored enters its five minutes, and they their hour and day.
_STORE: Final = """
WITH stored AS (
    INSERT INTO readings (device_id, metric, at, value, received_at)
    SELECT g.*, %(now)s FROM unnest(
        %(devices)s::bigint[], %(metrics)s::smallint[], %(ats)s::timestamptz[], %(values)s::float8[]
    ) AS g
    ON CONFLICT DO NOTHING
    RETURNING device_id, metric, at, value
), fives AS (
    SELECT device_id, metric, date_bin('5 minutes', at, 'epoch') AS begins_at, count(*) AS n,
        min(value) AS low, max(value) AS high, sum(value) AS total,
        (array_agg(value ORDER BY at DESC))[1] AS last, max(at) AS last_at
    FROM stored GROUP BY device_id, metric, begins_at
), summed AS (
    INSERT INTO reading_summaries AS s
        (device_id, metric, minutes, starts_at, n, low, high, total, last, last_at)
    SELECT device_id, metric, w.minutes, w.starts_at, sum(n), min(low), max(high), sum(total),
        (array_agg(last ORDER BY last_at DESC))[1], max(last_at)
    FROM fives CROSS JOIN LATERAL (VALUES
        (5::smallint, begins_at),
        (60::smallint, date_trunc('hour', begins_at, %(zone)s)),
        (1440::smallint, date_trunc('day', begins_at, %(zone)s))
    ) AS w (minutes, starts_at)
    GROUP BY device_id, metric, w.minutes, w.starts_at
    ON CONFLICT (device_id, metric, minutes, starts_at) DO UPDATE SET
        n = s.n + excluded.n,
        low = least(s.low, excluded.low),
        high = greatest(s.high, excluded.high),
        total = s.total + excluded.total,
        last = CASE WHEN excluded.last_at > s.last_at THEN excluded.last ELSE s.last END,
        last_at = greatest(s.last_at, excluded.last_at)
)
SELECT device_id, metric, at, value FROM stored ORDER BY device_id, metric, at
"""
_ENDED: Final = "SELECT id FROM devices WHERE id = ANY(%s) AND NOT active"
_DEVICES: Final = "SELECT code, id, kind, scene FROM devices WHERE code = ANY(%s) AND active"
# In one order everywhere, so that two who store for the same devices wait and do not deadlock.
_BEGIN: Final = """
INSERT INTO latest_readings (device_id, metric)
SELECT g.* FROM unnest(%s::bigint[], %s::smallint[]) AS g (device_id, metric)
WHERE NOT EXISTS (SELECT FROM latest_readings l WHERE (l.device_id, l.metric) = (g.device_id, g.metric))
ORDER BY 1, 2
ON CONFLICT DO NOTHING
"""
_LOCK: Final = """
SELECT l.device_id, l.metric, l.at
FROM unnest(%s::bigint[], %s::smallint[]) AS g (device_id, metric)
JOIN latest_readings l USING (device_id, metric)
ORDER BY l.device_id, l.metric FOR NO KEY UPDATE OF l
"""
_LATEST: Final = """
UPDATE latest_readings l SET at = g.at, value = g.value, received_at = %(now)s
FROM unnest(%(devices)s::bigint[], %(metrics)s::smallint[], %(ats)s::timestamptz[], %(values)s::float8[])
    AS g (device_id, metric, at, value)
WHERE (l.device_id, l.metric) = (g.device_id, g.metric) AND (l.at IS NULL OR l.at < g.at)
"""
_REFUSED: Final = """
INSERT INTO refused_readings AS r (day_on, source, reason, n, last_at, example)
SELECT %(day)s, g.source, g.reason, g.n, %(now)s, g.example
FROM unnest(%(sources)s::text[], %(reasons)s::text[], %(counts)s::bigint[], %(examples)s::text[])
    AS g (source, reason, n, example)
ORDER BY 2, 3
ON CONFLICT (day_on, source, reason) DO UPDATE SET
    n = r.n + excluded.n, last_at = excluded.last_at, example = excluded.example
"""


@dataclass(frozen=True, slots=True)
class Known:
    """A device as rules see it."""

    id: int
    kind: str
    scene: str

    @classmethod
    def of(cls, device: Device) -> Known:
        """Return a device on record as rules see it."""
        return cls(device.id, device.kind, device.scene)


Key = tuple[int, int]  # a device's id and a metric's number


@dataclass
class Sorted:
    """A batch sorted out. rows: what counts; refused: how many by (source, reason), with the last example."""

    rows: list[tuple[int, int, datetime, float]] = field(default_factory=list)
    codes: dict[int, str] = field(default_factory=dict)
    devices: dict[int, Known] = field(default_factory=dict)
    refused: Counter[tuple[str, Refusal]] = field(default_factory=Counter)
    examples: dict[tuple[str, Refusal], str] = field(default_factory=dict)

    def refuse(self, source: str, reason: Refusal, example: str, n: int = 1) -> None:
        """Count a refusal."""
        self.refused[source, reason] += n
        # The database takes no NUL.
        self.examples[source, reason] = example[:LONGEST_EXAMPLE].replace("\0", "")


def sort_out(
    tx: Tx, samples: Sequence[Sample], source: str, metrics: Metrics, now: datetime
) -> Sorted:
    """Return what counts of a batch, and what does not and why."""
    found = _devices(tx.connection, {s.device for s in samples if s.device.isprintable()})
    batch = Sorted()
    for sample in samples:
        device = found.get(sample.device)
        if device is None:
            batch.refuse(source, Refusal.UNKNOWN_DEVICE, sample.device)
            continue
        judged = metrics.judge(sample.metric, sample.value, sample.at, now)
        if isinstance(judged, Metric):
            batch.rows.append((device.id, judged.number, sample.at, sample.value))
            batch.codes[device.id], batch.devices[device.id] = sample.device, device
        else:
            example = f"{sample.metric}={sample.value!r} {sample.at.isoformat()}"
            batch.refuse(sample.device, judged, example)
    return batch


def _devices(connection: Connection[Any], codes: Iterable[str]) -> dict[str, Known]:
    rows = connection.execute(_DEVICES, (list(codes),), prepare=True)
    return {code: Known(*rest) for code, *rest in rows}


def drop_ended(tx: Tx, batch: Sorted) -> None:
    """Refuse what is of devices that were ended since the batch was sorted out."""
    ended = {row[0] for row in tx.connection.execute(_ENDED, (list(batch.devices),), prepare=True)}
    if ended:
        for device in sorted(ended):
            n = sum(1 for row in batch.rows if row[0] == device)
            code = batch.codes[device]
            batch.refuse(code, Refusal.UNKNOWN_DEVICE, code, n)
        batch.rows = [row for row in batch.rows if row[0] not in ended]


def lock_latest(tx: Tx, keys: Iterable[Key]) -> dict[Key, datetime | None]:
    """Return when each device and metric was last heard of, and keep others from storing for them."""
    ordered = sorted(set(keys))
    columns = [device for device, _ in ordered], [metric for _, metric in ordered]
    found = _locked(tx.connection, columns)
    if len(found) < len(ordered):
        tx.connection.execute(_BEGIN, columns, prepare=True)
        found = _locked(tx.connection, columns)
    return found


def _locked(
    connection: Connection[Any], columns: tuple[list[int], list[int]]
) -> dict[Key, datetime | None]:
    rows = connection.execute(_LOCK, columns, prepare=True)
    return {(device, metric): at for device, metric, at in rows}


def store_once(tx: Tx, batch: Sorted, now: datetime) -> list[tuple[int, int, datetime, float]]:
    """Store what is not stored yet and return it, in order of device, metric and time."""
    zone = tx.services.settings.timezone
    # A batch is of few days: each day's month is found once.
    days = {at.date(): at for _, _, at, _ in batch.rows}
    edges = (moment for at in days.values() for moment in _edges(at))
    ensure_months(tx.connection, {month_of(moment, zone) for moment in edges})
    parameters = {**_columns(batch.rows), "now": now, "zone": str(zone)}
    stored = tx.connection.execute(_STORE, parameters, prepare=True).fetchall()
    _count_duplicates(batch, stored)
    return stored


def _edges(at: datetime) -> tuple[datetime, datetime]:
    """Return both ends of a moment's UTC day: one of them may lie in another month of the city's time."""
    return at.replace(hour=0, minute=0, second=0, microsecond=0), at.replace(hour=23, minute=59)


def _count_duplicates(batch: Sorted, stored: Sequence[tuple[int, int, datetime, float]]) -> None:
    twice = Counter(row[0] for row in batch.rows)
    twice.subtract(row[0] for row in stored)
    for device, n in twice.items():
        if n:
            batch.refuse(batch.codes[device], Refusal.DUPLICATE, "", n)


def keep_latest(tx: Tx, stored: Sequence[tuple[int, int, datetime, float]], now: datetime) -> None:
    """Record the newest value of each device and metric."""
    # The rows come in order of time: the last one of a key stays.
    newest = {(row[0], row[1]): row for row in stored}
    if newest:
        tx.connection.execute(
            _LATEST, {**_columns(list(newest.values())), "now": now}, prepare=True
        )


def count_refused(tx: Tx, batch: Sorted, now: datetime) -> None:
    """Add a batch's refusals to the day's."""
    if not batch.refused:
        return
    keys = list(batch.refused)
    parameters: Mapping[str, object] = {
        "day": now.astimezone(tx.services.settings.timezone).date(),
        "now": now,
        "sources": [source for source, _ in keys],
        "reasons": [reason.value for _, reason in keys],
        "counts": [batch.refused[key] for key in keys],
        "examples": [batch.examples[key] for key in keys],
    }
    tx.connection.execute(_REFUSED, parameters, prepare=True)


def _columns(rows: Sequence[tuple[int, int, datetime, float]]) -> dict[str, object]:
    """Return the columns of rows as array literals: psycopg would look at each value for what has to be quoted."""
    columns = zip(*rows, strict=True) if rows else ((),) * len(_COLUMNS)
    return {name: _literal(values) for name, values in zip(_COLUMNS, columns, strict=True)}


def _literal(values: Sequence[object]) -> str:
    """Write a list as JSON, which differs in its brackets alone where it holds but numbers and moments."""
    return f"{{{orjson.dumps(values)[1:-1].decode()}}}"
