"""Take readings of SL 651 stations over TCP: store in batches, and only then answer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from app.errors import AppError, DatabaseLost
from app.run import SYSTEM, run
from app.sensing.commands import StoreReadings
from app.sensing.ingest import will_pass
from connectors.refusals import FrameRefused, Unreadable
from connectors.sl651 import Frame, reply_to, wants_reply
from connectors.sl651_stream import Stream

log = logging.getLogger(__name__)

CHANNEL: Final = "sl651"
AGAIN_S: Final = 0.5
# A frame that has begun and not ended after so long is not waited for: its length may be damaged.
REST_OF_FRAME_S: Final = 5.0
# A station that says nothing for so long, not even that it lives, is gone.
SILENT_S: Final = 3600.0
# What belongs to no frame, since the last good one: more is no damage of the line.
MOST_RUBBISH: Final = 8192
MOST_STATIONS: Final = 2000
_CHUNK: Final = 8192


@dataclass
class Arrived:
    """What a station sent and waits to have stored. done: whether it is."""

    frame: Frame
    done: asyncio.Future[bool]


@dataclass
class Listener:
    """Serve any number of stations. most: frames stored at once. pause_s: how long the first waits for others."""

    most: int = 1000
    pause_s: float = 0.1
    rest_of_frame_s: float = REST_OF_FRAME_S
    _queue: asyncio.Queue[Arrived] = field(default_factory=lambda: asyncio.Queue(5000))
    _unreadable: list[str] = field(default_factory=list)
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _stations: int = 0

    async def serve(self, host: str, port: int, stopping: asyncio.Event) -> None:
        """Listen until told to stop; what is not answered by then is sent again."""
        server = await asyncio.start_server(self._station, host, port)
        log.info("listening on %s", server.sockets[0].getsockname())
        storing = asyncio.create_task(self._store_on())
        async with server:
            await stopping.wait()
        storing.cancel()
        with suppress(asyncio.CancelledError):
            await storing

    async def _station(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read what one station sends until it ends, falls silent or sends rubbish."""
        if self._stations >= MOST_STATIONS:
            self._note(FrameRefused(Unreadable.TOO_LONG, f"{MOST_STATIONS} stations at once"))
            writer.close()
            return
        self._stations += 1
        stream = Stream()
        try:
            while await self._read_on(reader, writer, stream):
                pass
        except (OSError, asyncio.IncompleteReadError) as error:
            log.info("a station is gone: %s", error)
        finally:
            self._stations -= 1
            writer.close()

    async def _read_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, stream: Stream
    ) -> bool:
        """Take one piece of the stream; tell whether there may be more."""
        patience = self.rest_of_frame_s if stream.is_waiting else SILENT_S
        try:
            data = await asyncio.wait_for(reader.read(_CHUNK), patience)
        except TimeoutError:
            if not stream.is_waiting:
                return False
            found, ended = list(stream.give_up()), False
        else:
            ended = not data
            found = list(stream.give_up() if ended else stream.feed(data))
        for one in found:
            if isinstance(one, FrameRefused):
                self._note(one)
            else:
                await self._take(one, writer)
        if stream.rubbish > MOST_RUBBISH:
            self._note(FrameRefused(Unreadable.TOO_LONG, f"{stream.rubbish} bytes of rubbish"))
            return False
        return not ended

    async def _take(self, frame: Frame, writer: asyncio.StreamWriter) -> None:
        """Have a frame stored, and answer it after."""
        if not frame.up:
            self._note(FrameRefused(Unreadable.NO_FRAME, "a frame from a centre"))
            return
        if frame.report is None and not wants_reply(frame):
            return
        arrived = Arrived(frame, asyncio.get_running_loop().create_future())
        await self._queue.put(arrived)
        self._news.set()
        if await arrived.done and wants_reply(frame):
            writer.write(reply_to(frame))
            await writer.drain()

    def _note(self, refusal: FrameRefused) -> None:
        # Strangers fill no memory: the database counts them by reason, and what is lost here is only a count.
        if len(self._unreadable) < self.most:
            self._unreadable.append(f"{refusal.reason.value} {refusal.detail}")
            self._news.set()

    async def _store_on(self) -> None:
        """Store what has arrived, batch after batch."""
        while True:
            await self._news.wait()
            await asyncio.sleep(self.pause_s)
            self._news.clear()
            while not self._queue.empty() or self._unreadable:
                count = min(self._queue.qsize(), self.most)
                batch = [self._queue.get_nowait() for _ in range(count)]
                unreadable, self._unreadable = self._unreadable, []
                await self._store(batch, unreadable)

    async def _store(self, batch: Sequence[Arrived], unreadable: Sequence[str]) -> None:
        """Store a batch until it is stored. One that cannot be is not answered, and does not stop the others."""
        samples = [sample for one in batch for sample in one.frame.samples()]
        while True:
            try:
                await asyncio.to_thread(
                    run, StoreReadings(samples, CHANNEL, unreadable), actor=SYSTEM
                )
            except Exception as error:  # noqa: BLE001 because the others must go on
                if isinstance(error, DatabaseLost) or will_pass(error):
                    log.warning("the database does not answer, trying again")
                    await asyncio.sleep(AGAIN_S)
                    continue
                await self._store_apart(batch, unreadable, error)
                return
            for one in batch:
                if not one.done.cancelled():
                    one.done.set_result(True)
            return

    async def _store_apart(
        self, batch: Sequence[Arrived], unreadable: Sequence[str], error: Exception
    ) -> None:
        log.error("%s frames were not stored", len(batch), exc_info=error)
        if len(batch) > 1:
            middle = len(batch) // 2
            await self._store(batch[:middle], unreadable)
            await self._store(batch[middle:], ())
            return
        for one in batch:
            one.done.set_result(False)
        reason = error.code if isinstance(error, AppError) else type(error).__name__
        if batch:
            await self._store((), [reason])
