"""The header's entries: each room's pages name theirs, the shell shows those a reader may open."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask, current_app, request, url_for
from flask_babel import LazyString
from flask_login import current_user


@dataclass(frozen=True)
class NavigationItem:
    """An entry: an endpoint, its label (lazy_gettext), who sees it, and where it stands.

    roles: empty for everyone who is signed in. home_of: whose day begins here, if they have no other role.
    """

    endpoint: str
    label: LazyString | str
    roles: frozenset[str] = frozenset()
    position: int = 50
    home_of: frozenset[str] = frozenset()


def init_app(app: Flask) -> None:
    """Offer navigation() to templates."""
    app.extensions["jingwei.navigation"] = []
    app.add_template_global(navigation)


def add_items(app: Flask, items: tuple[NavigationItem, ...]) -> None:
    """Add a room's entries."""
    listed: list[NavigationItem] = app.extensions["jingwei.navigation"]
    listed.extend(items)
    listed.sort(key=lambda item: item.position)


def navigation() -> list[tuple[NavigationItem, bool]]:
    """Return the entries that the reader may open, and whether each is the current one."""
    if not current_user.is_authenticated:
        return []
    items: list[NavigationItem] = current_app.extensions["jingwei.navigation"]
    shown = [item for item in items if not item.roles or current_user.actor.has(*item.roles)]
    addresses = [url_for(item.endpoint) for item in shown]
    here = max((address for address in addresses if _leads_to(address)), key=len, default=None)
    return [(item, address == here) for item, address in zip(shown, addresses, strict=True)]


def first_page() -> str | None:
    """Return the endpoint where the reader's day begins; None for whom no page is open."""
    items = [item for item, _ in navigation()]
    home = (
        item
        for item in items
        if current_user.actor.roles and current_user.actor.roles <= item.home_of
    )
    found = next(home, items[0] if items else None)
    return None if found is None else found.endpoint


def _leads_to(address: str) -> bool:
    """Tell whether the present page is at an address or below it."""
    return request.path == address or request.path.startswith(f"{address}/")
