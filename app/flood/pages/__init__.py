"""Pages of the flood room: the board, rain and its reports, duty, orders, pump trucks."""

from __future__ import annotations

from app.flood.pages import board as board
from app.flood.pages import cockpit as cockpit
from app.flood.pages import duty as duty
from app.flood.pages import forecasts as forecasts
from app.flood.pages import me as me
from app.flood.pages import orders as orders
from app.flood.pages import pumps as pumps
from app.flood.pages import rain as rain
from app.flood.pages import waiting as waiting
from app.flood.pages.room import blueprint, navigation

__all__ = ["blueprint", "navigation"]
