"""Timers: fire what is due, put off what failed. For the worker."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from psycopg import Connection

from app.cases.steps import advance, context_of
from app.cases.store import LOCK_INSTANCE, load_due
from app.engine import instance
from app.run import Tx, handles

FIRST_PAUSE_S: Final = 30
LONGEST_PAUSE_S: Final = 6 * 3600

_FIND_DUE: Final = "SELECT instance_id FROM timers WHERE try_at <= %s ORDER BY try_at LIMIT %s"
_PUT_OFF: Final = """
UPDATE timers SET tries = tries + 1, last_error = %s,
    try_at = %s + make_interval(secs => least(%s * power(2, least(tries, 20)), %s))
WHERE instance_id = %s AND try_at <= %s
"""


@dataclass(frozen=True)
class FindDueTimers:
    """Find instances with due timers, the longest due first."""

    limit: int


@dataclass(frozen=True)
class FireTimers:
    """Fire the due timers of one instance."""

    instance_id: int


@dataclass(frozen=True)
class FireTimersOfMany:
    """Fire the due timers of several instances with one commit."""

    instance_ids: tuple[int, ...]


@dataclass(frozen=True)
class PutOffTimers:
    """Let the due timers of an instance wait, because firing them failed."""

    instance_id: int
    error: str


@handles(FindDueTimers)
def find_due_timers(command: FindDueTimers, tx: Tx) -> list[int]:
    """Return instances with due timers; nothing is locked, FireTimers looks again under the instance's lock.

    The index on try_at ends the scan after the limit, however many timers wait.
    """
    rows = tx.connection.execute(_FIND_DUE, (tx.clock.now(), command.limit), prepare=True)
    return list(dict.fromkeys(row[0] for row in rows))


@handles(FireTimers)
def fire_timers(command: FireTimers, tx: Tx) -> int:
    """Fire what is due now and return how many; 0 when someone else is working on the instance.

    A timer's row goes in the same transaction as its effects: it fires once or is still there.
    """
    return _fire(tx, tx.connection, command.instance_id)


@handles(FireTimersOfMany)
def fire_timers_of_many(command: FireTimersOfMany, tx: Tx) -> int:
    """Fire what is due now in any of the instances: all of it or, when one fails, nothing.

    Several locks are held here, but none is waited for, so no two workers can wait for each other.
    """
    connection = tx.connection
    return sum(_fire(tx, connection, instance_id) for instance_id in command.instance_ids)


@handles(PutOffTimers)
def put_off_timers(command: PutOffTimers, tx: Tx) -> None:
    """Put the due timers of an instance off, each time for twice as long."""
    now = tx.clock.now()
    # Instance before timer, as everywhere: else two workers could wait for each other.
    tx.connection.execute(LOCK_INSTANCE, (command.instance_id,))
    tx.connection.execute(
        _PUT_OFF,
        (command.error, now, FIRST_PAUSE_S, LONGEST_PAUSE_S, command.instance_id, now),
    )


def _fire(tx: Tx, connection: Connection[Any], instance_id: int) -> int:
    loaded = load_due(connection, instance_id, tx.clock.now())
    if loaded is None or not loaded.due_timers:
        return 0
    context = context_of(tx, loaded)
    tokens = [token for token, _, _ in loaded.due_timers]
    for token, element, due_at in loaded.due_timers:
        lateness_ms = (context.now - due_at) // timedelta(milliseconds=1)
        context.rows.firings.append(
            (loaded.instance_id, token, element, due_at, context.now, lateness_ms)
        )
        context.log("timer_fired", element, due_at=due_at, lateness_ms=lateness_ms)
    context.rows.drop_timers.append((loaded.instance_id, tokens))
    advance(
        loaded,
        context,
        lambda definition, moment: instance.fire(definition, loaded.state, tokens, moment),
    )
    return len(tokens)
