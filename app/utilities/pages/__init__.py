"""Pages of the utilities room."""

from __future__ import annotations

from app.utilities.pages.boards import blueprint, navigation

__all__ = ["blueprint", "navigation"]
