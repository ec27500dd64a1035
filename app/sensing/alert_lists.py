"""Lists of alerts: what waits for the reader by area, what is open, and what was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select, tuple_
from sqlalchemy.orm import Session

from app.accounts.tables import Unit
from app.cases.tables import Case
from app.db.keyset import Place
from app.errors import NotFound
from app.processes.queries import waiting_conditions
from app.processes.tables import ProcessItem
from app.run import Actor
from app.sensing.tables import Alert, AlertLevel, Device, SensorRule, Site

Rows = Select[*tuple[Any, ...]]

# Where a device stands at no site of a trade.
ELSEWHERE: Final = "other"
STATES: Final = ("open", "closed", "all")


@dataclass(frozen=True)
class WantedAlerts:
    """Which alerts are wanted. path: of the unit that the reader is bound to, empty for the whole city."""

    state: str = "open"
    trade: str = ""
    district: str = ""
    level: int = 0
    silent: bool = False
    device_id: int | None = None
    path: str = ""
    unit_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class AlertLine:
    """An alert in a list, with what it is about."""

    alert: Alert
    device: Device
    rule: SensorRule
    site: Site | None
    case_number: str | None

    @property
    def place(self) -> Device | Site:
        """Return what it is called by: the site, or the device that stands at none."""
        return self.site or self.device


@dataclass(frozen=True)
class Area:
    """What waits in an area. levels: how many of each level, by number."""

    district: str | None
    trade: str
    element: str
    count: int
    worst: int
    oldest_at: datetime
    levels: dict[int, int]


@dataclass(frozen=True)
class WaitingLine:
    """An item of an alert's process that waits for the reader."""

    item: ProcessItem
    line: AlertLine


def alert_page(
    session: Session, wanted: WantedAlerts, after: Place | None, size: int
) -> tuple[list[AlertLine], Place | None]:
    """Return alerts, the newest first, and where the next page begins."""
    query = _lines(wanted).order_by(Alert.opened_at.desc(), Alert.id.desc()).limit(size + 1)
    if after is not None:
        query = query.where(tuple_(Alert.opened_at, Alert.id) < (after.at, after.id))
    found = [AlertLine(*row) for row in session.execute(query)]
    last = found[size - 1].alert if len(found) > size else None
    return found[:size], Place(last.opened_at, last.id) if last else None


def open_levels(session: Session, path: str) -> dict[int, int]:
    """Return how many alerts are open at each level; devices that are silent apart, as level 0."""
    level = case((SensorRule.kind == "silent", 0), else_=Alert.level)
    query = (
        _about(select(level, func.count()), path).where(Alert.closed_at.is_(None)).group_by(level)
    )
    return {row[0]: row[1] for row in session.execute(query)}


def alert_of(session: Session, alert_id: int, path: str) -> AlertLine:
    """Return an alert that the reader may see. Raises NotFound."""
    query = _about(_selected(), path).where(Alert.id == alert_id)
    found = session.execute(query).first()
    if found is None:
        raise NotFound("没有这条预警。")
    return AlertLine(*found)


def levels_of(session: Session, alert_id: int) -> Sequence[AlertLevel]:
    """Return the levels that an alert took, in order."""
    query = select(AlertLevel).where(AlertLevel.alert_id == alert_id)
    return session.scalars(query.order_by(AlertLevel.at, AlertLevel.id)).all()


def waiting_areas(session: Session, actor: Actor) -> list[Area]:
    """Return what waits for the reader, by district, trade and what is to be done; the gravest first."""
    trade = func.coalesce(Site.trade, ELSEWHERE)
    district = func.coalesce(Site.district_code, Device.district_code)
    query = (
        _waiting(
            select(
                district,
                trade,
                ProcessItem.element,
                Alert.top_level,
                func.count(),
                func.min(Alert.opened_at),
            ),
            actor,
        )
        .group_by(district, trade, ProcessItem.element, Alert.top_level)
        .order_by(district, trade)
    )
    areas: dict[tuple[str | None, str, str], Area] = {}
    for where, of, element, level, count, oldest in session.execute(query):
        before = areas.get((where, of, element))
        levels = {**(before.levels if before else {}), level: count}
        first = oldest if before is None else min(oldest, before.oldest_at)
        total = count + (before.count if before else 0)
        area = Area(where, of, element, total, max(levels), first, levels)
        areas[where, of, element] = area
    return sorted(areas.values(), key=lambda area: (-area.worst, area.oldest_at))


