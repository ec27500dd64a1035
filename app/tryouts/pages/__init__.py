"""Pages of drafts tried out: step by step, and on the cases of a month."""

from __future__ import annotations

from app.tryouts.pages import replays as replays
from app.tryouts.pages import trials as trials
from app.tryouts.pages.room import blueprint

__all__ = ["blueprint"]
