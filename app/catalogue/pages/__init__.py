"""The catalogue and the working calendar as pages."""

from __future__ import annotations

from app.catalogue.pages import calendar, classes  # noqa: F401 because they add their views
from app.catalogue.pages.room import blueprint, navigation

__all__ = ["blueprint", "navigation"]
