"""Readings that arrive after newer ones: they may add to what is on record, and take nothing back.

Somebody may have acted on an alert already, so a late low reading does not unmake it; a late high one
raises the alert that was missed, makes one begin earlier, or stand higher.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from psycopg import Connection

from app.sensing.maintenance import windows_of
from app.sensing.records import OpenAlert, record_episode
from app.sensing.rules import Rule
from app.sensing.storing import Known
from sla.sensing import Reading, State, episodes, walk

# What is older than this against the newest is stored and judged no more: nobody could act on it.
FARTHEST: Final = timedelta(days=7)
# How far before a late reading its neighbours are looked for.
NEIGHBOURS: Final = timedelta(days=1)

# From the readings that make a row with the first late one; the upper bound is the newest reading there is.
_HISTORY: Final = """
SELECT at, value FROM readings
WHERE device_id = %(device)s AND metric = %(metric)s AND at >= coalesce((
    SELECT min(at) FROM (
        SELECT at FROM readings
        WHERE device_id = %(device)s AND metric = %(metric)s AND at < %(first)s AND at > %(earliest)s
        ORDER BY at DESC LIMIT %(samples)s - 1
    ) before), %(first)s)
ORDER BY at
"""


def take_in_late(
    connection: Connection[Any],
    device: Known,
    rule: Rule,
    late: Sequence[Reading],
    *,
    state: State,
    alerts: dict[tuple[int, int], OpenAlert],
    now: datetime,
) -> State:
    """Add to the record what late readings show; return where the walk stands."""
    threshold = rule.threshold_for(device)
    assert threshold is not None, "it has lines, or nothing would be late"
    first = min(reading.at for reading in late)
    found = connection.execute(
        _HISTORY,
        {
            "device": device.id,
            "metric": rule.metric,
            "first": first,
            "earliest": first - NEIGHBOURS,
            "samples": threshold.samples,
        },
    )
    rows = found.fetchall()
    span = {"devices": [device.id], "first": first - NEIGHBOURS, "last": now}
    closed = windows_of(connection, span)
    history = [
        Reading(at, value)
        for at, value in rows
        if rule.holds_at(at) and not closed.is_closed(device.id, at)
    ]
    for episode in episodes(threshold, history):
        opened = record_episode(connection, (device.id, rule.id), threshold, episode, now)
        if opened is not None:
            alerts[device.id, rule.id] = opened
            state, _ = walk(threshold, State.idle(threshold), history)
    return state
