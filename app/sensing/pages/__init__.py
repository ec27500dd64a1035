"""Pages of the sensing room: devices and what they measured."""

from __future__ import annotations

from app.sensing.pages import devices as devices
from app.sensing.pages.room import blueprint, navigation

__all__ = ["blueprint", "navigation"]
