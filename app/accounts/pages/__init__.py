"""Pages of the accounts room: signing in, one's password, administration."""

from __future__ import annotations

from app.accounts.pages import signing, units
from app.accounts.pages.room import blueprint, navigation

__all__ = ["blueprint", "navigation", "signing", "units"]
