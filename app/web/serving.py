"""What the HTTP server logs (granian.json names it), and how long answers learn that it is told to end."""

from __future__ import annotations

import logging
import os
import signal
from threading import Event, Thread, current_thread, main_thread
from typing import Final

# Set once this process is told to end: the server waits for every answer that is still being sent.
ending: Final = Event()


class WithoutThreadCount(logging.Filter):
    """Drop granian's warning of many threads: most of them wait for an event or the database."""

    def filter(self, record: logging.LogRecord) -> bool:
        return "Python threads, which seems quite high" not in record.getMessage()


def watch_for_end() -> None:
    """Set `ending` when a signal tells this process to end.

    The server installs its own handlers after the application is loaded, so ours would be lost; the
    descriptor that Python writes every signal to stays.
    """
    if current_thread() is not main_thread():
        return
    told, tells = os.pipe()
    os.set_blocking(tells, False)
    signal.set_wakeup_fd(tells, warn_on_full_buffer=False)
    Thread(target=_wait, args=(told,), name="told-to-end", daemon=True).start()


def _wait(told: int) -> None:
    while number := os.read(told, 1):
        if number[0] in (signal.SIGTERM, signal.SIGINT):
            ending.set()
