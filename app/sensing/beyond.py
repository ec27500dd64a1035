"""Values beyond a line that raise nothing yet: they have not been there for as long as their rule wants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from psycopg import Connection
from sqlalchemy.orm import Session

from app.db.session import connection_of
from app.sensing.rules import Rule, rules_of
from app.sensing.storing import Known
from sla.looking import Look
from sla.sensing import Reading, Threshold

_STATES: Final = """
SELECT s.device_id, s.rule_id, s.lines_on, s.streaks, s.since, r.name, r.name_en, r.metric, l.at, l.value
FROM sensor_rule_states s
JOIN sensor_rules r ON r.id = s.rule_id
JOIN devices d ON d.id = s.device_id
JOIN latest_readings l ON l.device_id = s.device_id AND l.metric = r.metric
    AND l.at > %s::timestamptz - make_interval(secs => d.silent_after_s)
WHERE s.device_id = ANY(%s) ORDER BY s.device_id, s.rule_id
"""


@dataclass(frozen=True)
class Beyond:
    """A line that a device is beyond. since: from when on, where the rule asks for how long.

    value: the newest; None where the rule looks at a change or a difference.
    """

    device_id: int
    name: str
    name_en: str
    metric: int
    level: int
    value: float | None
    since: datetime | None
    lasting: timedelta
    samples: int


def beyond_lines(
    session: Session, devices: Sequence[Known], at: datetime, zone: ZoneInfo
) -> list[Beyond]:
    """Return the gravest such line of each device and rule in force. Of a device that fell silent nothing is known."""
    connection = connection_of(session)
    known = {device.id: device for device in devices}
    rows = connection.execute(_STATES, (at, list(known))).fetchall()
    rules = _rules(connection, {row[7] for row in rows}, at, zone) if rows else {}
    found = []
    for device, rule_id, on, streaks, since, name, name_en, metric, read_at, value in rows:
        rule = rules.get(rule_id)
        threshold = rule.threshold_for(known[device]) if rule is not None else None
        if rule is None or threshold is None or len(streaks) != len(threshold.lines):
            continue
        place = _place(rule, threshold, on, streaks, Reading(read_at, value))
        if place is not None:
            level = int(threshold.lines[place].level)
            seen = value if _is_of_values(rule) else None
            begin = since[place] if since else None
            lasts = threshold.lasting, threshold.samples
            found.append(Beyond(device, name, name_en, metric, level, seen, begin, *lasts))
    return found


def _rules(
    connection: Connection[Any], metrics: set[int], at: datetime, zone: ZoneInfo
) -> dict[int, Rule]:
    return {rule.id: rule for rule in rules_of(connection, metrics, zone, at) if rule.holds_at(at)}


def _place(
    rule: Rule, threshold: Threshold, on: int, streaks: Sequence[int], newest: Reading
) -> int | None:
    """Return the gravest line that readings speak for and that is not on."""
    of_values = _is_of_values(rule)
    for place in reversed(range(on, len(threshold.lines))):
        # During maintenance the walk stands still while values go on.
        still = not of_values or threshold.signal(newest) >= threshold.lines[place].rise
        if streaks[place] and still:
            return place
    return None


def _is_of_values(rule: Rule) -> bool:
    return rule.shape.looking.look is Look.THRESHOLD
