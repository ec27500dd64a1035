"""Devices that fall silent: an alert opens when nothing was heard for too long, and closes with the next word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg import Connection

from app.run import Tx, handles
from app.sensing.records import withdraw_of_rule
from app.sensing.rules import Rule, silent_rules
from app.sensing.storing import Known

# Two workers that sweep at once would only wait for each other.
_ONE_AT_A_TIME: Final = "SELECT pg_try_advisory_xact_lock(hashtextextended('sweep_silent', 0))"
_SILENT: Final = """
SELECT d.id, d.kind, d.scene, h.heard_at, EXISTS (
        SELECT FROM maintenance_windows m
        WHERE (m.device_id = d.id OR m.site_id = d.site_id) AND m.starts_at <= %(now)s AND m.ends_at > %(now)s)
FROM devices d
JOIN LATERAL (SELECT max(received_at) AS heard_at FROM latest_readings WHERE device_id = d.id) h ON true
WHERE d.active AND h.heard_at < %(now)s::timestamptz - make_interval(secs => d.silent_after_s)
"""
_OPEN: Final = """
WITH opened AS (
    INSERT INTO alerts (device_id, rule_id, opened_at, level, top_level, peak, peak_at, recorded_at)
    SELECT g.device, %(rule)s, %(now)s, %(level)s, %(level)s, g.minutes, %(now)s, %(now)s
    FROM unnest(%(devices)s::bigint[], %(minutes)s::float8[]) AS g (device, minutes)
    ON CONFLICT (device_id, rule_id) WHERE closed_at IS NULL DO NOTHING
    RETURNING id, peak)
INSERT INTO alert_levels (alert_id, at, level, value, recorded_at)
SELECT id, %(now)s, %(level)s, peak, %(now)s FROM opened
"""
# Heard again.
_CLOSE: Final = """
WITH closed AS (
    UPDATE alerts a SET level = 0, closed_at = greatest(a.opened_at, %(now)s::timestamptz),
        peak = a.peak + extract(epoch FROM %(now)s::timestamptz - a.opened_at) / 60, peak_at = %(now)s
    WHERE a.rule_id = %(rule)s AND a.closed_at IS NULL AND a.device_id <> ALL (%(silent)s)
    RETURNING id, peak)
INSERT INTO alert_levels (alert_id, at, level, value, recorded_at)
SELECT id, %(now)s, 0, peak, %(now)s FROM closed
"""


@dataclass(frozen=True)
class SweepSilent:
    """Open and close the alerts of silent devices."""


@handles(SweepSilent)
def sweep_silent(command: SweepSilent, tx: Tx) -> int:
    """Look at every device once for all rules of silence; return how many are silent."""
    rules = silent_rules(tx.connection, tx.services.settings.timezone)
    locked = tx.connection.execute(_ONE_AT_A_TIME).fetchone()
    if not rules or locked is None or not locked[0]:
        return 0
    now = tx.clock.now()
    silent = tx.connection.execute(_SILENT, {"now": now}).fetchall()
    for rule in rules:
        _apply(tx.connection, rule, silent, now)
    return len(silent)


def _apply(
    connection: Connection[Any], rule: Rule, silent: Sequence[tuple[Any, ...]], now: datetime
) -> None:
    if not rule.holds_at(now):
        withdraw_of_rule(connection, rule.id, now, ended_with="lapse")
        return
    devices: list[int] = []
    minutes: list[float] = []
    still: list[int] = []
    for device, kind, scene, heard_at, is_maintained in silent:
        if not rule.holds_for(Known(device, kind, scene)):
            continue
        still.append(device)
        # Maintenance opens nothing; what was open before it is as silent as it was.
        if not is_maintained:
            devices.append(device)
            minutes.append((now - heard_at).total_seconds() / 60)
    level = int(rule.shape.silent_level)
    parameters: dict[str, object] = {"rule": rule.id, "now": now, "level": level}
    if devices:
        connection.execute(_OPEN, {**parameters, "devices": devices, "minutes": minutes})
    connection.execute(_CLOSE, {**parameters, "silent": still})
