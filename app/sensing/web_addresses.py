"""Addresses of the web that people type."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

LONGEST: Final = 500


def is_web_address(text: str) -> bool:
    """Tell whether a text is an address that a page may link to."""
    if len(text) > LONGEST or not text.isprintable() or " " in text:
        return False
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)
