"""Answers that cost much and may be a little old: counted once, then kept for a while by each process."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from datetime import datetime
from threading import Condition
from typing import Any, Final, TypeVar

from cachetools import TTLCache, cached
from flask import Flask, current_app

from app.clock import Clock
from app.run import Runtime

Answer = TypeVar("Answer")

# Far more than a city's units in the month that everybody looks at.
MOST: Final = 500
PAST_TIMES: Final = 60
"""So many times as long an answer about the past is kept."""


def start_keeping(app: Flask) -> None:
    """Let an application keep answers for as long as its setting `answers_kept_s` says."""
    runtime: Runtime = app.extensions["jingwei"]
    clock, kept_s = runtime.clock, runtime.services.settings.answers_kept_s
    app.extensions["kept_answers"] = _keeper(clock, kept_s)
    app.extensions["kept_of_past"] = _keeper(clock, kept_s * PAST_TIMES)


def _keeper(clock: Clock, kept_s: float) -> Callable[..., tuple[datetime, Any]]:
    @cached(
        TTLCache(MOST, kept_s, timer=lambda: clock.now().timestamp()),
        key=lambda key, ask: key,
        condition=Condition(),
    )
    def answer(key: Hashable, ask: Callable[[], Any]) -> tuple[datetime, Any]:
        return clock.now(), ask()

    return answer


def kept(
    key: Hashable, ask: Callable[[], Answer], *, of_past: bool = False
) -> tuple[datetime, Answer]:
    """Return when an answer was counted, and the answer; who asks while it is counted waits for it.

    of_past: of what is over and only a restored backup would change; it is kept much longer.
    """
    keeper = current_app.extensions["kept_of_past" if of_past else "kept_answers"]
    found: tuple[datetime, Answer] = keeper(key, ask)
    return found
