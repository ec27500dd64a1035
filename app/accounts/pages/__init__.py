"""Pages of the accounts room: signing in, one's password, administration."""

from __future__ import annotations

from app.accounts.pages import files, people, roles, signing, units
from app.accounts.pages.room import blueprint, navigation

__all__ = ["blueprint", "files", "navigation", "people", "roles", "signing", "units"]
