"""Reads of the utilities room: boards, registers, one site, and what service was like."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.accounts.tables import Unit
from app.cases.tables import Case
from app.errors import NotFound
from app.sensing.tables import Alert, Device, LatestReading, SensorRule, Site
from app.utilities.tables import LinkedCase, ServedGrid
from sla.utilities import Service

# The state of each site of a trade: the worst of its open alerts, and whether all its devices are silent.
_STATES: Final = """
WITH state AS (
    SELECT s.id, s.kind, s.unit_id, coalesce((s.data->>'homes')::bigint, 0) AS homes,
        coalesce(max(a.level) FILTER (WHERE r.kind <> 'silent'), 0) AS level,
        coalesce(bool_or(r.kind = 'silent'), false) AS silent
    FROM sites s
    LEFT JOIN devices d ON d.site_id = s.id AND d.active
    LEFT JOIN alerts a ON a.device_id = d.id AND a.closed_at IS NULL
    LEFT JOIN sensor_rules r ON r.id = a.rule_id
    WHERE s.trade = :trade AND s.active AND (:path = '' OR EXISTS (
        SELECT FROM units u WHERE u.id = s.unit_id AND u.path LIKE :path || '%'))
    GROUP BY s.id)
"""
_BY_KIND: Final = f"""{_STATES}
SELECT kind, count(*), count(*) FILTER (WHERE level > 0), count(*) FILTER (WHERE level >= 3),
    count(*) FILTER (WHERE silent)
FROM state GROUP BY kind
"""  # noqa: S608 (a constant)
_BY_UNIT: Final = f"""{_STATES}
SELECT st.unit_id, u.name, u.name_en, count(*) FILTER (WHERE st.kind = :serving),
    sum(st.homes)::bigint, count(*) FILTER (WHERE st.level > 0), count(*) FILTER (WHERE st.silent)
FROM state st LEFT JOIN units u ON u.id = st.unit_id
GROUP BY st.unit_id, u.name, u.name_en ORDER BY u.name NULLS LAST
"""  # noqa: S608 (a constant)
_COMPLAINTS: Final = """
SELECT s.unit_id, count(*) FROM cases c JOIN linked_cases l ON l.case_id = c.id JOIN sites s ON s.id = l.site_id
WHERE s.trade = :trade AND c.reported_at >= :since GROUP BY s.unit_id
"""
# The present value at each point where service is measured.
_SERVICE: Final = """
SELECT s.unit_id, avg(l.value), count(*), count(*) FILTER (WHERE :sign * l.value < :sign * :service),
    count(*) FILTER (WHERE :sign * l.value < :sign * :breach)
FROM sites s JOIN devices d ON d.site_id = s.id AND d.active
JOIN latest_readings l ON l.device_id = d.id AND l.metric = :metric AND l.at >= :fresh
WHERE s.trade = :trade AND s.kind = ANY(:kinds) AND s.active GROUP BY s.unit_id
"""
# Hours of the last days in which a point's value was beyond the breach at any time.
_BREACH_HOURS: Final = """
SELECT s.unit_id, count(*) FROM reading_summaries h
JOIN devices d ON d.id = h.device_id JOIN sites s ON s.id = d.site_id
WHERE s.trade = :trade AND s.kind = ANY(:kinds) AND h.metric = :metric AND h.minutes = 60
    AND h.starts_at >= :since AND CASE WHEN :low THEN h.low < :breach ELSE h.high > :breach END
GROUP BY s.unit_id
"""
BREACH_DAYS: Final = 30
COMPLAINT_DAYS: Final = 7
FRESH: Final = timedelta(hours=2)
MOST_LINKED: Final = 200


@dataclass(frozen=True)
class KindCount:
    """How many sites of a kind there are, and how many are not as they should be."""

    kind: str
    sites: int
    alerting: int
    grave: int
    silent: int


@dataclass(frozen=True)
class UnitService:
    """A company's sites and service. rate: complaints of the last days for 10,000 homes."""

    unit_id: int | None
    name: str | None
    name_en: str | None
    serving: int
    homes: int
    alerting: int
    silent: int
    complaints: int = 0
    mean: float | None = None
    points: int = 0
    below_service: int = 0
    below_breach: int = 0
    breach_hours: int = 0

    @property
    def rate(self) -> float | None:
        """Return the complaint rate; None without homes."""
        return 10_000 * self.complaints / self.homes if self.homes else None


