"""When a device or a site is under maintenance: its readings are kept and raise nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from psycopg import Connection
from sqlalchemy import text
from sqlalchemy.orm import Session

_WINDOWS: Final = """
SELECT d.id, m.starts_at, m.ends_at FROM maintenance_windows m
JOIN devices d ON d.id = m.device_id OR d.site_id = m.site_id
WHERE m.ends_at > %(first)s AND m.starts_at <= %(last)s AND d.id = ANY(%(devices)s)
"""


_UNDER: Final = """
SELECT d.id, max(m.ends_at) FROM maintenance_windows m
JOIN devices d ON d.id = m.device_id OR d.site_id = m.site_id
WHERE m.starts_at <= :now AND m.ends_at > :now AND d.id = ANY(:devices) GROUP BY d.id
"""


@dataclass(frozen=True)
class Closed:
    """The windows of devices."""

    windows: dict[int, list[tuple[datetime, datetime]]] = field(default_factory=dict)

    def is_closed(self, device: int, at: datetime) -> bool:
        """Tell whether a moment of a device lies in one; its end is outside."""
        return any(begin <= at < end for begin, end in self.windows.get(device, ()))


def closed_times(
    connection: Connection[Any],
    devices: Sequence[int],
    stored: Sequence[tuple[int, int, datetime, float]],
) -> Closed:
    """Return the windows that bear on what was just stored."""
    ats = [row[2] for row in stored]
    parameters = {"devices": list(devices), "first": min(ats), "last": max(ats)}
    return windows_of(connection, parameters)


def under_maintenance(
    session: Session, devices: Iterable[int], now: datetime
) -> dict[int, datetime]:
    """Return which devices are under maintenance now, by their own window or their site's, and until when."""
    asked = {"devices": sorted(set(devices)), "now": now}
    return {row[0]: row[1] for row in session.execute(text(_UNDER), asked)}


def windows_of(connection: Connection[Any], parameters: dict[str, Any]) -> Closed:
    """Return the windows of devices between two moments."""
    found = Closed()
    for device, begin, end in connection.execute(_WINDOWS, parameters, prepare=True):
        found.windows.setdefault(device, []).append((begin, end))
    return found
