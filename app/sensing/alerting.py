"""Walk rules over what was just stored: open, raise, lower and close alerts, in the same transaction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, Final

from psycopg import Connection

from app.run import Tx
from app.sensing.late import take_in_late
from app.sensing.records import OpenAlert, change_level, keep_peaks, open_alert, open_alerts
from app.sensing.rules import Rule, rules_of
from app.sensing.storing import Key, Known
from sla.sensing import Level, Reading, State, walk

_STATES: Final = """
SELECT device_id, rule_id, lines_on, streaks FROM sensor_rule_states
WHERE device_id = ANY(%s) AND rule_id = ANY(%s)
"""
_KEEP_STATES: Final = """
INSERT INTO sensor_rule_states AS s (device_id, rule_id, lines_on, streaks)
VALUES (%s, %s, %s, %s)
ON CONFLICT (device_id, rule_id) DO UPDATE SET lines_on = excluded.lines_on, streaks = excluded.streaks
"""

Stored = Sequence[tuple[int, int, datetime, float]]
Pair = tuple[int, int]  # a device's id and a rule's


@dataclass(frozen=True)
class Pending:
    """The new readings of one device that one rule is about. before: the newest one known until now."""

    device: int
    rule: Rule
    readings: tuple[Reading, ...]
    before: datetime | None

    @property
    def pair(self) -> Pair:
        """Return what its state and its open alert are kept under."""
        return self.device, self.rule.id

    @property
    def fresh(self) -> list[Reading]:
        """Return the readings that go on where the walk stands."""
        return [r for r in self.readings if self.before is None or r.at > self.before]

    @property
    def late(self) -> list[Reading]:
        """Return the readings that came after newer ones, as far as they could raise an alert."""
        lowest = self.rule.threshold.lines[0].rise
        return [
            r
            for r in self.readings
            if self.before is not None and r.at < self.before and r.value >= lowest
        ]


def raise_alerts(
    tx: Tx,
    stored: Stored,
    devices: Mapping[int, Known],
    latest: Mapping[Key, datetime | None],
    now: datetime,
) -> None:
    """Evaluate every rule that is about the readings just stored, which are in order of device, metric and time."""
    rules = rules_of(tx.connection, {row[1] for row in stored})
    pending = list(_pending(stored, devices, latest, rules))
    if not pending:
        return
    pairs = {one.pair for one in pending}
    states = _states(tx.connection, pairs)
    alerts = open_alerts(tx.connection, pairs)
    changed: dict[Pair, State] = {}
    for one in pending:
        before = _fitting(states.get(one.pair), one.rule)
        after = _walk_on(tx.connection, one, before, alerts, now)
        if one.late:
            after = take_in_late(
                tx.connection, one.device, one.rule, one.late, state=after, alerts=alerts, now=now
            )
        if after != before:
            changed[one.pair] = after
    keep_peaks(tx.connection, alerts.values())
    _keep_states(tx.connection, changed)


def _pending(
    stored: Stored,
    devices: Mapping[int, Known],
    latest: Mapping[Key, datetime | None],
    rules: Sequence[Rule],
) -> Iterator[Pending]:
    for (device, metric), rows in groupby(stored, key=lambda row: (row[0], row[1])):
        readings = [Reading(at, value) for _, _, at, value in rows]
        for rule in rules:
            if rule.metric == metric and rule.holds_for(devices[device]):
                held = tuple(reading for reading in readings if rule.holds_at(reading.at))
                yield Pending(device, rule, held, latest[device, metric])


def _walk_on(
    connection: Connection[Any],
    one: Pending,
    state: State,
    alerts: dict[Pair, OpenAlert],
    now: datetime,
) -> State:
    """Walk a rule over the readings that go on in time, and keep its alert in step."""
    for reading in one.fresh:
        state, changes = walk(one.rule.threshold, state, (reading,))
        for change in changes:
            if change.before == Level.NONE:
                alerts[one.pair] = open_alert(connection, one.pair, change, now)
            elif change.after == Level.NONE:
                closing = alerts.pop(one.pair)
                keep_peaks(connection, (closing,))
                change_level(connection, closing, change, now)
            else:
                change_level(connection, alerts[one.pair], change, now)
        if one.pair in alerts:
            alerts[one.pair].see(reading)
    return state


def _fitting(state: State | None, rule: Rule) -> State:
    return state or State.idle(rule.threshold)


def _states(connection: Connection[Any], pairs: set[Pair]) -> dict[Pair, State]:
    lists = sorted({device for device, _ in pairs}), sorted({rule for _, rule in pairs})
    rows = connection.execute(_STATES, lists, prepare=True)
    return {(device, rule): State(on, tuple(streaks)) for device, rule, on, streaks in rows}


def _keep_states(connection: Connection[Any], states: Mapping[Pair, State]) -> None:
    if states:
        with connection.cursor() as cursor:
            cursor.executemany(
                _KEEP_STATES,
                [
                    (*pair, state.on, list(state.streaks))
                    for pair, state in sorted(states.items(), key=lambda item: item[0])
                ],
            )
