"""What the HTTP server logs; granian.json names it."""

from __future__ import annotations

import logging


class WithoutThreadCount(logging.Filter):
    """Drop granian's warning of many threads: most of them wait for an event or the database."""

    def filter(self, record: logging.LogRecord) -> bool:
        return "Python threads, which seems quite high" not in record.getMessage()
