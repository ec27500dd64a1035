"""Walk rules over what was just stored: open, raise, lower and close alerts, in the same transaction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

from psycopg import Connection

from app.run import Tx
from app.sensing.late import FARTHEST, take_in_late
from app.sensing.maintenance import Closed, closed_times
from app.sensing.others import Others, others_of
from app.sensing.records import (
    OpenAlert,
    change_level,
    keep_peaks,
    open_alert,
    open_alerts,
    withdraw_lapsed,
)
from app.sensing.rules import Rule, rules_of
from app.sensing.storing import Key, Known
from sla.sensing import Change, Level, Reading, State, Threshold, walk

_STATES: Final = """
SELECT device_id, rule_id, lines_on, streaks, since, recent_at, recent FROM sensor_rule_states
WHERE device_id = ANY(%s) AND rule_id = ANY(%s)
"""
_KEEP_STATES: Final = """
INSERT INTO sensor_rule_states AS s (device_id, rule_id, lines_on, streaks, since, recent_at, recent)
VALUES (%s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (device_id, rule_id) DO UPDATE SET lines_on = excluded.lines_on, streaks = excluded.streaks,
    since = excluded.since, recent_at = excluded.recent_at, recent = excluded.recent
"""

Stored = Sequence[tuple[int, int, datetime, float]]
Pair = tuple[int, int]  # a device's id and a rule's


@dataclass(frozen=True)
class Pending:
    """The new readings of one device that one rule is about. before: the newest one known until now."""

    device: Known
    rule: Rule
    threshold: Threshold
    rows: Stored
    before: datetime | None

    @property
    def pair(self) -> Pair:
        """Return what its state and its open alert are kept under."""
        return self.device.id, self.rule.id

    @cached_property
    def readings(self) -> tuple[Reading, ...]:
        """Return the new readings in order of time."""
        return tuple(Reading(at, value) for _, _, at, value in self.rows)

    def keeps(self, state: State) -> bool:
        """Tell at a glance that nothing is to be walked: no line is on, and no value comes up to the lowest.

        By far the most readings are of dry ground.
        """
        idle = not (state.on or state.recent or any(state.streaks))
        if not idle or not self.rule.shape.looking.is_plain:
            return False
        values = [value for _, _, _, value in self.rows]
        worst = -min(values) if self.threshold.low_is_bad else max(values)
        return worst < self.threshold.lines[0].rise

    @property
    def fresh(self) -> list[Reading]:
        """Return the readings that go on where the walk stands."""
        return [r for r in self.readings if self.before is None or r.at > self.before]

    @property
    def late(self) -> list[Reading]:
        """Return the readings that came after newer ones, as far as they could raise an alert."""
        if not self.rule.walks_late:
            return []
        lowest = self.threshold.lines[0].rise
        return [
            r
            for r in self.readings
            if self.before is not None
            and self.before - FARTHEST < r.at < self.before
            and self.threshold.signal(r) >= lowest
            and self.rule.holds_at(r.at)
        ]


@dataclass(frozen=True)
class _Walking:
    """What a walk needs besides its readings."""

    connection: Connection[Any]
    alerts: dict[Pair, OpenAlert]
    others: Others
    closed: Closed
    now: datetime


def raise_alerts(
    tx: Tx,
    stored: Stored,
    devices: Mapping[int, Known],
    latest: Mapping[Key, datetime | None],
    now: datetime,
) -> None:
    """Evaluate every rule that is about the readings just stored, which are in order of device, metric and time."""
    zone = tx.services.settings.timezone
    if not stored:
        return
    first = min(row[2] for row in stored)
    rules = rules_of(tx.connection, {row[1] for row in stored}, zone, first, walking=True)
    pending = list(_pending(stored, devices, latest, rules))
    if not pending:
        return
    pairs = {one.pair for one in pending}
    states = _states(tx.connection, pairs)
    walking = _Walking(
        tx.connection,
        open_alerts(tx.connection, pairs),
        others_of(tx.connection, ((one.device.id, one.rule) for one in pending), stored),
        closed_times(tx.connection, [one.device.id for one in pending], stored),
        now,
    )
    changed: dict[Pair, State] = {}
    for one in pending:
        before = _fitting(states.get(one.pair), one.threshold)
        if one.pair not in walking.alerts and one.keeps(before):
            continue
        after = _walk_on(walking, one, before)
        late = [r for r in one.late if not walking.closed.is_closed(one.device.id, r.at)]
        if late:
            after = take_in_late(
                tx.connection,
                one.device,
                one.rule,
                late,
                state=after,
                alerts=walking.alerts,
                now=now,
            )
        if after != before:
            changed[one.pair] = after
    keep_peaks(tx.connection, walking.alerts.values())
    _keep_states(tx.connection, changed)


def _pending(
    stored: Stored,
    devices: Mapping[int, Known],
    latest: Mapping[Key, datetime | None],
    rules: Sequence[Rule],
) -> Iterator[Pending]:
    for (device, metric), of_one in groupby(stored, key=itemgetter(0, 1)):
        rows = tuple(of_one)
        for rule in rules:
            if rule.metric == metric and rule.holds_for(devices[device]):
                threshold = rule.threshold_for(devices[device])
                if threshold is not None:
                    before = latest[device, metric]
                    yield Pending(devices[device], rule, threshold, rows, before)


def _walk_on(walking: _Walking, one: Pending, state: State) -> State:
    """Walk a rule over the readings that go on in time, and keep its alert in step."""
    for reading in one.fresh:
        if walking.closed.is_closed(one.device.id, reading.at):
            continue
        seen, recent = _seen(walking, one, state, reading)
        if recent != state.recent:
            state = State(state.on, state.streaks, state.since, recent)
        if seen is None:
            continue
        state, changes = walk(one.threshold, state, (seen,))
        for change in changes:
            _change(walking, one, change)
        if one.pair in walking.alerts:
            walking.alerts[one.pair].see(seen)
    return state


def _seen(
    walking: _Walking, one: Pending, state: State, reading: Reading
) -> tuple[Reading | None, tuple[Reading, ...]]:
    """Return what the rule makes of a reading. Out of its time it is quiet, so that its alert ends."""
    if not one.rule.holds_at(reading.at):
        return Reading(reading.at, reading.value, quiet=True), ()
    looking = one.rule.shape.looking
    if looking.is_plain:
        return reading, state.recent
    known = walking.others.at(one.device.id, looking.others, reading.at)
    return looking.see(reading, state.recent, known)


def _change(walking: _Walking, one: Pending, change: Change) -> None:
    """Bring the alert to a new level. Where somebody ended it with its rule there may be none."""
    connection, alerts, now = walking.connection, walking.alerts, walking.now
    alert = alerts.get(one.pair)
    if change.after == Level.NONE:
        if alert is not None:
            del alerts[one.pair]
            keep_peaks(connection, (alert,))
            if one.rule.holds_at(change.at):
                change_level(connection, alert, change, now)
            else:
                withdraw_lapsed(connection, alert, change.at, now)
    elif alert is None:
        alerts[one.pair] = open_alert(connection, one.pair, one.threshold, change, now)
    else:
        change_level(connection, alert, change, now)


def _fitting(state: State | None, threshold: Threshold) -> State:
    """Return the state, made to fit where the lines have changed in number since."""
    if state is None:
        return State.idle(threshold)
    if len(state.streaks) != len(threshold.lines):
        # The last of fewer lines stays on: the next reading says whether it still holds.
        on = min(state.on, len(threshold.lines))
        return State(on, (0,) * len(threshold.lines), recent=state.recent)
    return state


def _states(connection: Connection[Any], pairs: set[Pair]) -> dict[Pair, State]:
    lists = sorted({device for device, _ in pairs}), sorted({rule for _, rule in pairs})
    rows = connection.execute(_STATES, lists, prepare=True)
    return {
        (device, rule): State(
            on,
            tuple(streaks),
            tuple(since),
            tuple(map(Reading, recent_at, recent)) if recent else (),
        )
        for device, rule, on, streaks, since, recent_at, recent in rows
    }


def _keep_states(connection: Connection[Any], states: Mapping[Pair, State]) -> None:
    if states:
        with connection.cursor() as cursor:
            cursor.executemany(
                _KEEP_STATES,
                [
                    (
                        *pair,
                        state.on,
                        list(state.streaks),
                        list(state.since),
                        [reading.at for reading in state.recent],
                        [reading.value for reading in state.recent],
                    )
                    for pair, state in sorted(states.items(), key=lambda item: item[0])
                ],
            )
