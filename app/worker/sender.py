"""The sender: deliver what lies in the outbox, at least once."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any, Final

from app.clock import Clock
from app.db.session import Database
from app.errors import ConnectorError
from app.exchange.outbox import Claimed, ClaimMessages, MarkSent, ParkMessage, PutOffMessage
from app.run import SYSTEM, run
from connectors.messages import Message
from connectors.registry import Connectors

log = logging.getLogger(__name__)

BATCH: Final = 50


@dataclass
class SenderLoop:
    """Send messages. Any number of these may run, in any number of processes."""

    database: Database
    clock: Clock
    connectors: Connectors
    batch: int = BATCH

    def step(self) -> bool:
        """Send one batch; return whether there was any."""
        claimed = self._run(ClaimMessages(self.batch))
        for message in claimed:
            self._send(message)
        return bool(claimed)

    def _send(self, claimed: Claimed) -> None:
        if claimed.leased_until <= self.clock.now():
            return  # Others may have it by now: the batch took longer than its lease.
        try:
            connector = self.connectors.for_topic(claimed.topic)
            connector.deliver(Message(claimed.topic, claimed.key, claimed.payload))
        except ConnectorError as exc:
            log.warning("outbox row %s (%s): %s", claimed.id, claimed.topic, exc)
            failed = ParkMessage if exc.permanent else PutOffMessage
            self._run(failed(claimed, str(exc)))
        except Exception as exc:  # because one broken message must not hold up the others
            log.exception("outbox row %s (%s) was not sent", claimed.id, claimed.topic)
            self._run(PutOffMessage(claimed, f"{type(exc).__name__}: {exc}"[:1000]))
        else:
            # Sent and not marked is sent again, under the same key.
            self._run(MarkSent(claimed.id))

    def _run(self, command: object) -> Any:
        return run(command, actor=SYSTEM, clock=self.clock, database=self.database)
