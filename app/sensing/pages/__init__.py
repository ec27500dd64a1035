"""Pages of the sensing room: devices and what they measured."""

from __future__ import annotations

from app.sensing.pages import alerts as alerts
from app.sensing.pages import device as device
from app.sensing.pages import devices as devices
from app.sensing.pages import refused as refused
from app.sensing.pages import register as register
from app.sensing.pages import rules as rules
from app.sensing.pages import speed as speed
from app.sensing.pages.room import blueprint, navigation

__all__ = ["blueprint", "navigation"]
