"""Write alerts down. Whoever writes holds the lock of the device and metric (storing.lock_latest)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg import Connection

from sla.sensing import Change, Episode, Level, Reading, Threshold

_OPEN: Final = """
SELECT device_id, rule_id, id, peak, peak_at, low_is_bad FROM alerts
WHERE device_id = ANY(%s) AND rule_id = ANY(%s) AND closed_at IS NULL
"""
_INSERT: Final = """
INSERT INTO alerts
    (device_id, rule_id, low_is_bad, opened_at, closed_at, level, top_level, peak, peak_at, recorded_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING id
"""
_LEVEL: Final = """
INSERT INTO alert_levels (alert_id, at, level, value, recorded_at) VALUES (%s, %s, %s, %s, %s)
"""
_CHANGE: Final = """
UPDATE alerts SET level = %(level)s, top_level = greatest(top_level, %(level)s),
    closed_at = CASE WHEN %(level)s = 0 THEN %(at)s::timestamptz END
WHERE id = %(id)s AND closed_at IS NULL
"""
_PEAK: Final = """
UPDATE alerts SET peak = %(value)s, peak_at = %(at)s
WHERE id = %(id)s AND CASE WHEN low_is_bad THEN peak > %(value)s ELSE peak < %(value)s END
"""
_OVERLAPPING: Final = """
SELECT id, top_level, closed_at FROM alerts
WHERE device_id = %(device)s AND rule_id = %(rule)s AND opened_at <= coalesce(%(end)s::timestamptz, 'infinity')
    AND coalesce(closed_at, 'infinity') >= %(begin)s
ORDER BY opened_at LIMIT 1
"""
# A late closing takes nothing back: the course ends where the alert did.
_ADD_LEVEL: Final = """
INSERT INTO alert_levels (alert_id, at, level, value, recorded_at)
SELECT %(id)s, %(at)s, %(level)s, %(value)s, %(now)s
WHERE %(level)s > 0 AND NOT EXISTS (
    SELECT FROM alert_levels WHERE alert_id = %(id)s AND at = %(at)s AND level = %(level)s)
"""
_SET_LEVEL: Final = "UPDATE alerts SET level = %(level)s WHERE id = %(id)s AND closed_at IS NULL"
_WIDEN: Final = """
UPDATE alerts SET opened_at = least(opened_at, %(begin)s), top_level = greatest(top_level, %(top)s)
WHERE id = %(id)s
"""
# No reading spoke for it: the alert did not return to normal, and what was found of it before stays.
_WITHDRAW: Final = {
    column: f"""
WITH ended AS (
    UPDATE alerts SET level = 0, closed_at = greatest(opened_at, %(at)s), ended_with = %(ended_with)s,
        verdict = coalesce(verdict, 'withdrawn')
    WHERE {column} = %(id)s AND closed_at IS NULL RETURNING id, closed_at, peak)
INSERT INTO alert_levels (alert_id, at, level, value, recorded_at)
SELECT id, closed_at, 0, peak, %(now)s FROM ended
"""  # noqa: S608 (one of three constants)
    for column in ("id", "rule_id", "device_id")
}


@dataclass
class OpenAlert:
    """An open alert and the gravest value since it opened."""

    id: int
    peak: Reading
    low_is_bad: bool
    graver: bool = False

    def see(self, reading: Reading) -> None:
        """Take in a reading of its time."""
        lower = reading.value < self.peak.value
        if not reading.quiet and reading.value != self.peak.value and lower == self.low_is_bad:
            self.peak, self.graver = reading, True


def open_alerts(
    connection: Connection[Any], pairs: set[tuple[int, int]]
) -> dict[tuple[int, int], OpenAlert]:
    """Return the open alerts of devices and rules."""
    lists = sorted({device for device, _ in pairs}), sorted({rule for _, rule in pairs})
    rows = connection.execute(_OPEN, lists, prepare=True)
    return {
        (device, rule): OpenAlert(number, Reading(at, peak), low_is_bad)
        for device, rule, number, peak, at, low_is_bad in rows
    }


def open_alert(
    connection: Connection[Any],
    pair: tuple[int, int],
    threshold: Threshold,
    change: Change,
    now: datetime,
) -> OpenAlert:
    """Open an alert; the database refuses a second one of the rule and device."""
    level, at, value = int(change.after), change.at, change.value
    row = (*pair, threshold.low_is_bad, at, None, level, level, value, at, now)
    number = _inserted(connection, row)
    _write_level(connection, number, change, now)
    return OpenAlert(number, Reading(at, value), threshold.low_is_bad)


def change_level(
    connection: Connection[Any], alert: OpenAlert, change: Change, now: datetime
) -> None:
    """Raise, lower or close an alert."""
    parameters = {"level": int(change.after), "at": change.at, "id": alert.id}
    changed = connection.execute(_CHANGE, parameters, prepare=True).rowcount
    if changed:
        _write_level(connection, alert.id, change, now)


def keep_peaks(connection: Connection[Any], alerts: Iterable[OpenAlert]) -> None:
    """Record the values that are graver than those on record."""
    for alert in alerts:
        if alert.graver:
            parameters = {"id": alert.id, "value": alert.peak.value, "at": alert.peak.at}
            connection.execute(_PEAK, parameters, prepare=True)
            alert.graver = False


def withdraw_lapsed(
    connection: Connection[Any], alert: OpenAlert, at: datetime, now: datetime
) -> None:
    """End an alert whose rule is out of its time. at: of the reading that shows it."""
    parameters = {"id": alert.id, "at": at, "now": now, "ended_with": "lapse"}
    connection.execute(_WITHDRAW["id"], parameters)


def withdraw_of_rule(
    connection: Connection[Any], rule_id: int, now: datetime, *, ended_with: str = "rule"
) -> None:
    """End the open alerts of a rule that is no longer asked. ended_with: `rule` by somebody, or `lapse` of its time."""
    parameters = {"id": rule_id, "at": now, "now": now, "ended_with": ended_with}
    connection.execute(_WITHDRAW["rule_id"], parameters)


def withdraw_of_device(
    connection: Connection[Any], device_id: int, now: datetime, *, ended_with: str
) -> None:
    """End the open alerts of a device. ended_with: `device` out of use, or `change` of what rules go by."""
    parameters = {"id": device_id, "at": now, "now": now, "ended_with": ended_with}
    connection.execute(_WITHDRAW["device_id"], parameters)


def record_episode(
    connection: Connection[Any],
    pair: tuple[int, int],
    threshold: Threshold,
    episode: Episode,
    now: datetime,
) -> OpenAlert | None:
    """Record an alert that late readings show; return it if it is new and lasts.

    What is on record stays: such an alert may begin earlier, stand higher, and have been missing.
    """
    span = {"device": pair[0], "rule": pair[1], "begin": episode.opened_at}
    found = connection.execute(_OVERLAPPING, {**span, "end": episode.closed_at}).fetchone()
    if found is not None:
        number, _, closed_at = found
        connection.execute(_WIDEN, {**span, "id": number, "top": int(episode.top)})
        graver = OpenAlert(number, episode.peak, threshold.low_is_bad, graver=True)
        keep_peaks(connection, (graver,))
        return _refine(connection, number, episode, graver, now=now, open_=closed_at is None)
    lasting = episode.closed_at is None
    level = episode.changes[-1].after if lasting else Level.NONE
    ends = episode.opened_at, episode.closed_at
    row = (
        *pair,
        threshold.low_is_bad,
        *ends,
        int(level),
        int(episode.top),
        episode.peak.value,
        episode.peak.at,
        now,
    )
    number = _inserted(connection, row)
    for change in episode.changes:
        _write_level(connection, number, change, now)
    return OpenAlert(number, episode.peak, threshold.low_is_bad) if lasting else None


def _refine(
    connection: Connection[Any],
    number: int,
    episode: Episode,
    alert: OpenAlert,
    *,
    now: datetime,
    open_: bool,
) -> OpenAlert | None:
    """Let the course of an alert say what late readings show; return it where it goes on from there."""
    for change in episode.changes:
        row = {"id": number, "at": change.at, "level": int(change.after), "value": change.value}
        connection.execute(_ADD_LEVEL, row | {"now": now}, prepare=True)
    if not open_ or episode.closed_at is not None:
        return None
    last = int(episode.changes[-1].after)
    connection.execute(_SET_LEVEL, {"id": number, "level": last}, prepare=True)
    return alert


def _inserted(connection: Connection[Any], row: tuple[object, ...]) -> int:
    found = connection.execute(_INSERT, row, prepare=True).fetchone()
    assert found is not None
    return int(found[0])


def _write_level(connection: Connection[Any], number: int, change: Change, now: datetime) -> None:
    row = (number, change.at, int(change.after), change.value, now)
    connection.execute(_LEVEL, row, prepare=True)
