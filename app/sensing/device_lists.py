"""Lists of devices: which of them, page by page in order of their codes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

LONGEST_WORDS: Final = 60

# Of a device's values the most telling first: of its gravest open alert, of the oldest rule about it, the newest.
_TELLING: Final = """
    (SELECT max(o.level) FROM alerts o JOIN sensor_rules r ON r.id = o.rule_id
        WHERE o.device_id = d.id AND o.closed_at IS NULL AND r.metric = l.metric) DESC NULLS LAST,
    (SELECT min(r.id) FROM sensor_rules r
        WHERE r.metric = l.metric AND r.valid_from <= :now AND (r.valid_to IS NULL OR r.valid_to > :now)
            AND (r.device_ids = '{}' OR d.id = ANY(r.device_ids))
            AND (r.device_kinds = '{}' OR d.kind = ANY(r.device_kinds))
            AND (r.scenes = '{}' OR d.scene = ANY(r.scenes))) NULLS LAST,
    l.at DESC, l.metric
"""
_TELLING_METRIC: Final = f"""
SELECT l.metric FROM devices d JOIN latest_readings l ON l.device_id = d.id
WHERE d.id = :device AND l.at IS NOT NULL ORDER BY {_TELLING} LIMIT 1
"""  # noqa: S608 (a constant)
# When anything of the device was last heard, and the worst of its open alerts.
_LINES: Final = f"""
SELECT d.id, d.code, d.name, d.name_en, d.kind, d.scene, d.district_code, d.active, d.silent_after_s,
    u.name AS unit_name, u.name_en AS unit_name_en, h.at, h.metric, h.value, h.heard_at, a.level, a.alerts
FROM devices d
LEFT JOIN units u ON u.id = d.unit_id
LEFT JOIN LATERAL (
    SELECT l.at, l.metric, l.value, max(l.received_at) OVER () AS heard_at FROM latest_readings l
    WHERE l.device_id = d.id AND l.at IS NOT NULL ORDER BY {_TELLING} LIMIT 1
) h ON true
LEFT JOIN LATERAL (
    SELECT max(level) AS level, count(*) AS alerts FROM alerts WHERE device_id = d.id AND closed_at IS NULL
) a ON true
WHERE d.code > :after AND (:words = '' OR d.code ILIKE :like OR d.name ILIKE :like OR d.name_en ILIKE :like)
    AND (:path = '' OR u.path LIKE :path || '%')
