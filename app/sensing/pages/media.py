"""What a camera or a person at a site shows: taken into the page where the policy of content allows its origin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from app.sensing.tables import Alert, Site
from app.sensing.web_addresses import is_web_address
from app.web.current import runtime


@dataclass(frozen=True)
class Media:
    """An address of a site's camera. plays: its origin is one of the settings, so the page may show it."""

    address: str
    plays: bool
    is_hls: bool


@dataclass(frozen=True)
class Taken:
    """The last photo that somebody took at a site."""

    address: str
    at: datetime
    text: str


# Rooms above this one know of photos; each says what the reader may see of a site that shows an alert.
TAKEN: Final[list[Callable[[Site, Alert], Taken | None]]] = []


def media_of(site: Site | None, name: str) -> Media | None:
    """Return the `video` or `image` of a site; none for what is no address of the web."""
    address = None if site is None else site.data.get(name)
    if not isinstance(address, str) or not is_web_address(address):
        return None
    parts = urlsplit(address)
    origin = f"{parts.scheme}://{parts.netloc}"
    plays = origin in runtime().services.settings.media_origins
    return Media(address, plays, parts.path.endswith(".m3u8"))


def last_taken(site: Site | None, alert: Alert) -> Taken | None:
    """Return the newest photo of an alert's site that the reader may see."""
    if site is None:
        return None
    found = [one for look in TAKEN if (one := look(site, alert)) is not None]
    return max(found, key=lambda one: one.at, default=None)
