"""Take readings from the broker: fetch, store in one transaction, and only then acknowledge."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import accumulate, chain
from threading import Event
from typing import Final, NamedTuple

import psycopg
from sqlalchemy.exc import DBAPIError

from app.errors import ConnectorError, DatabaseLost
from app.run import SYSTEM, run
from app.sensing.commands import StoreReadings
from connectors import hj212, json_topics, sl651
from connectors.mqtt import Subscriber
from connectors.mqtt_packets import Received
from connectors.refusals import FrameRefused
from connectors.samples import Sample

log = logging.getLogger(__name__)

# How often a broker or a database that does not answer is tried again.
AGAIN_S: Final = 0.5
# How soon it is noticed that a batch is stored while nothing arrives.
STORING_S: Final = 0.01
CHANNEL: Final = "mqtt"
# Bytes of a batch's messages, about: one message may hold some ten thousand readings.
MOST_BYTES: Final = 8 * 2**20
# These mean that the rows themselves are at fault; anything else of the database passes.
_OF_THE_ROWS: Final = (psycopg.DataError, psycopg.IntegrityError)


def _read_sl651(payload: bytes) -> list[Sample]:
    return list(sl651.decode(payload).samples())


def _read_hj212(payload: bytes) -> list[Sample]:
    return list(hj212.decode(payload).samples())


# By the level of the topic after the first: jingwei/json/…, jingwei/sl651/…, jingwei/hj212/….
READERS: Final[dict[str, Callable[[bytes], list[Sample]]]] = {
    "json": json_topics.decode,
    "sl651": _read_sl651,
    "hj212": _read_hj212,
}


# Of messages that are no readings: the same level of the topic -> the command that takes them in, None for nothing to
# do. Rooms above this one add theirs.
OTHERS: Final[dict[str, Callable[[Sequence[Received]], object | None]]] = {}


def level_of(topic: str) -> str:
    """Return the level of a topic after the first, which says what a message is."""
    levels = topic.split("/", 2)
    return levels[1] if len(levels) > 1 else ""


class Held(NamedTuple):
    """A message and what was read in it. fault: why it could not be read."""

    message: Received
    level: str
    samples: Sequence[Sample] = ()
    fault: str = ""


def hold(message: Received) -> Held:
    """Read a message that may hold readings; others are read by the command that takes them in."""
    level = level_of(message.topic)
    if level in OTHERS:
        return Held(message, level)
    reader = READERS.get(level)
    if reader is None:
        return Held(message, level, fault=f"no format {level}")
    try:
        return Held(message, level, reader(message.payload))
    except FrameRefused as refusal:
        return Held(message, level, fault=f"{refusal.reason.value} {refusal.detail}")
    except Exception as error:  # because the broker would send it again to a process that it ends
        log.exception("a message on %s cannot be read", message.topic)
        return Held(message, level, fault=type(error).__name__)


def commands_for(batch: Sequence[Held]) -> list[object]:
    """Return what takes some messages in: readings together, and each other kind by its own command."""
    readings = [one for one in batch if one.level not in OTHERS]
    commands: list[object] = [readings_of(readings)] if readings else []
    for level, command_of in OTHERS.items():
        others = [one.message for one in batch if one.level == level]
        command = command_of(others) if others else None
        if command is not None:
            commands.append(command)
    return commands


def readings_of(batch: Sequence[Held]) -> StoreReadings:
    """Return what is to be stored of some messages."""
    samples = list(chain.from_iterable(one.samples for one in batch))
    return StoreReadings(samples, CHANNEL, [one.fault for one in batch if one.fault])


@dataclass
class Ingest:
    """One process of any number. Killed at any moment it loses nothing: the broker sends again.

    While one batch is stored, in a thread of its own, the next one is fetched and read. most: messages of a batch;
    most_bytes: of their payloads. No more than a few batches are held, whatever the broker sends. pause_s: how long the
    first of a batch waits for others.
    """

    subscriber: Subscriber
    most: int = 5000
    most_bytes: int = MOST_BYTES
    pause_s: float = 0.2
    stopping: Event = field(default_factory=Event)
    storing: Executor = field(default_factory=partial(ThreadPoolExecutor, 1, "storing"))
    _waiting: list[Held] = field(default_factory=list)
    _bytes: int = 0
    _batch: list[Held] = field(default_factory=list)
    _stored: Future[None] | None = None
    _since: float = 0.0
    _not_before: float = 0.0
    _connected: bool = False

    def run(self) -> None:
        """Take readings until stopped; what is not stored by then comes again."""
        while not self.stopping.is_set():
            try:
                self.step()
            except ConnectorError as error:
                log.warning("%s", error)
                # What it brought is kept and stored: a broker that was killed may have forgotten it.
                self._connected = False
                self.stopping.wait(AGAIN_S)
            except DatabaseLost:
                log.warning("the database does not answer, trying again")
        self.storing.shutdown()
        with suppress(DatabaseLost):
            self._acknowledge(self._settled())
        self.subscriber.disconnect()

    def step(self) -> None:
        """Acknowledge what is stored, store what waits if it is due, fetch what has arrived.

        Raises: DatabaseLost when a batch has to be stored again; ConnectorError without a connection.
        """
        stored = self._settled()
        begins = self._stored is None and self._is_due()
        if begins:
            self._batch, rest = self._cut()
            self._wait(rest)
            self._since = time.monotonic()
            self._stored = self.storing.submit(self._store, self._batch)
        # The next batch is under way by now: acknowledging reads on, and takes its time.
        self._acknowledge(stored)
        if begins:
            self._acknowledge(self._settled())
            return
        room = self.most - len(self._waiting)
        if room <= 0 or self._bytes >= self.most_bytes:
            self._rest()
            return
        if not self._connected:
            self.subscriber.connect()
            self._connected = True
        fetched = self.subscriber.fetch(room, self._patience())
        if fetched and not self._waiting:
            self._since = time.monotonic()
        self._waiting += map(hold, fetched)
        self._bytes += sum(len(one.payload) for one in fetched)

    def _settled(self) -> list[Held]:
        """Return the batch once it is stored. Raises DatabaseLost when it is not; then it waits again."""
        if self._stored is None or not self._stored.done():
            return []
        result, batch = self._stored, self._batch
        self._stored, self._batch = None, []
        try:
            result.result()
        except DatabaseLost:
            self._wait(batch + self._waiting)
            self._not_before = time.monotonic() + AGAIN_S
            raise
        return batch

    def _cut(self) -> tuple[list[Held], list[Held]]:
        """Return the next batch and what waits behind it: so many messages and bytes, but one message at least."""
        here = self.most
        if self._bytes > self.most_bytes:
            sizes = accumulate(len(one.message.payload) for one in self._waiting)
            here = min(here, max(1, sum(1 for size in sizes if size <= self.most_bytes)))
        return self._waiting[:here], self._waiting[here:]

    def _wait(self, messages: list[Held]) -> None:
        self._waiting = messages
        self._bytes = sum(len(one.message.payload) for one in messages)

    def _acknowledge(self, stored: Sequence[Held]) -> None:
        if stored:
            self.subscriber.acknowledge(one.message for one in stored)

    def _is_due(self) -> bool:
        now = time.monotonic()
        full = len(self._waiting) >= self.most or self._bytes >= self.most_bytes
        enough = full or now - self._since > self.pause_s
        return bool(self._waiting) and enough and now >= self._not_before

    def _rest(self) -> None:
        """Hold as much as may be held: until it is stored nothing more is read, not even what wants no acknowledgement."""
        if self._stored is None:
            self.stopping.wait(max(self._not_before - time.monotonic(), 0.001))
        else:
            wait((self._stored,), timeout=AGAIN_S)

    def _patience(self) -> float:
        """Return how long to wait for the next message."""
        if self._stored is not None:
            return STORING_S
        now = time.monotonic()
        if not self._waiting:
            return self.pause_s
        return max(self._since + self.pause_s - now, self._not_before - now, 0.001)

    def _store(self, batch: Sequence[Held]) -> None:
        """Store messages. One that cannot be stored is counted and given up, and does not stop the others."""
        try:
            for command in commands_for(batch):
                run(command, actor=SYSTEM)
        except DatabaseLost:
            raise
        except Exception as error:  # because the others must go on
            if will_pass(error):
                raise DatabaseLost from error
            log.exception("%s messages were not stored", len(batch))
            if len(batch) > 1:
                middle = len(batch) // 2
                self._store(batch[:middle])
                self._store(batch[middle:])
            else:
                run(StoreReadings((), CHANNEL, [type(error).__name__]), actor=SYSTEM)


def will_pass(error: Exception) -> bool:
    """Tell whether the database refused for a reason of its own: a lock, a full disk, a restart."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return isinstance(cause, psycopg.Error) and not isinstance(cause, _OF_THE_ROWS)
