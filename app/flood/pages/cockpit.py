"""The wall screen: everything at a glance, live by server-sent events, or a past event on a slider."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from threading import Lock, Semaphore
from time import monotonic
from typing import Any, Final

import orjson
from cachetools import TTLCache
from flask import Response, current_app, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.exc import SQLAlchemyError

from app.accounts.roles import SUPERVISOR
from app.db.session import db
from app.errors import NotFound
from app.flood.cockpit import Asked, state_at
from app.flood.pages import words
from app.flood.pages.room import READERS, blueprint, bound_to
from app.flood.tables import RainEvent
from app.run import Runtime
from app.web.access import open_to
from app.web.current import now, reader, runtime
from app.web.serving import ending
from app.web.typed import END_YEAR, FIRST_YEAR

SEEN_BY: Final = (*READERS, SUPERVISOR)
# A stream holds a thread of the process, as those of the desk do; none is held for ever.
MOST_STREAMS: Final = 40
LONGEST_S: Final = 300.0
EVERY_S: Final = 2.0
HEARTBEAT_S: Final = 15.0


class Shared:
    """One look at the city for all the screens of a process, as old as a screen may be."""

    def __init__(self) -> None:
        self.free = Semaphore(MOST_STREAMS)
        self._locks: defaultdict[str, Lock] = defaultdict(Lock)
        self._kept: TTLCache[str, bytes] = TTLCache(64, EVERY_S, timer=monotonic)

    def state(self, runtime: Runtime, path: str) -> bytes:
        """Return the present state for those who see a unit; who asks while it is counted waits for it."""
        with self._locks[path]:
            found = self._kept.get(path)
            if found is None:
                with runtime.database.sessions() as session:
                    found = orjson.dumps(state_at(session, Asked(runtime.clock.now(), path)))
                self._kept[path] = found
            return found


@blueprint.get("/cockpit")
@open_to(*SEEN_BY)
def cockpit() -> str:
    """Show the wall screen; with an event, what it was like at any moment of it."""
    event = _event_asked()
    begins = None if event is None else event.opened_at
    ends = None if event is None else event.closed_at or now()
    return render_template(
        "flood/cockpit.html",
        event=event,
        begins=begins,
        ends=ends,
        state_url=url_for("flood.cockpit_state"),
        events_url=None if event else url_for("flood.cockpit_events"),
        said=_said(),
    )


@blueprint.get("/cockpit/state")
@open_to(*SEEN_BY)
def cockpit_state() -> ResponseReturnValue:
    """Return what the screen shows, now or at the moment that the address names, as JSON."""
    text = request.args.get("at", "")
    if text:
        asked = Asked(_moment(text), _path())
        body = orjson.dumps(state_at(db.session(), asked))
    else:
        body = _shared().state(runtime(), _path())
    response = Response(body, mimetype="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.get("/cockpit/events")
@open_to(*SEEN_BY)
def cockpit_events() -> ResponseReturnValue:
    """Stream the state whenever it changes."""
    path, of_process, shared = _path(), runtime(), _shared()
    # The stream outlives the page: it must not keep a connection of the pages' pool.
    db.session.remove()
    if not shared.free.acquire(blocking=False):
        return Response(status=503, headers={"Retry-After": "60"})
    response = Response(events(shared, of_process, path), mimetype="text/event-stream")
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"
    response.call_on_close(shared.free.release)
    return response


def events(
    shared: Shared, of_process: Runtime, path: str, clock: Callable[[], float] = monotonic
) -> Iterator[str]:
    """Yield states as EventSource reads them, until the stream has lasted as long as it may or the server ends."""
    ends, said_at, before = clock() + LONGEST_S, clock(), b""
    yield "retry: 3000\n\n"
    while ends > clock() and not ending.is_set():
        try:
            state = shared.state(of_process, path)
        except SQLAlchemyError:
            state = before
        if _facts(state) != _facts(before):
            before, said_at = state, clock()
            yield f"data: {state.decode()}\n\n"
        elif clock() - said_at >= HEARTBEAT_S:
            said_at = clock()
            yield ": here\n\n"
        ending.wait(EVERY_S)


def _facts(state: bytes) -> bytes:
    """Return a state without its moment, which changes every time."""
    return state.partition(b",")[2]


def _path() -> str:
    """Return the path of the unit that the reader is bound to; a supervisor of the centre sees the city."""
    return "" if reader().has(SUPERVISOR) and not reader().ranked else bound_to()


def _shared() -> Shared:
    found: Shared = current_app.extensions.setdefault("cockpit", Shared())
    return found


def _event_asked() -> RainEvent | None:
    text = request.args.get("event", "")
    if not text:
        return None
    event = db.session.get(RainEvent, int(text)) if text.isdecimal() and len(text) < 19 else None
    if event is None:
        raise NotFound("没有这场降雨。")
    return event


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromtimestamp(float(text), UTC)
    except (ValueError, OverflowError, OSError) as exc:
        raise NotFound("网址中的时刻无效。") from exc
    if not FIRST_YEAR <= moment.year < END_YEAR:
        raise NotFound("网址中的时刻无效。")
    return moment


def _said() -> dict[str, Any]:
    """Return the words that the script writes."""
    return {
        "levels": [words.level_name(level) for level in range(5)],
        "marks": [words.level_mark(level) for level in range(5)],
        "orders": {
            "issued": _("已下达"),
            "acknowledged": _("已接收"),
            "on_way": _("途中"),
            "on_site": _("到场"),
        },
        "no_rain": _("没有降雨场次"),
        "event": _("降雨进行中"),
        "no_alerts": _("没有未解除的预警"),
        "no_orders": _("没有进行中的指令"),
        "dry": _("各点位没有积水"),
        "unconfirmed": _("待确认"),
        "lost": _("连接已中断，画面停在 {at}"),
        "signed_out": _("登录已过期。"),
        "sign_in": _("重新登录"),
        "cm": "cm",
        "chinese": words.is_chinese(),
    }