@dataclass(frozen=True)
class SiteLine:
    """A site in a register."""

    site: Site
    unit: Unit | None
    level: int
    silent: bool


@dataclass(frozen=True)
class Value:
    """A newest value of a device."""

    device: Device
    metric: int
    at: datetime
    value: float


@dataclass(frozen=True)
class Complaint:
    """A complaint that a site's homes made. accepting: it waits to be accepted and can be merged."""

    case: Case
    accepting: bool


def kinds_of(session: Session, trade: str, path: str) -> list[KindCount]:
    """Return the counts of each kind of site."""
    rows = session.execute(text(_BY_KIND), {"trade": trade, "path": path})
    return [KindCount(*row) for row in rows]


def services_of(
    session: Session, trade: str, service: Service, metric: int, now: datetime, *, path: str
) -> list[UnitService]:
    """Return each company's sites, complaints and service. metric: the number of the trade's measure."""
    given = _service_parameters(trade, service, metric, now)
    sites = session.execute(
        text(_BY_UNIT), {"trade": trade, "path": path, "serving": service.serving}
    ).all()
    since = given | {"since": now - timedelta(days=COMPLAINT_DAYS)}
    complaints = _by_unit(session, _COMPLAINTS, since)
    measured = _by_unit(session, _SERVICE, given)
    since = given | {"since": now - timedelta(days=BREACH_DAYS)}
    hours = _by_unit(session, _BREACH_HOURS, since)
    found = []
    for unit_id, name, name_en, serving, homes, alerting, silent in sites:
        (made,) = complaints.get(unit_id, (0,))
        mean, points, below_service, below_breach = measured.get(unit_id, (None, 0, 0, 0))
        (breach_hours,) = hours.get(unit_id, (0,))
        found.append(
            UnitService(
                unit_id,
                name,
                name_en,
                serving,
                homes,
                alerting,
                silent,
                made,
                mean,
                points,
                below_service,
                below_breach,
                breach_hours,
            )
        )
    return found


def _by_unit(
    session: Session, statement: str, parameters: dict[str, Any]
) -> dict[int | None, tuple[Any, ...]]:
    rows = session.execute(text(statement), parameters)
    return {unit_id: tuple(rest) for unit_id, *rest in rows}


def _service_parameters(trade: str, service: Service, metric: int, now: datetime) -> dict[str, Any]:
    return {
        "trade": trade,
        "kinds": list(service.kinds),
        "metric": metric,
        "service": service.service,
        "breach": service.breach,
        "sign": 1 if service.low_is_bad else -1,
        "low": service.low_is_bad,
        "fresh": now - FRESH,
    }


_REGISTER: Final = """
SELECT s.id, coalesce(max(a.level) FILTER (WHERE r.kind <> 'silent'), 0),
    coalesce(bool_or(r.kind = 'silent'), false)
FROM sites s
LEFT JOIN devices d ON d.site_id = s.id AND d.active
LEFT JOIN alerts a ON a.device_id = d.id AND a.closed_at IS NULL
LEFT JOIN sensor_rules r ON r.id = a.rule_id
LEFT JOIN units u ON u.id = s.unit_id
WHERE s.trade = :trade AND s.code > :after AND s.active
    AND (:kind = '' OR s.kind = :kind) AND (:district = '' OR s.district_code = :district)
    AND (:unit = 0 OR s.unit_id = :unit) AND (:path = '' OR u.path LIKE :path || '%')
    AND (:words = '' OR s.code ILIKE :like OR s.name ILIKE :like OR s.name_en ILIKE :like)
GROUP BY s.id
HAVING :state = '' OR (:state = 'alert' AND max(a.level) FILTER (WHERE r.kind <> 'silent') > 0)
    OR (:state = 'silent' AND bool_or(r.kind = 'silent'))
ORDER BY s.code LIMIT :limit
"""