def waiting_in(
    session: Session, actor: Actor, where: tuple[str, str, str], size: int
) -> list[WaitingLine]:
    """Return what waits for the reader in an area, the gravest and oldest first.

    where: district (empty for none), trade, and the element of the diagram.
    """
    district, trade, element = where
    own = func.coalesce(Site.district_code, Device.district_code)
    query = (
        _waiting(select(ProcessItem, Alert, Device, SensorRule, Site, Case.number), actor)
        .where(
            own == district if district else own.is_(None),
            func.coalesce(Site.trade, ELSEWHERE) == trade,
            ProcessItem.element == element,
        )
        .order_by(Alert.top_level.desc(), Alert.opened_at, Alert.id)
        .limit(size)
    )
    return [WaitingLine(row[0], AlertLine(*row[1:])) for row in session.execute(query)]


def count_waiting(session: Session, actor: Actor) -> int:
    """Return how many items of alerts wait for the reader."""
    return session.scalar(_waiting(select(func.count()), actor)) or 0


def _lines(wanted: WantedAlerts) -> Rows:
    conditions: list[ColumnElement[bool]] = []
    if wanted.device_id is not None:
        conditions.append(Alert.device_id == wanted.device_id)
    else:
        silent = SensorRule.kind == "silent"
        conditions.append(silent if wanted.silent else ~silent)
    if wanted.state == "open":
        conditions.append(Alert.closed_at.is_(None))
    elif wanted.state == "closed":
        conditions.append(Alert.closed_at.is_not(None))
    if wanted.trade:
        conditions.append(func.coalesce(Site.trade, ELSEWHERE) == wanted.trade)
    if wanted.district:
        own = func.coalesce(Site.district_code, Device.district_code)
        conditions.append(own == wanted.district)
    if wanted.unit_id is not None:
        conditions.append(unit_of_alert() == wanted.unit_id)
    if wanted.since is not None:
        conditions.append(Alert.opened_at >= wanted.since)
    if wanted.until is not None:
        conditions.append(Alert.opened_at < wanted.until)
    if wanted.level:
        level = case((Alert.closed_at.is_(None), Alert.level), else_=Alert.top_level)
        conditions.append(level >= wanted.level)
    return _about(_selected(), wanted.path).where(*conditions)


def unit_of_alert() -> ColumnElement[int]:
    """Return the unit that an alert is the matter of: of its site, else of its device."""
    return func.coalesce(Site.unit_id, Device.unit_id)


def _selected() -> Rows:
    return select(Alert, Device, SensorRule, Site, Case.number)


def _about(query: Rows, path: str) -> Rows:
    """Join an alert to what it is about, and keep what the reader may see."""
    query = (
        query.select_from(Alert)
        .join(Device, Device.id == Alert.device_id)
        .join(SensorRule, SensorRule.id == Alert.rule_id)
        .outerjoin(Site, Site.id == Device.site_id)
        .outerjoin(Case, Case.id == Alert.case_id)
    )
    if path:
        own = select(Unit.id).where(Unit.path.startswith(path, autoescape=True))
        query = query.where(
            or_(Site.unit_id.in_(own), and_(Site.id.is_(None), Device.unit_id.in_(own)))
        )
    return query


def _waiting(query: Rows, actor: Actor) -> Rows:
    return (
        query.select_from(ProcessItem)
        .join(Alert, Alert.process_id == ProcessItem.process_id)
        .join(Device, Device.id == Alert.device_id)
        .join(SensorRule, SensorRule.id == Alert.rule_id)
        .outerjoin(Site, Site.id == Device.site_id)
        .outerjoin(Case, Case.id == Alert.case_id)
        .where(*waiting_conditions(actor))
    )
