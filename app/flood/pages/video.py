"""A point's video: played where the policy of content allows its origin, else a link."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from app.web.current import runtime


@dataclass(frozen=True)
class Video:
    """An address of a point's camera. plays: its origin is one of the settings, so the page may play it."""

    address: str
    plays: bool
    is_hls: bool


def video_of(address: object) -> Video | None:
    """Return the video of a site's data; none for what is no address of the web."""
    if not isinstance(address, str):
        return None
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        return None
    origin = f"{parts.scheme}://{parts.netloc}"
    plays = origin in runtime().services.settings.media_origins
    return Video(address, plays, parts.path.endswith(".m3u8"))
