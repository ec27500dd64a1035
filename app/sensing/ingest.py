"""Take readings from the broker: fetch, store in one transaction, and only then acknowledge."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from threading import Event
from typing import Final

import psycopg
from sqlalchemy.exc import DBAPIError

from app.errors import ConnectorError, DatabaseLost
from app.run import SYSTEM, run
from app.sensing.commands import StoreReadings
from connectors import hj212, json_topics, sl651
from connectors.mqtt import Received, Subscriber
from connectors.refusals import FrameRefused
from connectors.samples import Sample

log = logging.getLogger(__name__)

# How often a broker or a database that does not answer is tried again.
AGAIN_S: Final = 0.5
CHANNEL: Final = "mqtt"
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


def commands_for(messages: Sequence[Received]) -> list[object]:
    """Return what takes some messages in: readings together, and each other kind by its own command."""
    readings = [one for one in messages if level_of(one.topic) not in OTHERS]
    commands: list[object] = [read(readings)] if readings else []
    for level, command_of in OTHERS.items():
        others = [one for one in messages if level_of(one.topic) == level]
        command = command_of(others) if others else None
        if command is not None:
            commands.append(command)
    return commands


def read(messages: Sequence[Received]) -> StoreReadings:
    """Return what is to be stored of some messages."""
    found: list[list[Sample]] = []
    unreadable: list[str] = []
    for message in messages:
        levels = message.topic.split("/", 2)
        reader = READERS.get(levels[1]) if len(levels) > 1 else None
        if reader is None:
            unreadable.append(f"no format {levels[1:2]}")
            continue
        try:
            found.append(reader(message.payload))
        except FrameRefused as refusal:
            unreadable.append(f"{refusal.reason.value} {refusal.detail}")
    return StoreReadings(list(chain.from_iterable(found)), CHANNEL, unreadable)


@dataclass
class Ingest:
    """One process of any number. Killed at any moment it loses nothing: the broker sends again."""

    subscriber: Subscriber
    most: int = 1000
    pause_s: float = 0.2
    stopping: Event = field(default_factory=Event)
    _waiting: list[Received] = field(default_factory=list)
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
                self._not_before = time.monotonic() + AGAIN_S
        self.subscriber.disconnect()

    def step(self) -> None:
        """Store what waits if it is enough or has waited long enough; else fetch what has arrived."""
        if self._is_due():
            self._store(self._waiting)
            stored, self._waiting = self._waiting, []
            self.subscriber.acknowledge(stored)
            return
        if not self._connected:
            self.subscriber.connect()
            self._connected = True
        fetched = self.subscriber.fetch(max(self.most - len(self._waiting), 1), self._patience())
        if fetched and not self._waiting:
            self._since = time.monotonic()
        self._waiting += fetched

    def _is_due(self) -> bool:
        now = time.monotonic()
        enough = len(self._waiting) >= self.most or now - self._since > self.pause_s
        return bool(self._waiting) and enough and now >= self._not_before

    def _patience(self) -> float:
        """Return how long to wait for the next message."""
        now = time.monotonic()
        if not self._waiting:
            return self.pause_s
        return max(self._since + self.pause_s - now, self._not_before - now, 0.001)

    def _store(self, messages: Sequence[Received]) -> None:
        """Store messages. One that cannot be stored is counted and given up, and does not stop the others."""
        try:
            for command in commands_for(messages):
                run(command, actor=SYSTEM)
        except DatabaseLost:
            raise
        except Exception as error:  # because the others must go on
            if _will_pass(error):
                raise DatabaseLost from error
            log.exception("%s messages were not stored", len(messages))
            if len(messages) > 1:
                middle = len(messages) // 2
                self._store(messages[:middle])
                self._store(messages[middle:])
            else:
                run(StoreReadings((), CHANNEL, [type(error).__name__]), actor=SYSTEM)


def _will_pass(error: Exception) -> bool:
    """Tell whether the database refused for a reason of its own: a lock, a full disk, a restart."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return isinstance(cause, psycopg.Error) and not isinstance(cause, _OF_THE_ROWS)