def register(
    session: Session, wanted: dict[str, Any], size: int
) -> tuple[list[SiteLine], str | None]:
    """Return sites of a trade in order of code, and the code that the next page begins after."""
    words = str(wanted.get("words", ""))
    escaped = words.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
    parameters = {**wanted, "like": f"%{escaped}%", "limit": size + 1}
    found = session.execute(text(_REGISTER), parameters).all()
    ids = [row[0] for row in found[:size]]
    sites = {site.id: site for site in session.scalars(select(Site).where(Site.id.in_(ids)))}
    units = _units(session, (site.unit_id for site in sites.values()))
    lines = [
        SiteLine(sites[number], units.get(sites[number].unit_id or 0), level, silent)
        for number, level, silent in found[:size]
    ]
    return lines, lines[-1].site.code if len(found) > size else None


def site_with(session: Session, code: str) -> Site:
    """Return a site by its code. Raises NotFound."""
    site = session.scalar(select(Site).where(Site.code == code))
    if site is None:
        raise NotFound("没有这个点位。")
    return site


def values_of(session: Session, site_id: int) -> list[Value]:
    """Return the newest values of a site's devices."""
    query = (
        select(Device, LatestReading.metric, LatestReading.at, LatestReading.value)
        .join(LatestReading, LatestReading.device_id == Device.id)
        .where(Device.site_id == site_id, Device.active, LatestReading.at.is_not(None))
        .order_by(Device.code, LatestReading.metric)
    )
    found = []
    for device, metric, at, value in session.execute(query):
        assert at is not None
        assert value is not None
        found.append(Value(device, metric, at, value))
    return found


def open_alerts_of(session: Session, site_id: int) -> list[tuple[Alert, SensorRule]]:
    """Return a site's open alerts with their rules, the gravest first."""
    query = (
        select(Alert, SensorRule)
        .join(SensorRule, SensorRule.id == Alert.rule_id)
        .join(Device, Device.id == Alert.device_id)
        .where(Device.site_id == site_id, Alert.closed_at.is_(None))
        .order_by(Alert.level.desc(), Alert.opened_at)
    )
    return [(row[0], row[1]) for row in session.execute(query)]


def main_case_of(session: Session, site_id: int) -> Case | None:
    """Return the open case that an alert of a site raised, the newest one."""
    query = (
        select(Case)
        .join(Alert, Alert.case_id == Case.id)
        .join(Device, Device.id == Alert.device_id)
        .where(Device.site_id == site_id, Case.closed_at.is_(None))
        .order_by(Case.id.desc())
    )
    return session.scalars(query.limit(1)).first()


def complaints_of(session: Session, site_id: int, since: datetime) -> list[Complaint]:
    """Return the complaints of a site's homes, the newest first."""
    accepting = text(
        "EXISTS (SELECT FROM work_items w WHERE w.case_id = cases.id AND w.status = 'open' AND w.form_key = 'accept')"
    )
    query = (
        select(Case, accepting)
        .join(LinkedCase, LinkedCase.case_id == Case.id)
        .where(LinkedCase.site_id == site_id, Case.reported_at >= since)
        .order_by(Case.reported_at.desc(), Case.id.desc())
        .limit(MOST_LINKED)
    )
    return [Complaint(row[0], bool(row[1])) for row in session.execute(query)]


def around(session: Session, site: Site) -> tuple[Site | None, Sequence[Site], int]:
    """Return what a site belongs to, what belongs to it, and how many grids it serves."""
    parent = None if site.parent_id is None else session.get(Site, site.parent_id)
    parts = (
        select(Site).where(Site.parent_id == site.id, Site.active).order_by(Site.code).limit(100)
    )
    grids = session.query(ServedGrid).filter_by(site_id=site.id).count()
    return parent, session.scalars(parts).all(), grids


def serving_site(session: Session, case_id: int) -> Site | None:
    """Return the site that serves the place of a complaint."""
    query = select(Site).join(LinkedCase, LinkedCase.site_id == Site.id)
    return session.scalar(query.where(LinkedCase.case_id == case_id))


def _units(session: Session, ids: Any) -> dict[int, Unit]:
    wanted = {number for number in ids if number is not None}
    return {unit.id: unit for unit in session.scalars(select(Unit).where(Unit.id.in_(wanted)))}
