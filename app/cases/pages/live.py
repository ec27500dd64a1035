"""What changes on the desk, told to open pages by server-sent events."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from queue import Empty, Full, Queue
from threading import Event, Lock, Thread
from time import monotonic
from typing import Final

import orjson
from flask import Response, current_app
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import SQLAlchemyError

from app.cases.commands.authority import fits
from app.cases.pages import room
from app.cases.pages.room import blueprint
from app.cases.queries.watching import Change, Look, changes_between, look
from app.db.session import db
from app.run import Actor, Runtime
from app.web.access import SIGNED_IN, open_to
from app.web.serving import ending

log = logging.getLogger(__name__)

# A stream holds one of the process's 150 threads: fifty stay for pages, and none is held for ever.
MOST_STREAMS: Final = 100
LONGEST_S: Final = 300.0
# A page that went away is noticed when something is written to it.
HEARTBEAT_S: Final = 15.0
_EVERY_S: Final = 1.0
_LONGEST_QUEUE: Final = 1_000
_Stream = Queue[list[Change]]


class Watch:
    """One look at the open items a second for all the streams of this process."""

    def __init__(self, most: int = MOST_STREAMS) -> None:
        self._most = most
        self._lock = Lock()
        self._streams: set[_Stream] = set()
        self._running = False
        self._thread: Thread | None = None
        self._hurry = Event()

    def join(self, runtime: Runtime) -> _Stream | None:
        """Return a stream of changes; None when there are as many as this process bears."""
        with self._lock:
            if len(self._streams) >= self._most:
                return None
            stream: _Stream = Queue(_LONGEST_QUEUE)
            self._streams.add(stream)
            if not self._running:
                self._running = True
                self._hurry.clear()
                self._thread = Thread(
                    target=self._watch, args=(runtime,), name="desk-watch", daemon=True
                )
                self._thread.start()
            return stream

    def stop(self) -> None:
        """Forget every stream and wait for the last look: the database may be left behind then."""
        with self._lock:
            self._streams.clear()
            thread = self._thread
        self._hurry.set()
        if thread is not None:
            thread.join()

    def leave(self, stream: _Stream) -> None:
        """Forget a stream."""
        with self._lock:
            self._streams.discard(stream)

    def tell(self, changes: list[Change]) -> None:
        """Hand changes to every stream; one that does not read loses them, and its page the marks."""
        with self._lock:
            streams = list(self._streams)
        for stream in streams:
            try:
                stream.put_nowait(changes)
            except Full:
                continue

    def _watch(self, runtime: Runtime) -> None:
        before: Look | None = None
        lost = False
        while self._wanted():
            try:
                before, lost = self._step(runtime, before), False
            except SQLAlchemyError as error:
                # Said once an outage, and not every second of it.
                if not lost:
                    log.warning("the desk's watch cannot look at the open items: %s", error)
                lost = True
            self._hurry.wait(_EVERY_S)

    def _wanted(self) -> bool:
        """Tell whether anybody listens; the last look ends under the same lock as the first begins."""
        with self._lock:
            self._running = bool(self._streams)
            return self._running

    def _step(self, runtime: Runtime, before: Look | None) -> Look:
        with runtime.database.reading.engine.connect() as connection:
            after = look(connection, runtime.clock.now())
            changes = changes_between(connection, before, after) if before else []
        if changes:
            self.tell(changes)
        return after


def _watch_of_this_process() -> Watch:
    watch: Watch = current_app.extensions.setdefault("desk_watch", Watch())
    return watch


@blueprint.get("/inbox/events")
@open_to(SIGNED_IN)
def inbox_events() -> ResponseReturnValue:
    """Stream what changes for the reader: new items, items taken or finished by others, items turned red."""
    actor, runtime = room.reader(), room.runtime()
    # The stream outlives the page: it must not keep a connection of the pages' pool.
    db.session.remove()
    watch = _watch_of_this_process()
    stream = watch.join(runtime)
    if stream is None:
        return Response(status=503, headers={"Retry-After": "60"})
    response = Response(events(watch, stream, actor), mimetype="text/event-stream")
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"
    # A client that leaves before the first event never runs the generator's own ending.
    response.call_on_close(lambda: watch.leave(stream))
    return response


def events(
    watch: Watch, stream: _Stream, actor: Actor, clock: Callable[[], float] = monotonic
) -> Iterator[str]:
    """Yield events as EventSource reads them, until the stream has lasted as long as it may or the server ends."""
    ends, quiet_s = clock() + LONGEST_S, 0.0
    try:
        yield "retry: 5000\n\n"
        while ends > clock() and not ending.is_set():
            try:
                changes = stream.get(timeout=_EVERY_S)
            except Empty:
                quiet_s += _EVERY_S
                if quiet_s >= HEARTBEAT_S:
                    quiet_s = 0.0
                    yield ": here\n\n"
                continue
            for change in changes:
                kind = kind_for(actor, change)
                if kind is not None:
                    told = {"kind": kind, "item": change.item.id, "who": change.who}
                    yield f"data: {orjson.dumps(told).decode()}\n\n"
    finally:
        watch.leave(stream)


def kind_for(actor: Actor, change: Change) -> str | None:
    """Return what a change is to a person; None for what is not theirs or was their own doing."""
    item, me = change.item, actor.person_id
    if change.who_id == me and change.kind == "gone":
        return None
    if not fits(actor, (change.before or item).as_row()) and not fits(actor, item.as_row()):
        return None
    if change.kind == "taken" and item.assignee_id == me:
        return "mine"
    if change.kind in ("new", "red") and item.assignee_id not in (None, me):
        return None
    if change.before is not None and change.before.assignee_id not in (None, me):
        return None
    return change.kind
