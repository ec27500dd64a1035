"""The outbox: claim messages, mark them sent, put them off or park them. For the worker."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg.rows import class_row

from app.run import Tx, handles

LEASE_S: Final = 60
FIRST_PAUSE_S: Final = 5
LONGEST_PAUSE_S: Final = 3600

# The claim is a lease, not a lock held while sending: a worker that dies gives its messages back when the lease ends.
_CLAIM: Final = """
UPDATE outbox o SET attempts = o.attempts + 1, next_try_at = %(now)s + make_interval(secs => %(lease)s)
FROM (SELECT id FROM outbox
      WHERE sent_at IS NULL AND parked_at IS NULL AND next_try_at <= %(now)s
      ORDER BY next_try_at, id LIMIT %(limit)s FOR UPDATE SKIP LOCKED) due
WHERE o.id = due.id
RETURNING o.id, o.topic, o.key, o.payload, o.attempts, o.next_try_at AS leased_until
"""
_SENT: Final = "UPDATE outbox SET sent_at = %s, last_error = NULL WHERE id = %s AND sent_at IS NULL"
# Only while the lease is still ours: another worker may be sending it by now.
_PUT_OFF: Final = """
UPDATE outbox SET last_error = %s,
    next_try_at = %s + make_interval(secs => least(%s * power(2, least(attempts - 1, 20)), %s))
WHERE id = %s AND sent_at IS NULL AND next_try_at = %s
"""
_PARK: Final = """
UPDATE outbox SET parked_at = %s, last_error = %s
WHERE id = %s AND sent_at IS NULL AND next_try_at = %s
"""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message that one worker holds until its lease ends."""

    id: int
    topic: str
    key: str
    payload: dict[str, Any]
    attempts: int
    leased_until: datetime


@dataclass(frozen=True)
class ClaimMessages:
    """Take due messages for sending."""

    limit: int = 50


@dataclass(frozen=True)
class MarkSent:
    """Record that a message was delivered."""

    id: int


@dataclass(frozen=True)
class PutOffMessage:
    """Try a message again later."""

    claimed: Claimed
    error: str


@dataclass(frozen=True)
class ParkMessage:
    """Give a message up until a person looks at it."""

    claimed: Claimed
    error: str


@handles(ClaimMessages)
def claim_messages(command: ClaimMessages, tx: Tx) -> list[Claimed]:
    """Claim due messages, oldest first; what another worker is claiming is passed over."""
    with tx.connection.cursor(row_factory=class_row(Claimed)) as cursor:
        cursor.execute(
            _CLAIM, {"now": tx.clock.now(), "lease": LEASE_S, "limit": command.limit}, prepare=True
        )
        return sorted(cursor.fetchall(), key=lambda claimed: claimed.id)


@handles(MarkSent)
def mark_sent(command: MarkSent, tx: Tx) -> None:
    """Mark a message as sent; only after it was."""
    tx.connection.execute(_SENT, (tx.clock.now(), command.id), prepare=True)


@handles(PutOffMessage)
def put_off_message(command: PutOffMessage, tx: Tx) -> None:
    """Put a message off, each time for twice as long."""
    claimed = command.claimed
    tx.connection.execute(
        _PUT_OFF,
        (
            command.error,
            tx.clock.now(),
            FIRST_PAUSE_S,
            LONGEST_PAUSE_S,
            claimed.id,
            claimed.leased_until,
        ),
    )


@handles(ParkMessage)
def park_message(command: ParkMessage, tx: Tx) -> None:
    """Park a message."""
    claimed = command.claimed
    row = (tx.clock.now(), command.error, claimed.id, claimed.leased_until)
    tx.connection.execute(_PARK, row)