"""  # noqa: S608 (a constant)
_TRADE: Final = "AND d.scene = ANY(:scenes)"
_DISTRICT: Final = "AND d.district_code = :district"
_UNIT: Final = "AND d.unit_id IN (SELECT b.id FROM units b JOIN units t ON b.path LIKE t.path || '%' WHERE t.id = :unit)"
_SILENT: Final = (
    "AND d.active AND (SELECT max(l.received_at) FROM latest_readings l WHERE l.device_id = d.id)"
    " < CAST(:now AS timestamptz) - make_interval(secs => d.silent_after_s)"
)
_ALERT: Final = "AND EXISTS (SELECT FROM alerts o WHERE o.device_id = d.id AND o.closed_at IS NULL)"
_UNHEARD: Final = "AND d.active AND NOT EXISTS (SELECT FROM latest_readings l WHERE l.device_id = d.id AND l.at IS NOT NULL)"
_STATES: Final = {
    "silent": _SILENT, "alert": _ALERT, "unheard": _UNHEARD, "ended": "AND NOT d.active",
}  # fmt: skip


@dataclass(frozen=True)
class Wanted:
    """Which devices are wanted. scenes: kinds of site, None for all. path: of the unit that the reader is bound to."""

    words: str = ""
    scenes: tuple[str, ...] | None = None
    district: str = ""
    unit: int | None = None
    state: str = ""
    path: str = ""


@dataclass(frozen=True)
class DeviceLine:
    """A device in a list. at, metric, value: the newest of its most telling metric. level: of the worst open alert."""

    id: int
    code: str
    name: str
    name_en: str
    kind: str
    scene: str
    district_code: str | None
    active: bool
    silent_after_s: int
    unit_name: str | None
    unit_name_en: str | None
    at: datetime | None
    metric: int | None
    value: float | None
    heard_at: datetime | None
    level: int | None
    alerts: int

    def is_silent(self, now: datetime) -> bool:
        """Tell whether it spoke once and should have spoken again by now."""
        if not self.active or self.heard_at is None:
            return False
        return (now - self.heard_at).total_seconds() > self.silent_after_s


@dataclass(frozen=True)
class DevicePage:
    """A page of devices. next: the code that the following page begins after, None at the end."""

    lines: Sequence[DeviceLine]
    next: str | None


def device_page(
    session: Session, wanted: Wanted, now: datetime, *, after: str, size: int
) -> DevicePage:
    """Return the devices after a code, in order of code."""
    words = wanted.words[:LONGEST_WORDS]
    parameters: dict[str, Any] = {
        "after": after,
        "words": words,
        "like": f"%{_escaped(words)}%",
        "path": wanted.path,
        "now": now,
        "limit": size + 1,
    }
    conditions = []
    if wanted.scenes is not None:
        conditions.append(_TRADE)
        parameters["scenes"] = list(wanted.scenes)
    if wanted.district:
        conditions.append(_DISTRICT)
        parameters["district"] = wanted.district
    if wanted.unit is not None:
        conditions.append(_UNIT)
        parameters["unit"] = wanted.unit
    if wanted.state in _STATES:
        conditions.append(_STATES[wanted.state])
    statement = " ".join((_LINES, *conditions, "ORDER BY d.code LIMIT :limit"))
    lines = [DeviceLine(*row) for row in session.execute(text(statement), parameters)]
    return DevicePage(lines[:size], lines[size - 1].code if len(lines) > size else None)


def telling_metric(session: Session, device_id: int, now: datetime) -> int | None:
    """Return the metric that tells most of a device now; None where it has sent nothing."""
    found: int | None = session.scalar(text(_TELLING_METRIC), {"device": device_id, "now": now})
    return found


def _escaped(words: str) -> str:
    return words.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")


# A site is its unit's, or its devices' units'.
_SITES: Final = """
SELECT s.id, s.code, s.name, s.name_en, s.kind, s.address, s.active, s.district_code,
    u.name AS unit_name, u.name_en AS unit_name_en,
    (SELECT count(*) FROM devices d WHERE d.site_id = s.id AND d.active) AS devices
FROM sites s LEFT JOIN units u ON u.id = s.unit_id
WHERE s.code > :after AND (:words = '' OR s.code ILIKE :like OR s.name ILIKE :like OR s.name_en ILIKE :like
    OR s.address ILIKE :like)
    AND (:kind = '' OR s.kind = :kind) AND (:path = '' OR u.path LIKE :path || '%')
ORDER BY s.code LIMIT :limit
"""


@dataclass(frozen=True)
class SiteLine:
    """A site in a list. devices: how many in use stand there."""

    id: int
    code: str
    name: str
    name_en: str
    kind: str
    address: str
    active: bool
    district_code: str | None
    unit_name: str | None
    unit_name_en: str | None
    devices: int


@dataclass(frozen=True)
class SitePage:
    """A page of sites. next: the code that the following page begins after, None at the end."""

    lines: Sequence[SiteLine]
    next: str | None


def site_page(
    session: Session, typed: str, kind: str, path: str, *, after: str, size: int
) -> SitePage:
    """Return the sites after a code, in order of code. path: of the unit that the reader is bound to."""
    words = typed[:LONGEST_WORDS]
    asked = {
        "after": after,
        "words": words,
        "like": f"%{_escaped(words)}%",
        "kind": kind,
        "path": path,
        "limit": size + 1,
    }
    lines = [SiteLine(*row) for row in session.execute(text(_SITES), asked)]
    return SitePage(lines[:size], lines[size - 1].code if len(lines) > size else None)
